"""How often one principal may call: a short burst, and a steady rate over the minute.

Tokens of a bucket, not a window: nobody gets twice the rate at the turn of a minute.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

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
