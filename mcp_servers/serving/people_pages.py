"""Paths for people: `/pseudonymize`, `/reveal` and `/compose`, all of the site's own origin.

What somebody types is masked here before a page or process elsewhere sees it, and what a pseudonym
stands for is shown here and nowhere else: a page that the cloud served can read neither.
"""

from __future__ import annotations

import hmac
import html
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from string import Template

from anyio.to_thread import run_sync
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mcp_servers.egress.gate import EgressGate
from mcp_servers.egress.guess_limit import GuessLimit
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.peoples_words import ReleasedWords, release_words
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.egress.revealing import REVEAL_SCOPE, reveal
from mcp_servers.serving.bearer import CallerToken
from mcp_servers.serving.identity import READ_SCOPES, Caller, TokenVerifier, token_ends_at
from mcp_servers.serving.page_guard import BodyTooLargeError, PageGuard, read_body, read_form
from mcp_servers.serving.people_sessions import Session, Sessions
from mcp_servers.serving.rate_limits import RateLimiter
from mcp_servers.site_directory import RateSettings
from telecom.errors import EgressRefusedError, IdentityError, TierwiseError
from telecom.identifiers.documents import distinct

Handler = Callable[[Request], Awaitable[Response]]

MOST_REVEALED = 100
"""Pseudonyms one request may ask for."""
_LOGINS = RateSettings(calls_per_second=3, calls_per_minute=20)
"""Of one address; a token cannot be guessed, but nobody needs to try faster."""


class _PageRefusal(Exception):  # noqa: N818 - an outcome that a page shows
    """What a page says instead of what was asked."""

    def __init__(self, problem: str, *, status: int) -> None:
        super().__init__(problem)
        self.status = status


