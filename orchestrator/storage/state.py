"""State of investigations: checkpoints, findings, placement decisions, timed calls, two records.

One database. Checkpoints are LangGraph's and hold keys only; findings are beside them, so that a
step does not rewrite what earlier steps found. The pins of sites' tools and the ledger of model
requests are tables of it, too, so that every orchestrator of a state shares them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from langgraph.checkpoint.base import BaseCheckpointSaver
from pydantic import BaseModel

from orchestrator.storage.database import Database, Value, open_database, read_rows, stamp
from orchestrator.storage.model_ledger import LEDGER_TABLE
from orchestrator.storage.tool_pins import PIN_TABLE
from placement.decision import DecisionRecord
from placement.latency import LatencySample

_TABLES = """
CREATE TABLE IF NOT EXISTS findings (
    incident_id TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (incident_id, name)
);
CREATE TABLE IF NOT EXISTS decisions (
    number {serial}, incident_id TEXT NOT NULL, record TEXT NOT NULL, decided_at TEXT
);
CREATE INDEX IF NOT EXISTS decisions_incident ON decisions (incident_id);
CREATE TABLE IF NOT EXISTS calls (
    number {serial}, incident_id TEXT NOT NULL, sample TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_incident ON calls (incident_id);
"""
_ALL_TABLES = ";".join((_TABLES, PIN_TABLE, LEDGER_TABLE))

Finding = TypeVar("Finding", bound=BaseModel)


class State:
    """The open state of a process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        """For stores that keep more beside it."""
        self._decisions: list[tuple[str, str, str]] = []
        self._calls: list[tuple[str, str]] = []

    @property
    def checkpointer(self) -> BaseCheckpointSaver[Any]:
        """LangGraph's checkpoints."""
        return self.database.checkpointer

    async def put(self, incident_id: str, name: str, finding: BaseModel) -> str:
        """Keep a finding under its name; the same name again replaces it. Returns the name."""
        await self.database.execute(
            "INSERT INTO findings VALUES (?, ?, ?)"
            " ON CONFLICT (incident_id, name) DO UPDATE SET content = excluded.content",
            incident_id,
            name,
            finding.model_dump_json(by_alias=True),
        )
        return name

    async def get(self, incident_id: str, name: str, shape: type[Finding]) -> Finding:
        """Read a finding back.

        Raises:
            KeyError: There is none of that name.
        """
        rows = await self.database.fetch(
            "SELECT content FROM findings WHERE incident_id = ? AND name = ?", incident_id, name
        )
        if not rows:
            raise KeyError(name)
        return shape.model_validate_json(rows[0][0])

    async def names(self, incident_id: str) -> list[str]:
        """The names of all findings of an incident, in order."""
        rows = await self.database.fetch(
            "SELECT name FROM findings WHERE incident_id = ? ORDER BY name", incident_id
        )
        return [name for (name,) in rows]

    def note_decision(self, incident_id: str, record: DecisionRecord) -> None:
        """Remember a decision until the next `write_notes`."""
        self._decisions.append((incident_id, record.model_dump_json(), stamp()))

    def note_calls(self, incident_id: str, samples: Iterable[LatencySample]) -> None:
        """Remember how long calls took until the next `write_notes`."""
        self._calls.extend((incident_id, sample.model_dump_json()) for sample in samples)

    async def decisions(self, incident_id: str) -> list[DecisionRecord]:
        """The decisions about an incident that were written, oldest first."""
        rows = await self.database.fetch(
            "SELECT record FROM decisions WHERE incident_id = ? ORDER BY number", incident_id
        )
        return [DecisionRecord.model_validate_json(content) for (content,) in rows]

    async def calls(self, incident_id: str) -> list[LatencySample]:
        """How long the calls for an incident took, oldest first."""
        rows = await self.database.fetch(
            "SELECT sample FROM calls WHERE incident_id = ? ORDER BY number", incident_id
        )
        return [LatencySample.model_validate_json(content) for (content,) in rows]

    async def write_notes(self) -> None:
        """Write the decisions and calls noted so far."""
        decisions, self._decisions = self._decisions, []
        calls, self._calls = self._calls, []
        if not (decisions or calls):
            return
        async with self.database.transaction() as work:
            await work.execute_many(
                "INSERT INTO decisions (incident_id, record, decided_at) VALUES (?, ?, ?)",
                decisions,
            )
            await work.execute_many("INSERT INTO calls (incident_id, sample) VALUES (?, ?)", calls)


@asynccontextmanager
async def open_state(address: str | Path) -> AsyncIterator[State]:
    """Open (and create) the state at a file path or a `postgresql://` URL.

    Raises:
        SettingsError: It cannot be used.
        MissingExtraError: A URL without the extra `postgresql`.
    """
    async with open_database(address) as database:
        await database.create_tables(_ALL_TABLES)
        # A file of an earlier version lacks the column.
        if "decided_at" not in await database.columns("decisions"):
            await database.execute("ALTER TABLE decisions ADD COLUMN decided_at TEXT")
        yield State(database)


def kept_decisions(
    address: str | Path, *, incident_id: str | None = None, since: datetime | None = None
) -> Iterator[DecisionRecord]:
    """Read the decisions of a state, oldest first.

    Args:
        address: A state file, or the URL of a state database.
        incident_id: Of one investigation only.
        since: Decided at or after this instant only.

    Raises:
        SettingsError: There is no such state, or it is not ours.
    """
    wanted: dict[str, Value] = {}
    if incident_id is not None:
        wanted["incident_id = ?"] = incident_id
    if since is not None:
        wanted["decided_at >= ?"] = stamp(since)
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    sql = f"SELECT record FROM decisions{where} ORDER BY number"  # noqa: S608 - the texts above
    for (content,) in read_rows(address, sql, *wanted.values()):
        yield DecisionRecord.model_validate_json(content)


def newest_incident(address: str | Path) -> str | None:
    """The incident that was decided about last; None when nothing was.

    Raises:
        SettingsError: There is no such state, or it is not ours.
    """
    rows = read_rows(address, "SELECT incident_id FROM decisions ORDER BY number DESC LIMIT 1")
    return rows[0][0] if rows else None


def kept_calls(address: str | Path) -> Iterator[LatencySample]:
    """Read how long the calls of a state took, oldest first.

    Raises:
        SettingsError: There is no such state, or it is not ours.
    """
    for (content,) in read_rows(address, "SELECT sample FROM calls ORDER BY number"):
        yield LatencySample.model_validate_json(content)
