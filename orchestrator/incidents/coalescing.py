"""`Coalescing`: which incident a trigger joins, and when it opens another.

Works on the triggers of one commit. What all of them need is read before the first, and their rows
are written after the last: a storm's triggers, which join incidents that their site has named
before, take no statement each.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from orchestrator.incidents.limits import Limits
from orchestrator.settings import Settings
from orchestrator.storage.database import Value, Work, stamp
from orchestrator.triggers.trigger import Trigger, worse
from telecom.alarm import PerceivedSeverity
from telecom.errors import BudgetExceededError

_COLUMNS = "i.incident_id, i.status, i.window_start, i.window_end, i.perceived_severity"


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


class Coalescing:
    """Places triggers with the incidents of one orchestrator's settings."""

    def __init__(self, settings: Settings) -> None:
        self.limits = Limits(settings)
        self.near = timedelta(seconds=settings.service.coalesce_seconds)
        self._neighbors = {site.name: site.neighbors for site in settings.sites}

    async def store(self, work: Work, triggers: Sequence[Trigger]) -> list[Accepted | StormError]:
        """Store triggers in a transaction, in their order; what became of each."""
        batch = _Batch(work, self)
        await batch.read(triggers)
        outcomes = [await batch.store(trigger) for trigger in triggers]
        await batch.write()
        return outcomes

    def sites_of(self, trigger: Trigger) -> list[str]:
        """The sites that a trigger is about, with those that are declared to be near them."""
        around = {name for site in trigger.sites for name in self._neighbors.get(site, ())}
        return sorted({*trigger.sites, *around})


