"""The hand-over of a shift: what happened since it began, what is open, what the next one does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.rendering.document import Block, Grid, Heading, Items, Paragraph, filled
from telecom.report import RootCauseReport
from telecom.times import format_instant

_NAMES = 8
_MOST_ACTIONS = 4


@dataclass(frozen=True, slots=True)
class HandedOver:
    """One incident as the next shift needs it."""

    incident_id: str
    opened_at: datetime
    severity: str
    sites: tuple[str, ...]
    status: str
    """queued, running, finished or parked."""
    report: RootCauseReport | None
    """None as long as there is none."""
    holder: str | None = None
    """Who has taken it."""
    note: str | None = None
    """Why it waits or was parked."""
    decided: str | None = None
    """What a person has decided about its cause."""


@dataclass(frozen=True, slots=True)
class ShiftHandover:
    """A shift's incidents, newest first."""

    since: datetime
    until: datetime
    incidents: tuple[HandedOver, ...]

    @property
    def title(self) -> str:
        """What the document is called."""
        return f"Shift hand-over, {_clock(self.since)} to {_clock(self.until)} UTC"


def shift_document(shift: ShiftHandover) -> tuple[Block, ...]:
    """A summary, then a page's part for each incident."""
    return tuple(_blocks(shift))


def _blocks(shift: ShiftHandover) -> Iterator[Block]:
    yield Heading(shift.title, 1)
    if not shift.incidents:
        yield Paragraph("Nothing was opened and nothing is open.")
        return
    yield Paragraph(_counts(shift.incidents))
    yield Grid(
        ("incident", "opened (UTC)", "severity", "site", "state", "taken by", "in short"),
        tuple(
            (
                one.incident_id,
                _clock(one.opened_at),
                one.severity,
                ", ".join(one.sites),
                _state(one),
                one.holder or "nobody",
                one.note or "" if one.report is None else one.report.headline,
            )
            for one in shift.incidents
        ),
    )
    for one in shift.incidents:
        yield Heading(f"{one.incident_id}: {_headline(one)}", 2)
        yield Paragraph(
            f"{one.severity}, opened {_clock(one.opened_at)}, {_state(one)}, "
            f"taken by {one.holder or 'nobody'}",
            quiet=True,
        )
        if one.decided:
            yield Paragraph(one.decided)
        if one.report is None:
            yield Paragraph(one.note or "There is no report yet.")
        else:
            yield from _known(one.report)


def _known(report: RootCauseReport) -> Iterator[Block]:
    yield from filled("What is known", (Items(tuple(_facts(report))),), level=3)
    yield from filled("What it reached", (Items(tuple(_reached(report))),), level=3)
    yield from filled(
        "What is open",
        (Items(tuple(f"{gap.what}: {gap.why}" for gap in report.gaps)),),
        level=3,
    )
    yield from filled("To be done", (Items(tuple(_actions(report)), boxes=True),), level=3)


def _facts(report: RootCauseReport) -> Iterator[str]:
    for cause in report.root_causes:
        yield (
            f"{cause.managed_object}: {cause.specific_problem} (confidence {cause.confidence:.2f})"
        )
    if not report.root_causes:
        yield "No cause is asserted: the evidence does not decide it."
    for change in report.changes_before_onset[:2]:
        yield f"{change.managed_object} was changed at {format_instant(change.time)}"
    for ticket in report.similar_incidents[:2]:
        yield f"seen before, {ticket.ticket_id}: {ticket.quote}"


def _reached(report: RootCauseReport) -> Iterator[str]:
    reached = report.blast_radius
    if reached.managed_objects:
        yield f"{len(reached.managed_objects)} elements: {_names(reached.managed_objects)}"
    if reached.services:
        yield f"services: {_names(reached.services)}"
    left = sum(not alarm.explained for alarm in report.alarms_explained)
    if left:
        yield f"{left} of {len(report.alarms_explained)} alarm groups are not explained by it"


def _actions(report: RootCauseReport) -> Iterator[str]:
    for action in report.next_actions[:_MOST_ACTIONS]:
        yield action.action + ("" if action.read_only else " (changes the network: needs approval)")


def _headline(one: HandedOver) -> str:
    return "no report yet" if one.report is None else one.report.headline


def _state(one: HandedOver) -> str:
    return one.status if one.report is None else one.report.status


def _counts(incidents: Sequence[HandedOver]) -> str:
    done = sum(one.report is not None for one in incidents)
    untaken = sum(one.holder is None for one in incidents)
    return (
        f"{len(incidents)} incidents: {done} with a report, {len(incidents) - done} without; "
        f"{untaken} taken by nobody."
    )


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
