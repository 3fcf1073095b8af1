"""What was said: conversations and their turns, beside the investigations they are about."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import Field

from orchestrator.storage.database import Database, Work, stamp
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
CREATE TABLE IF NOT EXISTS conversation_subjects (
    conversation_id TEXT PRIMARY KEY, incident_id TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS conversation_shares (
    conversation_id TEXT PRIMARY KEY, shared_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS questions (
    question_id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL UNIQUE, words TEXT NOT NULL,
    asked_at TEXT NOT NULL, answering TEXT NOT NULL, alive_until TEXT NOT NULL
);
"""

_OF_A_CONVERSATION = ("turns", "conversation_subjects", "conversation_shares", "conversations")


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
    follow_ups: tuple[str, ...] = ()
    """What might be asked next, in words that this conversation understands."""
    outcome: Literal["answered", "stopped", "refused"] = "answered"
    """Whether it was answered, somebody stopped it, or it could not be."""


class Turn(ProductModel):
    """One question and its answer."""

    words: str
    """As the site released them: identifiers are pseudonyms."""
    answer: Answer
    at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in a list."""

    conversation_id: str
    begun_at: datetime
    words: str
    """What was said first."""
    incident_id: str | None


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

    async def may_read(self, conversation_id: str, person: str) -> bool:
        """Whether a conversation is somebody's own, or was shared."""
        return bool(
            await self._database.fetch(
                "SELECT 1 FROM conversations c WHERE c.conversation_id = ? AND (c.person = ?"
                " OR EXISTS (SELECT 1 FROM conversation_shares s"
                " WHERE s.conversation_id = c.conversation_id))",
                conversation_id,
                person,
            )
        )

    async def person(self, conversation_id: str) -> str | None:
        """Who began a conversation; None where nobody was named."""
        rows = await self._database.fetch(
            "SELECT person FROM conversations WHERE conversation_id = ?", conversation_id
        )
        return rows[0][0] if rows else None

    async def is_own(self, conversation_id: str, person: str) -> bool:
        """Whether somebody began a conversation."""
        sql = "SELECT 1 FROM conversations WHERE conversation_id = ? AND person = ?"
        return bool(await self._database.fetch(sql, conversation_id, person))

    async def is_shared(self, conversation_id: str) -> bool:
        """Whether everybody who is signed in may read it."""
        sql = "SELECT 1 FROM conversation_shares WHERE conversation_id = ?"
        return bool(await self._database.fetch(sql, conversation_id))

    async def share(self, conversation_id: str, *, shared: bool) -> None:
        """Let everybody who is signed in read it, or its owner alone again."""
        if shared:
            await self._database.execute(
                "INSERT INTO conversation_shares VALUES (?, ?)"
                " ON CONFLICT (conversation_id) DO NOTHING",
                conversation_id,
                stamp(),
            )
        else:
            await self._database.execute(
                "DELETE FROM conversation_shares WHERE conversation_id = ?", conversation_id
            )

    async def subject(self, conversation_id: str) -> str | None:
        """The incident that a conversation was begun about; None when it begins its own."""
        rows = await self._database.fetch(
            "SELECT incident_id FROM conversation_subjects WHERE conversation_id = ?",
            conversation_id,
        )
        return rows[0][0] if rows else None

    async def set_subject(self, conversation_id: str, incident_id: str) -> None:
        """Note the incident that a conversation is about before anything was said."""
        await self._database.execute(
            "INSERT INTO conversation_subjects VALUES (?, ?)"
            " ON CONFLICT (conversation_id) DO UPDATE SET incident_id = excluded.incident_id",
            conversation_id,
            incident_id,
        )

    async def about(self, incident_id: str, *, person: str) -> str | None:
        """Somebody's newest conversation that was begun about an incident."""
        rows = await self._database.fetch(
            "SELECT c.conversation_id FROM conversations c JOIN conversation_subjects s"
            " ON s.conversation_id = c.conversation_id"
            " WHERE s.incident_id = ? AND c.person = ?"
            " ORDER BY c.begun_at DESC, c.conversation_id LIMIT 1",
            incident_id,
            person,
        )
        return rows[0][0] if rows else None

    async def listed(self, *, person: str, limit: int = 50) -> list[Listed]:
        """Somebody's conversations in which something was said, newest first."""
        rows = await self._database.fetch(
            "SELECT c.conversation_id, c.begun_at, t.turn FROM conversations c JOIN turns t"
            " ON t.conversation_id = c.conversation_id AND t.number = 1"
            " WHERE c.person = ? ORDER BY c.begun_at DESC, c.conversation_id LIMIT ?",
            person,
            limit,
        )
        found = []
        for conversation_id, begun_at, content in rows:
            turn = Turn.model_validate_json(content)
            at = datetime.fromisoformat(begun_at)
            found.append(Listed(conversation_id, at, turn.words, turn.answer.incident_id))
        return found

    async def knows(self, conversation_id: str) -> bool:
        """Whether there is such a conversation."""
        sql = "SELECT 1 FROM conversations WHERE conversation_id = ?"
        return bool(await self._database.fetch(sql, conversation_id))

    async def add(self, conversation_id: str, turn: Turn, *, question: str | None = None) -> None:
        """Append a turn; two at the same time follow one another.

        Args:
            conversation_id: Of an existing conversation.
            turn: What was said.
            question: The open question that it answers. One that is no longer open was answered
                by somebody else, and the turn is not kept a second time.
        """
        async with self._database.transaction(lock=f"turns {conversation_id}") as work:
            if question is not None and not await work.execute(
                "DELETE FROM questions WHERE question_id = ?", question
            ):
                return
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

    async def forget(self, before: datetime) -> int:
        """Forget conversations in which nothing was said since an instant and nothing is asked now.

        Returns:
            How many.
        """
        old = await self._database.fetch(
            "SELECT conversation_id FROM conversations WHERE begun_at < ?", stamp(before)
        )
        forgotten = 0
        for (conversation_id,) in old:
            async with self._database.transaction(lock=f"turns {conversation_id}") as work:
                if await _is_over(work, conversation_id, before):
                    forgotten += 1
                    for table in _OF_A_CONVERSATION:
                        await work.execute(
                            f"DELETE FROM {table} WHERE conversation_id = ?",  # noqa: S608 - ours
                            conversation_id,
                        )
        return forgotten


async def _is_over(work: Work, conversation_id: str, before: datetime) -> bool:
    if await work.fetch("SELECT 1 FROM questions WHERE conversation_id = ?", conversation_id):
        return False
    last = await work.fetch(
        "SELECT turn FROM turns WHERE conversation_id = ? ORDER BY number DESC LIMIT 1",
        conversation_id,
    )
    return not last or Turn.model_validate_json(last[0][0]).at < before
