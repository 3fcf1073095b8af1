"""Mounting: the console's pages on the application of the service, behind the guard.

desk = await open_desk(service)
mount_console(app, desk)
async with console_running(app):
    ...  # serve
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, get_args

from nicegui import app as pages_app
from nicegui import ui
from starlette.applications import Starlette

from orchestrator.console import page_list
from orchestrator.console.desk import ConsoleDesk
from orchestrator.console.frame import LOOK_COOKIE, Place, framed
from orchestrator.console.guard import SIGN_IN, Guard
from orchestrator.console.identities import Identity, identity_for
from orchestrator.console.look import ASSETS, ASSETS_URL, HEAD, ICON
from orchestrator.console.safe_text import words
from orchestrator.console.sessions import current_engineer
from orchestrator.console.site_frames import SiteFrames
from orchestrator.console_settings import Role
from orchestrator.service_settings import LOOPBACK
from telecom.errors import SettingsError, StateUnavailableError, TierwiseError

Page = TypeVar("Page", bound=Callable[..., Any])  # a builder takes what its path names
EVERYBODY: frozenset[Role] = frozenset(get_args(Role))
_RECONNECT_S = 30.0
"""How long a page waits for its socket to come back with everything it showed."""
_BUILD_S = 10.0
_STILL_IN_S = 30.0
"""How often an open page asks whether its sign-in goes on."""
_GOODBYE_S = 1.0


class Console:
    """What a page module registers its pages with."""

    def __init__(self, desk: ConsoleDesk, identity: Identity) -> None:
        self.desk = desk
        """What pages read and do."""
        self._identity = identity
        self.frames = SiteFrames(desk.settings)
        """The sites' own pages, which some of ours hold."""
        self.places: list[Place] = []

    def page_for(
        self,
        path: str,
        *,
        title: str,
        roles: Sequence[Role] | None = None,
        nav: str | None = None,
    ) -> Callable[[Page], Page]:
        """Register a page: in the frame, for these roles only.

        Args:
            path: As NiceGUI takes it: `/incidents/{incident_id}`.
            title: Plain words for tab and navigation.
            roles: Who may see it; by default everybody who is signed in.
            nav: The key that goes there after `g`; None keeps it out of the navigation.
        """
        allowed = EVERYBODY if roles is None else frozenset(roles)
        if nav is not None:
            self.places.append(Place(path, title, allowed, nav))

        def register(build: Page) -> Page:
            @functools.wraps(build)
            async def page(*args: Any, **keys: Any) -> None:
                engineer = current_engineer()
                places = [place for place in self.places if engineer.role in place.roles]
                look = ui.context.client.request.cookies.get(LOOK_COOKIE, "")
                out = self._identity.can_sign_out
                ui.timer(_STILL_IN_S, self._send_away, immediate=False)
                with framed(title, places, engineer, look=look, can_sign_out=out):
                    if engineer.role not in allowed:
                        ui.context.client.status_code = 403
                        _not_for(engineer.role, allowed)
                        return
                    built = build(*args, **keys)
                    if inspect.isawaitable(built):
                        await built

            ui.page(path, title=f"{title} · tierwise", response_timeout=_BUILD_S)(page)
            return build

        return register

    async def _send_away(self) -> None:
        """Close a page whose sign-in has ended."""
        client = ui.context.client
        try:
            if await self._identity.holds(client.request):
                return
        except StateUnavailableError:
            return  # not known now; it is asked again
        ui.navigate.to(SIGN_IN)
        await asyncio.sleep(_GOODBYE_S)
        client.delete()


def _failed(exc: Exception) -> None:
    """What a page shows that could not be built; only our own errors say why."""
    ui.add_head_html(HEAD)
    with ui.element("main").classes("page"):
        words("This page cannot be shown now", classes="headline")
        words(str(exc) if isinstance(exc, TierwiseError) else "The log of the service says why.")
        ui.link("Back to the board", "/")


def _not_for(role: Role, allowed: frozenset[Role]) -> None:
    ui.label("Not your page").classes("headline")
    ui.label(f"It is for {', '.join(sorted(allowed))}; you are signed in as {role}.")


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
