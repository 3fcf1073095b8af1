"""What was said: conversations and their turns, beside the investigations they are about."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import Field

from orchestrator.database import Database, stamp
from telecom.evidence import Evidence
from telecom.report import ProvenanceStep, RootCauseReport
from telecom.schema import ProductModel

_TABLES = """
CREATE TABLE IF NOT EXISTS conversations (
    conversation_id TEXT PRIMARY KEY, person TEXT, begun_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS turns (
    conversation_id TEXT NOT NULL, number BIGINT NOT NULL, turn TEXT NOT NULL,
    PRIMARY KEY (conversation_id, number)
);
"""


class Answer(ProductModel):
    """What a person is told."""

    text: str
    """Markdown."""
    incident_id: str | None = None
    """The investigation it is about."""
    evidence: dict[str, Evidence] = Field(default_factory=dict)
    """What the text rests on, by id."""
    steps: tuple[ProvenanceStep, ...] = ()
    """What was looked up for it, where, and under which decision."""
    report: RootCauseReport | None = None
    """A report, where an investigation was made for this answer."""


class Turn(ProductModel):
    """One question and its answer."""

    words: str
    """As the site released them: identifiers are pseudonyms."""
    answer: Answer
    at: datetime


class ConversationStore:
    """Conversations in the state's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Create the tables, once."""
        await self._database.create_tables(_TABLES)

    async def begin(self, *, person: str | None = None) -> str:
        """Begin a conversation.

        Args:
            person: Pseudonym of who asks.
        """
        conversation_id = f"chat-{uuid.uuid4().hex[:12]}"
        await self._database.execute(
            "INSERT INTO conversations VALUES (?, ?, ?)", conversation_id, person, stamp()
        )
        return conversation_id

    async def newest(self, *, person: str | None = None) -> str | None:
        """The conversation that was begun last, of a person where one is named."""
        where, values = ("", ()) if person is None else (" WHERE person = ?", (person,))
        rows = await self._database.fetch(
            f"SELECT conversation_id FROM conversations{where}"  # noqa: S608 - the texts above
            " ORDER BY begun_at DESC, conversation_id LIMIT 1",
            *values,
        )
        return rows[0][0] if rows else None

    async def knows(self, conversation_id: str) -> bool:
        """Whether there is such a conversation."""
        sql = "SELECT 1 FROM conversations WHERE conversation_id = ?"
        return bool(await self._database.fetch(sql, conversation_id))

    async def add(self, conversation_id: str, turn: Turn) -> None:
        """Append a turn; two at the same time follow one another."""
        async with self._database.transaction(lock=f"turns {conversation_id}") as work:
            rows = await work.fetch(
                "SELECT COALESCE(MAX(number), 0) FROM turns WHERE conversation_id = ?",
                conversation_id,
            )
            await work.execute(
                "INSERT INTO turns VALUES (?, ?, ?)",
                conversation_id,
                int(rows[0][0]) + 1,
                turn.model_dump_json(),
            )

    async def turns(self, conversation_id: str) -> list[Turn]:
        """All turns, oldest first."""
        rows = await self._database.fetch(
            "SELECT turn FROM turns WHERE conversation_id = ? ORDER BY number", conversation_id
        )
        return [Turn.model_validate_json(content) for (content,) in rows]
