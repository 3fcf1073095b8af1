"""`Questions`: what is being answered, as work of the process and not of a browser's tab.

A page that goes away changes nothing: the question is answered, and whoever opens the conversation
again sees it going on or finds the answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field

from orchestrator.conversations.conversation import Chat
from orchestrator.conversations.open_questions import LEASE, OpenQuestion, OpenQuestions
from orchestrator.conversations.store import Answer
from orchestrator.investigating.step_events import StepEvent
from orchestrator.storage.database import Database
from telecom.errors import InvalidArgumentError, StateUnavailableError, TierwiseError
from telecom.report import ProvenanceStep

_logger = logging.getLogger(__name__)
_BEAT_S = LEASE.total_seconds() / 3
_LOOK_S = LEASE.total_seconds() / 3


@dataclass(eq=False, slots=True)
class Running:
    """A question on its way, and what was told of it so far."""

    question: OpenQuestion
    events: list[StepEvent] = field(default_factory=list)
    stopped: bool = False
    """Whether somebody wants no answer any more."""
    task: asyncio.Task[None] | None = None

    @property
    def steps(self) -> Sequence[StepEvent]:
        """The newest event of each delegation, in the order in which they were placed."""
        newest: dict[str, StepEvent] = {}
        for event in self.events:
            newest[event.what] = event
        return tuple(newest.values())


class Questions:
    """The questions that this process answers."""

    def __init__(
        self,
        database: Database,
        chat: Callable[[], Chat],
        *,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Answer questions of a state.

        Args:
            database: Where they are kept.
            chat: What they are answered with, under the policy that is in force by then.
            waiting: Entered for as long as a person waits for an answer.
        """
        self._open = OpenQuestions(database)
        self._chat = chat
        self._waiting = waiting
        self._running: dict[str, Running] = {}
        self._versions: dict[str, int] = {}

    async def ask(self, conversation_id: str, words: str, *, person: str) -> Running:
        """Keep a question and begin to answer it.

        Raises:
            InvalidArgumentError: It is not this person's conversation, the words do not do, or the
                question before is still open.
        """
        if not await self._chat().store.is_own(conversation_id, person):
            raise InvalidArgumentError(
                "conversation", "only who began a conversation can ask in it; begin your own"
            )
        return self._begin(await self._open.ask(conversation_id, words))

    def running(self, conversation_id: str) -> Running | None:
        """What this process answers in a conversation."""
        return self._running.get(conversation_id)

    async def waiting(self, conversation_id: str) -> OpenQuestion | None:
        """The open question of a conversation, whichever process answers it."""
        return await self._open.of(conversation_id)

    def version(self, conversation_id: str) -> int:
        """Changes with everything that happens in a conversation here."""
        return self._versions.get(conversation_id, 0)

    async def stop(self, conversation_id: str, *, person: str) -> None:
        """Answer a question no further; what was looked at until then is kept and shown."""
        running = self._running.get(conversation_id)
        if running is None or not await self._chat().store.is_own(conversation_id, person):
            return
        running.stopped = True
        if running.task is not None:
            running.task.cancel()
            await asyncio.wait([running.task])

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Take up what other processes left, and hand back what is open when the block ends."""
        looking = asyncio.create_task(self._keep_taking_up())
        try:
            yield
        finally:
            looking.cancel()
            tasks = [one.task for one in self._running.values() if one.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(looking, *tasks, return_exceptions=True)

    async def _keep_taking_up(self) -> None:
        while True:
            try:
                for question in await self._open.take_up():
                    if question.conversation_id not in self._running:
                        self._begin(question)
            except TierwiseError:  # the state is away: it will be there again
                _logger.warning("open questions could not be looked for")
            await asyncio.sleep(_LOOK_S)

    def _begin(self, question: OpenQuestion) -> Running:
        running = Running(question)
        self._running[question.conversation_id] = running
        self._changed(running)
        running.task = asyncio.create_task(self._answered(running))
        return running

    async def _answered(self, running: Running) -> None:
        """Answer, say meanwhile that it is being answered, and leave nothing behind."""
        beat = asyncio.create_task(self._beat(running))
        try:
            with self._waiting():
                await self._answer(running)
        except asyncio.CancelledError:
            with suppress(StateUnavailableError):  # then the lease runs out instead
                await self._open.hand_back(running.question.question_id)
            raise
        except Exception:
            _logger.exception("a question could not be answered or kept")
        finally:
            beat.cancel()
            del self._running[running.question.conversation_id]
            self._changed(running)

    async def _answer(self, running: Running) -> None:
        question = running.question
        chat = self._chat()
        owner = await chat.store.person(question.conversation_id)
        conversation = await chat.resume(question.conversation_id, person=owner)

        def told(event: StepEvent) -> None:
            running.events.append(event)
            self._changed(running)

        try:
            await conversation.say(question.words, watch=told, question=question.question_id)
        except asyncio.CancelledError:
            if not running.stopped:
                raise
            # Somebody asked for this: the task goes on, to keep what was done.
            if (task := asyncio.current_task()) is not None:
                task.uncancel()
            answer = Answer(text="Stopped before it was answered.", outcome="stopped")
        except TierwiseError as exc:
            answer = Answer(text=str(exc), outcome="refused")
        except Exception:
            _logger.exception("answering a question broke")
            answer = Answer(
                text="This question broke something; the log of the console says what.",
                outcome="refused",
            )
        else:
            return
        answer = answer.model_copy(update={"steps": _steps_of(running)})
        await conversation.keep(question.words, answer, question=question.question_id)

    async def _beat(self, running: Running) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            await self._open.renew(running.question.question_id)

    def _changed(self, running: Running) -> None:
        key = running.question.conversation_id
        self._versions[key] = self._versions.get(key, 0) + 1


def _steps_of(running: Running) -> tuple[ProvenanceStep, ...]:
    """What was placed by then, whether or not it was over."""
    return tuple(event.step for event in running.steps)