class PeoplePages:
    """The pages and paths of one site."""

    def __init__(  # noqa: PLR0917 - the parts of one site, each of its own type
        self,
        site: str,
        gate: EgressGate,
        pseudonymizer: Pseudonymizer,
        ledger: EgressLedger,
        verifier: TokenVerifier,
        guard: PageGuard,
        limiter: RateLimiter,
        guesses: GuessLimit,
    ) -> None:
        self._site = site
        self._gate = gate
        self._pseudonymizer = pseudonymizer
        self._ledger = ledger
        self._verifier = verifier
        self._guard = guard
        self._limiter = limiter
        self._guesses = guesses
        self._logins = RateLimiter(_LOGINS)
        self._sessions = Sessions()

    def routes(self) -> Sequence[BaseRoute]:
        """What to put on the site's HTTP door."""
        return (
            Route("/pseudonymize", self._guarded(self.pseudonymize), methods=["POST"]),
            Route("/reveal", self._guarded(self.reveal_page), methods=["GET", "POST"]),
            Route("/reveal/login", self._guarded(self.log_in), methods=["POST"]),
            Route("/reveal/logout", self._guarded(self.log_out), methods=["POST"]),
            Route("/compose", self._guarded(self.compose_page), methods=["GET"]),
            Route("/compose/login", self._guarded(self.log_in), methods=["POST"]),
            Route("/compose/mask", self._guarded(self.mask_composed), methods=["POST"]),
            Route("/compose.js", _asset("compose.js", "text/javascript"), methods=["GET"]),
            Route("/people.css", _asset("people.css", "text/css"), methods=["GET"]),
        )

    def _guarded(self, handler: Handler) -> Handler:
        """Let a handler see only what a page of this origin, or a program, may have sent."""

        async def handle(request: Request) -> Response:
            refusal = self._guard.refuse(request)
            if refusal is not None:
                return refusal
            try:
                return await handler(request)
            except BodyTooLargeError:
                return JSONResponse({"code": "size", "message": "too long"}, status_code=413)

        return handle

    # ------------------------------------------------------------------- words

    async def pseudonymize(self, request: Request) -> Response:
        """Mask a program's or a person's words: `{"text"}` in, `{"text", "form", "masked"}` out."""
        user = request.scope.get("user")
        if not isinstance(user, AuthenticatedUser) or not isinstance(
            user.access_token, CallerToken
        ):
            return JSONResponse(
                {"code": "identity", "message": "a bearer token of this site is needed"},
                status_code=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        caller = user.access_token.caller
        if not READ_SCOPES & caller.scopes:
            message = f"words are masked for tokens with one of {', '.join(sorted(READ_SCOPES))}"
            return JSONResponse({"code": "scope", "message": message}, status_code=403)
        answer = await self._masked(request, caller, tool="pseudonymize")
        return self._guard.protect(answer)

    async def mask_composed(self, request: Request) -> Response:
        """Mask what was typed into the frame, for whoever is logged in there."""
        session = self._session(request, "compose")
        if session is None:
            return JSONResponse({"code": "identity", "message": "log in first"}, status_code=401)
        if not session.accepts(request.headers.get("x-tierwise-csrf", "")):
            return JSONResponse({"code": "csrf", "message": "reload the page"}, status_code=403)
        answer = await self._masked(request, session.caller, tool="compose")
        return self._guard.protect(answer, framed=True)

    async def _masked(self, request: Request, caller: Caller, *, tool: str) -> Response:
        try:
            content = json.loads(await read_body(request))
        except (ValueError, RecursionError):
            content = None
        text = content.get("text") if isinstance(content, dict) else None
        if not isinstance(text, str):
            return JSONResponse(
                {"code": "invalid_argument", "message": 'send {"text": "..."}'}, status_code=400
            )
        try:
            words = await run_sync(self._released, text, caller, tool)
        except TierwiseError as exc:
            status = 403 if isinstance(exc, EgressRefusedError) else 429
            return JSONResponse(
                {"code": exc.code, "message": str(exc), "rule": getattr(exc, "rule", None)},
                status_code=status,
            )
        return JSONResponse({"text": words.text, "form": words.form, "masked": words.masked})

    def _released(self, text: str, caller: Caller, tool: str) -> ReleasedWords:
        """Mask words, unless their identifiers are more than a person would type.

        Raises:
            BudgetExceededError: The caller has had its hour's share of typed identifiers.
            TierwiseError: As `release_words`.
        """
        self._guesses.count(caller.principal, distinct(self._gate.detector.find(text)))
        return release_words(self._gate, text, caller, tool=tool)

    async def compose_page(self, request: Request) -> Response:
        """The frame in which somebody writes; the page around it gets masked text only."""
        if not self._guard.parents:
            return self._guard.protect(
                Response(
                    "serving.page_parents in site.yaml names no page that may frame this",
                    status_code=404,
                )
            )
        session = self._session(request, "compose")
        if session is None:
            return self._login_page(request, "compose")
        page = _page(
            "compose.html",
            site=self._site,
            csrf=session.csrf,
            parents=" ".join(self._guard.parents),
        )
        return self._guard.protect(page, framed=True)

    # ------------------------------------------------------------------ reveal

    async def reveal_page(self, request: Request) -> Response:
        """What pseudonyms stand for, for somebody with the scope `pii:reveal`."""
        session = self._session(request, "reveal")
        if session is None:
            return self._login_page(request, "reveal")
        if request.method == "GET":
            return self._reveal_form(session)
        try:
            originals = await self._revealed(await read_form(request), session)
        except _PageRefusal as refusal:
            return self._reveal_form(session, problem=str(refusal), status=refusal.status)
        return self._reveal_form(session, originals=originals)

    async def _revealed(self, form: Mapping[str, str], session: Session) -> dict[str, str]:
        if not session.accepts(form.get("csrf", "")):
            raise _PageRefusal("this form is out of date", status=403)
        asked = list(dict.fromkeys(form.get("pseudonyms", "").replace(",", " ").split()))
        if not 0 < len(asked) <= MOST_REVEALED:
            raise _PageRefusal(f"name 1 to {MOST_REVEALED} pseudonyms", status=400)
        wait = self._limiter.wait_for(session.caller.principal)
        if wait:
            raise _PageRefusal(f"try again in {wait} s", status=429)
        try:
            return await run_sync(
                lambda: reveal(asked, session.caller, self._pseudonymizer, self._ledger)
            )
        except TierwiseError as exc:
            raise _PageRefusal(str(exc), status=404) from exc

    def _reveal_form(
        self,
        session: Session,
        *,
        problem: str = "",
        originals: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
            for name, value in (originals or {}).items()
        )
        page = _page(
            "reveal.html",
            status=status,
            raw={
                "problem": _problem(problem),
                "result": f"<table><tr><th>pseudonym</th><th>stands for</th></tr>{rows}</table>"
                if rows
                else "",
            },
            site=self._site,
            csrf=session.csrf,
            client=session.caller.client,
            until=time.strftime("%H:%M", time.gmtime(session.ends_at)),
        )
        return self._guard.protect(page)

    # ------------------------------------------------------------------- login

    def _login_page(
        self, request: Request, page: str, *, problem: str = "", status: int = 200
    ) -> Response:
        """Ask for a token; the form carries a secret that a cookie of this origin repeats."""
        secret = request.cookies.get(_cookie(page, "login")) or secrets.token_urlsafe(24)
        scope = f" --scopes {REVEAL_SCOPE}" if page == "reveal" else " --scopes tickets:read"
        answer = _page(
            "login.html",
            status=status,
            raw={"problem": _problem(problem)},
            site=self._site,
            body="frame" if page == "compose" else "",
            path=f"/{page}",
            csrf=secret,
            hint=f"The site's operator issues one: tierwise-site token DIR{scope}",
        )
        _set_cookie(answer, request, page, "login", secret, seconds=600)
        return self._guard.protect(answer, framed=page == "compose")

    async def log_in(self, request: Request) -> Response:
        """Take a token of this site and begin a session."""
        page = "compose" if request.url.path.startswith("/compose") else "reveal"
        try:
            token, caller = await self._identified(request, page)
        except _PageRefusal as refusal:
            return self._login_page(request, page, problem=str(refusal), status=refusal.status)
        secret, session = self._sessions.begin(caller, token_ends_at=token_ends_at(token))
        answer = RedirectResponse(f"/{page}", status_code=303)
        seconds = max(1, int(session.ends_at - time.time()))
        _set_cookie(answer, request, page, "session", secret, seconds=seconds)
        return self._guard.protect(answer, framed=page == "compose")

    async def _identified(self, request: Request, page: str) -> tuple[str, Caller]:
        """The token in a login form, and whose it is."""
        peer = request.client.host if request.client else None
        wait = self._logins.wait_for(peer or "unknown")
        if wait:
            raise _PageRefusal(f"try again in {wait} s", status=429)
        form = await read_form(request)
        expected = request.cookies.get(_cookie(page, "login"), "").encode()
        if not expected or not hmac.compare_digest(form.get("csrf", "").encode(), expected):
            raise _PageRefusal("this form is out of date", status=403)
        token = form.get("token", "").strip()
        try:
            caller = await run_sync(lambda: self._verifier.verify(token, peer=peer))
        except IdentityError as exc:
            raise _PageRefusal(str(exc), status=401) from exc
        if page == "reveal" and REVEAL_SCOPE not in caller.scopes:
            raise _PageRefusal(f"this token lacks the scope {REVEAL_SCOPE}", status=403)
        return token, caller

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        session = self._session(request, "reveal")
        form = await read_form(request)
        if session is not None and session.accepts(form.get("csrf", "")):
            self._sessions.end(request.cookies[_cookie("reveal", "session")])
        return self._guard.protect(RedirectResponse("/reveal", status_code=303))

    def _session(self, request: Request, page: str) -> Session | None:
        return self._sessions.find(request.cookies.get(_cookie(page, "session"), ""))


def _cookie(page: str, purpose: str) -> str:
    return f"tierwise_{page}_{purpose}"


def _set_cookie(
    answer: Response, request: Request, page: str, purpose: str, secret: str, *, seconds: int
) -> None:
    """Set a cookie for one page: out of scripts' reach, and never sent along from elsewhere.

    The frame stands in a page of another site; there a browser keeps the cookie only where it is
    marked for that, and apart for each page around it.
    """
    secure = request.url.scheme == "https"
    framed = page == "compose" and secure
    answer.headers.append(
        "Set-Cookie",
        f"{_cookie(page, purpose)}={secret}; Path=/{page}; Max-Age={seconds}; HttpOnly; "
        + ("SameSite=None; Secure; Partitioned" if framed else "SameSite=Strict")
        + ("; Secure" if secure and not framed else ""),
    )


def _page(
    name: str, *, status: int = 200, raw: Mapping[str, str] | None = None, **text: str
) -> Response:
    """Fill in a page; `text` is escaped, `raw` is markup of ours."""
    escaped = {key: html.escape(value) for key, value in text.items()}
    body = Template(_file(name)).substitute(escaped | dict(raw or {}))
    return Response(body, status_code=status, media_type="text/html")


def _problem(text: str) -> str:
    return f'<p class="problem" role="alert">{html.escape(text)}</p>' if text else ""


def _asset(name: str, media_type: str) -> Handler:
    """An endpoint that serves one of our own files."""

    async def serve(_: Request) -> Response:
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=300"}
        return Response(_file(name), media_type=media_type, headers=headers)

    return serve


@cache
def _file(name: str) -> str:
    return (resources.files("mcp_servers.serving") / "pages" / name).read_text(encoding="utf-8")
