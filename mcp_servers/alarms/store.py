"""`AlarmStore`: the site's alarms in SQLite, rebuilt from `alarms/**` whenever files change.

The files are the truth; the store is an index over them that may be deleted. Every record keeps
the raw text it was read from, under an id that is the source's own or keyed with the site's key: a
hash of raw text or of its place would let an outsider confirm a guess.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b32encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hmac import digest
from pathlib import Path
from typing import Any

from agents.alarm_notices import notice_of
from mcp_servers.alarms.bursts import newest_burst
from mcp_servers.alarms.database import AlarmDatabase
from mcp_servers.alarms.rejects import Reject, record_rejects
from mcp_servers.site_directory import SiteDirectory
from telecom.alarm import Alarm
from telecom.errors import InvalidArgumentError, RecordNotFoundError
from telecom.formats import NotAnAlarm, Rejected, read_records
from telecom.times import Window
from telecom.topology import Topology, port_key

Progress = Callable[[str, int, int], None]
"""Called with a phrase, steps done and steps in all."""

ALARM_SUFFIXES = frozenset({".log", ".syslog", ".json", ".jsonl", ".ndjson", ".trap", ".traps"})
_BURST_SAMPLE = 200_000
"""Alarm times looked at for the newest burst: a week of a large region."""


@dataclass(slots=True)
class AlarmCounts:
    """What one ingest of alarms did."""

    read: int = 0
    """Alarms that the files hold."""
    added: int = 0
    unchanged: int = 0
    rejected: int = 0
    not_alarms: int = 0
    """Valid records that are no alarm: headers, heartbeats, registrations."""


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


def event_time(alarm: Alarm) -> datetime | None:
    """When the record happened; None when it carries no time at all."""
    return alarm.alarm_raised_time or alarm.alarm_changed_time or alarm.alarm_cleared_time


@dataclass(slots=True)
class AlarmStore:
    """Alarms by time, object, id and record number. Safe to use from several threads."""

    database: AlarmDatabase
    _id_key: bytes
    _topology: Topology = field(default_factory=Topology)
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
        return cls(AlarmDatabase.open(store / "alarms.sqlite"), id_key, topology or Topology())

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def ingest(self, site: SiteDirectory, *, progress: Progress | None = None) -> AlarmCounts:
        """Take in every file of `alarms/` that is new or changed, and forget those that are gone.

        A file is one transaction; an interrupted ingest continues where it stopped. What cannot be
        read is recorded in `store/rejects.jsonl` and does not stop the rest.
        """
        counts = AlarmCounts()
        files = _alarm_files(site.alarms)
        changed = self._forget_missing({name for name, _ in files})
        for number, (name, path) in enumerate(files):
            if progress is not None:
                progress("reading alarms", number, len(files))
            changed |= self._ingest_file(site, name, path, counts)
        if progress is not None:
            progress("reading alarms", len(files), len(files))
        if changed:
            self.revision += 1
            record_rejects(site.store, "alarms", self._rejects())
        return counts

    def _ingest_file(self, site: SiteDirectory, name: str, path: Path, counts: AlarmCounts) -> bool:
        """Bring one file up to date; True when the store changed."""
        with self.database.lock:
            known = self.database.connection.execute(
                "SELECT id, size, mtime_ns, sha256 FROM files WHERE path = ?", (name,)
            ).fetchone()
        stat = path.stat()
        if known is not None and known[1:3] == (stat.st_size, stat.st_mtime_ns):
            self._count_unchanged(known[0], counts)
            return False
        unreadable: str | None = None
        try:
            data = path.read_bytes()
        except OSError as exc:
            data, unreadable = b"", exc.strerror or "cannot be read"
        sha256 = hashlib.sha256(data).hexdigest()
        if known is not None and known[3] == sha256 and unreadable is None:
            with self.database.lock:
                self.database.connection.execute(
                    "UPDATE files SET size = ?, mtime_ns = ? WHERE id = ?",
                    (stat.st_size, stat.st_mtime_ns, known[0]),
                )
            self._count_unchanged(known[0], counts)
            return False
        alarms: list[Alarm] = []
        rejects: list[tuple[int | None, str]] = []
        others = 0
        if unreadable is not None:
            rejects.append((None, unreadable))
        elif path.suffix.lower() == ".gz":
            rejects.append((None, "compressed file; unpack it"))
        else:
            records = read_records(
                data,
                path=name,
                # Not `received`: a record without any time did not happen when its file was copied.
                year=site.settings.alarms.year
                or datetime.fromtimestamp(stat.st_mtime, site.timezone).year,
                zone=site.timezone,
            )
            for record in records:
                if isinstance(record, Rejected):
                    rejects.append((record.line, record.why))
                elif isinstance(record, NotAnAlarm):
                    others += 1
                else:
                    alarms.append(record)
        self._replace(
            name, (stat.st_size, stat.st_mtime_ns, sha256, others), alarms, rejects, counts
        )
        return True

    def _replace(
        self,
        name: str,
        fingerprint: tuple[int, int, str, int],
        alarms: Sequence[Alarm],
        rejects: Sequence[tuple[int | None, str]],
        counts: AlarmCounts,
    ) -> None:
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO files (path, size, mtime_ns, sha256, others) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (path) DO UPDATE SET size = excluded.size, sha256 = excluded.sha256,"
                " mtime_ns = excluded.mtime_ns, others = excluded.others",
                (name, *fingerprint),
            )
            file = connection.execute("SELECT id FROM files WHERE path = ?", (name,)).fetchone()[0]
            before = dict(
                connection.execute(
                    "SELECT id, raw || body FROM alarms WHERE id BETWEEN ? AND ?", _range(file)
                )
            )
            rows = list(self._rows(file, alarms))
            fresh = [row for row in rows if before.get(row[0]) != row[7] + row[6]]
            connection.executemany(
                "INSERT OR REPLACE INTO alarms VALUES (?, ?, ?, ?, ?, ?, ?, ?)", fresh
            )
            connection.execute(
                "DELETE FROM alarms WHERE id > ? AND id <= ?",
                (_number(file, len(rows)), _range(file)[1]),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO notices VALUES (?, ?, ?)",
                _notices(alarms, fresh, self._topology),
            )
            connection.execute("DELETE FROM rejects WHERE file = ?", (file,))
            connection.executemany(
                "INSERT INTO rejects VALUES (?, ?, ?)", [(file, *reject) for reject in rejects]
            )
        counts.read += len(rows)
        counts.added += len(fresh)
        counts.unchanged += len(rows) - len(fresh)
        counts.rejected += len(rejects)
        counts.not_alarms += fingerprint[3]

    def _rows(
        self, file: int, alarms: Sequence[Alarm]
    ) -> Iterator[tuple[int, int, str, str, str, int, str, str]]:
        """Database rows; alarms without an id of their source get a keyed one."""
        repeated: Counter[str] = Counter()
        for ordinal, read in enumerate(alarms, start=1):
            alarm = read
            if has_assigned_id(read):
                place = read.source.locator
                repeated[place] += 1
                keyed = self._keyed_id(place, repeated[place])
                alarm = read.model_copy(update={"alarm_id": keyed})
            device, _, port = alarm.managed_object.partition(":")
            happened = event_time(alarm)
            yield (
                _number(file, ordinal),
                file,
                alarm.alarm_id,
                device.lower(),
                port_key(port) if port else "",
                _UNDATED if happened is None else _microseconds(happened),
                alarm.model_dump_json(by_alias=True, exclude_none=True),
                alarm.source.raw,
            )

    def _keyed_id(self, locator: str, repetition: int) -> str:
        place = locator if repetition == 1 else f"{locator}#{repetition}"
        mac = digest(self._id_key, b"alarm-id\0" + place.encode(), "sha256")
        return f"alarm-{b32encode(mac[:10]).decode().lower()}"

    def _count_unchanged(self, file: int, counts: AlarmCounts) -> None:
        with self.database.lock:
            (alarms,) = self.database.connection.execute(
                "SELECT count(*) FROM alarms WHERE id BETWEEN ? AND ?", _range(file)
            ).fetchone()
            (rejects,) = self.database.connection.execute(
                "SELECT count(*) FROM rejects WHERE file = ?", (file,)
            ).fetchone()
            (others,) = self.database.connection.execute(
                "SELECT others FROM files WHERE id = ?", (file,)
            ).fetchone()
        counts.read += alarms
        counts.unchanged += alarms
        counts.rejected += rejects
        counts.not_alarms += others

    def _forget_missing(self, names: set[str]) -> bool:
        with self.database.lock:
            known = self.database.connection.execute("SELECT id, path FROM files").fetchall()
        gone = [(file,) for file, path in known if path not in names]
        if gone:
            with self.database.transaction() as connection:
                for table, column in (
                    ("alarms", "id"),
                    ("notices", "record"),
                    ("incident_records", "record"),
                ):
                    connection.executemany(
                        f"DELETE FROM {table} WHERE {column} BETWEEN ? AND ?",  # noqa: S608 - ours
                        [_range(file) for (file,) in gone],
                    )
                connection.executemany("DELETE FROM rejects WHERE file = ?", gone)
                connection.executemany("DELETE FROM files WHERE id = ?", gone)
        return bool(gone)

    def _rejects(self) -> list[Reject]:
        with self.database.lock:
            rows = self.database.connection.execute(
                "SELECT path, line, why FROM rejects JOIN files ON files.id = rejects.file"
                " ORDER BY path, line"
            ).fetchall()
        return [Reject("alarms", path, line, why) for path, line, why in rows]

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
                    "SELECT count(*) FROM alarms WHERE time_us = ?", (_UNDATED,)
                ).fetchone()[0]
            )

    def unread(self) -> int:
        """How many records of the site's files could not be read."""
        with self.database.lock:
            return int(
                self.database.connection.execute("SELECT count(*) FROM rejects").fetchone()[0]
            )

    def between(self, window: Window) -> list[Alarm]:
        """Every alarm of a window with its raw record, oldest first."""
        with self.database.lock:
            rows = self.database.connection.execute(
                "SELECT body, raw FROM alarms WHERE time_us BETWEEN ? AND ? ORDER BY time_us, id",
                (_microseconds(window.start), _microseconds(window.end)),
            ).fetchall()
        return [_alarm(body, raw) for body, raw in rows]

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
            alarms=tuple(_alarm(row[0], row[1]) for row in rows),
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
        return [(row[0], _alarm(row[1], row[2])) for row in rows]

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
        return [_alarm(body, raw) for body, raw in rows]

    def newest_burst(self) -> Window | None:
        """The window of the newest burst; None when no alarm carries a time."""
        with self.database.lock:
            times = [
                row[0] / 1e6
                for row in self.database.connection.execute(
                    "SELECT time_us FROM alarms WHERE time_us < ? ORDER BY time_us DESC LIMIT ?",
                    (_UNDATED, _BURST_SAMPLE),
                )
            ]
        burst = newest_burst(times[::-1])
        if burst is None:
            return None
        return Window(*(datetime.fromtimestamp(end, UTC) for end in burst))


