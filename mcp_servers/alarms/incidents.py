"""`IncidentLog`: the incidents of a site, kept in the alarm store, and the feed of their changes.

How to follow it, as a notifier or a page does:

    cursor = saved or None                      # None: from the beginning of the feed
    page = log.changes_since(cursor, limit=100)
    for change in page.changes: ...             # change.step, change.incident
    save(page.cursor)                           # after what was done with them is safe

Every change of an incident is told at least once and in order; `incident.revision` tells a repeated
one. A cursor of a store that was deleted and rebuilt starts the feed over: incident ids are keyed
from the first alarm and stay the same, so what was already told is recognised by them.
"""

from __future__ import annotations

import json
from base64 import b32encode
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from hmac import digest
from operator import attrgetter

from pydantic_core import to_json

from agents.incident_tracking import IncidentTracker
from agents.tracked_incidents import TrackedAlarm, TrackedChanges, TrackedIncident
from mcp_servers.alarms.alarm_rows import Spelling
from mcp_servers.alarms.database import AlarmDatabase
from mcp_servers.alarms.pending_notices import DueNotices, due_notices, forget_notices
from telecom.alarm import PerceivedSeverity
from telecom.bulk_work import no_garbage_collection
from telecom.errors import InvalidArgumentError, RecordNotFoundError
from telecom.incident import MAX_LISTED, ActiveAlarm, Incident, IncidentChange, IncidentChanges
from telecom.topology import Topology

_BATCH = 5_000
"""Notices per transaction: a storm of a minute, and still only some megabytes in memory."""
_ALARM_FIELDS = tuple(field.name for field in fields(TrackedAlarm))
_fields_of = attrgetter(*_ALARM_FIELDS)
_CHANGES_KEPT = 200_000
"""Length of the feed; a reader that fell behind further reads the open incidents anew."""


