"""The Gateway's own rules: generated, by tool name alone, checked with Cedar offline."""

from __future__ import annotations

import json

import cedarpy
import pytest

from placement import GatewayTool, Policy, second_lock
from telecom.errors import InvalidArgumentError
from telecom.workload import Home

ARN = "arn:aws:bedrock-agentcore:eu-central-1:111122223333:gateway/site-munich"
TOOLS = (
    GatewayTool("alarms", "summarize_alarms", ("alarms_raw",)),
    GatewayTool("tickets", "search_documents", ("vendor_docs",)),
    GatewayTool("configs", "read_secrets", ("network_config", "secrets")),
    GatewayTool("alarms", "read_signalling", ("traffic_data",)),
    GatewayTool("alarms", "undeclared", ()),
    GatewayTool("alarms", "misspelt", ("alarm_raw",)),
)


def allowed(cedar: str, tool: str, arguments: dict[str, object] | None = None) -> bool:
    answer = cedarpy.is_authorized(
        {
            "principal": 'AgentCore::OAuthUser::"orchestrator"',
            "action": f'AgentCore::Action::"{tool}"',
            "resource": f"AgentCore::Gateway::{json.dumps(ARN)}",
            "context": {"input": arguments or {}},
        },
        cedar,
        [],
    )
    assert answer.diagnostics.errors == []
    return answer.allowed


def test_tools_whose_classes_never_reach_the_region_are_forbidden_by_name(
    policy: Policy, home: Home
) -> None:
    """Issue: a Cedar `forbid` for each such Gateway tool, tested offline with cedarpy."""
    lock = second_lock(policy, TOOLS, home=home, gateway_arn=ARN)
    assert {tool.action: allowed(lock.cedar, tool.action) for tool in TOOLS} == {
        "alarms___summarize_alarms": True,
        "tickets___search_documents": True,
        "configs___read_secrets": False,
        "alarms___read_signalling": False,
        "alarms___undeclared": False,
        "alarms___misspelt": False,
    }
    assert [tool.name for tool in lock.forbidden] == [
        "misspelt",
        "read_signalling",
        "undeclared",
        "read_secrets",
    ]


def test_arguments_cannot_talk_the_lock_open(policy: Policy, home: Home) -> None:
    """Issue: class, tier or `pseudonymized` as tool arguments would be the caller's own word."""
    lock = second_lock(policy, TOOLS, home=home, gateway_arn=ARN)
    claims = {"anonymized": True, "summarized": True, "tier": "outposts", "class": "vendor_docs"}
    assert not allowed(lock.cedar, "alarms___read_signalling", claims)
    assert "context" not in lock.cedar


def test_the_rules_are_stamped_and_hold_one_gateway_only(policy: Policy, home: Home) -> None:
    """Us: a lock generated from yesterday's catalogue must be recognizable."""
    lock = second_lock(policy, TOOLS, home=home, gateway_arn=ARN)
    assert policy.policy_sha256[:12] in lock.cedar
    assert policy.catalogue_sha256[:12] in lock.cedar
    assert lock.cedar == second_lock(policy, reversed(TOOLS), home=home, gateway_arn=ARN).cedar
    other = lock.cedar.replace(ARN, "arn:other")
    assert not allowed(other, "tickets___search_documents")


def test_a_tool_name_that_the_gateway_would_cut_is_refused(policy: Policy, home: Home) -> None:
    """FACTS, AgentCore: keep tool names at 40 characters or less."""
    with pytest.raises(InvalidArgumentError, match="at most 40 characters, got 41"):
        second_lock(policy, [GatewayTool("t", "x" * 41, ())], home=home, gateway_arn=ARN)


def test_a_tool_that_appears_later_is_refused_until_the_lock_is_made_anew(
    policy: Policy, home: Home
) -> None:
    """Us: closed by default, also to what nobody has declared yet."""
    lock = second_lock(policy, TOOLS, home=home, gateway_arn=ARN)
    assert not allowed(lock.cedar, "alarms___new_tool")
    assert all(len(statement) >= 35 for statement in lock.statements)
