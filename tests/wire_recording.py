"""A relay that keeps every byte it passes on, for tests that search the wire."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Self


class RecordingRelay:
    """Listens on loopback and passes bytes to another port, for the length of a `with` block."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self._sent: list[bytes] = []
        self._answered: list[bytes] = []
        self._target = target_port
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    @property
    def url(self) -> str:
        """Where to connect instead of the target."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sent(self) -> bytes:
        """Everything that went to the target."""
        return b"".join(self._sent)

    @property
    def answered(self) -> bytes:
        """Everything that came back."""
        return b"".join(self._answered)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._stop.wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connect(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):  # asyncio's own callback logs a cancelled handler
            far, onward = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(_pass(near, onward, self._sent), _pass(far, back, self._answered))


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: list[bytes]
) -> None:
    with suppress(ConnectionError, asyncio.CancelledError):
        while data := await reader.read(1 << 16):
            kept.append(data)
            writer.write(data)
            await writer.drain()
    with suppress(ConnectionError, RuntimeError):
        writer.close()
        await writer.wait_closed()
