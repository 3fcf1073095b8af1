"""Measured latency: percentiles, and a catalogue that moves slowly and visibly."""

from __future__ import annotations

import pytest

from placement import LatencySample, Policy, assess_latency, policy_with, read_samples_csv
from placement.latency import Percentiles, percentiles, propose_round_trip
from placement.reports import latency_report
from telecom.errors import SettingsError


def probes(tier: str, milliseconds: float, count: int = 40) -> list[LatencySample]:
    return [LatencySample(tier=tier, round_trip_ms=milliseconds) for _ in range(count)]


def test_percentiles_are_values_that_were_measured() -> None:
    """REFERENCE R16: P50, P95, P99; nearest rank never invents a value."""
    assert percentiles([float(value) for value in range(1, 101)]) == Percentiles(
        samples=100, p50=50, p95=95, p99=99
    )
    assert percentiles([7.0]) == Percentiles(samples=1, p50=7, p95=7, p99=7)


def test_samples_come_from_a_table_by_tier_and_tool(policy: Policy) -> None:
    """REFERENCE R16: time to first token and full round trip per tier and tool."""
    text = (
        "tier,tool,ttft_ms,round_trip_ms\n"
        "region,converse,400,2100\nregion,converse,500,2200\nregion,,,61\n"
    )
    assessment = assess_latency(read_samples_csv(text, name="samples.csv"), policy.catalogue)
    by_tool = {(row.tier, row.tool): row for row in assessment.rows}
    first_token = by_tool["region", "converse"].ttft_ms
    assert first_token is not None
    assert (first_token.p50, first_token.p95) == (400, 500)
    assert by_tool["region", ""].ttft_ms is None
    assert "| region | converse | 2 | 400 / 500 / 500 | 2100 / 2200 / 2200 |" in latency_report(
        assessment
    )


def test_wrong_columns_and_values_are_named_with_their_lines() -> None:
    """Issue: wrong units are errors that name file, line and cure."""
    with pytest.raises(SettingsError, match=r"s\.csv:1: columns must be tier, tool, ttft_ms"):
        read_samples_csv("tier,seconds\nregion,1\n", name="s.csv")
    with pytest.raises(SettingsError) as caught:
        read_samples_csv("tier,round_trip_ms\nregion,fast\nregion,-1\n", name="s.csv")
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["2", "3"]


def test_a_measurement_becomes_a_setting_of_the_catalogue(policy: Policy) -> None:
    """REFERENCE R16: measured percentiles feed the catalogue, visibly."""
    update = assess_latency(probes("region", 70.0), policy.catalogue).updates[0]
    assert update.proposed is not None
    assert update.setting == "tier.region.rtt_ms={p50: 60, p95: 70, p99: 70, basis: measured}"
    assert "bounded to a factor of two" in update.why
    changed = policy_with([update.setting]).catalogue.tiers["region"].rtt_ms
    assert changed is not None
    assert (changed.p95, changed.basis) == (70, "measured")


def test_an_endpoint_is_updated_in_its_own_section(policy: Policy) -> None:
    """Us: the proposed setting must be one that `what-if --set` takes."""
    update = assess_latency(probes("region-global", 140.0), policy.catalogue).updates[0]
    assert update.setting is not None
    assert policy_with([update.setting]).catalogue.model_endpoints["region-global"].rtt_ms


def test_few_samples_and_small_differences_change_nothing(policy: Policy) -> None:
    """Issue: bounded, with hysteresis."""
    few = assess_latency(probes("region", 500.0, count=29), policy.catalogue).updates[0]
    assert (few.proposed, few.setting) == (None, None)
    measured = propose_round_trip("region", None, percentiles([100.0] * 30))
    assert measured.proposed is not None
    again = propose_round_trip("region", measured.proposed, percentiles([119.0] * 30))
    assert again.proposed is None
    assert again.why == "within 20% of what is stated"


def test_one_bad_night_moves_a_percentile_by_a_factor_of_two_at_most(policy: Policy) -> None:
    """Issue: bounded; a bad night must not move every workload."""
    for value in (5000.0, 0.0):
        update = assess_latency(probes("outposts", value), policy.catalogue).updates[0]
        stated, proposed = update.stated, update.proposed
        assert stated is not None
        assert proposed is not None
        assert stated.p95 / 2 <= proposed.p95 <= stated.p95 * 2
        assert proposed.p50 <= proposed.p95 <= proposed.p99


def test_tools_and_unknown_tiers_do_not_move_the_catalogue(policy: Policy) -> None:
    """Us: a slow tool is no slow network, and a typo is no tier."""
    samples = [
        LatencySample(tier="region", tool="converse", round_trip_ms=9000.0) for _ in range(50)
    ]
    assert assess_latency([*samples, *probes("regoin", 70.0)], policy.catalogue).updates == ()


def test_what_is_still_assumed_is_listed(policy: Policy) -> None:
    """Issue: every report that used an assumed percentile says so."""
    assert "region" in assess_latency([], policy.catalogue).assumed
