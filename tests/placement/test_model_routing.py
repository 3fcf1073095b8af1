"""Simple question, light model; deep analysis, strong model; always through a feasible endpoint."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from placement import Policy, policy_with, route_model
from telecom.workload import Home, WorkloadProfile

Workload = Callable[..., WorkloadProfile]
ROUTER = "arn:aws:bedrock:eu-central-1:111122223333:default-prompt-router/anthropic.claude:1"


@pytest.mark.parametrize(
    ("tokens", "hypotheses", "model"),
    [
        (3000, 1, "claude-haiku-4-5"),
        (3001, 1, "claude-sonnet-4-5"),
        (500, 2, "claude-sonnet-4-5"),
    ],
)
def test_a_small_question_gets_a_light_model_and_a_deep_one_a_strong_model(
    policy: Policy, workload: Workload, tokens: int, hypotheses: int, model: str
) -> None:
    """REFERENCE R14: simpler queries go to lighter models; the reason is in the choice."""
    choice = route_model(
        policy,
        workload("agentic_orchestration", "alarms_raw", anonymized=True, summarized=True),
        region="eu-central-1",
        input_tokens=tokens,
        hypotheses=hypotheses,
    )
    assert choice.model == model
    assert choice.endpoint == "region-geography"
    assert choice.model_id is not None
    assert choice.model_id.startswith("eu.anthropic.")
    assert f"{tokens} tokens and {hypotheses} competing" in choice.reason
    assert choice.price is not None
    assert choice.price.source


def test_data_bound_to_its_country_waits_for_an_in_region_model(
    policy: Policy, workload: Workload
) -> None:
    """FACTS, Bedrock: a geography's profile may process in any of its Regions."""
    bound = workload("agentic_orchestration", "traffic_data")
    choice = route_model(policy, bound, region="eu-central-1", input_tokens=100)
    assert (choice.model, choice.model_id, choice.endpoint) == (None, None, None)
    assert "the site reasons" in choice.reason


def test_an_in_region_model_is_preferred_where_there_is_one(
    policy: Policy, workload: Workload
) -> None:
    """DESIGN section 6: the endpoint is a tier instance with a residency, chosen by the policy."""
    work = workload(
        "agentic_orchestration", "incident_report", home=Home(site="dallas-1", country="US")
    )
    choice = route_model(policy, work, region="us-east-1", input_tokens=9000)
    assert (choice.model_id, choice.endpoint) == ("amazon.nova-pro-v1:0", "region")
    assert choice.obligations == ("in-Region model only",)


def test_a_question_longer_than_a_models_context_goes_to_one_that_holds_it(
    policy: Policy, workload: Workload
) -> None:
    """Us: a truncated question is a wrong question."""
    choice = route_model(
        policy,
        workload("agentic_orchestration", "vendor_docs"),
        region="eu-central-1",
        input_tokens=250_000,
    )
    assert choice.model == "nova-pro"


def test_a_configured_prompt_router_picks_the_model_within_its_residency(
    workload: Workload,
) -> None:
    """REFERENCE R14: Intelligent Prompt Routing is an option; it has its members' residency."""
    changed = policy_with(
        [
            f'routing.prompt_router={{arn: "{ROUTER}", residency: geography, '
            "regions: [eu-central-1]}"
        ]
    )
    free = workload("agentic_orchestration", "vendor_docs")
    bound = workload("agentic_orchestration", "traffic_data")
    through = route_model(changed, free, region="eu-central-1", input_tokens=10)
    assert (through.model_id, through.endpoint, through.price) == (
        ROUTER,
        "region-geography",
        None,
    )
    assert route_model(changed, bound, region="eu-central-1", input_tokens=10).model is None
    elsewhere = route_model(changed, free, region="eu-west-1", input_tokens=10)
    assert elsewhere.model == "claude-haiku-4-5"


def test_when_no_strong_model_may_be_called_a_light_one_is_and_the_reason_says_so(
    workload: Workload,
) -> None:
    """Us: a second-best model must not look like the intended one."""
    changed = policy_with(["routing.strong=[]"])
    choice = route_model(
        changed,
        workload("agentic_orchestration", "vendor_docs"),
        region="eu-central-1",
        input_tokens=50_000,
    )
    assert (choice.strength, choice.model) == ("strong", "claude-haiku-4-5")
    assert "no strong model may be called here" in choice.reason
