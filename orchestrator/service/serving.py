"""Serving: the application on its port, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager

import uvicorn
from starlette.applications import Starlette

from orchestrator.agent_door.opening import agent_app, http_door
from orchestrator.service.app import build_app
from orchestrator.service.running import RunningService, open_service
from orchestrator.settings import Settings
from telecom.errors import SettingsError

_AT_ONCE = 512
"""Requests under way; one more is answered 503 at once, so that a storm has a bounded size."""
_LAST_REQUESTS_S = 5


AddPages = Callable[[Starlette, RunningService], Awaitable[AbstractAsyncContextManager[object]]]
"""Puts pages on the application; what it returns runs beside the server."""


async def serve(
    settings: Settings,
    *,
    listening: Callable[[str, RunningService], Awaitable[None]],
    pages: AddPages | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: Of this process.
        listening: Called with the URL once requests are taken.
        pages: The console, where it is asked for.

    Raises:
        OperatorError: Something it needs cannot be used; the message says what helps.
        KeyboardInterrupt: Ctrl-C stopped it, in the same order as SIGTERM does.
    """
    stopping = asyncio.Event()
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(open_service(settings))
        desk, agents = http_door(service)
        stack.push_async_callback(desk.close)
        app = build_app(service)
        app.mount("/agents", agent_app(agents, settings))
        await stack.enter_async_context(agents.session_manager.run())
        if pages is not None:
            await stack.enter_async_context(await pages(app, service))
        listener = listen(settings.service.host, settings.service.port)
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,  # the process's own handler: theirs would quote exceptions
                log_level="warning",
                access_log=False,
                lifespan="off",
                limit_concurrency=_AT_ONCE,
                timeout_graceful_shutdown=_LAST_REQUESTS_S,
            )
        )

        interrupted = False

        def stop(number: int) -> None:
            nonlocal interrupted
            interrupted = number == signal.SIGINT
            stopping.set()
            server.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(service.run(stopping))
            tasks.create_task(server.serve(sockets=[listener]))
            await listening(url_of(listener), service)
    if interrupted:
        raise KeyboardInterrupt


class _Server(uvicorn.Server):
    """A server whose process decides itself what a signal means."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on; port 0 is a free one.

    Raises:
        SettingsError: The address cannot be had.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as exc:
        raise SettingsError(
            f"cannot listen on {host}:{port} ({exc.strerror}); set service.host and service.port"
        ) from exc
    return listener


def url_of(listener: socket.socket) -> str:
    """The address of a socket, as people type it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
