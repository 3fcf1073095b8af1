"""The configuration auditor over a history that answers, refuses, or knows nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import anyio

from agents import config_auditor
from agents.findings import ChangeReview, Contradiction, Contradictions
from telecom.configuration import ConfigChange
from telecom.errors import RecordNotFoundError, TierwiseError, ToolTimeoutError
from telecom.evidence import Quotation
from telecom.times import Window

ONSET = datetime(2026, 3, 1, 10, tzinfo=UTC)
WINDOW = Window(ONSET, ONSET + timedelta(minutes=20))
CHANGE = ConfigChange(
    managed_object="pe1", commit="c" * 40, author="kim", time=ONSET, path="pe1", score=0.7
)
LINE = Quotation(source="configs", locator="pe1:12", quote=" mtu 1500", data_class="network_config")
FOUND = Contradictions(
    findings=(
        Contradiction(
            kind="mtu_mismatch",
            summary="pe1:Gi0 and pe2:Gi0: packets of 1500 bytes against 9000",
            managed_objects=("pe1:Gi0", "pe2:Gi0"),
            evidence_ids=("config:pe1:12",),
        ),
    ),
    left_out=0,
    evidence={"config:pe1:12": LINE},
)


class History:
    """A configuration history with prepared answers."""

    def __init__(self, found: Contradictions | TierwiseError) -> None:
        self.found = found
        self.asked: list[tuple[Window, tuple[str, ...]]] = []

    async def list_changes(
        self, window: Window, *, around: Sequence[str] = (), hops: int = 1, limit: int = 20
    ) -> ChangeReview:
        self.asked.append((window, tuple(around)))
        return ChangeReview(changes=(CHANGE,), evidence={CHANGE.evidence_id: LINE})

    async def check_consistency(self, *, around: Sequence[str] = ()) -> Contradictions:
        if isinstance(self.found, TierwiseError):
            raise self.found
        return self.found


def review(history: History, *around: str) -> ChangeReview:
    """Run the agent."""

    async def run() -> ChangeReview:
        return await config_auditor.review(history, WINDOW, around=around)

    return anyio.run(run)


def test_changes_come_with_what_contradicts_around_the_suspects() -> None:
    """Issue 7: from a window and its objects to ranked changes and inconsistencies, with lines."""
    history = History(FOUND)
    found = review(history, "pe1")
    assert history.asked == [(Window(ONSET - timedelta(hours=24), WINDOW.end), ("pe1",))]
    assert found.changes == (CHANGE,)
    assert found.contradictions == FOUND.findings
    assert set(found.evidence) == {CHANGE.evidence_id, "config:pe1:12"}


def test_without_the_check_the_changes_are_still_an_answer() -> None:
    """Ports: a failure is a gap for the investigation, never a lost answer."""
    found = review(History(ToolTimeoutError("north", "check_consistency", 5.0)), "pe1")
    assert found.changes == (CHANGE,)
    assert [gap.what for gap in found.gaps] == ["consistency of configurations"]


def test_a_suspect_without_a_configuration_is_no_gap() -> None:
    """Us: radio units keep no configuration there; nothing was missed."""
    refusal = RecordNotFoundError("configuration of device", "cell-7", hint="there is none")
    assert review(History(refusal), "cell-7").gaps == ()


def test_without_suspects_nothing_is_compared() -> None:
    """Us: all of a site's contradictions answer no question."""
    assert review(History(FOUND)).contradictions == ()
