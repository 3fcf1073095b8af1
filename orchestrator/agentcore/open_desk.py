"""`OpenDesk`: state, policy, sites and a desk, opened by the first call on the loop it runs on.

AgentCore's application runs handlers on a loop of its own, so that `/ping` answers whatever they
do; what is bound to a loop is opened and closed there, by one task.
"""

from __future__ import annotations

import asyncio

from orchestrator.agent_door.desk import InvestigationDesk
from orchestrator.investigating.investigation import Services
from orchestrator.investigating.reasoning import ModelFactory
from orchestrator.settings import Settings
from orchestrator.site_access.sites import open_sites
from orchestrator.storage.state import State, open_state
from placement.live import LivePolicy
from telecom.errors import OperatorError

_PATIENCE_S = 15.0


class OpenDesk:
    """A desk for as long as the process lives."""

    def __init__(self, settings: Settings, models: ModelFactory) -> None:
        """Prepare; nothing is opened yet.

        Args:
            settings: Of this process.
            models: Makes language models.
        """
        self._settings = settings
        self._models = models
        self._keeper: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[tuple[InvestigationDesk, State]] | None = None
        self._closing: asyncio.Event | None = None

    async def get(self) -> tuple[InvestigationDesk, State]:
        """The desk and its state; opens them the first time, and again after a failure.

        Raises:
            OperatorError: Policy, state or a site cannot be used; the message says what helps.
        """
        if self._opened is None:
            self._opened = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep(self._opened), name="open desk")
        return await asyncio.shield(self._opened)

    @property
    def under_way(self) -> int:
        """Investigations that run now; may be asked on any thread."""
        opened = self._opened
        if opened is None or not opened.done() or opened.exception() is not None:
            return 0
        return opened.result()[0].under_way

    async def close(self) -> None:
        """Close what was opened, on its own loop; what runs goes on from its last checkpoint.

        A site or a database that does not let go is left after a while: the process ends anyway.
        """
        if self._keeper is None or self._closing is None:
            return
        loop = self._keeper.get_loop()
        loop.call_soon_threadsafe(self._closing.set)
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_ended(self._keeper), loop))

    async def _keep(self, opened: asyncio.Future[tuple[InvestigationDesk, State]]) -> None:
        self._closing = asyncio.Event()
        settings = self._settings
        try:
            policies = LivePolicy(settings.policy.catalogue, settings.policy.rules)
            async with open_state(settings.state_address) as state, open_sites(settings) as sites:
                desk = InvestigationDesk(
                    lambda: Services(settings, policies.current(), sites, state, self._models)
                )
                opened.set_result((desk, state))
                try:
                    await self._closing.wait()
                finally:
                    await desk.close()
        except OperatorError as exc:
            self._opened = None
            if opened.done():
                raise
            opened.set_exception(exc)


async def _ended(keeper: asyncio.Task[None]) -> None:
    await asyncio.wait([keeper], timeout=_PATIENCE_S)
