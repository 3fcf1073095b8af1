"""Mounting: the console's pages on the application of the service, behind the guard.

desk = await open_desk(service)
mount_console(app, desk)
async with console_running(app):
    ...  # serve
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nicegui import app as pages_app
from nicegui import ui
from starlette.applications import Starlette

from orchestrator.console import page_list
from orchestrator.console.desk import ConsoleDesk
from orchestrator.console.guard import Guard
from orchestrator.console.identities import identity_for
from orchestrator.console.look import ASSETS, ASSETS_URL, HEAD, ICON
from orchestrator.console.registration import Console
from orchestrator.console.safe_text import words
from orchestrator.service_settings import LOOPBACK
from telecom.errors import SettingsError, TierwiseError

_RECONNECT_S = 30.0
"""How long a page waits for its socket to come back with everything it showed."""


def _failed(exc: Exception) -> None:
    """What a page shows that could not be built; only our own errors say why."""
    ui.add_head_html(HEAD)
    with ui.element("main").classes("page"):
        words("This page cannot be shown now", classes="headline")
        words(str(exc) if isinstance(exc, TierwiseError) else "The log of the service says why.")
        ui.link("Back to the board", "/")


def mount_console(app: Starlette, desk: ConsoleDesk) -> Console:
    """Put the console at `/`, under everything that `app` has already.

    One console in a process: NiceGUI's application is one.

    Raises:
        SettingsError: The address it listens on does not protect a sign-in.
    """
    settings = desk.settings
    check_address(desk)
    identity = identity_for(desk.sessions, settings.console)
    console = app.state.console = Console(desk, identity)
    for route in identity.routes():
        pages_app.router.routes.append(route)
    pages_app.on_page_exception(_failed)
    pages_app.add_static_files(ASSETS_URL, ASSETS, max_cache_age=31_536_000)
    for module in page_list.PAGES:
        module.register(console)
    ui.run_with(
        app,  # type: ignore[arg-type]  # it needs a router and mount(), which Starlette has
        title="tierwise",
        favicon=ICON,
        dark=None,
        language="en-US",
        reconnect_timeout=_RECONNECT_S,
        tailwind=False,
        show_welcome_message=False,
    )
    pages_app.add_middleware(Guard, identify=identity.identify, settings=settings)
    return console


@asynccontextmanager
async def console_running(app: Starlette) -> AsyncIterator[None]:
    """Run what NiceGUI does beside requests, for a server that runs no lifespan; answer questions.

    What is open when the block ends is handed back to whoever opens the state next.
    """
    console: Console = app.state.console
    async with app.router.lifespan_context(app), console.desk.questions.answering():
        yield


def check_address(desk: ConsoleDesk) -> None:
    """Refuse to let sessions travel readable.

    Raises:
        SettingsError: The console would be reachable from elsewhere without TLS.
    """
    settings = desk.settings
    if settings.service.host not in LOOPBACK and not settings.console.is_https:
        raise SettingsError(
            f"the console listens on {settings.service.host} without TLS in front: set "
            "console.public_url to its https:// address, or service.host to 127.0.0.1"
        )
