"""`AlarmStore`: the site's alarms in SQLite, rebuilt from `alarms/**` whenever files change.

The files are the truth; the store is an index over them that may be deleted. Every record keeps
the raw text it was read from, under an id that is the source's own or keyed with the site's key: a
hash of raw text or of its place would let an outsider confirm a guess.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mcp_servers.alarms.alarm_rows import UNDATED, microseconds, stored_alarm
from mcp_servers.alarms.bursts import newest_burst
from mcp_servers.alarms.clocks import ClockSkew, skewed_clocks
from mcp_servers.alarms.database import AlarmDatabase
from mcp_servers.alarms.file_intake import AlarmCounts, FileIntake, Progress
from mcp_servers.site_directory import SiteDirectory
from telecom.alarm import Alarm
from telecom.errors import InvalidArgumentError, RecordNotFoundError
from telecom.times import Window
from telecom.topology import Topology, port_key

_BURST_SAMPLE = 200_000
"""Alarm times looked at for the newest burst: a week of a large region."""


@dataclass(frozen=True, slots=True)
class AlarmQuery:
    """Which alarms; everything that is None does not narrow."""

    window: Window | None = None
    managed_object: str | None = None
    """`device`, or `device:port` for one port of it, in any spelling of the port."""
    ids: Sequence[int] | None = None
    """Record numbers."""


@dataclass(frozen=True, slots=True)
class AlarmPage:
    """A stretch of a query's result, oldest first."""

    alarms: tuple[Alarm, ...]
    cursors: tuple[str, ...]
    """For each alarm, the cursor that continues behind it."""
    total: int
    """Records that match the query, this page and all others."""


