"""What an engineer may want to ask next, in words that the conversation itself understands."""

from __future__ import annotations

from collections.abc import Iterator

from agents.report import same_element
from orchestrator.conversations.intent import Kind
from telecom.report import RootCauseReport

_MOST = 8


def follow_ups(report: RootCauseReport, *, said: Kind | None = None) -> tuple[str, ...]:
    """Questions that the findings can answer, the most telling first.

    Args:
        report: Of the incident that is talked about.
        said: What was just asked, which nobody asks again.
    """
    found = [(kind, words) for kind, words in _askable(report) if kind != said]
    return tuple(words for _, words in found[:_MOST])


def _askable(report: RootCauseReport) -> Iterator[tuple[Kind, str]]:
    leading = report.root_causes[0].managed_object if report.root_causes else None
    yield "why", "why?"
    if report.changes_before_onset:
        yield "diff", f"what changed on {report.changes_before_onset[0].managed_object}?"
    rivals = [
        other.managed_object
        for other in report.ruled_out
        if leading is None or not same_element(other.managed_object, leading)
    ]
    if rivals:
        yield "why_not", f"why not {rivals[0]}?"
    if report.similar_incidents:
        yield "similar", "have we seen this before?"
    if leading is not None:
        yield "what_if", f"what if {leading} were fine?"
    if report.gaps:
        yield "gaps", "/gaps"
    yield "runbook", "/runbook"
    yield "handover", "/handover"
