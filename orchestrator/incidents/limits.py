"""`Limits`: how many incidents may wait, and what an hour may take, by site and by principal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.settings import Settings
from orchestrator.storage.database import Work, stamp
from orchestrator.triggers.trigger import Trigger
from telecom.report import RootCauseReport

_WAIT_FOR_ROOM_S = 30
"""When a full queue is worth asking again: a few investigations later."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which limit is reached."""

    budget: str
    why: str
    retry_after_s: int


class Limits:
    """Says whether a trigger may open another incident."""

    def __init__(self, settings: Settings) -> None:
        self._waiting_per_site = settings.service.waiting_per_site
        self._hourly = settings.hourly_budgets

    async def refusal(self, work: Work, trigger: Trigger, now: datetime) -> Refusal | None:
        """The limit that a new incident would break; None when there is room."""
        for site in trigger.sites:
            [(waiting,)] = await work.fetch(
                "SELECT count(*) FROM incident_sites s JOIN incidents i"
                " ON i.incident_id = s.incident_id WHERE s.site = ? AND i.status = 'queued'",
                site,
            )
            if waiting >= self._waiting_per_site:
                why = f"{waiting} incidents wait for site {site}"
                return Refusal("waiting_per_site", why, _WAIT_FOR_ROOM_S)
        hour = now.replace(minute=0, second=0, microsecond=0)
        next_hour_s = int((hour + timedelta(hours=1) - now).total_seconds()) + 1
        for kind, name, tokens, cost in self._budgets(trigger):
            if tokens is None and cost is None:
                continue
            [(spent_tokens, spent_cost)] = await work.fetch(
                "SELECT COALESCE(sum(tokens), 0), COALESCE(sum(cost_usd), 0.0) FROM spending"
                " WHERE kind = ? AND name = ? AND spent_at >= ?",
                kind,
                name,
                stamp(hour),
            )
            if tokens is not None and spent_tokens >= tokens:
                why = f"the hour's {tokens} tokens of {kind} {name} are used up"
                return Refusal(f"tokens_per_{kind}", why, next_hour_s)
            if cost is not None and spent_cost >= cost:
                why = f"the hour's {cost:g} USD of {kind} {name} are used up"
                return Refusal(f"cost_usd_per_{kind}", why, next_hour_s)
        return None

    def _budgets(self, trigger: Trigger) -> Iterator[tuple[str, str, int | None, float | None]]:
        hourly = self._hourly
        for site in trigger.sites:
            yield "site", site, hourly.tokens_per_site, hourly.cost_usd_per_site
        yield (
            "principal",
            trigger.source,
            hourly.tokens_per_principal,
            hourly.cost_usd_per_principal,
        )


async def note_spending(
    work: Work, report: RootCauseReport, *, principal: str, sites: tuple[str, ...]
) -> None:
    """Count what an investigation's model calls took, once, to its source and its sites."""
    # Only a model's step knows how much came back; the deterministic analyst costs nothing.
    billed = [s for s in report.provenance if s.step == "reason" and s.tokens_after is not None]
    tokens = sum((step.tokens_before or 0) + (step.tokens_after or 0) for step in billed)
    cost = sum(step.cost_usd or 0.0 for step in billed)
    if not tokens and not cost:
        return
    for kind, name in (("principal", principal), *(("site", site) for site in sites)):
        await work.execute(
            "INSERT INTO spending VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            report.incident_id,
            kind,
            name,
            stamp(),
            tokens,
            cost,
        )
