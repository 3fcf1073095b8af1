"""How an answer travels over HTTP: one JSON document, or a stream where progress comes before it.

The standard leaves the choice to the server (MCP, Streamable HTTP: `application/json` or
`text/event-stream`). A stream costs tasks, a ping and a parser on the way, and is worth it only to
a client that asked to hear how far its call has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONG_CALL_SECONDS = 0.1
"""From then on it is worth looking whether the client still waits."""
_NOTHING_TO_RESUME = PlainTextResponse(
    "no stream is kept to be resumed; send the request again",
    status_code=405,
    headers={"allow": "POST"},
)
"""MCP, Streamable HTTP: 405 says that there is no such stream."""
_ASKS_FOR_PROGRESS = b'"progressToken"'


class FramedServer:
    """One MCP server on one path, stateless, in both framings."""

    def __init__(
        self,
        server: MCPServer[Any],
        path: str,
        *,
        request_bytes: int,
        security: TransportSecuritySettings,
    ) -> None:
        """Prepare the two.

        Args:
            server: What to serve.
            path: Where.
            request_bytes: The largest request body.
            security: Hosts and origins that are accepted.
        """
        self._managers = []
        ends: list[ASGIApp] = []
        for json_response in (True, False):
            app = server.streamable_http_app(
                streamable_http_path=path,
                stateless_http=True,
                json_response=json_response,
                max_request_body_size=request_bytes,
                transport_security=security,
            )
            (route,) = (each for each in app.routes if isinstance(each, Route))
            ends.append(route.app)
            self._managers.append(server.session_manager)
        wants_tokens = server.settings.auth is not None
        self.route = Route(
            path, _ByWish(*ends, request_bytes=request_bytes, wants_tokens=wants_tokens)
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve until the context ends."""
        async with AsyncExitStack() as stack:
            for manager in self._managers:
                await stack.enter_async_context(manager.run())
            yield


class _ByWish:
    """Looks into a request for the wish to hear of progress, and hands it on whole."""

    def __init__(
        self, document: ASGIApp, stream: ASGIApp, *, request_bytes: int, wants_tokens: bool
    ) -> None:
        self._document = document
        self._wants_tokens = wants_tokens
        self._stream = stream
        self._request_bytes = request_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        stranger = self._wants_tokens and not isinstance(scope.get("user"), AuthenticatedUser)
        if scope["method"] != "POST" or stranger:  # answered without a look at what it sent
            if not stranger and _resumes(scope):
                await _NOTHING_TO_RESUME(scope, receive, send)
                return
            await self._document(scope, receive, send)
            return
        body = bytearray()
        read: list[Message] = []
        more = True
        # What is too large is refused by whoever gets it, so no more than that is kept here.
        while more and len(body) <= self._request_bytes:
            message = await receive()
            read.append(message)
            body += message.get("body", b"")
            more = message["type"] == "http.request" and message.get("more_body", False)

        async def replayed() -> Message:
            return read.pop(0) if read else await receive()

        if _ASKS_FOR_PROGRESS in body:
            await self._stream(scope, replayed, send)
            return
        with _while_somebody_waits(receive):
            await self._document(scope, replayed, send)


def _resumes(scope: Scope) -> bool:
    """Whether a client asks for what a broken stream still owed it."""
    return any(name == b"last-event-id" for name, _ in scope["headers"])


@contextmanager
def _while_somebody_waits(receive: Receive) -> Iterator[None]:
    """Cancel what is done inside once the client has gone: a stream notices, a document does not.

    Most answers are there before it is worth a task to look.
    """
    watching: list[asyncio.Task[None]] = []
    with anyio.CancelScope() as call:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                continue
            call.cancel()

        def begin() -> None:
            watching.append(loop.create_task(watch()))

        loop = asyncio.get_running_loop()
        timer = loop.call_later(LONG_CALL_SECONDS, begin)
        try:
            yield
        finally:
            timer.cancel()
            for task in watching:
                task.cancel()
