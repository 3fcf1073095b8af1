"""What a shift hands over: read from the state, for page, print and PDF alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.incidents.board import BoardIncident
from orchestrator.incidents.corrections import Correction
from orchestrator.rendering.shift_handover import HandedOver, ShiftHandover

if TYPE_CHECKING:
    from orchestrator.console.desk import ConsoleDesk

HOURS = (8, 12, 24)
"""Lengths of a shift to choose from."""
DEFAULT_HOURS = 12
_MOST = 200


async def shift_of(desk: ConsoleDesk, hours: int, *, now: datetime | None = None) -> ShiftHandover:
    """What was opened in the last hours, and what is open from before; newest first.

    Args:
        desk: What is read.
        hours: Of the shift.
        now: When it ends.
    """
    until = now or datetime.now(UTC)
    since = until - timedelta(hours=hours)
    recent = await desk.service.overview.incidents(limit=_MOST)
    found = {one.incident_id: one for one in await desk.board.open_incidents()}
    for record in recent:
        if datetime.fromisoformat(record.opened_at) >= since and record.incident_id not in found:
            known = await desk.board.incident(record.incident_id)
            if known is not None:
                found[record.incident_id] = known
    newest = sorted(found.values(), key=lambda one: one.opened_at, reverse=True)[:_MOST]
    return ShiftHandover(since, until, tuple([await _handed_over(desk, one) for one in newest]))


async def _handed_over(desk: ConsoleDesk, one: BoardIncident) -> HandedOver:
    return HandedOver(
        incident_id=one.incident_id,
        opened_at=one.opened_at,
        severity=one.perceived_severity,
        sites=one.sites,
        status=one.status if one.closed_at is None else "closed",
        report=await desk.service.overview.report(one.incident_id),
        holder=one.taken_name,
        note=one.message,
        decided=_decided(await desk.service.corrections.of(one.incident_id)),
    )


def _decided(words: Sequence[Correction]) -> str | None:
    if not words:
        return None
    last = words[-1]
    verdict = (
        "this was the cause" if last.verdict == "this" else f"it was not that but: {last.cause}"
    )
    return f"{last.reviewer} said: {verdict}.{f' {last.note}' if last.note else ''}"
