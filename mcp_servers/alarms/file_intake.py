"""`FileIntake`: brings the alarm store up to date with the files of `alarms/`.

Two kinds of file. What operators and exporters put there may change in any way: such a file is read
whole when it changed. What live intake appends under `alarms/received/` only grows: it is read on
from where the last look ended, so the same way serves a rebuild and the next second.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mcp_servers.alarms.alarm_rows import Spelling, alarm_rows, record_number, record_range
from mcp_servers.alarms.clocks import note_clocks
from mcp_servers.alarms.database import AlarmDatabase
from mcp_servers.alarms.pending_notices import drop_notices, keep_notices
from mcp_servers.alarms.rejects import Reject, record_rejects
from mcp_servers.site_directory import SiteDirectory
from telecom.alarm import Alarm
from telecom.bulk_work import no_garbage_collection
from telecom.formats import FORMATS, NotAnAlarm, Record, Rejected, read_records
from telecom.formats.reading import ReadingContext
from telecom.formats.received import Delivery, read_delivery_line
from telecom.topology import Topology

Progress = Callable[[str, int, int], None]
"""Called with a phrase, steps done and steps in all."""

ALARM_SUFFIXES = frozenset(
    {".log", ".syslog", ".json", ".jsonl", ".ndjson", ".trap", ".traps", ".csv"}
)
RECEIVED = "alarms/received/"
"""Where live intake keeps what it accepted."""
_FILES_TOGETHER = 16
"""Files per transaction: a commit costs as much as reading a small file."""
_CHUNK_BYTES = 4 * 1024 * 1024
"""Of a received file per transaction."""


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


@dataclass(slots=True)
class _Reading:
    """The records of some bytes, sorted by what they are."""

    alarms: list[Alarm] = field(default_factory=list)
    rejects: list[tuple[int | None, str]] = field(default_factory=list)
    others: int = 0
    heard: list[tuple[Alarm, float]] = field(default_factory=list)
    """Live log lines, each with the time it came."""

    def take_delivery(self, line: bytes, number: int, context: ReadingContext) -> None:
        """Read a line of a received file; live log lines tell the sender's clock, too."""
        before = len(self.alarms)
        self.take(read_delivery_line(line, number, context, FORMATS))
        delivery = Delivery.of_line(line) if b'"source":"syslog"' in line else None
        if delivery is not None:
            received = delivery.received.timestamp()
            self.heard += [(alarm, received) for alarm in self.alarms[before:]]

    def take(self, records: Iterable[Record]) -> None:
        for record in records:
            if isinstance(record, Rejected):
                self.rejects.append((record.line, record.why))
            elif isinstance(record, NotAnAlarm):
                self.others += 1
            else:
                self.alarms.append(record)


