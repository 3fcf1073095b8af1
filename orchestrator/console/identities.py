"""Which way of signing in the settings ask for."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import HTTPConnection
from starlette.routing import Route

from orchestrator.console.load_balancer import BehindLoadBalancer
from orchestrator.console.openid import OpenIdSignIn
from orchestrator.console.sessions import Engineer, Sessions
from orchestrator.console.sign_in import LinkSignIn
from orchestrator.console_settings import Console


class Identity(Protocol):
    """A way in."""

    can_sign_out: bool
    """Whether signing out is done here."""

    def routes(self) -> list[Route]:
        """What it serves below `/sign-in`."""
        ...

    async def identify(self, connection: HTTPConnection) -> Engineer | None:
        """Who is behind a request; None is a stranger.

        Raises:
            IdentityError: Somebody who is refused.
        """
        ...

    async def holds(self, connection: HTTPConnection) -> bool:
        """Whether the sign-in of a page that is open goes on."""
        ...


def identity_for(sessions: Sessions, settings: Console) -> Identity:
    """The way in that the settings name."""
    if settings.sign_in == "alb":
        return BehindLoadBalancer(sessions, settings)
    if settings.sign_in == "oidc":
        return OpenIdSignIn(sessions, settings)
    return LinkSignIn(sessions, settings)
