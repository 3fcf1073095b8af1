"""The queue of envelopes: what the cloud half has yet to be told, and how far the feed was read.

One SQLite file under `store/`. What an incident's change asks for and the place in the feed behind
it are one transaction: a crash repeats work, it loses none. An incident waits in the queue once; a
newer state takes the place of an older one that was not delivered, so that a long outage queues
incidents and not their histories.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from telecom.envelope import SiteEnvelope

QUEUE_FILE = "notifier.sqlite"
LONGEST_QUEUE = 10_000
"""Incidents that may wait; beyond them the feed is read on only when there is room again."""
_TOLD_KEPT = 50_000
"""Incidents of which it is remembered what was told; of an older one a change is told as news."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pending (
    sequence INTEGER PRIMARY KEY, incident TEXT NOT NULL UNIQUE, envelope TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS set_aside (
    sequence INTEGER PRIMARY KEY, incident TEXT NOT NULL, envelope TEXT NOT NULL, why TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS told (
    incident TEXT PRIMARY KEY, outcome TEXT NOT NULL, number INTEGER NOT NULL,
    heard INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS due (
    incident TEXT PRIMARY KEY, noticed REAL NOT NULL, changed REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS progress (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One envelope that waits to be sent."""

    envelope: SiteEnvelope
    attempts: int


@dataclass(frozen=True, slots=True)
class Due:
    """An incident that changed since it was last looked at."""

    incident_id: str
    noticed: float
    """Seconds since 1970: of the first change since then."""
    changed: float
    """Of the latest one."""


class EnvelopeQueue:
    """What has to be looked at and told, safe over restarts. Safe to use from several threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, store: Path) -> Self:
        """Open the queue of a site's store, making it when there is none."""
        store.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            store / QUEUE_FILE, check_same_thread=False, isolation_level=None
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(_SCHEMA)
        connection.execute(
            "DELETE FROM told WHERE number <"
            " (SELECT number FROM told ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (_TOLD_KEPT,),
        )
        return cls(connection)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do several things together or none of them."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    # ------------------------------------------------------- what is to be looked at

    @property
    def cursor(self) -> str | None:
        """How far the feed of incident changes was read; None before the first time."""
        return self._get("cursor")

    @cursor.setter
    def cursor(self, cursor: str) -> None:
        self._set("cursor", cursor)

    def note_change(self, incident_id: str, moment: float) -> None:
        """An incident changed and has to be looked at."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO due VALUES (?, ?, ?)"
                " ON CONFLICT (incident) DO UPDATE SET changed = max(changed, excluded.changed),"
                " noticed = min(noticed, excluded.noticed)",
                (incident_id, moment, moment),
            )

    def due(self) -> list[Due]:
        """What has to be looked at, longest waiting first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT incident, noticed, changed FROM due ORDER BY noticed, incident"
            ).fetchall()
        return [Due(*row) for row in rows]

    def looked_at(self, due: Due) -> None:
        """An incident was looked at as it stood; a later change keeps it due."""
        with self._lock:
            self._connection.execute(
                "DELETE FROM due WHERE incident = ? AND changed = ?", (due.incident_id, due.changed)
            )

    # ----------------------------------------------------------- what is to be told

    @property
    def has_room(self) -> bool:
        """Whether further incidents may be queued."""
        return len(self) < LONGEST_QUEUE

    def __len__(self) -> int:
        with self._lock:
            (count,) = self._connection.execute("SELECT count(*) FROM pending").fetchone()
        return int(count)

    def outcome_told(self, incident_id: str) -> str | None:
        """What was last queued of an incident, as `put` was given it; None before that."""
        with self._lock:
            row = self._connection.execute(
                "SELECT outcome FROM told WHERE incident = ?", (incident_id,)
            ).fetchone()
        return None if row is None else str(row[0])

    def put(self, envelope: SiteEnvelope, outcome: str) -> SiteEnvelope:
        """Queue a state of an incident; it takes the place of one that still waits.

        Args:
            envelope: Its sequence is given here, its event when it is sent.
            outcome: What it says in essence, to tell later whether there is news.

        Returns:
            The envelope as queued.
        """
        with self.transaction():
            waiting = self._connection.execute(
                "SELECT sequence FROM pending WHERE incident = ?", (envelope.incident_id,)
            ).fetchone()
            sequence = self._next_sequence() if waiting is None else waiting[0]
            envelope = envelope.model_copy(update={"sequence": sequence})
            self._connection.execute(
                "INSERT INTO pending (sequence, incident, envelope) VALUES (?, ?, ?)"
                " ON CONFLICT (incident) DO UPDATE SET envelope = excluded.envelope",
                (sequence, envelope.incident_id, envelope.model_dump_json()),
            )
            self._connection.execute(
                "INSERT INTO told (incident, outcome, number) VALUES (?, ?, ?)"
                " ON CONFLICT (incident) DO UPDATE SET outcome = excluded.outcome,"
                " number = excluded.number",
                (envelope.incident_id, outcome, sequence),
            )
        return envelope

    def withdraw(self, incident_id: str) -> None:
        """Forget an incident that the cloud half has not heard of, as one that was merged."""
        with self._lock:
            self._connection.execute("DELETE FROM pending WHERE incident = ?", (incident_id,))

    def was_heard_of(self, incident_id: str) -> bool:
        """Whether the cloud half has a receipt out for any state of an incident."""
        with self._lock:
            row = self._connection.execute(
                "SELECT heard FROM told WHERE incident = ?", (incident_id,)
            ).fetchone()
        return row is not None and bool(row[0])

    def _next_sequence(self) -> int:
        """Rises also when the store was deleted and rebuilt: it is at least the time in ms."""
        sequence = max(int(self._get("sequence") or 0) + 1, int(time.time() * 1000))
        self._set("sequence", str(sequence))
        return sequence

    def first(self) -> Waiting | None:
        """What has to be sent next; None when nothing waits.

        The first that is told of an incident opens it, whatever has become of it meanwhile.
        """
        with self._lock:
            row = self._connection.execute(
                "SELECT envelope, attempts FROM pending ORDER BY sequence LIMIT 1"
            ).fetchone()
        if row is None:
            return None
        envelope = SiteEnvelope.model_validate_json(row[0])
        if envelope.event != "merged" and not self.was_heard_of(envelope.incident_id):
            envelope = envelope.model_copy(update={"event": "opened"})
        return Waiting(envelope, row[1])

    def waiting_incidents(self) -> list[str]:
        """Incidents whose envelope waits, first to be sent first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT incident FROM pending ORDER BY sequence"
            ).fetchall()
        return [incident for (incident,) in rows]

    def tried(self, waiting: Waiting) -> None:
        """Sending it has begun, and its fate is open."""
        with self._lock:
            self._connection.execute(
                "UPDATE pending SET attempts = attempts + 1 WHERE sequence = ?",
                (waiting.envelope.sequence,),
            )

    def delivered(self, waiting: Waiting) -> None:
        """The cloud half has it; a newer state that was queued meanwhile stays."""
        with self.transaction():
            row = self._connection.execute(
                "SELECT envelope FROM pending WHERE sequence = ?", (waiting.envelope.sequence,)
            ).fetchone()
            if row is None:
                return
            self._connection.execute(
                "DELETE FROM pending WHERE sequence = ?", (waiting.envelope.sequence,)
            )
            self._connection.execute(
                "UPDATE told SET heard = 1 WHERE incident = ?", (waiting.envelope.incident_id,)
            )
            now = SiteEnvelope.model_validate_json(row[0])
            if now.envelope_id != waiting.envelope.envelope_id:
                follows = now.model_copy(update={"sequence": self._next_sequence()})
                self._connection.execute(
                    "INSERT INTO pending (sequence, incident, envelope) VALUES (?, ?, ?)",
                    (follows.sequence, follows.incident_id, follows.model_dump_json()),
                )

    def set_aside(self, waiting: Waiting, why: str) -> None:
        """The cloud half will not have this one: keep it out of the way of the others."""
        with self.transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO set_aside VALUES (?, ?, ?, ?)",
                (
                    waiting.envelope.sequence,
                    waiting.envelope.incident_id,
                    waiting.envelope.model_dump_json(),
                    why,
                ),
            )
            self._connection.execute(
                "DELETE FROM pending WHERE sequence = ?", (waiting.envelope.sequence,)
            )

    def aside(self) -> Sequence[tuple[SiteEnvelope, str]]:
        """What was set aside and why, oldest first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT envelope, why FROM set_aside ORDER BY sequence"
            ).fetchall()
        return [(SiteEnvelope.model_validate_json(body), why) for body, why in rows]

    def take_up_again(self) -> int:
        """Queue what was set aside once more, in its old place; how many."""
        with self.transaction():
            self._connection.execute(
                "INSERT OR IGNORE INTO pending (sequence, incident, envelope)"
                " SELECT sequence, incident, envelope FROM set_aside"
            )
            return self._connection.execute("DELETE FROM set_aside").rowcount

    # ------------------------------------------------------------------- the outage

    @property
    def unreachable_since(self) -> datetime | None:
        """Since when the cloud half gives no receipt; None while it does."""
        value = self._get("unreachable_since")
        return datetime.fromtimestamp(float(value), UTC) if value else None

    @unreachable_since.setter
    def unreachable_since(self, moment: datetime | None) -> None:
        self._set("unreachable_since", "" if moment is None else repr(moment.timestamp()))

    def _get(self, name: str) -> str | None:
        with self._lock:
            row = self._connection.execute(
                "SELECT value FROM progress WHERE name = ?", (name,)
            ).fetchone()
        return None if row is None else str(row[0])

    def _set(self, name: str, value: str) -> None:
        with self._lock:
            self._connection.execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", (name, value))