_UNDATED = 2**62
"""Stands for the time of a record without one, so that it sorts last."""
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_HEX = str.maketrans("abcdefghijklmnop", "0123456789abcdef")


def has_assigned_id(alarm: Alarm) -> bool:
    """Whether a reader made the id up from the record's place because the source gave none."""
    return alarm.alarm_id.startswith(alarm.source.locator)


def _alarm_files(folder: Path) -> list[tuple[str, Path]]:
    """Alarm files with their names in the site directory, in stable order."""
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if hidden or not path.is_file():
            continue
        suffixes = {suffix.lower() for suffix in path.suffixes}
        if suffixes & ALARM_SUFFIXES:
            found.append((f"alarms/{relative.as_posix()}", path))
    return found


def _number(file: int, ordinal: int) -> int:
    """Record numbers survive a re-read of a file that grew."""
    return file << 32 | ordinal


def _range(file: int) -> tuple[int, int]:
    """First and last record number that a file may have."""
    return _number(file, 0), _number(file + 1, 0) - 1


def _notices(
    alarms: Sequence[Alarm], fresh: Sequence[tuple[Any, ...]], topology: Topology
) -> Iterator[tuple[int, float, str]]:
    """What incidents have to be told of fresh rows."""
    for row in fresh:
        alarm = alarms[(row[0] & 0xFFFFFFFF) - 1]
        notice = notice_of(alarm, row[0], topology)
        if notice is not None:
            told = notice._replace(alarm_id=row[2])
            yield row[0], told.time, json.dumps(told)


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def _alarm(body: str, raw: str) -> Alarm:
    content = json.loads(body)
    content["source"]["raw"] = raw
    return Alarm.model_validate(content)


def _where(query: AlarmQuery) -> tuple[str, tuple[object, ...]]:
    clauses, values = ["1"], list[object]()
    if query.window is not None:
        clauses.append("time_us BETWEEN ? AND ?")
        values += [_microseconds(query.window.start), _microseconds(query.window.end)]
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
