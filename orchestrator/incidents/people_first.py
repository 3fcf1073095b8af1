"""`PeopleFirst`: somebody who waits for an answer comes before what a storm has queued.

Investigations and triggers of one process share its processor with those who ask. While a person
waits, the work of the queue goes on a step at a time and triggers are stored several at a time: the
queue is slower then, but it never stands still, however many ask and for however long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PATIENCE_S = 0.1
"""Between two steps of the queue while somebody waits. A step takes about 10 ms of a processor, so
that the queue has a tenth of it, and an incident takes a little over a second."""
LULL_S = 0.25
"""After an answer the next question may be near: so long the queue still goes a step at a time."""
GATHERING_S = 0.05
"""What a trigger waits for others to be stored with, while somebody waits."""


class PeopleFirst:
    """Who waits for an answer of this process now."""

    def __init__(self) -> None:
        self._waiting = 0
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._lull: asyncio.TimerHandle | None = None
        self._one_after_another = asyncio.Lock()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Somebody waits for the length of the block."""
        self._waiting += 1
        self._nobody.clear()
        if self._lull is not None:
            self._lull.cancel()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._lull = asyncio.get_running_loop().call_later(LULL_S, self._nobody.set)

    async def turn(self) -> None:
        """Return at once when nobody waits, else when nobody does or patience is over.

        Turns are given one after another in the order they were asked for: with `n` that wait
        before it, the work that asked goes on after `n + 1` patiences at the latest.
        """
        async with self._one_after_another:
            await self._until_nobody_waits(PATIENCE_S)

    async def gathering(self) -> None:
        """Let triggers gather while somebody waits, a moment and no longer."""
        await self._until_nobody_waits(GATHERING_S)

    async def _until_nobody_waits(self, at_most_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._nobody.wait()
