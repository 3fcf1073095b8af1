"""An index of commits and the files they changed, kept in SQLite and grown as it is asked.

It is a cache: of configurations it holds changed lines alone, and those without their secrets; it
is rebuilt when the history was rewritten or the file is damaged, and may be deleted at any time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS commits (
    position INTEGER PRIMARY KEY, id TEXT UNIQUE, time INTEGER, tree TEXT, parents TEXT,
    author TEXT, message TEXT, diffed INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS commits_time ON commits (time);
CREATE TABLE IF NOT EXISTS changes (position INTEGER, path TEXT, old TEXT, new TEXT);
CREATE TABLE IF NOT EXISTS comparisons (
    old TEXT, new TEXT, data TEXT, PRIMARY KEY (old, new)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS changes_position ON changes (position);
CREATE INDEX IF NOT EXISTS changes_path ON changes (path, position);
"""
_VERSION = "1"
_MIDDLE = 1 << 40


@dataclass(frozen=True, slots=True)
class IndexedCommit:
    """One commit as the index holds it; ids in hexadecimal."""

    position: int
    """Grows with time along the history."""
    id: str
    time: int
    tree: str
    parents: tuple[str, ...]
    author: str
    message: str
    diffed: bool


@dataclass(frozen=True, slots=True)
class NewCommit:
    """One commit to be added."""

    id: str
    time: int
    tree: str
    parents: tuple[str, ...]
    author: str
    message: str


