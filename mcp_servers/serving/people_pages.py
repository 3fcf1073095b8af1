"""Paths for people: `/pseudonymize`, `/reveal` and `/compose`, all of the site's own origin.

What somebody types is masked here before a page or process elsewhere sees it, and what a pseudonym
stands for is shown here and nowhere else: a page that the cloud served can read neither. Two of the
pages stand in frames of the console. They take no message from the page around them, and what one
of them sends is text as the gate released it.
"""

from __future__ import annotations

import html
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from anyio.to_thread import run_sync
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mcp_servers.egress.gate import EgressGate
from mcp_servers.egress.guess_limit import GuessLimit
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.peoples_words import ReleasedWords, release_words
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.egress.revealing import reveal
from mcp_servers.serving.bearer import CallerToken
from mcp_servers.serving.identity import READ_SCOPES, Caller, TokenVerifier
from mcp_servers.serving.page_files import filled_page, served_file, shown_problem
from mcp_servers.serving.page_guard import BodyTooLargeError, PageGuard, read_body, read_form
from mcp_servers.serving.people_login import PageRefusal, PeopleLogin
from mcp_servers.serving.people_sessions import Session
from mcp_servers.serving.rate_limits import RateLimiter
from telecom.errors import EgressRefusedError, TierwiseError
from telecom.identifiers.documents import distinct
from telecom.identifiers.tokens import is_token

Handler = Callable[[Request], Awaitable[Response]]

MOST_REVEALED = 100
"""Pseudonyms one request may ask for."""


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
        self._guard = guard
        self._limiter = limiter
        self._guesses = guesses
        self._login = PeopleLogin(site, verifier, guard)

    def routes(self) -> Sequence[BaseRoute]:
        """What to put on the site's HTTP door."""
        login = self._login

        def page(path: str, handler: Handler, *methods: str) -> Route:
            return Route(path, self._guarded(handler), methods=list(methods))

        return (
            page("/pseudonymize", self.pseudonymize, "POST"),
            page("/reveal", self.reveal_page, "GET", "POST"),
            page("/reveal/frame", self.reveal_frame, "GET", "POST"),
            page("/reveal/login", lambda request: login.log_in(request, "reveal"), "POST"),
            page("/reveal/logout", lambda request: login.log_out(request, "reveal"), "POST"),
            page("/compose", self.compose_frame, "GET"),
            page("/compose/mask", self.mask_composed, "POST"),
            page("/compose/in", self.logged_in_page, "GET"),
            page("/compose/login", self.compose_login, "GET", "POST"),
            page("/compose/logout", lambda request: login.log_out(request, "compose"), "POST"),
            Route("/compose.js", served_file("compose.js", "text/javascript"), methods=["GET"]),
            Route("/reveal.js", served_file("reveal.js", "text/javascript"), methods=["GET"]),
            Route("/frame.js", served_file("frame.js", "text/javascript"), methods=["GET"]),
            Route("/people.css", served_file("people.css", "text/css"), methods=["GET"]),
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
        session = self._login.session(request, "compose")
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

    async def compose_frame(self, request: Request) -> Response:
        """The frame in which somebody writes; the page around it gets masked text only."""
        if not self._guard.parents:
            return self._no_frames()
        session = self._login.session(request, "compose")
        if session is None:
            return self._login.in_a_tab("compose")
        page = filled_page(
            "compose.html",
            site=self._site,
            csrf=session.csrf,
            client=session.caller.client,
            parents=" ".join(self._guard.parents),
        )
        return self._guard.protect(page, framed=True)

    async def compose_login(self, request: Request) -> Response:
        """The login of those who write, in a tab."""
        if request.method == "POST":
            return await self._login.log_in(request, "compose")
        return self._login.page(request, "compose")

    async def logged_in_page(self, request: Request) -> Response:
        """Tell in the tab that the frame can go on now."""
        session = self._login.session(request, "compose")
        if session is None:
            return self._login.page(request, "compose")
        return self._guard.protect(
            filled_page(
                "logged_in.html",
                site=self._site,
                csrf=session.csrf,
                client=session.caller.client,
                until=_clock(session),
            )
        )

    def _no_frames(self) -> Response:
        return self._guard.protect(
            Response(
                "serving.page_parents in site.yaml names no page that may frame this",
                status_code=404,
            )
        )

    # ------------------------------------------------------------------ reveal

    async def reveal_page(self, request: Request) -> Response:
        """What pseudonyms stand for, for somebody with the scope `pii:reveal`."""
        session = self._login.session(request, "reveal")
        if session is None:
            return self._login.page(request, "reveal")
        return await self._revealing(request, session, "reveal.html", framed=False)

    async def reveal_frame(self, request: Request) -> Response:
        """The same in a frame of the console: shown in it, and nothing of it given to the page."""
        if not self._guard.parents:
            return self._no_frames()
        session = self._login.session(request, "reveal")
        if session is None:
            return self._login.in_a_tab("reveal")
        return await self._revealing(request, session, "reveal_frame.html", framed=True)

    async def _revealing(
        self, request: Request, session: Session, page: str, *, framed: bool
    ) -> Response:
        """A form for a GET, what it asked for after a POST; nothing is revealed unasked."""
        asked, problem, status = request.query_params.get("pseudonym", ""), "", 200
        originals: Mapping[str, str] = {}
        if request.method == "POST":
            form = await read_form(request)
            asked = form.get("pseudonyms", "")
            try:
                originals = await self._revealed(form, session)
            except PageRefusal as refusal:
                problem, status = str(refusal), refusal.status
        elif not is_token(asked):
            asked = ""
        answer = filled_page(
            page,
            status=status,
            raw={"problem": shown_problem(problem), "result": _table(originals)},
            site=self._site,
            csrf=session.csrf,
            asked=asked,
            client=session.caller.client,
            until=_clock(session),
        )
        return self._guard.protect(answer, framed=framed)

    async def _revealed(self, form: Mapping[str, str], session: Session) -> dict[str, str]:
        if not session.accepts(form.get("csrf", "")):
            raise PageRefusal("this form is out of date", status=403)
        asked = list(dict.fromkeys(form.get("pseudonyms", "").replace(",", " ").split()))
        if not 0 < len(asked) <= MOST_REVEALED:
            raise PageRefusal(f"name 1 to {MOST_REVEALED} pseudonyms", status=400)
        wait = self._limiter.wait_for(session.caller.principal)
        if wait:
            raise PageRefusal(f"try again in {wait} s", status=429)
        try:
            return await run_sync(
                lambda: reveal(asked, session.caller, self._pseudonymizer, self._ledger)
            )
        except TierwiseError as exc:
            raise PageRefusal(str(exc), status=404) from exc


def _table(originals: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
        for name, value in originals.items()
    )
    return f"<table><tr><th>pseudonym</th><th>stands for</th></tr>{rows}</table>" if rows else ""


def _clock(session: Session) -> str:
    return time.strftime("%H:%M", time.gmtime(session.ends_at))
