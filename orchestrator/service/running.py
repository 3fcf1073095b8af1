"""`RunningService`: the parts of `tierwise serve`, opened together and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.incidents.approvals import Approvals
from orchestrator.incidents.corrections import Corrections
from orchestrator.incidents.dispatcher import Dispatcher
from orchestrator.incidents.inbox import Inbox
from orchestrator.incidents.overview import Overview
from orchestrator.incidents.people_first import PeopleFirst
from orchestrator.incidents.retention import keep_pruning
from orchestrator.incidents.site_probe import listen_for_sites
from orchestrator.incidents.tables import TABLES
from orchestrator.incidents.worker import Worker
from orchestrator.investigating.reasoning import ModelFactory, make_model
from orchestrator.settings import Settings
from orchestrator.site_access.sites import Sites, open_sites
from orchestrator.storage.state import State, open_state
from orchestrator.triggers.sources import Callers
from orchestrator.triggers.sqs import QueueConsumer
from placement.live import LivePolicy


@dataclass(frozen=True, slots=True)
class RunningService:
    """What the HTTP application and the console work with."""

    settings: Settings
    policies: LivePolicy
    state: State
    sites: Sites
    callers: Callers
    inbox: Inbox
    people: PeopleFirst
    worker: Worker
    dispatcher: Dispatcher
    overview: Overview
    approvals: Approvals
    corrections: Corrections
    queues: tuple[QueueConsumer, ...]

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set, then finish or hand back what is under way."""
        keep = timedelta(days=self.settings.service.keep_days)
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(listen_for_sites(self.sites, self.worker.wake)),
                tasks.create_task(keep_pruning(self.state, keep)),
                tasks.create_task(self.corrections.run(stopping)),
                *(tasks.create_task(queue.run(stopping)) for queue in self.queues),
            ]
            work = [
                tasks.create_task(self.worker.run(stopping)),
                tasks.create_task(self.dispatcher.run(stopping)),
            ]
            await asyncio.wait(work)
            for task in beside:
                task.cancel()


@asynccontextmanager
async def open_service(
    settings: Settings, *, models: ModelFactory = make_model
) -> AsyncIterator[RunningService]:
    """Open state, sites and policy for a process that stays.

    Raises:
        OperatorError: One of them, or a secret, cannot be used; the message says what helps.
    """
    callers = Callers(settings)
    policies = LivePolicy(settings.policy.catalogue, settings.policy.rules)
    async with (
        open_state(settings.state_address) as state,
        open_sites(settings, state.database) as sites,
    ):
        await state.database.create_tables(TABLES)
        people = PeopleFirst()
        inbox = Inbox(state.database, settings, people)
        worker = Worker(settings, state, sites, policies.current, people=people, models=models)
        yield RunningService(
            settings=settings,
            policies=policies,
            state=state,
            sites=sites,
            callers=callers,
            inbox=inbox,
            people=people,
            worker=worker,
            dispatcher=Dispatcher(settings, state),
            overview=Overview(state),
            approvals=Approvals(state),
            corrections=Corrections(state, sites),
            queues=tuple(
                QueueConsumer(queue, inbox, accepted=worker.wake) for queue in settings.queues
            ),
        )