class ChangeIndex:
    """Commits by time, changed files by commit and by path."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError:
            self._discard()
            self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            str(self._file or ":memory:"), check_same_thread=False, isolation_level=None
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        row = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        if row is not None and row[0] != _VERSION:
            connection.close()
            raise sqlite3.DatabaseError
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('version', ?)", (_VERSION,))
        return connection

    def _discard(self) -> None:
        if self._file is not None:
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    self._file.with_name(self._file.name + suffix).unlink()

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    @property
    def head(self) -> str | None:
        """The newest commit whose history the index follows."""
        return self._meta("head")

    @property
    def frontier(self) -> tuple[str, ...]:
        """Commits still to be read, further back; empty when the index reaches the beginning."""
        return tuple((self._meta("frontier") or "").split())

    def _meta(self, key: str) -> str | None:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def clear(self) -> None:
        """Forget everything: the history was rewritten."""
        with self._connection:
            self._connection.executescript(
                "DELETE FROM commits; DELETE FROM changes; DELETE FROM comparisons;"
                "DELETE FROM meta WHERE key IN ('head', 'frontier');"
            )

    def __contains__(self, commit: str) -> bool:
        row = self._connection.execute("SELECT 1 FROM commits WHERE id = ?", (commit,)).fetchone()
        return row is not None

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM commits").fetchone()[0])

    def add_newer(self, commits: Iterable[NewCommit], *, head: str) -> None:
        """Add commits (newest first) in front of what is known."""
        top = self._extreme("max")
        newest_first = list(commits)
        self._insert(newest_first, range(top + len(newest_first), top, -1))
        self._set_meta("head", head)

    def add_older(self, commits: Iterable[NewCommit], *, frontier: Iterable[str]) -> None:
        """Add commits (newest first) behind what is known."""
        bottom = self._extreme("min")
        newest_first = list(commits)
        self._insert(newest_first, range(bottom - 1, bottom - 1 - len(newest_first), -1))
        self._set_meta("frontier", " ".join(frontier))

    def _extreme(self, which: str) -> int:
        query = {
            "max": "SELECT max(position) FROM commits",
            "min": "SELECT min(position) FROM commits",
        }
        value = self._connection.execute(query[which]).fetchone()[0]
        return _MIDDLE if value is None else int(value)

    def _insert(self, commits: list[NewCommit], positions: Iterable[int]) -> None:
        rows = [
            (position, c.id, c.time, c.tree, " ".join(c.parents), c.author, c.message)
            for position, c in zip(positions, commits, strict=True)
        ]
        self._connection.execute("BEGIN")
        with self._connection:
            self._connection.executemany(
                "INSERT OR IGNORE INTO commits"
                "(position, id, time, tree, parents, author, message) VALUES (?,?,?,?,?,?,?)",
                rows,
            )

    def _set_meta(self, key: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def add_changes(
        self, found: Iterable[tuple[int, Iterable[tuple[str, str | None, str | None]]]]
    ) -> None:
        """Note what commits (by position) changed: path, old and new blob."""
        rows = [(position, list(changes)) for position, changes in found]
        self._connection.execute("BEGIN")
        with self._connection:
            self._connection.executemany(
                "INSERT INTO changes VALUES (?, ?, ?, ?)",
                [(position, *change) for position, changes in rows for change in changes],
            )
            self._connection.executemany(
                "UPDATE commits SET diffed = 1 WHERE position = ?",
                [(position,) for position, _ in rows],
            )

    def between(self, since: int, until: int) -> list[IndexedCommit]:
        """Commits of a span of time (seconds, both ends included), newest first."""
        return self._commits(
            "SELECT * FROM commits WHERE time BETWEEN ? AND ? ORDER BY position DESC",
            (since, until),
        )

    def reaches_before(self, moment: int, commits: int) -> bool:
        """Whether at least so many commits older than an instant (seconds) are known."""
        row = self._connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM commits WHERE time < ? LIMIT ?)",
            (moment, commits),
        ).fetchone()
        return int(row[0]) >= commits

    def undiffed(self, limit: int) -> list[IndexedCommit]:
        """Commits whose files have not been compared yet, newest first."""
        return self._commits(
            "SELECT * FROM commits WHERE NOT diffed ORDER BY position DESC LIMIT ?", (limit,)
        )

    def at(self, until: int | None) -> IndexedCommit | None:
        """The last commit up to an instant (seconds); the newest when None."""
        if until is None:
            found = self._commits("SELECT * FROM commits ORDER BY position DESC LIMIT 1", ())
        else:
            found = self._commits(
                "SELECT * FROM commits WHERE time <= ? ORDER BY time DESC, position DESC LIMIT 1",
                (until,),
            )
        return found[0] if found else None

    def commit(self, commit_id: str) -> IndexedCommit | None:
        """One commit by its id."""
        found = self._commits("SELECT * FROM commits WHERE id = ?", (commit_id,))
        return found[0] if found else None

    def last_change(self, path: str, position: int) -> IndexedCommit | None:
        """The last commit known to have changed `path`, up to a position."""
        found = self._commits(
            "SELECT commits.* FROM changes JOIN commits USING (position)"
            " WHERE path = ? AND changes.position <= ? ORDER BY changes.position DESC LIMIT 1",
            (path, position),
        )
        return found[0] if found else None

    def changes(self, since: int, until: int) -> Iterator[tuple[int, str, str | None, str | None]]:
        """Position, path, old and new blob of every change of a span of time."""
        yield from self._connection.execute(
            "SELECT changes.position, path, old, new FROM changes JOIN commits USING (position)"
            " WHERE time BETWEEN ? AND ? ORDER BY changes.position DESC, path",
            (since, until),
        )

    def stamp_comparisons(self, stamp: str) -> None:
        """Forget comparisons that were made under another stamp."""
        if self._meta("stamp") != stamp:
            self._connection.execute("DELETE FROM comparisons")
            self._set_meta("stamp", stamp)

    def add_comparisons(self, compared: Mapping[tuple[str | None, str | None], str]) -> None:
        """Keep comparisons by old and new blob."""
        rows = [(old or "", new or "", data) for (old, new), data in compared.items()]
        self._connection.execute("BEGIN")
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO comparisons VALUES (?, ?, ?)", rows
            )

    def comparisons(self, since: int, until: int) -> dict[tuple[str | None, str | None], str]:
        """Comparisons of the changes of a span of time (seconds), by old and new blob."""
        return {
            (old or None, new or None): data
            for old, new, data in self._connection.execute(
                "SELECT comparisons.* FROM commits JOIN changes USING (position)"
                " JOIN comparisons ON comparisons.old = ifnull(changes.old, '')"
                " AND comparisons.new = ifnull(changes.new, '') WHERE time BETWEEN ? AND ?",
                (since, until),
            )
        }

    def uncompared(self, limit: int) -> list[tuple[str, str | None, str | None]]:
        """Path, old and new blob of modified files without a comparison, newest first."""
        return list(
            self._connection.execute(
                "SELECT path, changes.old, changes.new FROM changes"
                " LEFT JOIN comparisons ON comparisons.old = changes.old"
                " AND comparisons.new = changes.new WHERE changes.old IS NOT NULL"
                " AND changes.new IS NOT NULL AND data IS NULL"
                " ORDER BY changes.position DESC LIMIT ?",
                (limit,),
            )
        )

    def _commits(self, query: str, values: tuple[object, ...]) -> list[IndexedCommit]:
        return [
            IndexedCommit(
                position, commit_id, time, tree, tuple(parents.split()), author, message, diffed > 0
            )
            for position, commit_id, time, tree, parents, author, message, diffed in (
                self._connection.execute(query, values)
            )
        ]
