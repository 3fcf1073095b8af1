"""Tools a model may ask back with: placed, gated, and refused as outcomes."""

from __future__ import annotations

import asyncio
import json

import pytest

from agents.answer_schema import proposal_schema
from agents.models.scripted import ScriptedModel
from agents.ports import ToolCall
from agents.root_cause_analyst import instructions
from orchestrator.doubles.site import SiteDouble
from orchestrator.investigating.delegation import Delegator
from orchestrator.investigating.evidence_tools import MAX_ANSWER_CHARACTERS, PlacedTools
from orchestrator.investigating.investigation import Inquiry, Services, investigate
from orchestrator.site_access.site_client import Purpose
from orchestrator.site_access.sites import open_sites
from orchestrator.storage.state import open_state
from placement.policy import load_policy
from telecom.tokens import estimate_tokens


def calling(settings, *calls):
    """What a model on the Region's tier reads for each call, and the evidence it brought."""

    async def run():
        policy = load_policy()
        delegator = Delegator(settings, policy, keep=lambda record: None)
        async with open_sites(settings) as sites:
            tools = PlacedTools(
                sites.by_name,
                delegator=delegator,
                policy=policy,
                reader={
                    name: next(
                        tier for tier in delegator.tiers(client.declaration) if tier.id == "region"
                    )
                    for name, client in sites.by_name.items()
                },
                purpose=Purpose("inc-1"),
            )
            return [await tools.call(call) for call in calls], tools

    return asyncio.run(run())


CHANGES = ToolCall(
    "c1",
    "list_changes",
    {"from_time": "2026-03-01T09:00:00Z", "to_time": "2026-03-01T10:30:00Z"},
)


def test_an_answer_brings_its_evidence_and_its_provenance(site, settings_for):
    """DESIGN 6: every id was returned by a tool in this investigation."""
    (answer,), tools = calling(settings_for(site), CHANGES)
    outcome, evidence = answer
    assert not outcome.failed
    assert "mtu 1500" in outcome.text
    assert evidence["change:0123456789ab:agg1"].quote == "+ mtu 1500"
    assert [(step.tool, step.tier) for step in tools.steps] == [("list_changes", "outposts")]


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (ToolCall("c1", "reboot", {}), "no tool"),
        (ToolCall("c1", "list_changes", {"from_time": "x"}), "required"),
        (ToolCall("c1", "search_tickets", {"query": "x", "shell": "rm"}), "takes"),
        (ToolCall("c1", "search_tickets", {"query": "x", "site": "elsewhere"}), "site must be"),
        (ToolCall("c1", "search_tickets", {"query": "x", "limit": 5000}), "from 1 to 20"),
        (ToolCall("c1", "search_tickets", {"query": ["x"]}), "query must be"),
        (ToolCall("c1", "get_neighbors", {"managed_object": "a" * 9999}), "managed_object must"),
    ],
)
def test_a_call_that_fits_no_tool_is_a_failed_outcome_that_says_how(site, settings_for, call, why):
    """FACTS Bedrock: check the arguments against the inventory."""
    ((outcome, evidence),), _ = calling(settings_for(site), call)
    assert outcome.failed
    assert why in outcome.text
    assert evidence == {}
    assert site.calls == []


def test_an_answer_that_the_models_tier_may_not_read_is_withheld(summary, changes, settings_for):
    """R21: reading an answer is placed like the call was."""
    with SiteDouble(summary, changes=changes, form="raw") as site:
        ((outcome, evidence),), _ = calling(settings_for(site), CHANGES)
    assert outcome.failed
    assert "mtu" not in outcome.text
    assert evidence == {}


def test_with_several_sites_a_call_names_its_site(site, summary, settings_for):
    """DESIGN 6: fan-out over sites."""
    with SiteDouble(summary) as other:
        named = ToolCall("c1", "list_changes", {**CHANGES.arguments, "site": "site2"})
        (unnamed, found), tools = calling(settings_for(site, other), CHANGES, named)
    assert unnamed[0].failed
    assert not found[0].failed
    assert [call.tool for call in other.calls] == ["list_changes"]
    assert all("site" in spec.input_schema["required"] for spec in tools.specs)


def test_a_long_answer_is_cut_and_says_so(summary, settings_for):
    """Us: a tool answer must not fill the model's context."""
    flood = {"changes": [], "evidence": {}, "pad": "a " * MAX_ANSWER_CHARACTERS}
    with SiteDouble(summary, faults={"list_changes": lambda: flood}) as site:
        settings = settings_for(site)
        ((outcome, _),), _ = calling(settings, CHANGES)
    assert len(outcome.text) < MAX_ANSWER_CHARACTERS + 100


def test_prompt_and_tools_are_small_enough_for_an_edge_model(site, settings_for):
    """R14, issue 8, point 4: prompt, tool schemas and answer schema, at most 3,000 tokens."""
    _, tools = calling(settings_for(site))
    written = [f"{s.name} {s.description} {json.dumps(s.input_schema)}" for s in tools.specs]
    written += [instructions(), json.dumps(proposal_schema())]
    assert sum(map(estimate_tokens, written)) <= 3_000


def test_a_small_model_at_the_edge_reasons_where_it_is_declared(site, settings_for):
    """R13, R14: an OpenAI-compatible server is the executor of a tier instance."""
    settings = settings_for(
        site, analyst="slm", executors={"outposts": ("openai:http://slm.example/v1#qwen",)}
    )
    model = ScriptedModel(['{"headline": "No cause found", "status": "inconclusive"}'], "qwen")

    async def run():
        async with open_state(settings.state_address) as state, open_sites(settings) as sites:
            services = Services(
                settings, load_policy(), sites, state, models=lambda executor, *_: model
            )
            return await investigate(Inquiry(), services)

    report = asyncio.run(run())
    assert (report.status, report.root_causes[0].managed_object) == ("probable", "agg1:xe-0/0/1")
    assert any("the model names no cause" in gap.why for gap in report.gaps)
    assert (report.provenance[-1].tier, report.provenance[-1].tool) == ("outposts", "qwen")
    assert "<<<DATA" in model.requests[0].messages[0].text
