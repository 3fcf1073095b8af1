"""`Inbox`: a trigger is accepted when its row is committed, and never before.

The same trigger again is told where its investigation is. A trigger that belongs to an open
incident joins it; another opens one, as long as site and source are within their limits. Triggers
that arrive while a commit is under way share the next one, and while somebody waits for an answer a
commit waits a moment for more of them, so that a storm costs few commits.
"""

from __future__ import annotations

import asyncio

from orchestrator.incidents.coalescing import Accepted, Coalescing, StormError
from orchestrator.incidents.people_first import PeopleFirst
from orchestrator.settings import Settings
from orchestrator.storage.database import Database
from orchestrator.triggers.trigger import Trigger

__all__ = ["Accepted", "Inbox", "StormError"]

_AT_ONCE = 32
"""Triggers of one commit: few enough that an investigation need not wait long for its turn."""
_MOST_WAITING = 500
"""Triggers that wait for a commit; a storm beyond it is told to come again, not kept in memory."""
_STORM_PAUSE_S = 5


class Inbox:
    """Accepts triggers into the state."""

    def __init__(self, database: Database, settings: Settings, people: PeopleFirst) -> None:
        """Accept what the settings declare.

        Args:
            database: Of the state.
            settings: Of this process.
            people: Who is answered before a commit is made for a single trigger.
        """
        self._database = database
        self._coalescing = Coalescing(settings)
        self._people = people
        self._waiting: list[tuple[Trigger, asyncio.Future[Accepted]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def accept(self, trigger: Trigger) -> Accepted:
        """Store a trigger; when this returns it survives the machine's loss of power.

        Raises:
            StormError: A limit is reached and the trigger would open a new incident.
            StateUnavailableError: It could not be stored.
        """
        if len(self._waiting) >= _MOST_WAITING:
            why = f"{_MOST_WAITING} triggers wait to be stored"
            raise StormError("intake", why, retry_after_s=_STORM_PAUSE_S)
        done: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._waiting.append((trigger, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await done

    async def _write(self) -> None:
        while self._waiting:
            if len(self._waiting) < _AT_ONCE:
                await self._people.gathering()
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            try:
                outcomes = await self._store([trigger for trigger, _ in batch])
            except BaseException as exc:
                for _, done in batch:
                    if not done.done():
                        done.set_exception(_kept_apart(exc))
                if not isinstance(exc, Exception):
                    raise
                continue
            for (_, done), outcome in zip(batch, outcomes, strict=True):
                if done.done():  # its sender hung up; it is stored all the same
                    continue
                if isinstance(outcome, StormError):
                    done.set_exception(outcome)
                else:
                    done.set_result(outcome)

    async def _store(self, triggers: list[Trigger]) -> list[Accepted | StormError]:
        async with self._database.transaction(lock="inbox") as work:
            return await self._coalescing.store(work, triggers)


def _kept_apart(exc: BaseException) -> BaseException:
    """An exception for one of several waiters; a cancelled writer has stored nothing."""
    return asyncio.CancelledError() if isinstance(exc, asyncio.CancelledError) else exc