class IncidentLog:
    """Open and past incidents. Safe to use from several threads."""

    def __init__(
        self,
        database: AlarmDatabase,
        topology: Topology,
        *,
        id_key: bytes,
        planned: Callable[[str, float], bool] = lambda _object, _time: False,
    ) -> None:
        """Take up the incidents that are open.

        Args:
            database: Of the alarm store.
            topology: Of the site; may be empty.
            id_key: Secret of the site that incident ids are keyed with.
            planned: Whether a managed object is in a maintenance window at a time (seconds).
        """
        self._database = database
        self._id_key = id_key
        self._spelling = Spelling(topology)
        with database.lock:
            (newest,) = database.connection.execute(
                "SELECT coalesce(max(number), 0) FROM incidents"
            ).fetchone()
            (self._epoch,) = database.connection.execute("SELECT epoch FROM feed").fetchone()
            self._tracker = IncidentTracker(topology, next_number=newest + 1, planned=planned)
            self._tracker.restore(self._load_open())
            self._tracker.drain()

    def follow(self, now: float) -> bool:
        """Tell the incidents what the store took in since the last call, oldest first.

        Args:
            now: Seconds since 1970: notices of clocks that run ahead do not hurry other incidents.

        Returns:
            Whether anything changed.
        """
        changed = False
        while True:
            with self._database.lock, no_garbage_collection():
                due = due_notices(self._database, self._spelling, limit=_BATCH)
                for notice in due.notices:
                    self._tracker.advance(min(notice.time, now))
                    self._tracker.take(notice)
                if not due.more:
                    self._tracker.advance(now)
                changed |= self._keep(self._tracker.drain(), due)
            if not due.more:
                return changed

    def open_incidents(self) -> list[Incident]:
        """What is going on, oldest first."""
        with self._database.lock:
            return [self._shown(incident) for incident in self._tracker.incidents.values()]

    def newest(self, limit: int) -> list[Incident]:
        """Open and closed incidents by their latest alarm, newest first; merged ones not."""
        return self._read("state != 'merged' ORDER BY last DESC, number LIMIT ?", limit)

    def get(self, incident_id: str) -> Incident:
        """Read one incident, whatever became of it.

        Raises:
            RecordNotFoundError: No incident has that id.
        """
        found = self._read("incident_id = ?", incident_id)
        if not found:
            raise RecordNotFoundError("incident", incident_id, hint="list the open incidents")
        return found[0]

    def records_of(self, incident_id: str) -> list[int]:
        """The record numbers of an incident's alarms, in order of intake.

        `AlarmStore.page(AlarmQuery(ids=...))` reads them.

        Raises:
            RecordNotFoundError: No incident has that id.
        """
        self.get(incident_id)
        with self._database.lock:
            return [
                record
                for (record,) in self._database.connection.execute(
                    "SELECT record FROM incident_records JOIN incidents"
                    " ON incidents.number = incident_records.incident"
                    " WHERE incident_id = ? ORDER BY record",
                    (incident_id,),
                )
            ]

    def changes_since(self, cursor: str | None, *, limit: int = 100) -> IncidentChanges:
        """Read the feed on from a cursor; None, or a cursor of another store, begins it.

        Raises:
            InvalidArgumentError: The cursor is none of ours.
        """
        after = self._position(cursor)
        with self._database.lock:
            rows = self._database.connection.execute(
                "SELECT number, step, shown FROM incident_changes WHERE number > ?"
                " ORDER BY number LIMIT ?",
                (after, limit + 1),
            ).fetchall()
        changes = tuple(
            IncidentChange(
                cursor=f"{self._epoch}-{number}",
                step=step,
                incident=Incident.model_validate_json(shown),
            )
            for number, step, shown in rows[:limit]
        )
        end = changes[-1].cursor if changes else f"{self._epoch}-{after}"
        return IncidentChanges(changes=changes, cursor=end, more=len(rows) > limit)

    def current_cursor(self) -> str:
        """Where the feed ends now: for a reader that wants only what comes."""
        with self._database.lock:
            (number,) = self._database.connection.execute(
                "SELECT coalesce(max(number), 0) FROM incident_changes"
            ).fetchone()
        return f"{self._epoch}-{number}"

    def active_alarms(self) -> list[ActiveAlarm]:
        """The alarms of all open incidents, clear ones included, oldest first."""
        with self._database.lock:
            numbered = {
                number: self._incident_id(incident)
                for number, incident in self._tracker.incidents.items()
            }
            alarms = sorted(self._tracker.alarms(), key=lambda alarm: alarm.raised)
            return [_active(alarm, numbered[alarm.incident]) for alarm in alarms]

    def _position(self, cursor: str | None) -> int:
        if cursor is None:
            return 0
        epoch, _, number = cursor.partition("-")
        if not epoch or not number.isdecimal():
            raise InvalidArgumentError(
                "cursor", "cursor must be one that an earlier answer of this feed gave"
            )
        return int(number) if epoch == self._epoch else 0

    def _keep(self, changes: TrackedChanges, told: DueNotices) -> bool:
        """Write down what changed, and that the notices are told, in one transaction."""
        if not changes.incidents and not told.noted:
            return False
        keys = {notice.record: notice.key for notice in told.notices}
        with self._database.transaction() as connection:
            forget_notices(self._database, told)
            connection.executemany(
                "INSERT OR REPLACE INTO incident_records VALUES (?, ?, ?)",
                [
                    (record, incident, keys.get(record, ""))
                    for record, incident in changes.records.items()
                ],
            )
            for old, new in changes.moved:
                connection.execute(
                    "UPDATE incident_records SET incident = ? WHERE incident = ?", (new, old)
                )
            connection.executemany(
                "UPDATE incident_records SET incident = ? WHERE incident = ? AND alarm = ?",
                [(new, old, key) for key, old, new in changes.parted],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO incident_alarms VALUES (?, ?, ?)",
                [(alarm.key, alarm.incident, _written(alarm)) for alarm in changes.alarms.values()],
            )
            for incident, step in changes.incidents.values():
                shown = self._shown(incident).model_dump_json(exclude_none=True)
                connection.execute(
                    "INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        incident.number,
                        self._incident_id(incident),
                        incident.state,
                        incident.last,
                        json.dumps(_scalars(incident)),
                        shown,
                    ),
                )
                connection.execute(
                    "INSERT INTO incident_changes (step, shown) VALUES (?, ?)", (step, shown)
                )
                if incident.state == "closed":
                    connection.execute(
                        "DELETE FROM incident_alarms WHERE incident = ?", (incident.number,)
                    )
            connection.execute(
                "DELETE FROM incident_changes WHERE number <="
                " (SELECT max(number) FROM incident_changes) - ?",
                (_CHANGES_KEPT,),
            )
        return bool(changes.incidents)

    def _load_open(self) -> list[TrackedIncident]:
        """Read the open incidents with their alarms."""
        connection = self._database.connection
        incidents = {}
        for (body,) in connection.execute("SELECT body FROM incidents WHERE state = 'open'"):
            incident = TrackedIncident(**json.loads(body))
            incident.worst = PerceivedSeverity(incident.worst)
            incidents[incident.number] = incident
        for (body,) in connection.execute("SELECT body FROM incident_alarms"):
            alarm = TrackedAlarm(**json.loads(body))
            alarm.severity = PerceivedSeverity(alarm.severity)
            if alarm.incident in incidents:
                incidents[alarm.incident].alarms[alarm.key] = alarm
        return list(incidents.values())

    def _read(self, where: str, value: object) -> list[Incident]:
        with self._database.lock:
            rows = self._database.connection.execute(
                f"SELECT shown FROM incidents WHERE {where}",  # noqa: S608 - our own clauses
                (value,),
            ).fetchall()
        return [Incident.model_validate_json(shown) for (shown,) in rows]

    def _incident_id(self, incident: TrackedIncident) -> str:
        mac = digest(self._id_key, b"incident-id\0" + incident.origin.encode(), "sha256")
        return f"incident-{b32encode(mac[:10]).decode().lower()}"

    def _numbered_id(self, number: int | None) -> str | None:
        if number is None:
            return None
        incident = self._tracker.incidents.get(number)
        if incident is not None:
            return self._incident_id(incident)
        row = self._database.connection.execute(
            "SELECT incident_id FROM incidents WHERE number = ?", (number,)
        ).fetchone()
        return None if row is None else str(row[0])

    def _shown(self, incident: TrackedIncident) -> Incident:
        leader = incident.leader
        assert leader is not None  # an incident opens with an alarm
        devices = list(incident.devices)
        return Incident(
            incident_id=self._incident_id(incident),
            revision=incident.revision,
            state=incident.state,
            first_time=_instant(incident.first),
            last_time=_instant(incident.last),
            closed_time=None if incident.closed is None else _instant(incident.closed),
            severity=incident.severity,
            worst_severity=incident.worst,
            managed_object=leader.managed_object,
            probable_cause=leader.cause,
            specific_problem=leader.problem,
            managed_objects=tuple(devices[:MAX_LISTED]),
            managed_objects_total=len(devices),
            records=incident.records,
            alarms=len(incident.alarms),
            active=incident.active_count,
            acknowledged=incident.acknowledged,
            flapping=sum(alarm.flapping for alarm in incident.alarms.values()),
            planned=incident.unplanned == 0,
            merged_into=self._numbered_id(incident.merged_into),
            split_from=self._numbered_id(incident.split_from),
        )


