"""Exploring a placement: what an architect supposes, and what that does to every tier."""

import pytest

from placement.exploration import Scenario, countries, explore
from placement.policy import load_policy
from placement.what_if import policy_with, records_of_workloads, what_if
from telecom.workload import Home, LifecyclePhase, WorkloadProfile

HOME = Home(site="munich-1", country="DE")


@pytest.fixture(scope="module")
def policy():
    return load_policy()


def reasoning(**keys):
    """Root cause reasoning over what a gate releases."""
    given = {
        "name": "reasoning",
        "phase": LifecyclePhase.BATCH_INFERENCE,
        "data_classes": ("alarms_raw",),
        "home": HOME,
        "pseudonymized": True,
        "summarized": True,
    }
    return WorkloadProfile.model_validate(given | keys)


def test_every_tier_is_ranked_or_refused_with_reason_and_remedy(policy):
    """Issue 10, part 7: see each tier eliminated or ranked with reasons."""
    seen = explore(policy, reasoning(pseudonymized=False), Scenario())
    assert {one.tier for one in seen.standings} == set(policy.catalogue.tiers)
    for one in seen.standings:
        assert (one.place is None) != (one.refusal is None)
        if one.refusal is not None:
            assert one.refusal.because
            assert one.refusal.remedy
    assert [one.rank for one in seen.standings if one.rank] == list(
        range(1, len(seen.decision.ranked) + 1)
    )


def test_a_cut_line_moves_the_work_onto_the_premises(policy):
    """Issue 10, part 7: WAN down is a toggle; what stood first before is shown."""
    seen = explore(policy, reasoning(), Scenario(wan_down=True))
    assert seen.usual_tier == "region"
    assert seen.tier is not None
    assert all(one.on_premises for one in seen.standings if one.rank is not None)
    region = next(one for one in seen.standings if one.tier == "region")
    assert (region.rank, region.usual_rank, region.changed) == (None, 1, True)
    assert region.refusal is not None
    assert region.refusal.rule == "tier-not-available"


def test_a_cloud_in_another_country_gets_no_data_that_is_bound_to_its_own(policy):
    """Sovereignty: the same tier across a border is another tier."""
    at_home = explore(policy, reasoning(), Scenario(cloud_country="DE"))
    abroad = explore(policy, reasoning(), Scenario(cloud_country="US"))
    assert at_home.tier == at_home.usual_tier == "region"
    region = next(one for one in abroad.standings if one.tier == "region")
    assert region.country == "US"
    assert region.refusal is not None
    assert region.refusal.rule == "country-boundary"


def test_nothing_supposed_changes_nothing(policy):
    """The explorer decides exactly as the policy does."""
    seen = explore(policy, reasoning(), Scenario())
    assert seen.decision == seen.usual == policy.decide(reasoning())
    assert not any(one.changed for one in seen.standings)


def test_a_scenario_can_be_asked_of_past_decisions(policy):
    """R2: the toggles in the words of `what-if --set`."""
    settings = Scenario(wan_down=True, cloud_country="US").settings(policy)
    outcome = what_if(records_of_workloads(policy), policy_with(settings), settings=settings)
    assert "tier.region.available=false" in settings
    assert outcome.moved + outcome.refused > 0
    assert not any(row.tier_after == "region" for row in outcome.rows)


def test_the_countries_to_choose_from_are_those_with_a_law(policy):
    """Facts are data: another catalogue offers other countries."""
    assert {"DE", "US", "IN", "SA"} <= set(countries(policy))
