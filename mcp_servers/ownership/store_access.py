"""How a command reaches a site's store: as its owner, or as a client of whoever owns it.

A command cannot tell which of the two happened, and need not.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from mcp_servers.ownership.owner_protocol import (
    MCP_SESSION,
    SILENCE_SECONDS,
    JsonValue,
    encode_frame,
    raise_error,
    read_frame,
)
from mcp_servers.ownership.store_lock import StoreLock, owner_pid, socket_path
from mcp_servers.ownership.store_owner import OwnedStore, Owner, Progress
from telecom.errors import OperatorError, StoreOwnedError

TAKEOVER_SECONDS = 15.0
"""How long a command waits for an owner that is starting or about to leave."""
_POLL_SECONDS = 0.05


class StoreAccess:
    """A site's store for the length of a command."""

    def __init__(self, store: Path, opener: Callable[[], OwnedStore]) -> None:
        """Prepare; nothing is opened yet.

        Args:
            store: The site's `store/`.
            opener: Opens everything; called only if this process becomes the owner.
        """
        self._store = store
        self._opener = opener
        self._exit = ExitStack()
        self._owner: Owner | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._owner = None
        self._exit.close()

    def call(
        self,
        operation: str,
        arguments: Mapping[str, JsonValue],
        *,
        progress: Progress | None = None,
    ) -> JsonValue:
        """Run one operation, here or in the process that owns the store.

        Raises:
            StoreOwnedError: Another process owns the store and does not answer.
            TierwiseError: What the operation raised.
        """
        deadline = time.monotonic() + TAKEOVER_SECONDS
        report = progress or _say_nothing
        while True:
            if (owner := self.own()) is not None:
                return owner.call(operation, arguments, report)
            if (connection := connect(self._store)) is not None:
                with connection:
                    answer = _ask(connection, operation, arguments, report)
                if answer is not None:
                    return answer["value"]
            if time.monotonic() > deadline:
                raise StoreOwnedError(str(self._store), owner_pid(self._store))
            time.sleep(_POLL_SECONDS)

    def own(self) -> Owner | None:
        """Become the owner, or None when another process is."""
        if self._owner is None and (lock := StoreLock.take(self._store)) is not None:
            self._owner = self._exit.enter_context(Owner(lock, self._opener))
        return self._owner

    def own_or_fail(self) -> Owner:
        """Become the owner, waiting for a command that is about to end.

        Raises:
            StoreOwnedError: Another process keeps the store.
        """
        deadline = time.monotonic() + TAKEOVER_SECONDS
        while (owner := self.own()) is None:
            if time.monotonic() > deadline:
                raise StoreOwnedError(str(self._store), owner_pid(self._store))
            time.sleep(_POLL_SECONDS)
        return owner


def connect(store: Path) -> socket.socket | None:
    """Connect to the owner of a store; None when nobody listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(SILENCE_SECONDS)
    try:
        connection.connect(str(socket_path(store)))
    except OSError:
        connection.close()
        return None
    return connection


def request_session(store: Path, server: str) -> socket.socket | None:
    """Open an MCP session with the owner of a store; None when it is leaving or gone."""
    connection = connect(store)
    if connection is None:
        return None
    hello = {"kind": "stdio", "operation": MCP_SESSION, "arguments": {"server": server}}
    try:
        connection.sendall(encode_frame(hello))
        frame = read_frame(connection)
    except (OSError, EOFError):
        connection.close()
        return None
    if "error" in frame:
        connection.close()
        raise_error(frame["error"])
    connection.settimeout(None)
    return connection


def _ask(
    connection: socket.socket,
    operation: str,
    arguments: Mapping[str, JsonValue],
    progress: Progress,
) -> dict[str, JsonValue] | None:
    """Have the owner run an operation; None when it left without having begun."""
    hello = {"kind": "local", "operation": operation, "arguments": dict(arguments)}
    begun = False
    try:
        connection.sendall(encode_frame(hello))
        while True:
            frame: dict[str, JsonValue] = read_frame(connection)
            begun = True
            if "value" in frame:
                return frame
            if "error" in frame:
                raise_error(frame["error"])
            if "progress" in frame:
                progress(*frame["progress"])
    except (OSError, EOFError) as exc:
        if not begun:
            return None
        raise OperatorError(
            "the process that owns the store ended in the middle of the work; run the command again"
        ) from exc


def _say_nothing(_phrase: str, _done: int, _total: int) -> None:
    return None
