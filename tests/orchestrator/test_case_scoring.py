"""Scoring: what counts as right, as proven, and as a conviction."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.assessments.case_scoring import CaseScore, Truth, read_truth, score_report
from orchestrator.assessments.evaluation import rates
from telecom.errors import SiteDirectoryError
from telecom.evidence import Evidence
from telecom.report import CausalLink, RootCause, RootCauseReport

WINDOW = (datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 1, 11, tzinfo=UTC))
LINE = "Mar  1 10:15:00 agg1 %LINK-3-UPDOWN: Interface Hu0/0/0/1, changed state to down"


def report(*named: str, quote: str = "", reaches: str | None = None) -> RootCauseReport:
    """A report that names elements, each with the same evidence."""
    return RootCauseReport(
        incident_id="inc-1",
        headline="as named",
        status="confirmed" if named else "inconclusive",
        root_causes=tuple(
            RootCause(
                managed_object=name,
                probable_cause="link down",
                specific_problem="as seen",
                role="fault",
                confidence=0.9,
                confidence_basis="as told",
                evidence_ids=("alarm:1",),
            )
            for name in named
        ),
        causal_chain=()
        if reaches is None
        else (
            CausalLink(
                source=named[0],
                target=reaches,
                condition="down",
                effect="lost",
                lag_seconds=1.0,
                evidence_ids=("alarm:1",),
            ),
        ),
        evidence={
            "alarm:1": Evidence(
                source="alarms",
                locator="alarms/agg1.log:1",
                quote=quote,
                sha256="0" * 64,
                data_class="alarms_raw",
            )
        },
    )


def score(truth: Truth, found: RootCauseReport) -> CaseScore:
    """Without baselines and without a clock."""
    return score_report("case", truth, found, (), seconds=0.0)


def truth(*causes: str, **more: object) -> Truth:
    """What really happened."""
    content = {"window": WINDOW, "root_causes": [{"managed_object": c} for c in causes], **more}
    return Truth.model_validate(content)


def test_a_port_of_the_right_element_and_what_experts_accept_are_right() -> None:
    """INTERFACES: `acceptable` managed objects count."""
    one = truth("agg1:Hu0/0/0/1", acceptable=("agg2",))
    assert score(one, report("agg1")).exact
    assert score(one, report("agg2:Hu0/0/0/0")).exact
    assert not score(one, report("agg3")).any_correct


def test_one_of_two_causes_is_any_and_one_too_many_is_not_exact() -> None:
    """INTERFACES: exact means all of them and nothing else."""
    both = score(truth("agg1", "amf1"), report("amf1"))
    assert (both.exact, both.any_correct) == (False, True)
    more = score(truth("agg1"), report("agg1", "cell1"))
    assert (more.exact, more.any_correct) == (False, True)


def test_naming_anybody_without_a_cause_is_a_conviction_and_silence_is_right() -> None:
    """INTERFACES: a case has a cause exactly when `root_causes` is not empty."""
    wrong = score(truth(), report("agg1"))
    assert (wrong.convicted_without_cause, wrong.exact) == (True, False)
    right = score(truth(), report())
    assert (right.convicted_without_cause, right.exact, right.abstained) == (False, True, True)
    total = rates([wrong, right, score(truth("agg1"), report("agg1"))])
    assert (total.exact, total.convicted_without_cause) == (1.0, 0.5)


def test_grounded_needs_the_decisive_line_or_the_way_to_the_victims() -> None:
    """Issue 8: a right name without its proof is not grounded."""
    case = truth("agg1", decisive=(LINE,), path=("agg1", "csr1", "gnb1"))
    assert not score(case, report("agg1", quote="something else")).grounded
    assert score(case, report("agg1", quote=LINE)).grounded
    assert score(case, report("agg1", quote="x", reaches="csr1")).grounded
    assert not score(case, report("agg2", quote=LINE)).grounded


def test_a_directory_without_truth_is_told_what_it_lacks(tmp_path: Path) -> None:
    """House style: what was refused, and what would work."""
    with pytest.raises(SiteDirectoryError, match="init --sample"):
        read_truth(tmp_path)
    (tmp_path / "truth.json").write_text('{"kind": "single"}')
    with pytest.raises(SiteDirectoryError, match="window"):
        read_truth(tmp_path)
