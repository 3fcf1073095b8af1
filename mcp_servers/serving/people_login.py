"""Logging in to the site's own pages, always in a tab whose address the browser shows.

A frame has no login: a page around it could draw one that looks the same and keep the token. The
frame opens a tab of this origin instead, and goes on with the session that was begun there.
"""

from __future__ import annotations

import hmac
import secrets
import time
from typing import Literal

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mcp_servers.egress.revealing import REVEAL_SCOPE
from mcp_servers.serving.identity import Caller, TokenVerifier, token_ends_at
from mcp_servers.serving.page_files import filled_page, shown_problem
from mcp_servers.serving.page_guard import PageGuard, read_form
from mcp_servers.serving.people_sessions import Session, Sessions
from mcp_servers.serving.rate_limits import RateLimiter
from mcp_servers.site_directory import RateSettings
from telecom.errors import IdentityError

Page = Literal["compose", "reveal"]

_LOGINS = RateSettings(calls_per_second=3, calls_per_minute=20)
"""Of one address; a token cannot be guessed, but nobody needs to try faster."""
_LOGIN_SECONDS = 600


class PageRefusal(Exception):  # noqa: N818 - an outcome that a page shows
    """What a page says instead of what was asked."""

    def __init__(self, problem: str, *, status: int) -> None:
        super().__init__(problem)
        self.status = status


class PeopleLogin:
    """Who is logged in to which page of a site."""

    def __init__(self, site: str, verifier: TokenVerifier, guard: PageGuard) -> None:
        """Know the people of `site` by its tokens."""
        self._site = site
        self._verifier = verifier
        self._guard = guard
        self._limiter = RateLimiter(_LOGINS)
        self._sessions = Sessions()

    def session(self, request: Request, page: Page) -> Session | None:
        """The session of whoever asks for a page; None asks for a login."""
        return self._sessions.find(request.cookies.get(_cookie(page, "session"), ""))

    def page(
        self, request: Request, page: Page, *, problem: str = "", status: int = 200
    ) -> Response:
        """Ask for a token; the form carries a secret that a cookie of this origin repeats."""
        secret = request.cookies.get(_cookie(page, "login")) or secrets.token_urlsafe(24)
        scope = REVEAL_SCOPE if page == "reveal" else "tickets:read"
        answer = filled_page(
            "login.html",
            status=status,
            raw={"problem": shown_problem(problem)},
            site=self._site,
            path=f"/{page}",
            csrf=secret,
            hint=f"The site's operator issues one: tierwise-site token DIR --scopes {scope}",
        )
        _set_cookie(answer, request, page, "login", secret, seconds=_LOGIN_SECONDS)
        return self._guard.protect(answer)

    def in_a_tab(self, page: Page) -> Response:
        """What a frame shows to whoever is not logged in: the way to a tab that has the login."""
        path = "/compose/login" if page == "compose" else "/reveal"
        return self._guard.protect(
            filled_page("frame_login.html", site=self._site, login=path), framed=True
        )

    async def log_in(self, request: Request, page: Page) -> Response:
        """Take a token of this site and begin a session; the browser goes on to the page.

        Whoever may reveal may write as well, so one login serves both pages.
        """
        try:
            token, caller = await self._identified(request, page)
        except PageRefusal as refusal:
            return self.page(request, page, problem=str(refusal), status=refusal.status)
        secret, session = self._sessions.begin(caller, token_ends_at=token_ends_at(token))
        answer = RedirectResponse("/reveal" if page == "reveal" else "/compose/in", 303)
        seconds = max(1, int(session.ends_at - time.time()))
        pages: tuple[Page, ...] = ("reveal", "compose") if page == "reveal" else ("compose",)
        for opened in pages:
            _set_cookie(answer, request, opened, "session", secret, seconds=seconds)
        return self._guard.protect(answer)

    async def log_out(self, request: Request, page: Page) -> Response:
        """End the session."""
        session = self.session(request, page)
        form = await read_form(request)
        if session is not None and session.accepts(form.get("csrf", "")):
            self._sessions.end(request.cookies[_cookie(page, "session")])
        path = "/reveal" if page == "reveal" else "/compose/login"
        return self._guard.protect(RedirectResponse(path, status_code=303))

    async def _identified(self, request: Request, page: Page) -> tuple[str, Caller]:
        """The token in a login form, and whose it is."""
        peer = request.client.host if request.client else None
        wait = self._limiter.wait_for(peer or "unknown")
        if wait:
            raise PageRefusal(f"try again in {wait} s", status=429)
        form = await read_form(request)
        expected = request.cookies.get(_cookie(page, "login"), "").encode()
        if not expected or not hmac.compare_digest(form.get("csrf", "").encode(), expected):
            raise PageRefusal("this form is out of date", status=403)
        token = form.get("token", "").strip()
        try:
            caller = await run_sync(lambda: self._verifier.verify(token, peer=peer))
        except IdentityError as exc:
            raise PageRefusal(str(exc), status=401) from exc
        if page == "reveal" and REVEAL_SCOPE not in caller.scopes:
            raise PageRefusal(f"this token lacks the scope {REVEAL_SCOPE}", status=403)
        return token, caller


def _cookie(page: Page, purpose: str) -> str:
    return f"tierwise_{page}_{purpose}"


def _set_cookie(
    answer: Response, request: Request, page: Page, purpose: str, secret: str, *, seconds: int
) -> None:
    """Set a cookie for one page, out of scripts' reach.

    A session has to reach a frame in a page of another site, which a browser allows where the
    cookie says so (and, where it keeps sites apart, once the person has agreed in the frame). Which
    page may be around the frame is for `frame-ancestors`, and what may be sent for the guard. Over
    plain HTTP, which is loopback, the page around is of the same site.
    """
    secure = request.url.scheme == "https"
    framed = purpose == "session" and secure
    answer.headers.append(
        "Set-Cookie",
        f"{_cookie(page, purpose)}={secret}; Path=/{page}; Max-Age={seconds}; HttpOnly; "
        f"SameSite={'None' if framed else 'Strict'}{'; Secure' if secure else ''}",
    )
