"""State of investigations: checkpoints, findings, every placement decision, every timed call.

One SQLite file. Checkpoints are LangGraph's and hold keys only; findings are beside them, so that
a step does not rewrite what earlier steps found.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from pydantic import BaseModel

from placement.decision import DecisionRecord
from placement.latency import LatencySample
from telecom.errors import SettingsError

_TABLES = """
CREATE TABLE IF NOT EXISTS findings (
    incident_id TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (incident_id, name)
);
CREATE TABLE IF NOT EXISTS decisions (
    number INTEGER PRIMARY KEY, incident_id TEXT NOT NULL, record TEXT NOT NULL,
    decided_at TEXT
);
CREATE TABLE IF NOT EXISTS calls (
    number INTEGER PRIMARY KEY, incident_id TEXT NOT NULL, sample TEXT NOT NULL
);
"""

Finding = TypeVar("Finding", bound=BaseModel)


class State:
    """An open state file."""

    def __init__(self, connection: aiosqlite.Connection, checkpointer: AsyncSqliteSaver) -> None:
        self._connection = connection
        self.checkpointer = checkpointer
        self._decisions: list[tuple[str, str, str]] = []
        self._calls: list[tuple[str, str]] = []

    async def put(self, incident_id: str, name: str, finding: BaseModel) -> str:
        """Keep a finding under its name; the same name again replaces it. Returns the name."""
        await self._connection.execute(
            "INSERT OR REPLACE INTO findings VALUES (?, ?, ?)",
            (incident_id, name, finding.model_dump_json(by_alias=True)),
        )
        await self._connection.commit()
        return name

    async def get(self, incident_id: str, name: str, shape: type[Finding]) -> Finding:
        """Read a finding back.

        Raises:
            KeyError: There is none of that name.
        """
        query = "SELECT content FROM findings WHERE incident_id = ? AND name = ?"
        async with self._connection.execute(query, (incident_id, name)) as rows:
            row = await rows.fetchone()
        if row is None:
            raise KeyError(name)
        return shape.model_validate_json(row[0])

    def note_decision(self, incident_id: str, record: DecisionRecord) -> None:
        """Remember a decision until the next `write_notes`."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._decisions.append((incident_id, record.model_dump_json(), now))

    def note_calls(self, incident_id: str, samples: Iterable[LatencySample]) -> None:
        """Remember how long calls took until the next `write_notes`."""
        self._calls.extend((incident_id, sample.model_dump_json()) for sample in samples)

    async def write_notes(self) -> None:
        """Write the decisions and calls noted so far."""
        decisions, self._decisions = self._decisions, []
        calls, self._calls = self._calls, []
        await self._connection.executemany(
            "INSERT INTO decisions (incident_id, record, decided_at) VALUES (?, ?, ?)", decisions
        )
        await self._connection.executemany(
            "INSERT INTO calls (incident_id, sample) VALUES (?, ?)", calls
        )
        await self._connection.commit()


@asynccontextmanager
async def open_state(file: Path) -> AsyncIterator[State]:
    """Open (and create) a state file.

    Raises:
        SettingsError: It cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        async with aiosqlite.connect(file) as connection, aiosqlite.connect(file) as checkpoints:
            await connection.execute("PRAGMA journal_mode=WAL")
            await connection.executescript(_TABLES)
            await _complete(connection)
            checkpointer = AsyncSqliteSaver(checkpoints)
            await checkpointer.setup()
            yield State(connection, checkpointer)
    except (OSError, sqlite3.OperationalError) as exc:
        raise SettingsError(
            f"the state file {file} cannot be used ({exc}); set `state:` or TIERWISE_STATE"
        ) from exc


async def _complete(connection: aiosqlite.Connection) -> None:
    """Give a file of an earlier version the column it lacks."""
    async with connection.execute("PRAGMA table_info(decisions)") as rows:
        columns = {row[1] async for row in rows}
    if "decided_at" not in columns:
        await connection.execute("ALTER TABLE decisions ADD COLUMN decided_at TEXT")
        await connection.commit()


def kept_decisions(
    file: Path, *, incident_id: str | None = None, since: datetime | None = None
) -> Iterator[DecisionRecord]:
    """Read the decisions of a state file, oldest first.

    Args:
        file: A state file.
        incident_id: Of one investigation only.
        since: Decided at or after this instant only.

    Raises:
        SettingsError: There is no such file, or it is no state file.
    """
    wanted = None if since is None else since.astimezone(UTC).isoformat(timespec="seconds")
    rows = _rows(
        file,
        "SELECT record FROM decisions WHERE (?1 IS NULL OR incident_id = ?1)"
        " AND (?2 IS NULL OR decided_at >= ?2) ORDER BY number",
        (incident_id, wanted),
    )
    for (content,) in rows:
        yield DecisionRecord.model_validate_json(content)


def newest_incident(file: Path) -> str | None:
    """The incident that was decided about last; None when nothing was.

    Raises:
        SettingsError: There is no such file, or it is no state file.
    """
    rows = _rows(file, "SELECT incident_id FROM decisions ORDER BY number DESC LIMIT 1", ())
    return rows[0][0] if rows else None


def kept_calls(file: Path) -> Iterator[LatencySample]:
    """Read how long the calls of a state file took, oldest first.

    Raises:
        SettingsError: There is no such file, or it is no state file.
    """
    for (content,) in _rows(file, "SELECT sample FROM calls ORDER BY number", ()):
        yield LatencySample.model_validate_json(content)


def _rows(file: Path, query: str, values: tuple[str | None, ...]) -> list[tuple[str]]:
    if not file.is_file():
        raise SettingsError(f"there is no state file {file}; an investigation writes one")
    try:
        with closing(sqlite3.connect(file)) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.Error as exc:
        raise SettingsError(f"{file} is no state file of tierwise: {exc}") from exc