def _written(alarm: TrackedAlarm) -> str:
    return to_json(dict(zip(_ALARM_FIELDS, _fields_of(alarm), strict=True))).decode()


def _scalars(incident: TrackedIncident) -> dict[str, object]:
    """What of an incident is not worked out from its alarms."""
    return {
        name: getattr(incident, name)
        for name in (
            "number", "origin", "first", "last", "state", "closed", "merged_into", "split_from",
            "worst", "records", "revision", "settled",
        )
    }  # fmt: skip


def _active(alarm: TrackedAlarm, incident_id: str) -> ActiveAlarm:
    return ActiveAlarm(
        managed_object=alarm.managed_object,
        alarm_type=alarm.alarm_type,
        specific_problem=alarm.problem,
        probable_cause=alarm.cause,
        perceived_severity=alarm.severity if alarm.active else PerceivedSeverity.CLEARED,
        raised_time=_instant(alarm.raised),
        changed_time=_instant(alarm.last),
        cleared_time=None if alarm.cleared is None else _instant(alarm.cleared),
        reports=alarm.reports,
        flaps=alarm.flaps,
        flapping=alarm.flapping,
        acknowledged=alarm.acknowledged,
        planned=alarm.planned,
        alarm_id=alarm.alarm_ids[0],
        incident_id=incident_id,
    )


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 6), UTC)
