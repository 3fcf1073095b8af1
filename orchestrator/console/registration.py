"""Registering pages: each in the console's frame, and for whom."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, get_args

from nicegui import ui

from orchestrator.console.desk import ConsoleDesk
from orchestrator.console.frame import LOOK_COOKIE, Place, framed
from orchestrator.console.guard import SIGN_IN
from orchestrator.console.identities import Identity
from orchestrator.console.sessions import current_engineer
from orchestrator.console.site_frames import SiteFrames
from orchestrator.console_settings import Role
from telecom.errors import StateUnavailableError

Page = TypeVar("Page", bound=Callable[..., Any])  # a builder takes what its path names
EVERYBODY: frozenset[Role] = frozenset(get_args(Role))
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


def _not_for(role: Role, allowed: frozenset[Role]) -> None:
    ui.label("Not your page").classes("headline")
    ui.label(f"It is for {', '.join(sorted(allowed))}; you are signed in as {role}.")