class _Batch:
    """The triggers of one transaction."""

    def __init__(self, work: Work, rules: Coalescing) -> None:
        self._work = work
        self._rules = rules
        self._known: dict[str, str | None] = {}
        """Stored trigger -> its incident."""
        self._named: dict[str, _Open] = {}
        """A site's own incident -> ours."""
        self._triggers: list[tuple[Value, ...]] = []
        """Rows of the inbox that are still to be written."""
        self._sites: list[tuple[Value, ...]] = []
        """Rows of incidents' sites that are still to be written."""

    async def read(self, triggers: Sequence[Trigger]) -> None:
        """Look up what was stored before."""
        ids = sorted({trigger.trigger_id for trigger in triggers})
        self._known = dict(
            await self._work.fetch(
                f"SELECT trigger_id, incident_id FROM inbox WHERE trigger_id IN ({_marks(ids)})",  # noqa: S608
                *ids,
            )
        )
        names = sorted({name for one in triggers if (name := _site_incident(one)) is not None})
        if not names:
            return
        rows = await self._work.fetch(
            f"SELECT t.site_incident, {_COLUMNS} FROM ("  # noqa: S608 - our own texts
            "SELECT site_incident, incident_id FROM inbox"
            f" WHERE site_incident IN ({_marks(names)}) GROUP BY site_incident, incident_id"
            ") t JOIN incidents i ON i.incident_id = t.incident_id ORDER BY i.opened_at",
            *names,
        )
        self._named = {name: _open_of(columns) for name, *columns in rows}  # the newest stays

    async def store(self, trigger: Trigger) -> Accepted | StormError:
        """Place one trigger; its row follows with the next `write`."""
        now = datetime.now(UTC)
        if trigger.trigger_id in self._known:
            return Accepted("duplicate", self._known[trigger.trigger_id], now)
        incident = await self._incident_of(trigger)
        outcome: Literal["accepted", "coalesced"] = "coalesced"
        if incident is not None and (incident.status == "queued" or not _news(trigger, incident)):
            incident = await self._join(trigger, incident)
        elif not trigger.starts_nothing:
            await self.write()  # what the limits count
            refusal = await self._rules.limits.refusal(self._work, trigger, now)
            if refusal is not None:
                return StormError(refusal.budget, refusal.why, retry_after_s=refusal.retry_after_s)
            incident = await self._open(trigger, follows=incident, now=now)
            outcome = "accepted"
        incident_id = None if incident is None else incident.incident_id
        self._note(trigger, incident, outcome=outcome, now=now)
        return Accepted(outcome, incident_id, now)

    def _note(
        self, trigger: Trigger, incident: _Open | None, *, outcome: str, now: datetime
    ) -> None:
        named = _site_incident(trigger)
        incident_id = None if incident is None else incident.incident_id
        self._known[trigger.trigger_id] = incident_id
        if named is not None and incident is not None:
            self._named[named] = incident
        content = trigger.model_dump_json(exclude_none=True)
        self._triggers.append(
            (trigger.trigger_id, incident_id, trigger.source, named, stamp(now), outcome, content)
        )

    async def write(self) -> None:
        """Write the rows that are due."""
        sites, self._sites = self._sites, []
        if sites:
            await self._work.execute_many(
                "INSERT INTO incident_sites VALUES (?, ?) ON CONFLICT DO NOTHING", sites
            )
        triggers, self._triggers = self._triggers, []
        if triggers:
            await self._work.execute_many(
                "INSERT INTO inbox VALUES (?, ?, ?, ?, ?, ?, ?)", triggers
            )

    async def _incident_of(self, trigger: Trigger) -> _Open | None:
        """The incident that a trigger belongs to: the one its site named, else one close by."""
        named = _site_incident(trigger)
        if named is not None and named in self._named:
            return self._named[named]
        await self.write()  # what is looked through
        names = self._rules.sites_of(trigger)
        begin, end = trigger.window
        rows = await self._work.fetch(
            f"SELECT {_COLUMNS} FROM incidents i"  # noqa: S608 - our own column names
            " JOIN incident_sites s ON s.incident_id = i.incident_id"
            f" WHERE s.site IN ({_marks(names)}) AND i.status <> 'parked'"
            " AND i.window_start <= ? AND i.window_end >= ? ORDER BY i.opened_at DESC LIMIT 50",
            *names,
            stamp(end + self._rules.near),
            stamp(begin - self._rules.near),
        )
        for row in rows:
            # A site that folds by itself knows better than its clock which alarms belong together.
            if named is not None and await self._folded_by(row[0], trigger):
                continue
            return _open_of(row)
        return None

    async def _folded_by(self, incident_id: str, trigger: Trigger) -> bool:
        """Whether an incident has an own incident of the same site already."""
        rows = await self._work.fetch(
            "SELECT site_incident FROM inbox WHERE incident_id = ? AND site_incident IS NOT NULL",
            incident_id,
        )
        return any(row[0].startswith(f"{trigger.sites[0]}|") for row in rows)

    async def _join(self, trigger: Trigger, incident: _Open) -> _Open:
        """Add a trigger to an incident; one that nobody has begun is looked into more widely."""
        if incident.status != "queued":
            return incident
        begin, end = map(stamp, trigger.window)
        severity = incident.perceived_severity
        if worse(trigger.perceived_severity, severity):
            severity = trigger.perceived_severity
        wider = replace(
            incident,
            window=(min(begin, incident.window[0]), max(end, incident.window[1])),
            perceived_severity=severity,
        )
        if wider != incident:
            await self._work.execute(
                "UPDATE incidents SET window_start = ?, window_end = ?, perceived_severity = ?"
                " WHERE incident_id = ?",
                *wider.window,
                severity,
                incident.incident_id,
            )
        self._name_sites(incident.incident_id, trigger)
        return wider

    async def _open(self, trigger: Trigger, *, follows: _Open | None, now: datetime) -> _Open:
        begin, end = map(stamp, trigger.window)
        opened = _Open(
            f"inc-{uuid.uuid4().hex[:12]}", "queued", (begin, end), trigger.perceived_severity
        )
        await self._work.execute(
            "INSERT INTO incidents (incident_id, status, principal, opened_at, window_start,"
            " window_end, perceived_severity, follows, attempts, not_before)"
            " VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, 0, ?)",
            opened.incident_id,
            trigger.source,
            stamp(now),
            *opened.window,
            opened.perceived_severity,
            None if follows is None else follows.incident_id,
            stamp(now),
        )
        self._name_sites(opened.incident_id, trigger)
        return opened

    def _name_sites(self, incident_id: str, trigger: Trigger) -> None:
        self._sites += [(incident_id, site) for site in self._rules.sites_of(trigger)]


def _marks(values: Sequence[str]) -> str:
    """Place holders for values."""
    return ", ".join("?" * len(values))


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


def _open_of(columns: Sequence[str]) -> _Open:
    incident_id, status, begin, end, severity = columns
    return _Open(incident_id, status, (begin, end), PerceivedSeverity(severity))
