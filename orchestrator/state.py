"""State of investigations: checkpoints, what was found, and every placement decision.

One SQLite file. Checkpoints are LangGraph's and hold keys only; findings are beside them, so that
a step does not rewrite what earlier steps found.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from pydantic import BaseModel

from placement.decision import DecisionRecord
from telecom.errors import SettingsError

_TABLES = """
CREATE TABLE IF NOT EXISTS findings (
    incident_id TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (incident_id, name)
);
CREATE TABLE IF NOT EXISTS decisions (
    number INTEGER PRIMARY KEY, incident_id TEXT NOT NULL, record TEXT NOT NULL
);
"""

Finding = TypeVar("Finding", bound=BaseModel)


class State:
    """An open state file."""

    def __init__(self, connection: aiosqlite.Connection, checkpointer: AsyncSqliteSaver) -> None:
        self._connection = connection
        self.checkpointer = checkpointer
        self._pending: list[tuple[str, DecisionRecord]] = []

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
        """Remember a decision until the next `write_decisions`."""
        self._pending.append((incident_id, record))

    async def write_decisions(self) -> None:
        """Write the decisions noted so far."""
        noted, self._pending = self._pending, []
        await self._connection.executemany(
            "INSERT INTO decisions (incident_id, record) VALUES (?, ?)",
            [(incident_id, record.model_dump_json()) for incident_id, record in noted],
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
            checkpointer = AsyncSqliteSaver(checkpoints)
            await checkpointer.setup()
            yield State(connection, checkpointer)
    except (OSError, sqlite3.OperationalError) as exc:
        raise SettingsError(
            f"the state file {file} cannot be used ({exc}); set `state:` or TIERWISE_STATE"
        ) from exc


def kept_decisions(file: Path, *, incident_id: str | None = None) -> Iterator[DecisionRecord]:
    """Read the decisions of a state file, oldest first.

    Raises:
        SettingsError: There is no such file, or it is no state file.
    """
    if not file.is_file():
        raise SettingsError(f"there is no state file {file}; an investigation writes one")
    query = "SELECT record FROM decisions WHERE ? IS NULL OR incident_id = ? ORDER BY number"
    try:
        with closing(sqlite3.connect(file)) as connection:
            rows = connection.execute(query, (incident_id, incident_id)).fetchall()
    except sqlite3.Error as exc:
        raise SettingsError(f"{file} is no state file of tierwise: {exc}") from exc
    for (content,) in rows:
        yield DecisionRecord.model_validate_json(content)
