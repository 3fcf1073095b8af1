"""`WanDouble`: the line to a site, as a TCP proxy on loopback that can go bad in several ways.

It forwards bytes between whoever connects to `url` and the site behind it::

    async with WanDouble(site.url) as wan:
        wan.cut()          # nothing passes any more, and nobody is told
        wan.heal()         # what was under way arrives after all
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

_CHUNK = 65_536


class WanDouble:
    """A line for the length of an `async with` block."""

    def __init__(self, target: str, *, seed: int = 1) -> None:
        """Prepare a line.

        Args:
            target: Base URL of the site.
            seed: Of the delays' jitter.
        """
        at = urlsplit(target)
        self._target = (at.hostname or "127.0.0.1", at.port or 80)
        self._there = asyncio.Event()
        self._back = asyncio.Event()
        self._delay_s = self._jitter_s = self._stalled = 0.0
        self._chance = random.Random(seed)  # noqa: S311 - a test's dice
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where the site is reached through this line."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self.heal()
        await self.listen()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.refuse()
        self.heal()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def listen(self) -> None:
        """Take connections; after `refuse`, on the same port again."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Reset what is open and refuse what comes."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    def cut(self) -> None:
        """Let nothing pass, in silence: no reset, no refusal."""
        self._there.clear()
        self._back.clear()

    def cut_answers(self) -> None:
        """Let requests pass and no answer: the site works, and nobody hears of it."""
        self._back.clear()

    def slow(self, delay_s: float, *, jitter_s: float = 0.0, stalled: float = 0.0) -> None:
        """Delay every chunk.

        Args:
            delay_s: At least so long.
            jitter_s: At most so much longer.
            stalled: Fraction of chunks that take three times as long, as lost packets do that are
                sent again.
        """
        self._delay_s, self._jitter_s, self._stalled = delay_s, jitter_s, stalled

    def heal(self) -> None:
        """Let everything pass; what was held is delivered."""
        self.slow(0.0)
        self._there.set()
        self._back.set()

    async def _carry(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        self._writers.add(near_out)
        try:
            await self._there.wait()
            far, far_out = await asyncio.open_connection(*self._target)
        except (OSError, asyncio.CancelledError):
            near_out.transport.abort()
            self._writers.discard(near_out)
            return
        self._writers.add(far_out)
        for reader, writer, passes in (
            (near, far_out, self._there.wait),
            (far, near_out, self._back.wait),
        ):
            pump = asyncio.create_task(self._pump(reader, writer, passes))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        passes: Callable[[], Awaitable[object]],
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await passes()
                await asyncio.sleep(self._pause_s())
                writer.write(chunk)
                await writer.drain()
        await passes()
        self._writers.discard(writer)
        with suppress(OSError):
            writer.close()

    def _pause_s(self) -> float:
        pause = self._delay_s + self._chance.uniform(0, self._jitter_s)
        return pause * 3 if self._chance.random() < self._stalled else pause
