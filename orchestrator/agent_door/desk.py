"""`InvestigationDesk`: investigations that others asked for, and who waits for them.

An investigation outlives the call that asked for it: whoever waits too long gets its id and asks
again. One that was cut off by the end of a process goes on from its last checkpoint when somebody
asks for its report.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from orchestrator.investigating.investigation import Inquiry, Services, investigate
from telecom.errors import BudgetExceededError, RecordNotFoundError
from telecom.report import RootCauseReport

AT_ONCE = 8
"""Investigations under way for callers; one more is refused, and the caller asks again later."""


@dataclass(slots=True)
class _Running:
    """An investigation under way, and the steps it has finished."""

    task: asyncio.Task[RootCauseReport]
    steps: list[str] = field(default_factory=list)
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class InvestigationDesk:
    """Starts investigations and hands out their reports."""

    def __init__(
        self,
        services: Callable[[], Services],
        *,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Work with services.

        Args:
            services: Gives them with the policy that is in force now.
            waiting: Entered for as long as a caller waits for an investigation.
        """
        self._services = services
        self._waiting = waiting
        self._running: dict[str, _Running] = {}

    def start(self, inquiry: Inquiry, *, on_behalf_of: str | None = None) -> str:
        """Begin an investigation; gives its id at once.

        Raises:
            BudgetExceededError: Too many are under way.
        """
        incident_id = f"inc-{uuid.uuid4().hex[:12]}"
        self._run(inquiry, incident_id, on_behalf_of)
        return incident_id

    async def start_once(self, inquiry: Inquiry, incident_id: str) -> None:
        """Begin an investigation under an id of the caller's, unless there is one already.

        Raises:
            BudgetExceededError: Too many are under way.
        """
        known = await self.report(incident_id) is not None or await self._is_begun(incident_id)
        if not known:
            self._run(inquiry, incident_id, None)

    @property
    def under_way(self) -> int:
        """Investigations that run now, whether or not somebody waits for them."""
        return len(self._running)

    def _run(self, inquiry: Inquiry, incident_id: str, on_behalf_of: str | None) -> _Running:
        if incident_id in self._running:  # begun while somebody else asked the state
            return self._running[incident_id]
        if len(self._running) >= AT_ONCE:
            raise BudgetExceededError(
                "investigations", f"{AT_ONCE} investigations are under way; ask again in a minute"
            )

        def finished(step: str) -> None:
            if step.startswith("_"):
                return  # a call within a step
            running.steps.append(step)
            running.moved.set()

        async def answered() -> RootCauseReport:
            with self._waiting():
                return await investigate(
                    inquiry,
                    self._services(),
                    incident_id=incident_id,
                    on_behalf_of=on_behalf_of,
                    progress=finished,
                )

        running = _Running(asyncio.create_task(answered(), name=incident_id))
        self._running[incident_id] = running
        running.task.add_done_callback(lambda _: self._ended(incident_id, running))
        return running

    def _ended(self, incident_id: str, running: _Running) -> None:
        self._running.pop(incident_id, None)
        running.moved.set()
        if not running.task.cancelled():
            running.task.exception()  # whoever waits is told; nobody may

    async def report(self, incident_id: str) -> RootCauseReport | None:
        """A finished report; None as long as the investigation has not come to its end."""
        try:
            return await self._services().state.get(incident_id, "report", RootCauseReport)
        except KeyError:
            return None

    async def steps(self, incident_id: str) -> AsyncGenerator[str, None]:
        """The steps of an investigation as they finish; resumes one that a process left behind.

        Raises:
            RecordNotFoundError: Nothing is known of that id.
            TierwiseError: It failed; the message says what helps.
        """
        running = self._running.get(incident_id)
        if running is None:
            if await self.report(incident_id) is not None:
                return
            await self._require_begun(incident_id)
            running = self._run(Inquiry(), incident_id, None)
        told = 0
        while not (running.task.done() and told == len(running.steps)):
            for step in running.steps[told:]:
                told += 1
                yield step
            if not running.task.done():
                await running.moved.wait()
                running.moved.clear()
        await asyncio.shield(running.task)

    async def _is_begun(self, incident_id: str) -> bool:
        config = {"configurable": {"thread_id": incident_id}}
        return await self._services().state.checkpointer.aget_tuple(config) is not None  # type: ignore[arg-type]

    async def _require_begun(self, incident_id: str) -> None:
        if not await self._is_begun(incident_id):
            raise RecordNotFoundError(
                "incident", incident_id, hint="list_incidents names those that are known"
            )

    async def close(self) -> None:
        """Leave what is under way to whoever asks for it next."""
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
