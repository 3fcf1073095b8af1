"""429 over HTTP for a principal that calls too often."""

from __future__ import annotations

import json

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_servers.serving.rate_limits import RateLimiter


class RateLimit:
    """Answers 429 with Retry-After to a principal that calls too often."""

    def __init__(self, app: ASGIApp, limiter: RateLimiter) -> None:
        self.app = app
        self.limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        user = scope.get("user")
        if scope["type"] == "http" and isinstance(user, AuthenticatedUser):
            wait = self.limiter.wait_for(user.access_token.subject or user.access_token.client_id)
            if wait:
                await _refuse(send, wait)
                return
        await self.app(scope, receive, send)


async def _refuse(send: Send, wait: int) -> None:
    body = json.dumps({"error": "rate_limited", "retry_after_s": wait}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(wait).encode()),
    ]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body})
