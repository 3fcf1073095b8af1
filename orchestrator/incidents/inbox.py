"""`Inbox`: a trigger is accepted when its row is committed, and never before.

The same trigger again is told where its investigation is. A trigger that belongs to an open
incident joins it; another opens one, as long as site and source are within their limits. Triggers
that arrive while a commit is under way share the next one, so that a storm costs few of them.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from orchestrator.incidents.limits import Limits
from orchestrator.settings import Settings
from orchestrator.storage.database import Database, Work, stamp
from orchestrator.triggers.trigger import Trigger, worse
from telecom.alarm import PerceivedSeverity
from telecom.errors import BudgetExceededError

_AT_ONCE = 8
"""Triggers of one commit: few enough that an investigation need not wait long for its turn."""
_MOST_WAITING = 500
"""Triggers that wait for a commit; a storm beyond it is told to come again, not kept in memory."""
_STORM_PAUSE_S = 5


@dataclass(frozen=True, slots=True)
class Accepted:
    """A trigger is stored."""

    outcome: Literal["accepted", "coalesced", "duplicate"]
    incident_id: str | None
    """None for the end of an incident that was never looked into."""
    received_at: datetime


class StormError(BudgetExceededError):
    """No further incident is opened now; the sender keeps the trigger and tries again."""

    def __init__(self, budget: str, message: str, *, retry_after_s: int) -> None:
        super().__init__(budget, f"{message}; send it again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class _Open:
    """An incident that a trigger may join."""

    incident_id: str
    status: str
    window: tuple[str, str]
    perceived_severity: PerceivedSeverity


class Inbox:
    """Accepts triggers into the state."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._limits = Limits(settings)
        self._near = timedelta(seconds=settings.service.coalesce_seconds)
        self._neighbors = {site.name: site.neighbors for site in settings.sites}
        self._waiting: list[tuple[Trigger, asyncio.Future[Accepted]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def accept(self, trigger: Trigger) -> Accepted:
        """Store a trigger; when this returns it survives the machine's loss of power.

        Raises:
            StormError: A limit is reached and the trigger would open a new incident.
            StateUnavailableError: It could not be stored.
        """
        if len(self._waiting) >= _MOST_WAITING:
            why = f"{_MOST_WAITING} triggers wait to be stored"
            raise StormError("intake", why, retry_after_s=_STORM_PAUSE_S)
        done: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._waiting.append((trigger, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            try:
                outcomes = await self._store([trigger for trigger, _ in batch])
            except BaseException as exc:
                for _, done in batch:
                    if not done.done():
                        done.set_exception(_kept_apart(exc))
                if not isinstance(exc, Exception):
                    raise
                continue
            for (_, done), outcome in zip(batch, outcomes, strict=True):
                if done.done():  # its sender hung up; it is stored all the same
                    continue
                if isinstance(outcome, StormError):
                    done.set_exception(outcome)
                else:
                    done.set_result(outcome)

    async def _store(self, triggers: list[Trigger]) -> list[Accepted | StormError]:
        outcomes: list[Accepted | StormError] = []
        async with self._database.transaction(lock="inbox") as work:
            known = await _known(work, triggers)
            for trigger in triggers:
                outcome = await self._store_one(work, trigger, known)
                if isinstance(outcome, Accepted):
                    known[trigger.trigger_id] = outcome.incident_id
                outcomes.append(outcome)
        return outcomes

    async def _store_one(
        self, work: Work, trigger: Trigger, known: Mapping[str, str | None]
    ) -> Accepted | StormError:
        now = datetime.now(UTC)
        if trigger.trigger_id in known:
            return Accepted("duplicate", known[trigger.trigger_id], now)
        incident = await self._incident_of(work, trigger)
        outcome: Literal["accepted", "coalesced"] = "coalesced"
        incident_id = None if incident is None else incident.incident_id
        if incident is not None and (incident.status == "queued" or not _news(trigger, incident)):
            await self._join(work, trigger, incident)
        elif not trigger.starts_nothing:
            refusal = await self._limits.refusal(work, trigger, now)
            if refusal is not None:
                return StormError(refusal.budget, refusal.why, retry_after_s=refusal.retry_after_s)
            incident_id = await self._open(work, trigger, follows=incident_id, now=now)
            outcome = "accepted"
        await work.execute(
            "INSERT INTO inbox VALUES (?, ?, ?, ?, ?, ?, ?)",
            trigger.trigger_id,
            incident_id,
            trigger.source,
            _site_incident(trigger),
            stamp(now),
            outcome,
            trigger.model_dump_json(exclude_none=True),
        )
        return Accepted(outcome, incident_id, now)

    async def _incident_of(self, work: Work, trigger: Trigger) -> _Open | None:
        """The incident that a trigger belongs to: the one its site named, else one close by."""
        columns = "i.incident_id, i.status, i.window_start, i.window_end, i.perceived_severity"
        if trigger.site_incident is not None:
            rows = await work.fetch(
                f"SELECT {columns} FROM inbox t JOIN incidents i ON i.incident_id = t.incident_id"  # noqa: S608
                " WHERE t.site_incident = ? ORDER BY i.opened_at DESC LIMIT 1",
                _site_incident(trigger),
            )
            if rows:
                return _open_of(rows[0])
        names = sorted({*trigger.sites, *self._around(trigger)})
        begin, end = (moment for moment in trigger.window)
        rows = await work.fetch(
            f"SELECT {columns}, s.site FROM incidents i"  # noqa: S608 - our own column names
            " JOIN incident_sites s ON s.incident_id = i.incident_id"
            f" WHERE s.site IN ({', '.join('?' * len(names))}) AND i.status <> 'parked'"
            " AND i.window_start <= ? AND i.window_end >= ? ORDER BY i.opened_at DESC LIMIT 50",
            *names,
            stamp(end + self._near),
            stamp(begin - self._near),
        )
        for row in rows:
            # A site that folds by itself knows better than its clock which alarms belong together.
            if trigger.site_incident is not None and await self._folded_by(work, row[0], trigger):
                continue
            return _open_of(row)
        return None

    async def _folded_by(self, work: Work, incident_id: str, trigger: Trigger) -> bool:
        """Whether an incident has an own incident of the same site already."""
        rows = await work.fetch(
            "SELECT site_incident FROM inbox WHERE incident_id = ? AND site_incident IS NOT NULL",
            incident_id,
        )
        return any(row[0].startswith(f"{trigger.sites[0]}|") for row in rows)

    def _around(self, trigger: Trigger) -> set[str]:
        return {name for site in trigger.sites for name in self._neighbors.get(site, ())}

    async def _join(self, work: Work, trigger: Trigger, incident: _Open) -> None:
        """Add a trigger to an incident; one that nobody has begun is looked into more widely."""
        if incident.status != "queued":
            return
        begin, end = map(stamp, trigger.window)
        window = min(begin, incident.window[0]), max(end, incident.window[1])
        severity = incident.perceived_severity
        if worse(trigger.perceived_severity, severity):
            severity = trigger.perceived_severity
        if (window, severity) != (incident.window, incident.perceived_severity):
            await work.execute(
                "UPDATE incidents SET window_start = ?, window_end = ?, perceived_severity = ?"
                " WHERE incident_id = ?",
                *window,
                severity,
                incident.incident_id,
            )
        await self._name_sites(work, incident.incident_id, trigger)

    async def _open(
        self, work: Work, trigger: Trigger, *, follows: str | None, now: datetime
    ) -> str:
        incident_id = f"inc-{uuid.uuid4().hex[:12]}"
        begin, end = map(stamp, trigger.window)
        await work.execute(
            "INSERT INTO incidents (incident_id, status, principal, opened_at, window_start,"
            " window_end, perceived_severity, follows, attempts, not_before)"
            " VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, 0, ?)",
            incident_id,
            trigger.source,
            stamp(now),
            begin,
            end,
            trigger.perceived_severity,
            follows,
            stamp(now),
        )
        await self._name_sites(work, incident_id, trigger)
        return incident_id

    async def _name_sites(self, work: Work, incident_id: str, trigger: Trigger) -> None:
        named = [(incident_id, site) for site in sorted({*trigger.sites, *self._around(trigger)})]
        await work.execute_many(
            "INSERT INTO incident_sites VALUES (?, ?) ON CONFLICT DO NOTHING", named
        )


async def _known(work: Work, triggers: Sequence[Trigger]) -> dict[str, str | None]:
    """Which of some triggers were stored before, and the incident of each."""
    ids = [trigger.trigger_id for trigger in triggers]
    rows = await work.fetch(
        "SELECT trigger_id, incident_id FROM inbox"  # noqa: S608 - place holders
        f" WHERE trigger_id IN ({', '.join('?' * len(ids))})",
        *ids,
    )
    return dict(rows)


def _site_incident(trigger: Trigger) -> str | None:
    """The site's own incident with the site's name: two sites may count alike."""
    if trigger.site_incident is None:
        return None
    named = trigger.site_incident
    if trigger.envelope is not None and trigger.envelope.merged_into is not None:
        named = trigger.envelope.merged_into
    return f"{trigger.sites[0]}|{named}"


def _news(trigger: Trigger, incident: _Open) -> bool:
    """Whether a trigger says more than what an incident was begun with."""
    if trigger.starts_nothing:
        return False
    return trigger.wants_second_look or worse(
        trigger.perceived_severity, incident.perceived_severity
    )


def _open_of(row: tuple[str, ...]) -> _Open:
    return _Open(row[0], row[1], (row[2], row[3]), PerceivedSeverity(row[4]))


def _kept_apart(exc: BaseException) -> BaseException:
    """An exception for one of several waiters; a cancelled writer has stored nothing."""
    return asyncio.CancelledError() if isinstance(exc, asyncio.CancelledError) else exc
