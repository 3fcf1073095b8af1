"""`Guard`: what stands before every page, file and socket of the console.

Nobody passes without an engineer behind the request; nothing that changes anything comes from
another origin; and every answer tells the browser to load, frame and send nothing beyond this
origin and the sites' own pages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from nicegui import Client
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from orchestrator.console.look import plain_page
from orchestrator.console.sessions import SCOPE_KEY, Engineer, engineer_in
from orchestrator.settings import Settings
from telecom.errors import IdentityError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SIGN_IN = "/sign-in"
"""Below it anybody may knock."""
Identify = Callable[[HTTPConnection], Awaitable[Engineer | None]]
_SAFE = frozenset({"GET", "HEAD"})
_STRIPPED = frozenset({b"x-forwarded-prefix"})
"""Headers that NiceGUI would write into the page, and that only a proxy of ours could mean."""


class Guard:
    """ASGI middleware around the console's application."""

    def __init__(self, app: ASGIApp, *, identify: Identify, settings: Settings) -> None:
        self._app = app
        self._identify = identify
        self._public = settings.console.public_url
        self._headers = security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        scope["headers"] = [(k, v) for k, v in scope["headers"] if k not in _STRIPPED]
        refusal = await self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, self._with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        else:
            await refusal(scope, receive, self._with_headers(send))

    async def _refusal(self, scope: Scope) -> Response | None:
        """Why a request does not pass; None lets it through, with its engineer in the scope."""
        if not self._same_origin(scope):
            return _problem(403, "cross_origin", "the request did not come from the console")
        path: str = scope["path"]
        if path == SIGN_IN or path.startswith(f"{SIGN_IN}/"):
            return None
        try:
            engineer = await self._identify(HTTPConnection(scope))
        except IdentityError as exc:
            return _not_let_in(scope, exc)
        if engineer is None:
            return _to_sign_in(scope)
        if scope["type"] == "websocket" and not _owns_page(scope, engineer):
            return _problem(403, "identity", "the page belongs to somebody else")
        scope[SCOPE_KEY] = engineer
        return None

    def _same_origin(self, scope: Scope) -> bool:
        """Whether a request that may change something was made by our own page."""
        if scope["type"] == "http" and scope["method"] in _SAFE:
            return True
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None:
            return False
        if self._public is not None:
            return origin == self._public
        return urlsplit(origin).netloc == headers.get("host")

    def _with_headers(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        return sending


def security_headers(settings: Settings) -> Mapping[str, str]:
    """What every answer carries.

    NiceGUI writes its start-up script into the page and evaluates templates, so inline script and
    eval stay open: the strength is that nothing can be loaded from, framed from or sent to
    elsewhere.
    """
    frames = " ".join(site_origins(settings)) or "'none'"
    policy = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "frame-src": frames,
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{key} {value}" for key, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        # Not no-referrer: a browser then hides the origin of our own forms, too.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }


def site_origins(settings: Settings) -> Iterable[str]:
    """The origins of the sites' own pages: the only ones that a page of ours may frame."""
    found = (urlsplit(site.url) for site in settings.sites if site.url is not None)
    return dict.fromkeys(f"{at.scheme}://{at.netloc}" for at in found if at.netloc)


def _owns_page(scope: Scope, engineer: Engineer) -> bool:
    """Whether the page that a socket is opened for was built for the same person."""
    named = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("client_id", [])
    client = Client.instances.get(named[0]) if len(named) == 1 else None
    if client is None:
        return True  # NiceGUI refuses it, and the page reloads itself
    try:
        return engineer_in(client.request.scope).principal == engineer.principal
    except (IdentityError, RuntimeError):
        return False


def _to_sign_in(scope: Scope) -> Response:
    if not _wants_page(scope):
        return _problem(401, "identity", f"sign in at {SIGN_IN}")
    query = scope.get("query_string", b"").decode("latin-1")
    back = scope["path"] + (f"?{query}" if query else "")
    return RedirectResponse(f"{SIGN_IN}?back={quote(back, safe='')}", status_code=303)


def _not_let_in(scope: Scope, exc: IdentityError) -> Response:
    if not _wants_page(scope):
        return _problem(403, exc.code, str(exc))
    return HTMLResponse(plain_page("Sign in", f"<p class=warn>{escape(str(exc))}</p>"), 403)


def _wants_page(scope: Scope) -> bool:
    return scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", "")


def _problem(status: int, code: str, detail: str) -> Response:
    return JSONResponse({"code": code, "detail": detail}, status_code=status)
