"""Questions that were asked and not answered yet: kept, so that none is lost with a process.

Whoever answers one says that it lives. When nobody has for a while, the next process that looks
takes the question up, and its investigation goes on from the last checkpoint.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.conversations.conversation import readable_words
from orchestrator.storage.database import Database, Row, stamp
from telecom.errors import InvalidArgumentError

LEASE = timedelta(seconds=15)
"""How long a question belongs to a process that no longer says it is alive."""
_COLUMNS = "question_id, conversation_id, words, asked_at"


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that waits for its answer."""

    question_id: str
    """Of the investigation as well, if it needs one."""
    conversation_id: str
    words: str
    asked_at: datetime


class OpenQuestions:
    """The open questions of all conversations, at most one in each."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] | None = None) -> None:
        self._database = database
        self._now = now or (lambda: datetime.now(UTC))
        self._owner = f"process-{uuid.uuid4().hex}"

    async def ask(self, conversation_id: str, words: str) -> OpenQuestion:
        """Keep a question; it is this process's to answer.

        Raises:
            InvalidArgumentError: The words are empty or too long, or the last question of this
                conversation is still open.
        """
        words = readable_words(words)
        at = datetime.fromisoformat(stamp(self._now()))  # as it will be read again
        asked = OpenQuestion(f"inc-{uuid.uuid4().hex[:12]}", conversation_id, words, at)
        kept = await self._database.execute(
            "INSERT INTO questions VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (conversation_id) DO NOTHING",
            asked.question_id,
            conversation_id,
            words,
            stamp(asked.asked_at),
            self._owner,
            stamp(self._now() + LEASE),
        )
        if not kept:
            raise InvalidArgumentError(
                "words", "the question before is still being answered; wait for it or stop it"
            )
        return asked

    async def of(self, conversation_id: str) -> OpenQuestion | None:
        """The open question of a conversation, whoever answers it."""
        rows = await self._database.fetch(
            f"SELECT {_COLUMNS} FROM questions WHERE conversation_id = ?",  # noqa: S608 - ours
            conversation_id,
        )
        return _question(rows[0]) if rows else None

    async def take_up(self) -> list[OpenQuestion]:
        """Take every question that nobody answers any more; they are this process's from now on."""
        async with self._database.transaction(lock="questions") as work:
            rows = await work.fetch(
                f"SELECT {_COLUMNS} FROM questions WHERE alive_until < ?",  # noqa: S608 - ours
                stamp(self._now()),
            )
            for row in rows:
                await work.execute(
                    "UPDATE questions SET answering = ?, alive_until = ? WHERE question_id = ?",
                    self._owner,
                    stamp(self._now() + LEASE),
                    row[0],
                )
        return [_question(row) for row in rows]

    async def renew(self, question_id: str) -> bool:
        """Say that it is being answered; False when it is somebody else's by now, or answered."""
        return bool(
            await self._database.execute(
                "UPDATE questions SET alive_until = ? WHERE question_id = ? AND answering = ?",
                stamp(self._now() + LEASE),
                question_id,
                self._owner,
            )
        )

    async def hand_back(self, question_id: str) -> None:
        """Let another process take it up at once."""
        await self._database.execute(
            "UPDATE questions SET alive_until = ? WHERE question_id = ? AND answering = ?",
            stamp(self._now() - LEASE),
            question_id,
            self._owner,
        )


def _question(row: Row) -> OpenQuestion:
    question_id, conversation_id, words, asked_at = row
    return OpenQuestion(question_id, conversation_id, words, datetime.fromisoformat(asked_at))
