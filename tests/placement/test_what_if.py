"""Past decisions under other facts: what moves, is refused, costs more or is slower."""

from __future__ import annotations

import pytest

from placement import Policy, policy_with, records_of_workloads, what_if
from placement.reports import what_if_report
from telecom.errors import PolicyError
from telecom.workload import Home, LifecyclePhase, WorkloadProfile


def test_settings_on_tiers_and_classes_tabulate_what_would_change(policy: Policy) -> None:
    """Issue: `--set tier.outposts-a.available=false --set class.tickets_raw.boundary=site`."""
    settings = ["tier.outposts.available=false", "class.alarms_raw.boundary=site"]
    outcome = what_if(records_of_workloads(policy), policy_with(settings), settings=settings)
    rows = {row.workload: row for row in outcome.rows}
    moved = rows["root_cause_reasoning"]
    assert (moved.effect, moved.tier_before, moved.tier_after, moved.rule) == (
        "moves",
        "region",
        "ai_factory",
        "site-boundary",
    )
    assert moved.cost_change_usd_per_hour == 5000
    assert moved.rtt_change_ms == -48
    assert rows["kpi_forecast"].effect == "unchanged"
    assert (outcome.moved, outcome.refused, outcome.placed) == (4, 0, 0)
    assert outcome.costlier == 4
    assert "4 would move, 0 be refused" in what_if_report(outcome)


def test_without_any_tier_left_the_work_is_refused_and_placed_again_later(policy: Policy) -> None:
    """Issue: what would be refused."""
    settings = ["tier.outposts.available=false", "tier.ai_factory.available=false"]
    closed = policy_with(settings)
    refused = what_if(records_of_workloads(policy), closed)
    row = next(row for row in refused.rows if row.workload == "upf_traffic_steering")
    assert (row.effect, row.tier_after, row.cost_change_usd_per_hour) == ("refused", None, None)
    placed = what_if(records_of_workloads(closed), policy)
    assert placed.placed == refused.refused == 3


def test_a_slower_tier_is_counted(policy: Policy) -> None:
    """Issue: what would be slower."""
    outcome = what_if(
        records_of_workloads(policy),
        policy_with(["tier.region.rtt_ms.p99=200", "tier.region.rtt_ms.p95=90"]),
    )
    assert outcome.slower == 2


def test_a_class_boundary_replaces_its_whole_ladder() -> None:
    """Contract: `class.X.boundary=site` leaves nothing wider behind."""
    entry = policy_with(["class.tickets_raw.boundary=site"]).catalogue.classes["tickets_raw"]
    assert entry.once == {}
    assert all(row.boundary is None and row.once is None for row in entry.rows.values())


def test_a_hash_tells_a_what_if_from_the_file_it_rests_on(policy: Policy) -> None:
    """Us: a decision of a what-if must not pass for one of the catalogue in force."""
    assert policy_with(["weight.latency=0.15"]).catalogue_sha256 != policy.catalogue_sha256
    assert policy_with([]).catalogue_sha256 == policy.catalogue_sha256


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("tier.outposts-a.available=false", "tier has no 'outposts-a'; it has ai_factory"),
        ("tier.outposts.available", "write PATH=VALUE"),
        ("colour.red=1", "write PATH=VALUE"),
        ("tier.outposts.kind.deep=1", "tier.outposts.kind is a single value"),
        ("tier.outposts.available=[1", "the value cannot be read"),
        ("tier.outposts.available=perhaps", "available"),
        ("tier.outposts.availible=false", "did you mean 'available'?"),
        ("weight.latency=2", "weights.latency"),
    ],
)
def test_a_setting_that_leads_nowhere_is_refused_with_the_cure(setting: str, words: str) -> None:
    """Us: a what-if that silently changes nothing would mislead."""
    with pytest.raises(PolicyError) as caught:
        policy_with([setting])
    assert words in str(caught.value)


def test_what_if_keeps_the_region_where_it_stood(policy: Policy, home: Home) -> None:
    """Issue: only what is set differently may make a difference."""
    work = WorkloadProfile(
        name="audit",
        phase=LifecyclePhase.BATCH_INFERENCE,
        data_classes=("incident_report",),
        home=home,
    )
    abroad = tuple(
        tier.model_copy(update={"country": "US"}) if tier.id == "region" else tier
        for tier in policy.tiers_for(home)
    )
    outcome = what_if([policy.record(work, tiers=abroad)], policy)
    assert outcome.rows[0].differences == ()
    assert outcome.rows[0].effect == "unchanged"
