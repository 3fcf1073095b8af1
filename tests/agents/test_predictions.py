"""Hypotheses say what else must be seen; what fails speaks against them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agents.findings import Proposal, ProposedCause
from agents.judgement import judge
from agents.predictions import Sighting, Suspect, Trials, decide, predict, suspects_of, wanted
from tests.agents.conftest import START


def cause(managed_object, *ids, words="power failure"):
    return ProposedCause(
        managed_object=managed_object,
        probable_cause=words,
        specific_problem="it went dark",
        evidence_ids=ids,
    )


def outcomes(predictions):
    return {prediction.statement: prediction.outcome for prediction in predictions}


def sighting(name, *seconds):
    return Sighting(
        managed_object=name,
        times=tuple(START + timedelta(seconds=second) for second in seconds),
        evidence_ids=tuple(f"alarm:{name}-{second}" for second in seconds),
    )


def test_the_leading_hypothesis_is_tested_and_its_predictions_hold(pack):
    """Issue 8, point 1: alarmed, changed, silent; confirmed from what was gathered."""
    leader = pack.alarms[0].root_cause_candidates[0]
    suspects = suspects_of([cause(leader.managed_object, words="configuration change")], pack)
    held = outcomes(p for p in predict(suspects, pack) if p.managed_object == "ring2")
    assert held["trouble shows at ring2"] == "confirmed"
    assert held["ring2 was changed before onset"] == "confirmed"
    assert "contradicted" not in held.values()


def test_an_element_nobody_complains_about_has_to_be_looked_up(pack):
    """Issue 8, point 1: what the findings do not answer is looked up."""
    made = predict(suspects_of([cause("core1")], pack)[:1], pack)
    assert wanted(made, ()) == ("core1",)
    quiet = decide(made, pack, [sighting("core1")])
    assert outcomes(quiet) == {"trouble shows at core1": "contradicted"}
    loud = decide(made, pack, [sighting("core1", 5)])
    assert outcomes(loud) == {"trouble shows at core1": "confirmed"}
    assert loud[0].evidence_ids == ("alarm:core1-5",)


@pytest.mark.parametrize(("seconds", "outcome"), [((), "confirmed"), ((90,), "contradicted")])
def test_an_element_that_is_called_silent_may_not_speak_afterwards(pack, seconds, outcome):
    """Issue 8, point 1: what must be silent."""
    suspect = Suspect("core1", "element silent", onset=START)
    made = predict([suspect], pack)
    decided = outcomes(decide(made, pack, [sighting("core1", *seconds)]))
    assert decided["core1 says nothing after onset"] == outcome


def test_a_change_made_afterwards_contradicts_the_change_hypothesis(pack):
    """Issue 8, point 1: what must have been changed before."""
    long_ago = START - timedelta(days=1)
    suspect = Suspect("ring2", "configuration change", long_ago, None, ("change:x",))
    assert outcomes(predict([suspect], pack))["ring2 was changed before onset"] == "contradicted"


def test_what_is_not_in_the_history_is_unknown_and_not_denied(pack):
    """Us: a missing record is a gap, not a proof."""
    suspect = Suspect("core1", "configuration change", START)
    assert outcomes(predict([suspect], pack))["core1 was changed before onset"] == "unknown"


def judged(pack, model, *sightings):
    causes = model.root_causes
    made = predict(suspects_of(causes, pack), pack)
    trials = Trials(predictions=decide(made, pack, sightings), sightings=sightings)
    nothing = Proposal(headline="Inconclusive", status="inconclusive")
    return judge(nothing, model, pack, trials)


def test_a_models_cause_whose_predictions_fail_is_ruled_out_and_says_why(pack):
    """Issue 8, point 2: a model's proposal is checked against the same predictions."""
    names = pack.evidence["alarm:a1"].model_copy(update={"quote": "agg1 must be rebooted"})
    hinted = pack.model_copy(update={"evidence": {**pack.evidence, "alarm:a1": names}})
    told = Proposal(
        headline="agg1 down", status="confirmed", root_causes=(cause("agg1", "alarm:a1"),)
    )
    result = judged(hinted, told, sighting("agg1"))
    assert (result.proposal.status, result.proposal.root_causes) == ("inconclusive", ())
    assert any("no alarm of agg1" in gap.why for gap in result.gaps)


def test_a_models_status_is_no_stronger_than_the_computed_confidence(pack):
    """Issue 8, point 2: confidence is computed, never taken from a model's mouth."""
    told = Proposal(
        headline="ring1 failed", status="confirmed", root_causes=(cause("ring1", "alarm:a3"),)
    )
    result = judged(pack, told)
    assert (result.proposal.status, result.proposal.root_causes) == ("inconclusive", ())
    assert any("nothing it asserted held" in gap.why for gap in result.gaps)
