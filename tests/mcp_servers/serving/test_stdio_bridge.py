"""stdio clients: through the owner's gate, and over a change of owner."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import anyio.abc
import pytest

from mcp_servers.ownership.store_access import StoreAccess
from mcp_servers.ownership.store_owner import Operation
from mcp_servers.serving.identity import STDIO_CALLER
from mcp_servers.serving.server_factory import build_server
from mcp_servers.serving.session_stream import LONGEST_LINE, serve_stream
from mcp_servers.serving.stdio_bridge import StdioBridge
from tests.mcp_servers.fixture_tools import IMSI, Guard, toolset

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@dataclass
class FixtureStore:
    """Serves the fixture tools to stdio clients."""

    guard: Guard

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {}

    async def serve_session(self, server: str, stream: anyio.abc.ByteStream) -> None:
        await serve_stream(
            build_server(
                toolset(),
                self.guard.gate,
                known_classes=self.guard.policy.catalogue.classes,
                stream_caller=STDIO_CALLER,
            ),
            stream,
        )

    def close(self) -> None:
        return None


@dataclass
class Conversation:
    """The client's end of a bridge."""

    to_bridge: BinaryIO
    from_bridge: BinaryIO

    def say(self, message: Mapping[str, Any] | bytes) -> None:
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.to_bridge.write(line + b"\n")
        self.to_bridge.flush()

    def hear(self) -> Any:
        return json.loads(self.from_bridge.readline())

    def call(self, request_id: int, tool: str, **arguments: Any) -> Any:
        self.say(
            {
                "jsonrpc": "2.0",
                "id": request_id,
                "method": "tools/call",
                "params": {"name": tool, "arguments": arguments},
            }
        )
        answer = self.hear()
        assert answer["id"] == request_id
        return answer


@contextmanager
def bridge(guard: Guard, store: Path) -> Iterator[Conversation]:
    """A bridge on two pipes; its thread has ended when the block is left."""
    stdin, to_bridge = os.pipe()
    from_bridge, stdout = os.pipe()
    with (
        os.fdopen(stdin, "rb") as bridge_in,
        os.fdopen(stdout, "wb") as bridge_out,
        os.fdopen(to_bridge, "wb") as client_out,
        os.fdopen(from_bridge, "rb") as client_in,
        StoreAccess(store, lambda: FixtureStore(guard)) as access,
    ):
        running = StdioBridge(access, store, "all", bridge_in, bridge_out)
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        yield Conversation(client_out, client_in)
        client_out.close()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "shared"


def greet(conversation: Conversation) -> None:
    conversation.say(INITIALIZE)
    assert conversation.hear()["result"]["serverInfo"]["name"] == "tierwise-alarms"
    conversation.say(INITIALIZED)


def test_a_stdio_client_owns_the_store_when_nobody_does(guard: Guard, store: Path) -> None:
    """DESIGN section 4: and it counts as outside, though it owns the store."""
    with bridge(guard, store) as client:
        greet(client)
        answer = client.call(1, "leak")
    assert IMSI not in str(answer)
    assert answer["result"]["structuredContent"] == {"text": "IMSI=[SUBSCRIBER] lost its session"}


def test_a_second_stdio_client_works_through_the_first_ones_gate(guard: Guard, store: Path) -> None:
    """DESIGN section 4: two owners would fork the ledger."""
    with bridge(guard, store) as first, bridge(guard, store) as second:
        greet(first)
        greet(second)
        for number in (1, 2):
            assert IMSI not in str(first.call(number, "leak"))
            assert IMSI not in str(second.call(number, "leak"))
    assert len(guard.ledger.entries()) == 4


def test_a_client_outlives_the_owner_it_started_with(guard: Guard, store: Path) -> None:
    """Ours: a server that restarts does not end the conversations of others."""
    with StoreAccess(store, lambda: FixtureStore(guard)) as other:
        other.own()
        with bridge(guard, store) as client:
            greet(client)
            assert "result" in client.call(1, "echo", text="before")
            other.__exit__(None, None, None)
            after = client.call(2, "echo", text="after")
            while "error" in after:  # the request that was under way when the owner left
                after = client.call(3, "echo", text="after")
    assert after["result"]["structuredContent"] == {"text": "after"}


def test_answers_under_way_are_delivered_after_the_client_closed_its_end(
    guard: Guard, store: Path
) -> None:
    """Ours: `printf ... | tierwise-site stdio DIR` prints what was asked for."""
    with bridge(guard, store) as client:
        client.say(INITIALIZE)
        client.say(INITIALIZED)
        call = {"name": "echo", "arguments": {"text": "x"}}
        client.say({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call})
        client.to_bridge.close()
        assert [client.hear()["id"], client.hear()["id"]] == [0, 7]


@pytest.mark.parametrize("noise", [b"", b"not json", b"[1, 2]", b"\xff\xfe\x00", b'{"id": 5}'])
def test_noise_does_not_end_the_conversation(guard: Guard, store: Path, noise: bytes) -> None:
    """Ours: a stray line on stdin is no reason to die."""
    with bridge(guard, store) as client:
        greet(client)
        client.say(noise)
        client.say(
            {
                "jsonrpc": "2.0",
                "id": 9,
                "method": "tools/call",
                "params": {"name": "echo", "arguments": {"text": "still here"}},
            }
        )
        answers = [client.hear()]
        while answers[-1].get("id") != 9:
            answers.append(client.hear())
    assert answers[-1]["result"]["structuredContent"] == {"text": "still here"}


def test_a_line_without_an_end_is_cut_off(guard: Guard, store: Path) -> None:
    """Ours: no client can fill the owner's memory."""
    with bridge(guard, store) as client:
        greet(client)
        client.say(b" " * (2 * LONGEST_LINE))
        answer = client.call(1, "echo", text="next session")
        while "error" in answer:
            answer = client.call(2, "echo", text="next session")
    assert answer["result"]["structuredContent"] == {"text": "next session"}
