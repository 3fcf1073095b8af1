"""A thousand hostile answers: no unsupported statement, and always the deterministic result."""

from __future__ import annotations

import asyncio
import re

import pytest

from agents import grounding
from agents.findings import EvidencePack, Proposal
from agents.judgement import judge
from agents.models.scripted import ScriptedModel
from agents.predictions import Trials, decide, predict, suspects_of
from agents.report import assemble
from agents.root_cause_analyst import ModelAnalyst, RulesAnalyst
from telecom.errors import ModelUnavailableError
from telecom.evidence import Gap
from telecom.report import RootCauseReport
from tests.agents.hostile_models import BEHAVIOURS, COMMANDS, MARKS, hostile

RUNS = 1000


@pytest.fixture(scope="module")
def scene(request):
    """One pack for all runs, and the deterministic analyst's proposal."""
    return {}


def reported(pack: EvidencePack, rules: Proposal, seed: int) -> tuple[str, RootCauseReport]:
    """One hostile answer through analyst, tests, judgement and report, as the graph wires them."""
    names = ("ring1", "ring2", "ring3")
    kind, brain = hostile(seed, names=names, ids=tuple(pack.evidence))
    gaps: list[Gap] = []
    told = None
    try:
        told = asyncio.run(ModelAnalyst(ScriptedModel(brain), max_turns=3).analyse(pack))
    except ModelUnavailableError as exc:
        gaps.append(Gap(what="reasoning by a model (bedrock)", why=str(exc)))
    causes = (*rules.root_causes, *(told.root_causes if told else ()))
    made = predict(suspects_of(causes, pack), pack)
    trials = Trials(predictions=decide(made, pack, ()))
    judged = judge(rules, told, pack, trials)
    report = assemble(
        grounding.VerifiedProposal(judged.proposal, judged.gaps),
        pack,
        incident_id="inc-1",
        provenance=(),
        gaps=gaps,
        model_agrees=judged.model_agrees,
        trials=trials,
    )
    return kind, report


def unsupported(report: RootCauseReport, pack: EvidencePack) -> list[str]:
    """What a report says that the evidence does not hold, by rules of this test's own."""
    text = report.model_dump_json()
    found = [mark for mark in MARKS if mark in text]
    known = {"ring1", "ring2", "ring3", "agg1", "csr1", "csr2", "gnb2", "rect2"}
    for cause in report.root_causes:
        device = cause.managed_object.partition(":")[0]
        quotes = " ".join(
            f"{pack.evidence[k].quote} {pack.evidence[k].locator}" for k in cause.evidence_ids
        )
        found += [] if device in known and device in quotes else [cause.managed_object]
    for link in report.causal_chain:
        found += [] if {link.source, link.target} <= known else [f"{link.source}->{link.target}"]
        found += [] if (link.lag_seconds or 0) >= -5 else ["backwards"]
    found += [a.action for a in report.next_actions if a.action in COMMANDS and a.read_only]
    cited = re.findall(r"(?:alarm|change|ticket|doc):[\w#:-]+", " ".join(_statements(report)))
    found += [key for key in cited if key not in pack.evidence]
    if report.status == "inconclusive":
        found += ["root cause"] if "root cause" in " ".join(_statements(report)).lower() else []
        found += [cause.managed_object for cause in report.root_causes]
    return found


def _statements(report: RootCauseReport) -> list[str]:
    return [
        report.headline,
        *(f"{c.specific_problem} {' '.join(c.evidence_ids)}" for c in report.root_causes),
        *(f"{i.hypothesis} {i.why} {' '.join(i.evidence_ids)}" for i in report.ruled_out),
        *(f"{a.action} {a.why} {' '.join(a.evidence_ids)}" for a in report.next_actions),
        *(f"{g.what} {g.why}" for g in report.gaps),
    ]


def test_a_thousand_hostile_answers_leave_no_unsupported_statement(pack) -> None:
    """Issue 8, must show: invents, obeys, loops, never stops, empty, refuses, truncates."""
    rules = asyncio.run(RulesAnalyst().analyse(pack))
    assert rules.root_causes
    seen = set()
    for seed in range(RUNS):
        kind, report = reported(pack, rules, seed)
        seen.add(kind)
        assert not unsupported(report, pack), (seed, kind)
        deterministic = rules.root_causes[0].managed_object
        shown = [c.managed_object for c in report.root_causes] + [g.why for g in report.gaps]
        assert any(deterministic in text for text in shown), (seed, kind)
        named = any("model" in f"{gap.what} {gap.why}" for gap in report.gaps)
        assert (
            named
            or report.root_causes[0].managed_object != deterministic
            or ("model agrees" in report.root_causes[0].confidence_basis)
        ), (seed, kind)
    assert seen == set(BEHAVIOURS)