class FileIntake:
    """Reads files into the store. Safe to use from several threads, one after the other."""

    def __init__(self, database: AlarmDatabase, id_key: bytes, topology: Topology) -> None:
        """Prepare.

        Args:
            database: Of the alarm store.
            id_key: Secret of the site that assigned alarm ids are keyed with.
            topology: Spells the elements that incidents are told about.
        """
        self._database = database
        self._id_key = id_key
        self._spelling = Spelling(topology)
        self._rejects_changed = False

    def ingest(self, site: SiteDirectory, progress: Progress | None) -> tuple[AlarmCounts, bool]:
        """Take in every file that is new or changed; the second answer is whether any was."""
        counts = AlarmCounts()
        files = _alarm_files(site.alarms)
        changed = self._forget_missing({name for name, _ in files})
        with self._database.first_load() if files else nullcontext():
            for start in range(0, len(files), _FILES_TOGETHER):
                if progress is not None:
                    progress("reading alarms", start, len(files))
                with self._database.transaction(), no_garbage_collection():
                    for name, path in files[start : start + _FILES_TOGETHER]:
                        if name.startswith(RECEIVED):
                            changed |= self._follow(site, name, path, counts)
                        else:
                            changed |= self._ingest_file(site, name, path, counts)
        if progress is not None:
            progress("reading alarms", len(files), len(files))
        if self._rejects_changed:
            record_rejects(site.store, "alarms", self._rejects())
            self._rejects_changed = False
        return counts, changed

    def ingest_received(self, site: SiteDirectory) -> bool:
        """Take in what was appended to received files; True when there was something."""
        changed = False
        folder = site.path / RECEIVED
        for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
            changed |= self._follow(site, RECEIVED + path.name, path, None)
        return changed

    # Files that grow

    def _follow(
        self, site: SiteDirectory, name: str, path: Path, counts: AlarmCounts | None
    ) -> bool:
        """Read a received file on from where the last look ended."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT id, size, lines, records FROM files WHERE path = ?", (name,)
            ).fetchone()
            if row is not None and path.stat().st_size < row[1]:
                self._forget(connection, [row[0]])
                row = None
            if row is None:
                connection.execute(
                    "INSERT INTO files (path, size, mtime_ns, sha256, others)"
                    " VALUES (?, 0, 0, '', 0)",
                    (name,),
                )
                row = (connection.execute("SELECT last_insert_rowid()").fetchone()[0], 0, 0, 0)
        file, position, lines, records = row
        if counts is not None:
            self._count_unchanged(file, counts)
        context = ReadingContext(name, Path(name).stem, zone=site.timezone)
        before: int = position
        with path.open("rb") as stream:
            stream.seek(position)
            while chunk := _whole_lines(stream.read(_CHUNK_BYTES), stream.readline):
                reading = _Reading()
                # A carriage return is no line end here: it may stand in a delivery.
                for line in chunk.removesuffix(b"\n").split(b"\n"):
                    lines += 1
                    reading.take_delivery(line, lines, context)
                position += len(chunk)
                self._append(file, (position, lines, records), reading)
                # What was read of a line that is still being written is read again, from its begin.
                stream.seek(position)
                records += len(reading.alarms)
                if counts is not None:
                    counts.read += len(reading.alarms)
                    counts.added += len(reading.alarms)
                    counts.rejected += len(reading.rejects)
                    counts.not_alarms += reading.others
        return bool(position > before)

    def _append(self, file: int, place: tuple[int, int, int], reading: _Reading) -> None:
        position, lines, records = place
        rows = list(alarm_rows(reading.alarms, file, records, self._id_key, self._spelling))
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO alarms VALUES (?, ?, ?, ?, ?, ?, ?)",
                [row for row, _ in rows],
            )
            keep_notices(self._database, [notice for _, notice in rows if notice is not None])
            connection.executemany(
                "INSERT INTO rejects VALUES (?, ?, ?)",
                [(file, *reject) for reject in reading.rejects],
            )
            note_clocks(connection, reading.heard)
            connection.execute(
                "UPDATE files SET size = ?, lines = ?, records = ?, others = others + ?"
                " WHERE id = ?",
                (position, lines, records + len(rows), reading.others, file),
            )
        self._rejects_changed |= bool(reading.rejects)

    # Files that may change in any way

    def _ingest_file(self, site: SiteDirectory, name: str, path: Path, counts: AlarmCounts) -> bool:
        """Bring one file up to date; True when the store changed."""
        with self._database.lock:
            known = self._database.connection.execute(
                "SELECT id, size, mtime_ns, sha256 FROM files WHERE path = ?", (name,)
            ).fetchone()
        stat = path.stat()
        if known is not None and known[1:3] == (stat.st_size, stat.st_mtime_ns):
            self._count_unchanged(known[0], counts)
            return False
        reading = _Reading()
        data = b""
        try:
            data = path.read_bytes()
        except OSError as exc:
            reading.rejects.append((None, exc.strerror or "cannot be read"))
        sha256 = hashlib.sha256(data).hexdigest()
        if known is not None and known[3] == sha256 and not reading.rejects:
            with self._database.lock:
                self._database.connection.execute(
                    "UPDATE files SET size = ?, mtime_ns = ? WHERE id = ?",
                    (stat.st_size, stat.st_mtime_ns, known[0]),
                )
            self._count_unchanged(known[0], counts)
            return False
        if path.suffix.lower() == ".gz":
            reading.rejects.append((None, "compressed file; unpack it"))
        elif not reading.rejects:
            # Not `received`: a record without any time did not happen when its file was copied.
            changed = datetime.fromtimestamp(stat.st_mtime, site.timezone)
            year = site.settings.alarms.year or changed.year
            reading.take(read_records(data, path=name, year=year, zone=site.timezone))
        self._replace(name, (stat.st_size, stat.st_mtime_ns, sha256), reading, counts)
        return True

    def _replace(
        self,
        name: str,
        fingerprint: tuple[int, int, str],
        reading: _Reading,
        counts: AlarmCounts,
    ) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO files (path, size, mtime_ns, sha256, others, records)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET"
                " size = excluded.size, mtime_ns = excluded.mtime_ns, sha256 = excluded.sha256,"
                " others = excluded.others, records = excluded.records",
                (name, *fingerprint, reading.others, len(reading.alarms)),
            )
            file = connection.execute("SELECT id FROM files WHERE path = ?", (name,)).fetchone()[0]
            before = dict(
                connection.execute(
                    "SELECT id, raw || body FROM alarms WHERE id BETWEEN ? AND ?",
                    record_range(file),
                )
            )
            rows = list(alarm_rows(reading.alarms, file, 0, self._id_key, self._spelling))
            fresh = rows
            if before:
                fresh = [
                    each for each in rows if before.get(each[0].id) != each[0].raw + each[0].body
                ]
            last, changed = record_number(file, len(rows)), {row.id for row, _ in fresh}
            drop_notices(
                self._database, [known for known in before if known in changed or known > last]
            )
            connection.executemany(
                "INSERT OR REPLACE INTO alarms VALUES (?, ?, ?, ?, ?, ?, ?)",
                [row for row, _ in fresh],
            )
            keep_notices(self._database, [notice for _, notice in fresh if notice is not None])
            if len(before) > len(rows):
                connection.execute(
                    "DELETE FROM alarms WHERE id > ? AND id <= ?",
                    (last, record_range(file)[1]),
                )
            forgotten = connection.execute("DELETE FROM rejects WHERE file = ?", (file,)).rowcount
            connection.executemany(
                "INSERT INTO rejects VALUES (?, ?, ?)",
                [(file, *reject) for reject in reading.rejects],
            )
        self._rejects_changed |= bool(forgotten or reading.rejects)
        counts.read += len(rows)
        counts.added += len(fresh)
        counts.unchanged += len(rows) - len(fresh)
        counts.rejected += len(reading.rejects)
        counts.not_alarms += reading.others

    def _count_unchanged(self, file: int, counts: AlarmCounts) -> None:
        with self._database.lock:
            alarms, others, rejects = self._database.connection.execute(
                "SELECT records, others, (SELECT count(*) FROM rejects WHERE file = files.id)"
                " FROM files WHERE id = ?",
                (file,),
            ).fetchone()
        counts.read += alarms
        counts.unchanged += alarms
        counts.rejected += rejects
        counts.not_alarms += others

    def _forget_missing(self, names: set[str]) -> bool:
        with self._database.lock:
            known = self._database.connection.execute("SELECT id, path FROM files").fetchall()
        gone = [file for file, path in known if path not in names]
        if gone:
            with self._database.transaction() as connection:
                self._forget(connection, gone)
        return bool(gone)

    def _forget(self, connection: sqlite3.Connection, files: Sequence[int]) -> None:
        for table, column in (
            ("alarms", "id"),
            ("notices", "record"),
            ("incident_records", "record"),
        ):
            connection.executemany(
                f"DELETE FROM {table} WHERE {column} BETWEEN ? AND ?",  # noqa: S608 - our own names
                [record_range(file) for file in files],
            )
        connection.executemany("DELETE FROM rejects WHERE file = ?", [(file,) for file in files])
        connection.executemany("DELETE FROM files WHERE id = ?", [(file,) for file in files])
        self._rejects_changed = True

    def _rejects(self) -> list[Reject]:
        with self._database.lock:
            rows = self._database.connection.execute(
                "SELECT path, line, why FROM rejects JOIN files ON files.id = rejects.file"
                " ORDER BY path, line"
            ).fetchall()
        return [Reject("alarms", path, line, why) for path, line, why in rows]


def _whole_lines(data: bytes, rest_of_line: Callable[[], bytes]) -> bytes:
    """Cut after the last line end; a line that is still being written waits for the next look."""
    if data and not data.endswith(b"\n"):
        data += rest_of_line()
    return data[: data.rfind(b"\n") + 1]


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
