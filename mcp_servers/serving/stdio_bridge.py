"""`tierwise-site stdio`: a pipe between an MCP client and whoever owns the site's store.

The bridge owns the store itself when nobody else does, and is then its own client. When the owner
ends (another command that was short, a server that restarts), the bridge finds or becomes the next
one and repeats the handshake; requests that were under way are answered with an error, never lost.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from mcp_servers.ownership.store_access import TAKEOVER_SECONDS, StoreAccess, request_session
from mcp_servers.ownership.store_lock import owner_pid
from telecom.errors import StoreOwnedError, TierwiseError

_POLL_SECONDS = 0.05
_LAST_ANSWERS_SECONDS = 60.0
"""How long answers are waited for after the client has closed its end."""
_ENDED = {"code": -32603, "message": "the process that owned the site's store ended; ask again"}


@dataclass
class StdioBridge:
    """Pumps lines both ways and survives a change of owner."""

    access: StoreAccess
    store: Path
    server: str
    stdin: BinaryIO
    stdout: BinaryIO
    _state: threading.Condition = field(default_factory=threading.Condition)
    _connection: socket.socket | None = None
    _handshake: list[bytes] = field(default_factory=list)
    _pending: dict[str, Any] = field(default_factory=dict)
    """Unanswered requests by their id in JSON; ids are JSON, hence Any."""
    _client_done: bool = False
    _failure: TierwiseError | None = None

    def run(self) -> None:
        """Serve until the client closes its end.

        Raises:
            TierwiseError: The store can neither be owned nor reached.
        """
        answers = threading.Thread(target=self._pump_answers, name="stdio-answers", daemon=True)
        self._connection = self._open_session()
        answers.start()
        for line in self.stdin:
            if not self._forward(line):
                break
        with self._state:
            self._client_done = True
            self._state.wait_for(lambda: not self._pending or self._failure, _LAST_ANSWERS_SECONDS)
            if self._connection is not None:
                with contextlib.suppress(OSError):  # the owner may have left in this moment
                    self._connection.shutdown(socket.SHUT_RDWR)
        answers.join(_LAST_ANSWERS_SECONDS)
        if self._failure is not None:
            raise self._failure

    def _forward(self, line: bytes) -> bool:
        """Send one line of the client to the owner; False when there is none to be had."""
        method, request_id = _peek(line)
        with self._state:
            self._state.wait_for(lambda: self._connection is not None or self._failure)
            if self._failure is not None or self._connection is None:
                return False
            if method in ("initialize", "notifications/initialized"):
                self._handshake.append(line)
            if method is not None and request_id is not None:
                self._pending[json.dumps(request_id)] = request_id
            connection = self._connection
        # Without the lock: a full socket is emptied by the other thread, which needs it.
        # That thread also notices a broken one, answers what is pending and reconnects.
        with contextlib.suppress(OSError):
            connection.sendall(line)
        return True

    def _pump_answers(self) -> None:
        connection = self._connection
        while connection is not None:
            self._copy_answers(connection)
            with self._state:
                self._connection = None
                connection.close()
                done = self._client_done
                self._fail_pending()
            if done:
                return
            try:
                connection = self._open_session()
            except TierwiseError as exc:
                with self._state:
                    self._failure = exc
                    self._state.notify_all()
                return
            with self._state:
                if self._client_done:
                    connection.close()
                    return
                self._connection = connection
                self._state.notify_all()

    def _copy_answers(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            try:
                for line in lines:
                    self._deliver(line)
            except OSError:
                return

    def _deliver(self, line: bytes) -> None:
        method, answered = _peek(line)
        self.stdout.write(line)
        self.stdout.flush()
        if method is None and answered is not None:
            with self._state:
                self._pending.pop(json.dumps(answered), None)
                self._state.notify_all()

    def _fail_pending(self) -> None:
        for request_id in self._pending.values():
            answer = {"jsonrpc": "2.0", "id": request_id, "error": _ENDED}
            self.stdout.write(json.dumps(answer).encode() + b"\n")
        self.stdout.flush()
        self._pending.clear()
        self._state.notify_all()

    def _open_session(self) -> socket.socket:
        """Reach the owner, becoming it if need be, and repeat the handshake the client made."""
        deadline = time.monotonic() + TAKEOVER_SECONDS
        while True:
            self.access.own()
            connection = request_session(self.store, self.server)
            if connection is not None and self._repeat_handshake(connection):
                return connection
            if time.monotonic() > deadline:
                raise StoreOwnedError(str(self.store), owner_pid(self.store))
            time.sleep(_POLL_SECONDS)

    def _repeat_handshake(self, connection: socket.socket) -> bool:
        """Say what the client said before, and keep the answer from it."""
        with self._state:
            handshake = list(self._handshake)
        try:
            for line in handshake:
                connection.sendall(line)
                if _peek(line)[1] is not None and not _read_line(connection):
                    return False
        except OSError:
            return False
        return True


def _read_line(connection: socket.socket) -> bytes:
    """Read to the end of a line without reading past it; empty when the other end is gone."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            return b""
        line += byte
    return bytes(line)


def _peek(line: bytes) -> tuple[str | None, Any]:
    """Method and id of a message; (None, None) for what is none."""
    try:
        message = json.loads(line)
    except ValueError:
        return None, None
    if not isinstance(message, dict):
        return None, None
    return message.get("method"), message.get("id")
