"""The console over a site double, and people who use it without a browser.

NiceGUI is one application in a process: one console at a time, and each starts from nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
from nicegui import Client
from nicegui.testing import User
from nicegui.testing.general import nicegui_reset_globals

from orchestrator.console.desk import open_desk
from orchestrator.console.mounting import console_running, mount_console
from orchestrator.console.sessions import Engineer
from orchestrator.service.app import build_app
from orchestrator.service.running import open_service
from telecom.report import RootCause, RootCauseReport
from tests.orchestrator.service.conftest import (  # noqa: F401 - fixtures
    Talk,
    declared,
    file,
    policy_read_once,
    sink,
)

ORIGIN = "http://noc.test"
ADA = Engineer("ada@noc", "Ada Byron", "tier-1")
BOB = Engineer("bob@noc", "Bob Metcalfe", "tier-2/3")
LEA = Engineer("lea@noc", "Lea Lead", "lead")
AUDIT = Engineer("audit@noc", "Au Dit", "auditor")
ARCHITECT = Engineer("archie@noc", "Archie Tect", "architect")


class NocConsole:
    """A running console, and whoever comes to it."""

    def __init__(self, app, desk, console, stack):
        self.app = app
        self.desk = desk
        self.console = console
        self._stack = stack

    @property
    def triggers(self):
        """The triggers' door, as `tests/orchestrator/service` speaks to it."""
        return Talk(self.desk.service, self.stranger())

    def stranger(self, **headers):
        """A browser that nobody has signed in with."""
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),
            base_url=ORIGIN,
            headers={"Origin": ORIGIN, "Accept": "text/html"} | headers,
        )
        self._stack.append(http)
        return http

    async def browser(self, engineer, **headers):
        """A browser in which an engineer is signed in."""
        link = await self.desk.sessions.issue_link(engineer)
        http = self.stranger(**headers)
        answer = await http.post("/sign-in", data={"link": link})
        assert answer.status_code == 303, answer.text
        return http

    async def user(self, engineer):
        """Somebody who is signed in and presses what NiceGUI made."""
        return User(await self.browser(engineer))

    async def finished_incident(self, **keys):
        """Report trouble, and wait until it was investigated; the incident's id."""
        answer = await self.triggers.envelope(**keys)
        await self.triggers.settled()
        return answer.json()["investigation_id"]


@asynccontextmanager
async def console_at(settings, *, working=False):
    """A console for the length of a block; `working` investigates what triggers report."""
    clients = []
    with nicegui_reset_globals():
        try:
            async with open_service(settings) as service:
                app = build_app(service)
                desk = await open_desk(service)
                console = mount_console(app, desk)
                stopping = asyncio.Event()
                work = asyncio.create_task(service.run(stopping)) if working else None
                try:
                    async with console_running(app):
                        yield NocConsole(app, desk, console, clients)
                finally:
                    stopping.set()
                    if work is not None:
                        await work
                    for client in clients:
                        await client.aclose()
        finally:
            # NiceGUI would forget the modules of our pages, and every class in them.
            Client.page_routes.clear()


@pytest.fixture
def no_site(settings_for):
    """Settings of a console that has no site to ask."""
    return settings_for()


@pytest.fixture
def report_of_summary():
    """A report that asserts what the incident of these tests has as its cause."""
    return RootCauseReport(
        incident_id="inc-1",
        headline="mtu mismatch at agg1",
        status="confirmed",
        root_causes=(
            RootCause(
                managed_object="agg1:xe-0/0/1",
                probable_cause="mtu mismatch",
                specific_problem="OSPF adjacency lost",
                role="fault",
                confidence=0.9,
                confidence_basis="as computed",
                evidence_ids=("alarm:g1",),
            ),
        ),
    )
