"""Signing in: how a browser comes to a session, and how it loses it.

A one-time link is shown before it is used: what previews links does not use it up, and nobody is
signed in by a picture on somebody else's page. Every sign-in begins a session under a fresh id, so
that an id which was planted in a browser is worth nothing.
"""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from nicegui import Client
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from orchestrator.console.guard import SIGN_IN
from orchestrator.console.look import plain_page
from orchestrator.console.sessions import SCOPE_KEY, Engineer, Sessions
from orchestrator.console_settings import Console
from telecom.errors import IdentityError

_LONGEST_SECRET = 128


class SignIn:
    """Sessions that a cookie carries, however they begin."""

    can_sign_out = True

    def __init__(self, sessions: Sessions, settings: Console) -> None:
        self.sessions = sessions
        self.settings = settings
        self.cookie = "__Host-tierwise" if settings.is_https else "tierwise"

    async def identify(self, connection: HTTPConnection) -> Engineer | None:
        """Whose session a request carries."""
        session_id = connection.cookies.get(self.cookie, "")
        if not 0 < len(session_id) <= _LONGEST_SECRET:
            return None
        return await self.sessions.engineer(session_id)

    async def holds(self, connection: HTTPConnection) -> bool:
        """Whether the session that a page was built for goes on."""
        return await self.identify(connection) is not None

    async def let_in(self, engineer: Engineer, answer: Response) -> Response:
        """Begin a session and leave its id in the browser that gets `answer`."""
        hours = self.settings.session_hours
        session_id = await self.sessions.begin(engineer, hours=hours)
        answer.set_cookie(
            self.cookie,
            session_id,
            max_age=int(hours * 3600),
            httponly=True,
            secure=self.settings.is_https,
            samesite="strict",
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def sign_out(self, request: Request) -> Response:
        """End the session, and forget its id in the browser."""
        await self.end(request)
        answer = RedirectResponse(SIGN_IN, status_code=303)
        answer.delete_cookie(
            self.cookie, secure=self.settings.is_https, httponly=True, samesite="strict"
        )
        return answer

    async def end(self, request: Request) -> None:
        """End the session that a browser has, and the pages that it holds open."""
        session_id = request.cookies.get(self.cookie)
        if session_id is None:
            return
        await self.sessions.end(session_id)
        for client in list(Client.instances.values()):
            if SCOPE_KEY in client.request.scope and (
                client.request.cookies.get(self.cookie) == session_id
            ):
                client.delete()


class LinkSignIn(SignIn):
    """The way in for links that this machine printed."""

    def routes(self) -> list[Route]:
        """Below `/sign-in`; the guard lets everybody that far."""
        return [
            Route(SIGN_IN, self._shown, methods=["GET"]),
            Route(SIGN_IN, self._used, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def _shown(self, request: Request) -> Response:
        link = request.query_params.get("link", "")
        back = within(request.query_params.get("back"))
        engineer = await self.sessions.linked(link) if link else None
        if engineer is None:
            return _page(
                "Sign in",
                "<p>Open the one-time link that <code>tierwise serve --console</code> printed, or "
                "let somebody print one for you: <code>tierwise console link</code>.</p>"
                + ("<p class=warn>This link was used or is too old.</p>" if link else "")
                # A strict cookie is not sent with a visit that began on another page.
                + f'<p>Signed in already? <a href="{escape(back)}">Go on</a></p>',
            )
        return _page(
            "Sign in",
            f"<form method=post action={SIGN_IN}>"
            f'<input type=hidden name=link value="{escape(link)}">'
            f'<input type=hidden name=back value="{escape(back)}">'
            f"<p>This link signs you in once, as <b>{escape(engineer.name)}</b> "
            f"({escape(engineer.role)}).</p><button autofocus>Sign in</button></form>",
        )

    async def _used(self, request: Request) -> Response:
        form = await request.form()
        link, back = form.get("link"), form.get("back")
        try:
            engineer = await self.sessions.use_link(link if isinstance(link, str) else "")
        except IdentityError as exc:
            return told("Sign in", str(exc), status=403)
        await self.end(request)
        goal = within(back if isinstance(back, str) else None)
        return await self.let_in(engineer, RedirectResponse(goal, status_code=303))


def within(back: str | None) -> str:
    """A path of this console to go back to; anything else becomes the board."""
    at = urlsplit(back or "/")
    inside = not at.scheme and not at.netloc and at.path.startswith("/")
    if not inside or at.path.startswith(("//", "/\\", SIGN_IN)) or "\\" in at.path:
        return "/"
    return f"{at.path}?{at.query}" if at.query else at.path


def told(title: str, why: str, *, status: int) -> Response:
    """A page that says why somebody is not let in."""
    return _page(title, f"<p class=warn>{escape(why)}</p>", status=status)


def _page(title: str, body: str, *, status: int = 200) -> HTMLResponse:
    return HTMLResponse(
        plain_page(title, body), status_code=status, headers={"Cache-Control": "no-store"}
    )
