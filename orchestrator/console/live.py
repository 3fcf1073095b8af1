"""`Live`: one read of the state for all pages that ask within a second, and for nobody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

EVERY_S = 2.0
"""How often a page looks for news."""
_FRESH_S = 1.0

Value = TypeVar("Value")


class Live(Generic[Value]):
    """A value that many pages watch."""

    def __init__(
        self, read: Callable[[], Awaitable[Value]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._value: tuple[float, Value] | None = None

    async def value(self) -> Value:
        """The value, at most a second old."""
        async with self._one_at_a_time:
            if self._value is None or self._clock() - self._value[0] > _FRESH_S:
                self._value = (self._clock(), await self._read())
            return self._value[1]

    def forget(self) -> None:
        """Read again next time: somebody changed it."""
        self._value = None
