"""The SQLite file of the alarm store: its tables, its one connection, its transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agents.alarm_notices import Notice
from telecom.errors import StoreDamagedError

_VERSION = 4
_TABLES = (
    "files",
    "alarms",
    "rejects",
    "notices",
    "incidents",
    "incident_alarms",
    "incident_records",
    "incident_changes",
    "feed",
    "clocks",
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, others INTEGER NOT NULL,
    lines INTEGER NOT NULL DEFAULT 0, records INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS alarms (
    id INTEGER PRIMARY KEY, alarm_id TEXT NOT NULL, device TEXT NOT NULL,
    port TEXT NOT NULL, time_us INTEGER NOT NULL, body TEXT NOT NULL, raw TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS clocks (
    device TEXT PRIMARY KEY, seconds REAL NOT NULL, lines INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rejects (file INTEGER NOT NULL, line INTEGER, why TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS rejects_by_file ON rejects (file);

-- What incidents have not been told yet; a row goes in the transaction that tells them.
CREATE TABLE IF NOT EXISTS notices (
    time REAL NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (time, record)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS incidents (
    number INTEGER PRIMARY KEY, incident_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    last REAL NOT NULL, body TEXT NOT NULL, shown TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS incidents_by_state ON incidents (state, last);
CREATE TABLE IF NOT EXISTS incident_alarms (
    key TEXT PRIMARY KEY, incident INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS incident_alarms_by_incident ON incident_alarms (incident);
CREATE TABLE IF NOT EXISTS incident_records (
    record INTEGER PRIMARY KEY, incident INTEGER NOT NULL, alarm TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS incident_records_by_incident ON incident_records (incident, record);
CREATE TABLE IF NOT EXISTS incident_changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, step TEXT NOT NULL, shown TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS feed (one INTEGER PRIMARY KEY CHECK (one = 1), epoch TEXT NOT NULL);
INSERT OR IGNORE INTO feed VALUES (1, lower(hex(randomblob(4))));
"""

_ALARM_INDEXES = {
    "alarms_by_time": "(time_us, id)",
    "alarms_by_device": "(device, time_us)",
    "alarms_by_alarm_id": "(alarm_id)",
}


@dataclass(slots=True)
class AlarmDatabase:
    """One connection that several threads take turns on."""

    path: Path
    connection: sqlite3.Connection
    lock: threading.RLock = field(default_factory=threading.RLock)
    notices: dict[int, Notice] = field(default_factory=dict)
    """What table `notices` lists, by record, as far as this process wrote it and holds it."""
    _within: int = 0

    @classmethod
    def open(cls, path: Path) -> AlarmDatabase:
        """Open or create the file; tables of an older version are emptied, to be built anew.

        Raises:
            StoreDamagedError: The file is no database; it can be deleted and rebuilt.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA cache_size=-65536")
            connection.execute("PRAGMA wal_autocheckpoint=8192")
            if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                for table in _TABLES:
                    connection.execute(f"DROP TABLE IF EXISTS {table}")
                connection.execute(f"PRAGMA user_version={_VERSION}")
            connection.executescript(_SCHEMA)
            _index_alarms(connection)
        except sqlite3.DatabaseError as exc:
            raise StoreDamagedError(
                f"{path} is damaged ({exc}); delete it, and `tierwise-site ingest` rebuilds it"
            ) from exc
        return cls(path, connection)

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing; other threads wait. One within another is part of it."""
        with self.lock:
            if self._within == 0:
                self.connection.execute("BEGIN IMMEDIATE")
            self._within += 1
            try:
                yield self.connection
            except BaseException:
                self._within -= 1
                if self._within == 0:
                    self.connection.execute("ROLLBACK")
                raise
            self._within -= 1
            if self._within == 0:
                self.connection.execute("COMMIT")

    @contextmanager
    def first_load(self) -> Iterator[None]:
        """Fill an empty store: its alarms are indexed once at the end, which is much less work.

        Meanwhile every question finds its answer, by looking through all alarms. A process that
        dies before the end leaves the indexes to the next one that opens the file.
        """
        with self.transaction() as connection:
            (begun,) = connection.execute("SELECT EXISTS (SELECT 1 FROM files)").fetchone()
            for name in _ALARM_INDEXES if not begun else ():
                connection.execute(f"DROP INDEX IF EXISTS {name}")
        try:
            yield
        finally:
            with self.transaction() as connection:
                _index_alarms(connection)


def _index_alarms(connection: sqlite3.Connection) -> None:
    for name, columns in _ALARM_INDEXES.items():
        connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON alarms {columns}")
