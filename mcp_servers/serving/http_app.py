"""The site's HTTP door: three MCP servers, live alarms, and two paths for its watchers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
from anyio.to_thread import run_sync
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_servers.intake.live_intake import LiveIntake
from mcp_servers.serving.answer_framing import FramedServer
from mcp_servers.serving.bearer import BearerVerifier, PeerAddress
from mcp_servers.serving.identity import TokenVerifier
from mcp_servers.serving.rate_limit_middleware import RateLimit
from mcp_servers.serving.rate_limits import RateLimiter
from mcp_servers.serving.site_figures import state_metrics
from mcp_servers.site_directory import ServingSettings
from mcp_servers.tickets.knowledge_state import KnowledgeState
from placement.live import PolicyStatus
from telecom.exposition import CONTENT_TYPE, Metric, exposition

REQUEST_BYTES = 256 * 1024
"""Largest request body; the longest argument list we take is a fraction of it."""
REQUEST_SECONDS = 120.0
"""A request that is not over by then is cut off, however slowly it is sent or read."""

LOOPBACK_HOSTS = ("127.0.0.1:*", "localhost:*", "[::1]:*", "127.0.0.1", "localhost", "[::1]")
_LOOPBACK_ORIGINS = ("http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*")


def build_app(
    servers: Mapping[str, MCPServer[Any]],
    verifier: TokenVerifier,
    settings: ServingSettings,
    *,
    missing: Callable[[], Iterable[str]],
    policy: Callable[[], PolicyStatus],
    knowledge: Callable[[], KnowledgeState] | None = None,
    intake: LiveIntake | None = None,
    people: Sequence[BaseRoute] = (),
    figures: Callable[[], Iterable[Metric]] = list,
) -> Starlette:
    """Put the servers on one ASGI application.

    Args:
        servers: Name -> server, served at `/<name>/mcp` as stateless streamable HTTP.
        verifier: Checks bearer tokens.
        settings: Hosts and origins that are accepted beside loopback. The check is on whatever
            address the port is bound to.
        missing: What keeps the site from answering; nothing when it is ready.
        policy: Which placement policy is in force. A site whose policy files broke goes on with the
            last good version, so it stays ready and says so.
        knowledge: How the knowledge base does; without its vectors the site stays ready, because
            it answers by words, and says so.
        intake: Live alarms; None takes none in. A site whose Kafka broker is gone stays ready,
            because it answers from what it has, and says so.
        people: Paths of the site's own origin that people use.
        figures: What `/metrics` says beside how the site itself does.
    """
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*LOOPBACK_HOSTS, *settings.allowed_hosts],
        allowed_origins=[*_LOOPBACK_ORIGINS, *settings.allowed_origins],
    )
    framed = [
        FramedServer(server, f"/{name}/mcp", request_bytes=REQUEST_BYTES, security=security)
        for name, server in servers.items()
    ]
    routes: list[BaseRoute] = [server.route for server in framed]

    @asynccontextmanager
    async def run_servers(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if intake is not None:
                await stack.enter_async_context(intake.running())
            for server in framed:
                await stack.enter_async_context(server.running())
            yield

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    def lacking() -> list[str]:
        return [*missing(), *(["policy"] if policy().state == "closed" else [])]

    async def ready(_: Request) -> Response:
        status = policy()
        gaps = lacking()
        # Anybody may ask: hashes and a number, while file names and problems go to the log.
        shown = status.model_dump(mode="json", exclude={"problems"})
        told: dict[str, Any] = {"policy": shown | {"problems": len(status.problems)}}
        if knowledge is not None:
            told["knowledge"] = (await run_sync(knowledge)).model_dump(mode="json")
        if intake is not None and (kafka := intake.kafka_state()) is not None:
            told["kafka"] = kafka.model_dump(mode="json")
        if gaps:
            return JSONResponse({"status": "not ready", "missing": gaps} | told, status_code=503)
        return JSONResponse({"status": "ready"} | told)

    async def metrics(_: Request) -> Response:
        state = None if knowledge is None else await run_sync(knowledge)
        told = state_metrics(
            ready=not lacking(),
            pending=0 if state is None else state.pending,
            received=None if intake is None else intake.received,
        )
        return PlainTextResponse(exposition([*told, *figures()]), media_type=CONTENT_TYPE)

    if intake is not None:
        routes += intake.routes()
    routes += [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]
    routes += people
    return Starlette(
        routes=routes,
        lifespan=run_servers,
        middleware=[
            Middleware(TimeLimit, seconds=REQUEST_SECONDS),
            Middleware(TrimmedHeaders),
            Middleware(PeerAddress),
            Middleware(
                AuthenticationMiddleware, backend=BearerAuthBackend(BearerVerifier(verifier))
            ),
            Middleware(RateLimit, limiter=RateLimiter(settings.rate)),
            Middleware(AuthContextMiddleware),
        ],
    )


class TrimmedHeaders:
    """Takes the blanks around header values away, which the HTTP parser leaves behind them.

    Source: RFC 9110 section 5.5, a field value does not include leading or trailing whitespace.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request with clean headers."""
        if scope["type"] == "http":
            scope["headers"] = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        await self.app(scope, receive, send)


class TimeLimit:
    """Cuts off a request that takes too long: 504, or the end of the stream once it has begun."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        with anyio.move_on_after(self.seconds) as limit:
            await self.app(scope, receive, watched)
        if limit.cancelled_caught and not begun:
            await Response("the request took too long", status_code=504)(scope, receive, send)
