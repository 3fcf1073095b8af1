"""`Worker`: takes incidents from the inbox and investigates them, a few at a time.

Whatever happens to the process, an incident is in one of four states that a later worker can go on
from: it waits, its lease expires, it has its report, or it is parked with the reason.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from orchestrator.incidents.leases import Leased, LeaseLostError, Leases
from orchestrator.incidents.limits import note_spending
from orchestrator.incidents.outbox import Outbox
from orchestrator.incidents.people_first import PeopleFirst
from orchestrator.investigating.investigation import Inquiry, Services, build_graph, investigate
from orchestrator.investigating.reasoning import ModelFactory, make_model
from orchestrator.settings import Settings
from orchestrator.site_access.site_client import Purpose
from orchestrator.site_access.sites import Sites
from orchestrator.storage.state import State
from placement.policy import Policy
from telecom.errors import (
    OperatorError,
    PlacementRefusedError,
    SiteUnavailableError,
    StateUnavailableError,
    TierwiseError,
)
from telecom.report import RootCauseReport

log = logging.getLogger(__name__)

_POLL_S = 1.0
"""How often a worker looks for what other processes accepted."""
_PAUSE_S = 15.0
"""Between two attempts at a site that answers, but not as it should."""


class Worker:
    """Investigates until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        sites: Sites,
        policy: Callable[[], Policy],
        *,
        people: PeopleFirst,
        models: ModelFactory = make_model,
    ) -> None:
        """Prepare a worker.

        Args:
            settings: Of this process.
            state: Where incidents and findings are.
            sites: Every declared site; an incident is looked into at its own.
            policy: Gives the policy in force when an investigation begins.
            people: Who is answered before an incident is begun, and before it goes on.
            models: Makes language models.
        """
        owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        service = settings.service
        self._settings = settings
        self._state = state
        self._sites = sites
        self._policy = policy
        self._people = people
        self._models = models
        self._leases = Leases(state.database, owner=owner, lease_s=service.lease_seconds)
        self._outbox = Outbox(state.database, settings)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._shape: str | None = None
        self.finished = 0
        """Investigations that this process brought to a report."""
        self.failed_attempts = 0
        """Attempts of this process that did not."""

    @property
    def running(self) -> int:
        """Investigations under way."""
        return len(self._running)

    def wake(self) -> None:
        """Something may be waiting."""
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set; then let what runs finish, or hand it back."""
        renewing = asyncio.create_task(self._renew())
        try:
            while not stopping.is_set():
                await self._take_one(stopping)
            await self._drain()
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    async def _take_one(self, stopping: asyncio.Event) -> None:
        """Start one investigation, or wait for a reason to look again."""
        self._woken.clear()
        leased = None
        if len(self._running) < self._settings.service.concurrent_investigations:
            await self._people.turn()
            try:
                leased = await self._leases.claim(unreachable=self._sites.unreachable)
            except StateUnavailableError as exc:
                log.warning("%s", exc)
        if leased is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await _first(self._woken, stopping)
            return
        task = asyncio.create_task(self._work_on(leased), name=leased.incident_id)
        self._running[leased.incident_id] = task
        task.add_done_callback(lambda _: self._ended(leased.incident_id))

    def _ended(self, incident_id: str) -> None:
        self._running.pop(incident_id, None)
        self._woken.set()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._settings.service.lease_seconds / 3)
            with suppress(StateUnavailableError):
                kept = await self._leases.renew(tuple(self._running))
                for incident_id, task in list(self._running.items()):
                    if incident_id not in kept:
                        task.cancel()  # somebody else has it

    async def _drain(self) -> None:
        if self._running:
            await asyncio.wait(self._running.values(), timeout=self._settings.service.drain_seconds)
        remaining = list(self._running.values())
        for task in remaining:
            task.cancel()
        await asyncio.gather(*remaining, return_exceptions=True)

    # ------------------------------------------------------------- one incident

    async def _work_on(self, leased: Leased) -> None:
        """Bring an incident to its report, or decide what becomes of it."""
        try:
            report = await self._report(leased)
            if report is not None:
                await self._finish(leased, report)
        except asyncio.CancelledError:
            await self._leases.hand_back(leased, counted=False)
            raise
        except LeaseLostError:
            log.warning("incident %s went on elsewhere", leased.incident_id)
        except StateUnavailableError as exc:
            log.warning("%s", exc)  # nothing can be written: the lease expires
        except (PlacementRefusedError, OperatorError) as exc:
            self.failed_attempts += 1
            await self._start_afresh(leased)
            await self._leases.park(leased, str(exc))
        except TierwiseError as exc:
            self.failed_attempts += 1
            await self._start_afresh(leased)
            await self._wait_for_sites(leased, exc)
        except Exception as exc:
            self.failed_attempts += 1
            log.exception("incident %s broke", leased.incident_id)
            await self._try_again(leased, f"it broke with {type(exc).__name__}", pause_s=_PAUSE_S)

    async def _report(self, leased: Leased) -> RootCauseReport | None:
        """Investigate, or go on with what an earlier worker began; None when it was parked."""
        with suppress(KeyError):  # everything is done but the end of it
            return await self._state.get(leased.incident_id, "report", RootCauseReport)
        services = Services(
            self._settings,
            self._policy(),
            self._sites.among(leased.sites),
            self._state,
            self._models,
        )
        if self._shape is None:  # of this program: the same for every incident
            graph = build_graph(services, Purpose(leased.incident_id))
            self._shape = graph_shape(graph.nodes, graph.channels)
        shape = self._shape
        if leased.begun_with not in {None, shape} and await self._is_begun(leased.incident_id):
            await self._leases.park(
                leased,
                f"it was begun by another version (graph {leased.begun_with}, this one is {shape});"
                f" `tierwise incidents retry {leased.incident_id}` starts it afresh",
            )
            return None
        await self._leases.begin(leased, shape)
        return await investigate(
            Inquiry(window=leased.window),
            services,
            incident_id=leased.incident_id,
            between_steps=self._people.turn,
        )

    async def _is_begun(self, incident_id: str) -> bool:
        saved = await self._state.checkpointer.aget_tuple(
            {"configurable": {"thread_id": incident_id}}
        )
        return saved is not None

    async def _finish(self, leased: Leased, report: RootCauseReport) -> None:
        async with self._state.database.transaction() as work:
            await self._leases.finish(work, leased)
            await self._outbox.enqueue(work, report)
            await note_spending(work, report, principal=leased.principal, sites=leased.sites)
        self.finished += 1
        # The report stands beside them; only an unfinished run needs its checkpoints.
        await self._state.checkpointer.adelete_thread(leased.incident_id)

    async def _start_afresh(self, leased: Leased) -> None:
        """Forget a failed run: a resumed one would remember that the site did not answer."""
        await self._state.checkpointer.adelete_thread(leased.incident_id)

    async def _wait_for_sites(self, leased: Leased, error: TierwiseError) -> None:
        """Nobody answered: an outage is waited out, anything else counts as an attempt."""
        why = str(error)
        clients = self._sites.among(leased.sites).by_name.values()
        patience = timedelta(hours=self._settings.service.patience_hours)
        if not any(client.breaker.failing for client in clients):
            back = isinstance(error, SiteUnavailableError)  # heard of since the attempt failed
            await self._try_again(leased, why, pause_s=0.0 if back else _PAUSE_S)
        elif datetime.now(UTC) - leased.opened_at > patience:
            await self._leases.park(leased, f"no site answered in {patience}: {why}")
        else:
            down = all(client.breaker.is_open for client in clients)
            await self._leases.hand_back(
                leased, after_s=0.0 if down else _PAUSE_S, why=why, counted=False
            )

    async def _try_again(self, leased: Leased, why: str, *, pause_s: float) -> None:
        if leased.attempts >= self._settings.service.attempts:
            await self._leases.park(leased, f"{leased.attempts} attempts failed, the last: {why}")
        else:
            await self._leases.hand_back(leased, after_s=pause_s * leased.attempts, why=why)


def graph_shape(nodes: Iterable[str], channels: Iterable[str]) -> str:
    """A short name for the shape of a graph: what a checkpoint of another shape does not fit."""
    text = "\n".join((*sorted(nodes), "", *sorted(channels)))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of several events is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
