"""The process that owns a site's store: the open store, and a thread that serves other commands.

Two owners would lose vectors and fork the ledger without a word. So whoever comes first holds the
lock, opens the store and publishes a socket (mode 0600, same user only); `store_access` is how
every command gets there.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import anyio
import anyio.abc
from anyio.from_thread import BlockingPortal, start_blocking_portal
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.to_thread import run_sync

from mcp_servers.ownership.owner_protocol import (
    ALIVE_SECONDS,
    HEADER,
    HELLO_SECONDS,
    MCP_SESSION,
    JsonValue,
    describe_error,
    encode_frame,
    frame_length,
)
from mcp_servers.ownership.store_lock import StoreLock, socket_path
from telecom.errors import OperatorError, TierwiseError

Progress = Callable[[str, int, int], None]
"""Called with a phrase, steps done and steps in all."""
Arguments = Mapping[str, JsonValue]
"""Of an operation, as JSON."""
Operation = Callable[[Arguments, Progress], JsonValue]
"""What the owner does for a command: arguments in, JSON out."""

_NEWS_SECONDS = 0.2
"""How often a waiting command hears of progress."""

_logger = logging.getLogger(__name__)


class OwnedStore(Protocol):
    """What the owner opened, and offers to commands and to MCP sessions."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Operations by name."""
        ...

    async def serve_session(self, server: str, stream: anyio.abc.ByteStream) -> None:
        """Speak MCP, one message a line, with somebody outside the site."""
        ...

    def close(self) -> None:
        """Close everything that was opened."""
        ...


class Owner:
    """Opens the store under its lock and answers other commands until it is left.

    Operations that run when it is left are finished first; MCP sessions end.
    """

    def __init__(self, lock: StoreLock, opener: Callable[[], OwnedStore]) -> None:
        self._lock = lock
        self._opener = opener
        self._exit = ExitStack()
        self._sessions: set[anyio.CancelScope] = set()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._lock.release)
            self.opened = self._opener()
            stack.callback(self.opened.close)
            portal = stack.enter_context(start_blocking_portal(name="store-owner"))
            stack.enter_context(self._listening(portal, socket_path(self._lock.store)))
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit.close()

    def call(
        self, operation: str, arguments: Mapping[str, JsonValue], progress: Progress
    ) -> JsonValue:
        """Run an operation in this thread."""
        return self.opened.operations[operation](arguments, progress)

    @contextmanager
    def _listening(self, portal: BlockingPortal, path: Path) -> Iterator[None]:
        path.unlink(missing_ok=True)  # left by an owner that died: we hold the lock
        serving, accepting = portal.start_task(self._serve, path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            portal.call(accepting.cancel)
            serving.result()

    async def _serve(
        self, path: Path, *, task_status: anyio.abc.TaskStatus[anyio.CancelScope]
    ) -> None:
        listener = await _listen(path)
        async with anyio.create_task_group() as clients:
            with anyio.CancelScope() as accepting:
                async with listener:
                    task_status.started(accepting)
                    await listener.serve(self._answer, clients)
            for session in self._sessions:
                session.cancel()

    async def _answer(self, stream: anyio.abc.SocketStream) -> None:
        async with stream:
            try:
                if not _same_user(stream):
                    return
                with anyio.fail_after(HELLO_SECONDS):
                    hello = await _receive_hello(stream)
                await self._do(stream, hello)
            except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
                return
            except (TimeoutError, ValueError, OperatorError):
                _logger.warning("a client of the store's socket did not keep to the protocol")
            except Exception:
                # Outermost for a client: one that fails must not take the others with it.
                _logger.exception("a client of the store's socket could not be served")

    async def _do(self, stream: anyio.abc.SocketStream, hello: Mapping[str, JsonValue]) -> None:
        kind, operation = hello.get("kind"), str(hello.get("operation"))
        arguments = hello.get("arguments") or {}
        if operation == MCP_SESSION:
            # Whatever the client is, a session is served to somebody outside the site.
            await stream.send(encode_frame({"value": "ready"}))
            with anyio.CancelScope() as scope:
                self._sessions.add(scope)
                try:
                    await self.opened.serve_session(str(arguments.get("server")), stream)
                finally:
                    self._sessions.discard(scope)
        elif kind != "local" or operation not in self.opened.operations:
            refusal = OperatorError(f"{kind!r} may not ask the store's owner for {operation!r}")
            await stream.send(encode_frame({"error": describe_error(refusal)}))
        else:
            await stream.send(encode_frame({"accepted": True}))
            await stream.send(encode_frame(await self._work(stream, operation, arguments)))

    async def _work(
        self, stream: anyio.abc.SocketStream, operation: str, arguments: Mapping[str, JsonValue]
    ) -> JsonValue:
        """Run an operation in a thread, telling the client how far it is.

        A client that leaves does not stop the work: half an ingest would help nobody.
        """
        news: list[tuple[str, int, int]] = []

        def note(phrase: str, done: int, total: int) -> None:
            news[:] = [(phrase, done, total)]

        async with _telling(stream, news):
            try:
                return {"value": await run_sync(self.opened.operations[operation], arguments, note)}
            except TierwiseError as exc:
                return {"error": describe_error(exc)}
            except Exception:
                # Outermost for an operation: the command learns of it, the log has the trace.
                _logger.exception("operation failed")
                failure = OperatorError(f"{operation} failed in the process that owns the store")
                return {"error": describe_error(failure)}


@asynccontextmanager
async def _telling(
    stream: anyio.abc.SocketStream, news: list[tuple[str, int, int]]
) -> AsyncIterator[None]:
    """Send progress as it changes, and a sign of life where it does not."""

    async def tell() -> None:
        told: list[tuple[str, int, int]] = []
        silent = 0.0
        while True:
            await anyio.sleep(_NEWS_SECONDS)
            silent += _NEWS_SECONDS
            if news == told and silent < ALIVE_SECONDS:
                continue
            told, silent = list(news), 0.0
            try:
                await stream.send(encode_frame({"progress": told[0]} if told else {"alive": True}))
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return

    async with anyio.create_task_group() as group:
        group.start_soon(tell)
        yield
        group.cancel_scope.cancel()


async def _listen(path: Path) -> anyio.abc.SocketListener:
    previous = os.umask(0o177)  # the socket must never be open to others, not for a moment
    try:
        return await anyio.create_unix_listener(path, mode=0o600)
    finally:
        os.umask(previous)


async def _receive_hello(stream: anyio.abc.SocketStream) -> Mapping[str, JsonValue]:
    buffered = BufferedByteReceiveStream(stream)
    length = frame_length(await buffered.receive_exactly(HEADER.size))
    hello = json.loads(await buffered.receive_exactly(length))
    if not isinstance(hello, dict) or not isinstance(hello.get("arguments", {}), dict):
        raise ValueError("a hello is an object")
    return hello


def _same_user(stream: anyio.abc.SocketStream) -> bool:
    """Whether the client runs as the same user (or root), where the system can tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the socket's mode keeps others out
    raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)  # noqa: S610 - not a database
    credentials = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return uid in (os.getuid(), 0)
