"""The whole HTTP door over fixture tools, with a look into the server while it is busy."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from starlette.types import ASGIApp

from mcp_servers.serving.http_app import build_app
from mcp_servers.serving.server_factory import ToolSet, build_server
from mcp_servers.site_directory import RateSettings, ServingSettings
from placement.live import LivePolicy
from tests.mcp_servers.fixture_tools import Guard

ERAS = ("legacy", "2026-07-28")
MANY = 10**6
SEND_BUFFER = 16_384

Answer = TypeVar("Answer")


@dataclass
class BusyServer:
    """A server in a thread of this process."""

    url: str
    loop: asyncio.AbstractEventLoop

    def tasks(self) -> set[asyncio.Task[Any]]:
        """What its event loop does now."""
        return self._inside(_others())

    def settled(self, before: set[asyncio.Task[Any]]) -> bool:
        """Whether everything that was begun since `before` has ended, within ten seconds."""

        async def wait() -> bool:
            begun = await _others() - before
            return not begun or not (await asyncio.wait(begun, timeout=10))[1]

        return self._inside(wait())

    def _inside(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)


async def _others() -> set[asyncio.Task[Any]]:
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not current}


def app_of(guard: Guard, tools: ToolSet) -> ASGIApp:
    """The site's app, for callers who may call as often as they like."""
    server = build_server(
        tools, guard.gate, known_classes=guard.policy.catalogue.classes, verifier=guard.verifier
    )
    rate = RateSettings(calls_per_second=MANY, calls_per_minute=MANY)
    return build_app(
        {"alarms": server},
        guard.verifier,
        ServingSettings(rate=rate),
        missing=lambda: (),
        policy=lambda: LivePolicy().status,
    )


@contextmanager
def busy_server(app: ASGIApp) -> Iterator[BusyServer]:
    """Serve an app on a free loopback port."""
    started: list[asyncio.AbstractEventLoop] = []
    ready = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            started.append(asyncio.get_running_loop())
            ready.set()

    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # The system keeps little for whoever does not read, so that it shows soon.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        assert ready.wait(20), "the server did not start"
        try:
            yield BusyServer(f"http://127.0.0.1:{listener.getsockname()[1]}", started[0])
        finally:
            server.should_exit = True
            thread.join(10)


def open_files() -> int:
    """How many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def resident_bytes(process: int | str = "self") -> int:
    """Memory of a process."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
