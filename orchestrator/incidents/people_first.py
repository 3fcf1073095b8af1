"""`PeopleFirst`: somebody who waits for an answer comes before what a storm has queued.

Investigations of one process share its processor. While a person waits, further incidents are
begun slowly, but they are begun: a console that is never quiet must not hold up the triggers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PATIENCE_S = 0.5
"""Between two incidents that are begun while somebody waits: a fifth of a processor at most, as a
processor does about nine a second."""


class PeopleFirst:
    """Who waits for an answer of this process now."""

    def __init__(self) -> None:
        self._waiting = 0
        self._nobody = asyncio.Event()
        self._nobody.set()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Somebody waits for the length of the block."""
        self._waiting += 1
        self._nobody.clear()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._nobody.set()

    async def turn(self) -> None:
        """Return at once when nobody waits, else when nobody does or patience is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._nobody.wait()
