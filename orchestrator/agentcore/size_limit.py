"""`SizeLimit`: a request body of a bounded size, for an application that reads it whole."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.triggers.routes import BodyTooLargeError, problem_of, read_body
from telecom.errors import InvalidArgumentError


class SizeLimit:
    """Middleware that answers 413 instead of reading on."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        """Guard an application.

        Args:
            app: What is guarded.
            limit: Most bytes of a body.
        """
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body first, then hand it on in one piece."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(Request(scope, receive), self._limit)
        except (BodyTooLargeError, InvalidArgumentError) as exc:
            await problem_of(exc)(scope, receive, send)
            return
        pieces: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return pieces.pop() if pieces else await receive()

        await self._app(scope, again, send)
