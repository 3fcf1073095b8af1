"""How often one principal may call: a short burst, and a steady rate over the minute.

Tokens of a bucket, not a window: nobody gets twice the rate at the turn of a minute.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_servers.site_directory import RateSettings

_REMEMBERED = 10_000
"""Principals whose buckets are kept; who has been quiet longest is forgotten."""


@dataclass(slots=True)
class _Bucket:
    """What is left of a rate."""

    left: float
    seen: float


class RateLimiter:
    """Counts the calls of each principal; safe to use from several threads."""

    def __init__(
        self, settings: RateSettings, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._rates = (
            (settings.calls_per_second, float(settings.calls_per_second)),
            (settings.calls_per_minute, settings.calls_per_minute / 60.0),
        )
        self._buckets: OrderedDict[str, tuple[_Bucket, ...]] = OrderedDict()

    def wait_for(self, principal: str) -> int:
        """Count a call: 0 when it may be made, else the whole seconds to wait before the next."""
        now = self._now()
        with self._lock:
            buckets = self._buckets.get(principal)
            if buckets is None:
                buckets = tuple(_Bucket(float(most), now) for most, _ in self._rates)
                self._buckets[principal] = buckets
                if len(self._buckets) > _REMEMBERED:
                    self._buckets.popitem(last=False)
            self._buckets.move_to_end(principal)
            wait = 0.0
            for bucket, (most, per_second) in zip(buckets, self._rates, strict=True):
                bucket.left = min(float(most), bucket.left + (now - bucket.seen) * per_second)
                bucket.seen = now
                if bucket.left < 1:
                    wait = max(wait, (1 - bucket.left) / per_second)
            if wait:
                return max(1, math.ceil(wait))
            for bucket in buckets:
                bucket.left -= 1
            return 0


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
