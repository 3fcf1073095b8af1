"""What past investigations read and sent: the measured side of the cost curve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.storage.state import State
from telecom.report import RootCauseReport

_LOOKED_AT = 500
"""Newest reports."""


@dataclass(frozen=True, slots=True)
class TokenVolume:
    """Investigations, their raw text and what was sent of it."""

    investigations: int
    raw_tokens: int
    sent_tokens: int
    hours: float
    """Between the first and the last of them, at least one."""

    @property
    def compression(self) -> float | None:
        """Share of the raw tokens that stayed where they were; None when nothing was read."""
        return max(0.0, 1 - self.sent_tokens / self.raw_tokens) if self.raw_tokens else None

    @property
    def tokens_per_event(self) -> float:
        """Raw tokens of one investigation."""
        return self.raw_tokens / self.investigations if self.investigations else 0.0

    @property
    def events_per_hour(self) -> float:
        """Investigations an hour."""
        return self.investigations / self.hours


def volume_of(reports: Sequence[RootCauseReport], finished: Iterable[datetime]) -> TokenVolume:
    """Add up what the reports' steps say; a step that does not say counts for nothing."""
    steps = [step for report in reports for step in report.provenance]
    counted = [
        (step.tokens_before, step.tokens_after)
        for step in steps
        if step.tokens_before is not None and step.tokens_after is not None
    ]
    times = sorted(finished)
    hours = (times[-1] - times[0]).total_seconds() / 3600 if times else 1.0
    return TokenVolume(
        investigations=len(reports),
        raw_tokens=sum(before for before, _ in counted),
        sent_tokens=sum(after for _, after in counted),
        hours=max(hours, 1.0),
    )


async def measured_volume(state: State) -> TokenVolume:
    """The volume of the newest finished incidents."""
    rows = await state.database.fetch(
        "SELECT f.content, i.finished_at FROM incidents i JOIN findings f"
        " ON f.incident_id = i.incident_id WHERE f.name = 'report' AND i.status = 'finished'"
        " ORDER BY i.finished_at DESC LIMIT ?",
        _LOOKED_AT,
    )
    reports = [RootCauseReport.model_validate_json(content) for content, _ in rows]
    return volume_of(reports, [datetime.fromisoformat(at) for _, at in rows if at is not None])
