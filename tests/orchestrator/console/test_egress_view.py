"""What left the site, added up: sums are the steps', and what nobody measured is never a zero."""

from __future__ import annotations

import pytest

from orchestrator.console.egress_picture import flow_svg, kinds_svg
from orchestrator.console.egress_view import account_of
from placement.latency import LatencySample
from telecom.report import ProvenanceStep, RootCauseReport

ALARMS = ProvenanceStep(
    step="alarms of site north",
    agent="alarm_triage",
    tier="outposts",
    decision_id="pd-1",
    tool="summarize_alarms",
    tokens_before=20_000,
    tokens_after=1_800,
    tokens_out=6_000,
    masked=3,
    masked_kinds={"SUBSCRIBER": 2, "IP": 1},
    form="pseudonymized",
    bytes_out=24_000,
    latency_ms=1200.0,
)
TICKETS = ALARMS.model_copy(
    update={
        "step": "past tickets of site north",
        "tokens_before": None,
        "tokens_after": 1_000,
        "tokens_out": 1_000,
        "masked": 1,
        "masked_kinds": {"SUBSCRIBER": 1},
        "bytes_out": 4_000,
    }
)
RULES = ProvenanceStep(
    step="hypothesise",
    agent="root_cause_analyst (rules)",
    tier="region",
    decision_id="pd-2",
    tokens_before=1_800,
    cost_usd=0.0,
)
MODEL = ProvenanceStep(
    step="reason",
    agent="root_cause_analyst (bedrock, prompt 1)",
    tier="bedrock_in_region",
    decision_id="pd-3",
    tokens_before=5_000,
    tokens_after=400,
    cost_usd=0.02,
)


def report(*steps):
    return RootCauseReport(
        incident_id="inc-1", headline="h", status="probable", provenance=tuple(steps)
    )


def test_sums_are_of_what_crossed_and_of_nothing_else():
    """Issue 10, point 4: raw against sent tokens, identifiers per kind, bytes, cost."""
    asked_on = TICKETS.model_copy(update={"step": "alarms of x", "masked": 0, "masked_kinds": {}})
    account = account_of(report(ALARMS, TICKETS, RULES, MODEL), asked_on=[asked_on])
    assert (account.folded_raw_tokens, account.folded_sent_tokens) == (20_000, 6_000)
    assert account.kept_share == pytest.approx(0.7)
    assert (account.sent_tokens, account.bytes_out, account.masked) == (8_000, 32_000, 4)
    assert account.masked_kinds == {"SUBSCRIBER": 3, "IP": 1}
    assert account.cost_usd == 0.02
    triage, _, rules, model, later = account.steps
    assert (triage.raw_tokens, triage.sent_tokens, triage.read_tokens) == (20_000, 6_000, 1_800)
    assert (rules.left_site, rules.sent_tokens, rules.read_tokens) == (False, None, 1_800)
    assert (model.read_tokens, model.written_tokens) == (5_000, 400)
    assert [step.asked_on for step in account.steps] == [False] * 4 + [True]
    assert later.step == "alarms of x"


def test_what_was_not_measured_is_unknown():
    """STYLE: cost is None when unknown, never 0; an older report says less."""
    old = ALARMS.model_copy(
        update={"tokens_before": None, "tokens_out": None, "masked_kinds": {}, "masked": 3}
    )
    account = account_of(report(old, MODEL.model_copy(update={"cost_usd": None})))
    assert (account.folded_raw_tokens, account.kept_share, account.cost_usd) == (None, None, None)
    assert account.sent_tokens == 1_800
    assert (account.masked, account.masked_kinds) == (3, {})
    assert (flow_svg(account), kinds_svg(account)) == ("", "")


def test_percentiles_are_of_each_tool_on_each_tier():
    """Issue 10, point 4: latency percentiles, of the full round trip."""
    calls = [
        LatencySample(tier="outposts", tool="list_alarms", round_trip_ms=float(number))
        for number in range(1, 101)
    ]
    calls.append(LatencySample(tier="region", round_trip_ms=7.0))
    account = account_of(report(ALARMS), calls=calls)
    shown = [(tier, tool, p.samples, p.p50, p.p95, p.p99) for tier, tool, p in account.latency]
    assert shown == [
        ("outposts", "list_alarms", 100, 50.0, 95.0, 99.0),
        ("region", "", 1, 7.0, 7.0, 7.0),
    ]


def test_the_picture_says_in_words_what_it_draws():
    """Issue 10, point 4: a picture, readable without seeing it and inert."""
    hostile = ALARMS.model_copy(update={"masked_kinds": {"<script>": 2}})
    account = account_of(report(hostile, TICKETS))
    flow, kinds = flow_svg(account), kinds_svg(account)
    assert 'aria-label="20000 tokens of raw alarms became 6000 that left the site' in flow
    assert "70.0% stayed at the site" in flow
    assert "<script" not in kinds
    assert "&lt;script&gt;" in kinds
