"""How hard a question is, and which models stand behind an endpoint."""

from __future__ import annotations

import pytest

from agents.findings import EvidencePack, Proposal
from agents.root_cause_analyst import question_text
from orchestrator.investigating.model_choice import models_offered, question_size
from orchestrator.investigating.reasoning import escalates
from orchestrator.settings import Settings
from placement.policy import load_policy
from telecom.tokens import estimate_tokens


def pack_of(*summaries):
    return EvidencePack(
        window=summaries[0].window,
        sites=tuple(f"site{number}" for number, _ in enumerate(summaries, start=1)),
        alarms=summaries,
        evidence={},
    )


def scored(summary, *scores, causes=1, verdict="single"):
    leader = summary.root_cause_candidates[0]
    candidates = tuple(leader.model_copy(update={"score": score}) for score in scores)
    return summary.model_copy(
        update={"root_cause_candidates": candidates, "causes": causes, "verdict": verdict}
    )


@pytest.mark.parametrize(
    ("scores", "causes", "verdict", "competing"),
    [
        ((0.9, 0.2), 1, "single", 1),
        ((0.8, 0.7, 0.5), 1, "single", 2),
        ((0.9, 0.8, 0.1), 2, "multiple", 2),
        ((0.4, 0.1, 0.1), 0, "insufficient", 3),
        ((0.4, 0.1), 0, "none", 0),
    ],
)
def test_what_leads_clearly_has_no_rivals(summary, scores, causes, verdict, competing):
    """Issue point 4: one clear leading hypothesis is simple; several that compete are deep."""
    pack = pack_of(scored(summary, *scores, causes=causes, verdict=verdict))
    assert question_size(pack).hypotheses == competing


def test_a_question_is_as_large_as_what_the_model_is_sent(summary):
    """Us: the size that decides is the size of the evidence, not of the raw window."""
    pack = pack_of(summary)
    assert question_size(pack).input_tokens == estimate_tokens(question_text(pack))


@pytest.mark.parametrize(
    ("escalation", "status", "verdict", "escalated"),
    [
        ("unconfirmed", "confirmed", "single", False),
        ("unconfirmed", "probable", "single", True),
        ("unconfirmed", "inconclusive", "insufficient", True),
        ("unconfirmed", "inconclusive", "none", False),
        ("always", "confirmed", "single", True),
        ("always", "inconclusive", "none", True),
    ],
)
def test_a_model_reads_open_matters_only(summary, escalation, status, verdict, escalated):
    """Issue 8: the policy's share, which is what a model costs."""
    settings = Settings(analyst="bedrock", escalation=escalation)
    pack = pack_of(summary.model_copy(update={"verdict": verdict}))
    proposal = Proposal(headline="x", status=status)
    assert escalates(settings, proposal, pack) is escalated
    assert not escalates(Settings(escalation=escalation), proposal, pack)


def test_what_several_sites_see_has_to_be_brought_together(summary):
    """Us: one cause at each of two sites may be one or two: that is the deep part."""
    assert question_size(pack_of(summary, summary)).hypotheses == 2


def test_an_endpoint_has_the_best_model_of_each_strength_with_its_own_residency():
    """FACTS Bedrock: residency is part of the id that is called."""
    policy = load_policy()
    region, geography, wide = policy.model_endpoints_for(policy.catalogue.reference_home)
    offered = models_offered(policy.catalogue, geography, region="eu-central-1")
    assert [name.split("-")[1] for name in offered] == ["sonnet", "haiku"]
    assert all(name.startswith("eu.") for name in offered)
    assert models_offered(policy.catalogue, region, region="eu-central-1") == ()
    assert models_offered(policy.catalogue, wide, region=None) == ()