@dataclass(slots=True)
class AlarmStore:
    """Alarms by time, object, id and record number. Safe to use from several threads."""

    database: AlarmDatabase
    _files: FileIntake
    revision: int = 0
    """Grows whenever an ingest changed something."""

    @classmethod
    def open(cls, store: Path, *, id_key: bytes, topology: Topology | None = None) -> AlarmStore:
        """Open or create `store/alarms.sqlite`.

        Args:
            store: The site's store; made when missing.
            id_key: Secret of the site that assigned alarm ids are keyed with.
            topology: Spells the elements that incidents are told about.

        Raises:
            StoreDamagedError: The file is no database; it can be deleted and rebuilt.
        """
        database = AlarmDatabase.open(store / "alarms.sqlite")
        return cls(database, FileIntake(database, id_key, topology or Topology()))

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def ingest(self, site: SiteDirectory, *, progress: Progress | None = None) -> AlarmCounts:
        """Take in every file of `alarms/` that is new or changed, and forget those that are gone.

        A few files are one transaction; an interrupted ingest continues there. What cannot be
        read is recorded in `store/rejects.jsonl` and does not stop the rest.
        """
        counts, changed = self._files.ingest(site, progress)
        self.revision += changed
        return counts

    def ingest_received(self, site: SiteDirectory) -> bool:
        """Take in what live intake appended since the last call; True when there was something."""
        changed = self._files.ingest_received(site)
        self.revision += changed
        return changed

    def count(self) -> int:
        """How many alarm records there are."""
        with self.database.lock:
            return int(
                self.database.connection.execute("SELECT count(*) FROM alarms").fetchone()[0]
            )

    def undated(self) -> int:
        """How many records carry no time, so that no window finds them."""
        with self.database.lock:
            return int(
                self.database.connection.execute(
                    "SELECT count(*) FROM alarms WHERE time_us = ?", (UNDATED,)
                ).fetchone()[0]
            )

    def unread(self) -> int:
        """How many records of the site's files could not be read."""
        with self.database.lock:
            return int(
                self.database.connection.execute("SELECT count(*) FROM rejects").fetchone()[0]
            )

    def clock_skews(self) -> list[ClockSkew]:
        """Elements whose clock is off, as live syslog tells it, worst first."""
        with self.database.lock:
            return skewed_clocks(self.database.connection)

    def between(self, window: Window) -> list[Alarm]:
        """Every alarm of a window with its raw record, oldest first."""
        with self.database.lock:
            rows = self.database.connection.execute(
                "SELECT body, raw FROM alarms WHERE time_us BETWEEN ? AND ? ORDER BY time_us, id",
                (microseconds(window.start), microseconds(window.end)),
            ).fetchall()
        return [stored_alarm(body, raw) for body, raw in rows]

    def page(self, query: AlarmQuery, *, limit: int, cursor: str | None = None) -> AlarmPage:
        """Read up to `limit` alarms of a query, oldest first; undated ones come last.

        Args:
            query: Which alarms.
            limit: At least 1.
            cursor: One that an earlier page gave; None starts at the beginning.

        Raises:
            InvalidArgumentError: The cursor is none of ours.
        """
        where, values = _where(query)
        after = (-(2**63), 0) if cursor is None else _place(cursor)
        with self.database.lock:
            (total,) = self.database.connection.execute(
                f"SELECT count(*) FROM alarms WHERE {where}",  # noqa: S608 - our own clauses
                values,
            ).fetchone()
            rows = self.database.connection.execute(
                f"SELECT body, raw, time_us, id FROM alarms WHERE {where}"  # noqa: S608 - as above
                f" AND (time_us, id) > (?, ?) ORDER BY time_us, id LIMIT ?",
                (*values, *after, limit),
            ).fetchall()
        return AlarmPage(
            alarms=tuple(stored_alarm(row[0], row[1]) for row in rows),
            cursors=tuple(f"{_letters(row[2])}-{_letters(row[3])}" for row in rows),
            total=total,
        )

    def position(self, query: AlarmQuery, cursor: str | None) -> int:
        """How many records of a query lie before a cursor."""
        if cursor is None:
            return 0
        where, values = _where(query)
        with self.database.lock:
            (count,) = self.database.connection.execute(
                f"SELECT count(*) FROM alarms WHERE {where}"  # noqa: S608 - our own clauses
                " AND (time_us, id) <= (?, ?)",
                (*values, *_place(cursor)),
            ).fetchone()
        return int(count)

    def numbered(self, query: AlarmQuery) -> list[tuple[int, Alarm]]:
        """Every alarm of a query with its record number, oldest first."""
        where, values = _where(query)
        with self.database.lock:
            rows = self.database.connection.execute(
                f"SELECT id, body, raw FROM alarms WHERE {where}"  # noqa: S608 - our own clauses
                " ORDER BY time_us, id",
                values,
            ).fetchall()
        return [(row[0], stored_alarm(row[1], row[2])) for row in rows]

    def get(self, alarm_id: str) -> list[Alarm]:
        """Read every record of one alarm (raise, changes, clear), oldest first.

        Raises:
            RecordNotFoundError: No record has that id.
        """
        with self.database.lock:
            rows = self.database.connection.execute(
                "SELECT body, raw FROM alarms WHERE alarm_id = ? ORDER BY time_us, id",
                (alarm_id,),
            ).fetchall()
        if not rows:
            raise RecordNotFoundError(
                "alarm", alarm_id, hint="list_alarms gives the ids of alarms that exist"
            )
        return [stored_alarm(body, raw) for body, raw in rows]

    def newest_burst(self) -> Window | None:
        """The window of the newest burst; None when no alarm carries a time."""
        with self.database.lock:
            times = [
                row[0] / 1e6
                for row in self.database.connection.execute(
                    "SELECT time_us FROM alarms WHERE time_us < ? ORDER BY time_us DESC LIMIT ?",
                    (UNDATED, _BURST_SAMPLE),
                )
            ]
        burst = newest_burst(times[::-1])
        if burst is None:
            return None
        return Window(*(datetime.fromtimestamp(end, UTC) for end in burst))


_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_HEX = str.maketrans("abcdefghijklmnop", "0123456789abcdef")


def _where(query: AlarmQuery) -> tuple[str, tuple[object, ...]]:
    clauses, values = ["1"], list[object]()
    if query.window is not None:
        clauses.append("time_us BETWEEN ? AND ?")
        values += [microseconds(query.window.start), microseconds(query.window.end)]
    if query.managed_object is not None:
        device, _, port = query.managed_object.partition(":")
        clauses.append("device = ?")
        values.append(device.lower())
        if port:
            clauses.append("port = ?")
            values.append(port_key(port))
    if query.ids is not None:
        clauses.append("id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(list(query.ids)))
    return " AND ".join(clauses), tuple(values)


def _place(cursor: str) -> tuple[int, int]:
    try:
        moment, number = (int(part.translate(_HEX), 16) for part in cursor.split("-"))
    except ValueError as exc:
        raise InvalidArgumentError(
            "cursor", "cursor must be the next_cursor of an earlier answer to the same question"
        ) from exc
    return moment, number


def _letters(number: int) -> str:
    """A number in letters only: digits could be taken for a subscriber's number."""
    return format(number, "x").translate(_LETTERS)
