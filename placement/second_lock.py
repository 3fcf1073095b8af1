"""The second lock: Cedar rules for AgentCore Gateway, generated from the tool declarations.

The Gateway decides by tool name alone: class, tier or `pseudonymized` as tool arguments would be
the caller's own word. A tool is forbidden there when the policy lets no form of its data reach the
Region; everything else stays the business of the egress gate, which decides with facts of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from placement.catalogue import Form
from placement.obligations import AS_IT_IS, treatments_for
from placement.policy import Policy
from telecom.errors import InvalidArgumentError
from telecom.workload import DataClass, Home, LifecyclePhase, WorkloadProfile

LONGEST_TOOL_NAME = 40
"""What the Gateway leaves for a tool's name after its target's."""


@dataclass(frozen=True, slots=True)
class GatewayTool:
    """A tool as the Gateway shows it."""

    target: str
    name: str
    data_classes: tuple[DataClass, ...]

    @property
    def action(self) -> str:
        """The Gateway's name for it."""
        return f"{self.target}___{self.name}"


@dataclass(frozen=True, slots=True)
class SecondLock:
    """Generated rules and what they close."""

    stamp: str
    """Which policy and catalogue they were generated under."""
    statements: tuple[str, ...]
    """Each rule by itself, as a policy engine stores it; the first permits, by name."""
    forbidden: tuple[GatewayTool, ...]
    allowed: tuple[GatewayTool, ...]

    @property
    def cedar(self) -> str:
        """All rules as one document."""
        return "\n\n".join((f"// {self.stamp}", *self.statements)) + "\n"


def second_lock(
    policy: Policy, tools: Iterable[GatewayTool], *, home: Home, gateway_arn: str
) -> SecondLock:
    """Generate the rules of one gateway.

    Args:
        policy: Decides which classes may reach the Region in any form.
        tools: Every tool that the gateway offers.
        home: Where the tools' data lives.
        gateway_arn: The resource that the rules are about.

    Raises:
        InvalidArgumentError: A tool's name is too long for the Gateway.
    """
    forbidden: list[GatewayTool] = []
    allowed: list[GatewayTool] = []
    for tool in sorted(tools, key=lambda tool: tool.action):
        if len(tool.name) > LONGEST_TOOL_NAME:
            raise InvalidArgumentError(
                "tools",
                f"tool name {tool.name!r} must have at most {LONGEST_TOOL_NAME} characters, "
                f"got {len(tool.name)}",
            )
        (allowed if reaches_region(policy, tool.data_classes, home) else forbidden).append(tool)
    resource = f"AgentCore::Gateway::{json.dumps(gateway_arn)}"
    stamp = (
        f"Generated from the tool declarations under policy {policy.policy_sha256[:12]}, "
        f"catalogue {policy.catalogue_sha256[:12]}."
    )
    statements = [_permit(allowed, resource)] if allowed else []
    statements += [_forbid(tool, resource) for tool in forbidden]
    return SecondLock(stamp, tuple(statements), tuple(forbidden), tuple(allowed))


def _permit(tools: Iterable[GatewayTool], resource: str) -> str:
    """Permit by name: a tool that appears behind the gateway later is not in the list."""
    actions = ",\n    ".join(_action(tool) for tool in tools)
    return (
        f'@id("tools-of-the-site")\npermit (\n  principal,\n  action in [\n    {actions}\n  ],\n'
        f"  resource == {resource}\n);"
    )


def _forbid(tool: GatewayTool, resource: str) -> str:
    classes = ", ".join(tool.data_classes) or "no class declared"
    return (
        f"@id({json.dumps(f'never-in-the-region-{tool.action}')})\n// {classes}\n"
        f"forbid (\n  principal,\n  action == {_action(tool)},\n  resource == {resource}\n);"
    )


def _action(tool: GatewayTool) -> str:
    return f"AgentCore::Action::{json.dumps(tool.action)}"


def reaches_region(policy: Policy, classes: tuple[DataClass, ...], home: Home) -> bool:
    """Tell whether any form of these classes may be worked on in a Region of the home country."""
    regions = policy.model_endpoints_for(home)
    workload = WorkloadProfile(
        name="gateway tool",
        phase=LifecyclePhase.AGENTIC_ORCHESTRATION,
        data_classes=classes,
        home=home,
    )
    forms = {
        treatment.form(workload)
        for treatment in (AS_IT_IS, *treatments_for(workload, summaries=True))
    }
    return any(
        policy.verdict(_in_form(workload, form), tier, approved=True).permitted
        for form in sorted(forms)
        for tier in regions
    )


def _in_form(workload: WorkloadProfile, form: Form) -> WorkloadProfile:
    words = form.value.split("+")
    return workload.model_copy(
        update={
            "pseudonymized": "pseudonymized" in words,
            "anonymized": "anonymized" in words,
            "summarized": "summarized" in words,
        }
    )
