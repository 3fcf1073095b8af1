"""A report for people in a hurry: tier 1 at the desk, and the shift lead at hand-over."""

from __future__ import annotations

from collections.abc import Iterator

from agents.plain_text import markdown
from telecom.report import RootCauseReport
from telecom.times import format_instant

_CHECKS = 3
_NAMES = 8


def to_concise(report: RootCauseReport) -> str:
    """For tier 1: headline, cause, what to check, whom to tell. A dozen lines."""
    return "\n".join(_concise(report)) + "\n"


def to_handover(report: RootCauseReport) -> str:
    """For the shift lead: what happened, what is known, what is open, what is to be done."""
    return "\n".join(_handover(report)) + "\n"


def _concise(report: RootCauseReport) -> Iterator[str]:
    yield f"**{markdown(report.headline)}** ({report.status})"
    yield ""
    for cause in report.root_causes:
        yield f"Where: {markdown(cause.managed_object)}. What: {markdown(cause.specific_problem)}."
    if not report.root_causes:
        yield "No cause is asserted; treat what follows as checks."
    yield ""
    checks = [action for action in report.next_actions if action.read_only][:_CHECKS]
    for number, action in enumerate(checks, start=1):
        yield f"{number}. {markdown(action.action)}"
    yield ""
    if any(not action.read_only for action in report.next_actions):
        yield "Do not change anything yourself: tier 2 decides on the proposed change."
    services = report.blast_radius.services
    reached = f"{len(report.blast_radius.managed_objects)} elements are in trouble"
    yield reached + (f", serving {_names(services)}." if services else ".")


def _handover(report: RootCauseReport) -> Iterator[str]:
    yield f"# Hand-over: {markdown(report.headline)}"
    yield ""
    yield f"Incident {markdown(report.incident_id)}, **{report.status}**{_since(report)}."
    yield from _section("What is known", _known(report))
    yield from _section("What it reached", _reached(report))
    yield from _section("What is open", _open(report))
    yield from _section(
        "To be done",
        (
            f"- [ ] {markdown(action.action)}"
            + ("" if action.read_only else " (changes the network: needs approval)")
            for action in report.next_actions
        ),
    )
    yield from _section(
        "Seen before",
        (
            f"- {markdown(ticket.ticket_id)}: {markdown(ticket.quote)}"
            for ticket in report.similar_incidents[:2]
        ),
    )


def _since(report: RootCauseReport) -> str:
    return f", since {format_instant(report.timeline[0].time)}" if report.timeline else ""


def _known(report: RootCauseReport) -> Iterator[str]:
    for cause in report.root_causes:
        yield (
            f"- {markdown(cause.managed_object)}: {markdown(cause.specific_problem)} "
            f"(confidence {cause.confidence:.2f})"
        )
    for change in report.changes_before_onset[:2]:
        yield (
            f"- {markdown(change.managed_object)} was changed by {markdown(change.author)} at "
            f"{format_instant(change.time)}"
        )
    for item in report.ruled_out[:3]:
        yield f"- not {markdown(item.managed_object)}: {markdown(item.why.partition(';')[0])}"


def _reached(report: RootCauseReport) -> Iterator[str]:
    reached = report.blast_radius
    if reached.managed_objects:
        yield f"- {len(reached.managed_objects)} elements: {_names(reached.managed_objects)}"
    if reached.services:
        yield f"- services: {_names(reached.services)}"
    left = sum(not alarm.explained for alarm in report.alarms_explained)
    if left:
        yield f"- {left} of {len(report.alarms_explained)} alarm groups are not explained by it"


def _open(report: RootCauseReport) -> Iterator[str]:
    for gap in report.gaps:
        yield f"- {markdown(gap.what)}: {markdown(gap.why)}"


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(map(markdown, names[:_NAMES])) + more


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    content = list(lines)
    if content:
        yield from ("", f"## {title}", "", *content)
