"""Steps that solved similar incidents, read from their close notes."""

from __future__ import annotations

from telecom.precedents import agree
from telecom.repair_steps import repair_steps, skipped_checks, steps_done
from telecom.ticket import SimilarIncident, SkippedCheck


def incident(number: int, note: str, cause: str | None = "dirty connector") -> SimilarIncident:
    return SimilarIncident(
        ticket_id=f"T{number}",
        score=0.9 - number / 100,
        title="t",
        cause=cause,
        managed_object=None,
        quote=note,
        locator="close_note",
    )


def test_only_sentences_that_say_what_was_done_are_steps() -> None:
    """Issue 6: skipped-check hints are steps; a finding or a greeting is none."""
    note = "Receive power was 6 dB low at 10.0.0.1. Field team cleaned the connector; all good.\nBR"
    assert list(repair_steps(note)) == ["Field team cleaned the connector"]


def test_what_solved_the_similar_ones_and_was_not_done_here_is_hinted_at() -> None:
    """Issue 6: steps that solved the similar ones and were not done here, most frequent first."""
    incidents = [
        incident(1, "Replaced the patch cord. Cleaned the connector of port 4."),
        incident(2, "Cleaned both connectors. Checked the splice tray."),
    ]
    assert skipped_checks(incidents, ["swapped and replaced the patch cord"]) == (
        SkippedCheck(text="Cleaned the connector of port 4", ticket_ids=("T1", "T2")),
        SkippedCheck(text="Checked the splice tray", ticket_ids=("T2",)),
    )


def test_hints_come_from_the_tickets_of_the_agreed_cause() -> None:
    """Issue 6: a step that solved something else is no hint."""
    found = agree(
        [
            incident(1, "Cleaned the connector."),
            incident(2, "Cleaned the connector."),
            incident(3, "Restarted the process.", cause="software defect"),
        ],
        confident_from=0.5,
    )
    assert found.agreed_cause == "dirty connector"
    assert [check.text for check in found.skipped_checks] == ["Cleaned the connector"]


def test_what_a_person_says_was_done_is_told_from_what_he_asks_or_denies() -> None:
    """Issue 6: checks already done are known where somebody said so."""
    words = (
        "Why are the cells behind agg1 down? We replaced the patch cord of 10.0.0.1. "
        "Already restart the process! Nobody checked the optics; the MTU was not verified. "
        "Is it the link that was reset?"
    )
    assert list(steps_done(words)) == [
        "We replaced the patch cord of 10.0.0.1",
        "Already restart the process",
    ]
