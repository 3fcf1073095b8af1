"""One owner per store; everybody else is its client and cannot tell."""

from __future__ import annotations

import shutil
import socket
import stat
import struct
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import anyio.abc
import pytest

from mcp_servers.ownership.owner_protocol import LARGEST_FRAME, encode_frame, read_frame
from mcp_servers.ownership.store_access import StoreAccess, connect
from mcp_servers.ownership.store_lock import StoreLock, owner_pid, socket_path
from mcp_servers.ownership.store_owner import Operation, Progress
from telecom.errors import EgressRefusedError, OperatorError, RecordNotFoundError, ToolRetry


class Ledgerless:
    """The smallest store: it counts, refuses and tells of progress."""

    def __init__(self) -> None:
        self.count = 0
        self.closed = False
        self.entered = threading.Event()
        self.go_on = threading.Event()

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "count": self._count,
            "missing": self._missing,
            "refuse": self._refuse,
            "wait": self._wait,
        }

    def _count(self, arguments: Mapping[str, Any], progress: Progress) -> Any:
        progress("counting", 1, 1)
        self.count += arguments.get("by", 1)
        return self.count

    def _missing(self, arguments: Mapping[str, Any], progress: Progress) -> Any:
        raise RecordNotFoundError("thing", "x", hint="look elsewhere")

    def _refuse(self, arguments: Mapping[str, Any], progress: Progress) -> Any:
        raise EgressRefusedError("not that", rule="gate.test")

    def _wait(self, arguments: Mapping[str, Any], progress: Progress) -> Any:
        self.entered.set()
        assert self.go_on.wait(10)
        return "done"

    async def serve_session(self, server: str, stream: anyio.abc.ByteStream) -> None:
        await stream.send(f"session {server}\n".encode())
        await stream.receive()

    def close(self) -> None:
        self.closed = True


def test_the_second_command_works_on_the_store_of_the_first(tmp_path: Path) -> None:
    """DESIGN section 4: one owner; other commands become its clients."""
    opened = Ledgerless()
    with StoreAccess(tmp_path, lambda: opened) as first:
        assert first.call("count", {}) == 1
        with StoreAccess(tmp_path, Ledgerless) as second:
            assert second.call("count", {"by": 2}) == 3
            assert second.own() is None
    assert opened.closed


def test_the_store_is_free_when_its_owner_is_done(tmp_path: Path) -> None:
    """Ours: a command that follows is the next owner."""
    with StoreAccess(tmp_path, Ledgerless) as first:
        first.call("count", {})
    with StoreAccess(tmp_path, Ledgerless) as second:
        assert second.call("count", {}) == 1
    assert connect(tmp_path) is None


@pytest.mark.parametrize(
    ("operation", "kind", "message"),
    [("missing", ToolRetry, "no thing 'x'"), ("refuse", EgressRefusedError, "not that")],
)
def test_an_error_is_the_same_kind_on_either_side(
    tmp_path: Path, operation: str, kind: type[Exception], message: str
) -> None:
    """Ours: exit codes and messages do not depend on who owned the store."""
    with StoreAccess(tmp_path, Ledgerless) as owner, StoreAccess(tmp_path, Ledgerless) as client:
        owner.own()
        for access in (owner, client):
            with pytest.raises(kind, match=message):
                access.call(operation, {})


def test_work_under_way_is_finished_before_the_owner_leaves(tmp_path: Path) -> None:
    """Ours: a client's operation is not lost because the owner's own command ended first."""
    opened = Ledgerless()
    answers: list[object] = []

    def ask() -> None:
        with StoreAccess(tmp_path, Ledgerless) as client:
            answers.append(client.call("wait", {}))

    with StoreAccess(tmp_path, lambda: opened) as owner:
        owner.own()
        asking = threading.Thread(target=ask)
        asking.start()
        assert opened.entered.wait(10)
        threading.Timer(0.0, opened.go_on.set).start()
    asking.join(10)
    assert answers == ["done"]


def test_the_socket_is_for_the_same_user_only(tmp_path: Path) -> None:
    """DESIGN section 4: mode 0600."""
    with StoreAccess(tmp_path, Ledgerless) as owner:
        owner.own()
        assert stat.S_IMODE(socket_path(tmp_path).stat().st_mode) == 0o600
        assert owner_pid(tmp_path) is not None


def test_a_path_that_is_too_long_for_a_socket_falls_back_to_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Ours: site directories may lie deep; a socket's path may not."""
    # A socket's path is short; that of a test's own folder need not be.
    runtime = Path(mkdtemp(prefix="tw-"))
    request.addfinalizer(lambda: shutil.rmtree(runtime))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    store = tmp_path / ("deep" * 20) / ("deeper" * 20) / "store"
    with StoreAccess(store, Ledgerless) as owner, StoreAccess(store, Ledgerless) as client:
        owner.own()
        assert client.call("count", {}) == 1
        assert socket_path(store).is_relative_to(runtime)
        assert stat.S_IMODE(socket_path(store).parent.stat().st_mode) == 0o700


def test_a_client_that_comes_from_stdio_may_not_ask_for_operations(tmp_path: Path) -> None:
    """DESIGN section 4: who comes from stdio is outside, there too."""
    with StoreAccess(tmp_path, Ledgerless) as owner:
        owner.own()
        connection = connect(tmp_path)
        assert connection is not None
        with connection:
            connection.sendall(encode_frame({"kind": "stdio", "operation": "count"}))
            assert read_frame(connection)["error"]["audience"] == "operator"


@pytest.mark.parametrize(
    "noise",
    [
        struct.pack(">I", LARGEST_FRAME + 1),
        struct.pack(">I", 4) + b"]]]]",
        struct.pack(">I", 2) + b"[]",
        b"GET / HTTP/1.1\r\n\r\n",
        b"",
    ],
)
def test_noise_on_the_socket_harms_nobody(tmp_path: Path, noise: bytes) -> None:
    """Ours: what does not keep to the protocol is cut off, and others are served."""
    with StoreAccess(tmp_path, Ledgerless) as owner, StoreAccess(tmp_path, Ledgerless) as client:
        owner.own()
        connection = connect(tmp_path)
        assert connection is not None
        with connection:
            connection.sendall(noise)
            with suppress(ConnectionResetError):  # what was not read is thrown away
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(1) == b""
        assert client.call("count", {}) == 1


def test_a_socket_left_by_a_dead_owner_is_replaced(tmp_path: Path) -> None:
    """Ours: after kill -9 the lock is free and the socket is only a name."""
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(socket_path(tmp_path)))
    stale.close()
    with StoreAccess(tmp_path, Ledgerless) as owner:
        assert owner.call("count", {}) == 1


def test_a_store_that_cannot_be_opened_is_not_kept(tmp_path: Path) -> None:
    """Ours: a failed start gives the lock back."""

    def fail() -> Ledgerless:
        raise OperatorError("no")

    with StoreAccess(tmp_path, fail) as access, pytest.raises(OperatorError):
        access.own()
    with ExitStack() as stack:
        lock = StoreLock.take(tmp_path)
        assert lock is not None
        stack.callback(lock.release)
