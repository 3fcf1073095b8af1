"""Many callers, slow ones, and thousands of calls: nobody waits for them and nothing is kept."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.heavy import heavy
from tests.mcp_servers.fixture_tools import Guard, echo, toolset
from tests.mcp_servers.robustness.busy_server import (
    ERAS,
    BusyServer,
    app_of,
    busy_server,
    open_files,
    resident_bytes,
)
from tests.mcp_servers.serving.test_server_factory import bearer

SLOW = 20
ASKED = 12
CALLS = 20
LARGE = 40_000
"""Bytes of an answer: more would not leave at once."""


def request(text: str, times: int = 1) -> dict[str, Any]:
    """A call of `echo` as a JSON-RPC request."""
    arguments = {"text": text, "times": times}
    params = {"name": "echo", "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


async def ask(url: str, headers: dict[str, str], texts: list[str], mode: str) -> list[str]:
    """A client of its own: one connection, several calls; what they answered."""
    # No certificates are needed here, and reading them takes longer than the calls.
    async with httpx2.AsyncClient(headers=headers, verify=False, timeout=60) as http:
        transport = streamable_http_client(f"{url}/alarms/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            answers = [await client.call_tool("echo", {"text": text}) for text in texts]
    return [answer.structured_content["text"] for answer in answers]


@pytest.mark.parametrize("mode", [pytest.param(ERAS[0], marks=heavy), ERAS[1]])
def test_a_hundred_clients_at_once_each_get_their_own_answers(guard: Guard, mode: str) -> None:
    """Issue 11: 100 concurrent clients; each answer in the ledger once, and the chain holds."""
    asked = {number: [f"client {number} call {call}" for call in (1, 2)] for number in range(100)}
    answered: dict[int, list[str]] = {}

    async def run(url: str) -> None:
        headers = bearer(guard)

        async def one(number: int) -> None:
            answered[number] = await ask(url, headers, asked[number], mode)

        with anyio.fail_after(60):
            async with anyio.create_task_group() as clients:
                for number in asked:
                    clients.start_soon(one, number)

    with busy_server(app_of(guard, toolset(echo))) as server:
        anyio.run(run, server.url)
    assert answered == asked
    left = sorted(entry.payload_sha256 for entry in guard.ledger.entries())
    texts = [text for each in asked.values() for text in each]
    assert left == sorted(_digest(text) for text in texts)
    assert guard.ledger.verify().holds


def _digest(text: str) -> str:
    """Of an answer as it left."""
    payload = json.dumps({"text": text}, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(payload.encode()).hexdigest()


def call_often(url: str, headers: dict[str, str], calls: int) -> None:
    """Call as bare HTTP requests, over a few connections at once."""
    with ThreadPoolExecutor(8) as callers, httpx.Client(headers=headers, timeout=60) as client:

        def one(number: int) -> None:
            answer = client.post(
                f"{url}/alarms/mcp",
                json=request(f"call {number}"),
                headers={"Accept": "application/json, text/event-stream"},
            )
            assert f"note: call {number}" in answer.text

        list(callers.map(one, range(calls)))


def slow_reader(server: BusyServer, headers: dict[str, str]) -> socket.socket:
    """Somebody who asks for many large answers and reads none of them."""
    body = json.dumps(request("the same words again ", LARGE // 21)).encode()
    lines = {
        "Host": server.url.removeprefix("http://"),
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, _, port = lines["Host"].partition(":")
    reader.connect((host, int(port)))
    one = f"POST /alarms/mcp HTTP/1.1\r\n{head}\r\n".encode() + body
    threading.Thread(target=_send, args=(reader, one * ASKED), daemon=True).start()
    return reader


def _send(reader: socket.socket, data: bytes) -> None:
    try:
        reader.sendall(data)
    except OSError:
        return  # the test is over


def test_who_does_not_read_holds_nobody_up_and_takes_bounded_memory(patient_guard: Guard) -> None:
    """Issue 11: slow readers. The server works on for nobody who does not take what he has."""
    guard = patient_guard
    slow, quick = bearer(guard, caller="site"), bearer(guard)
    with busy_server(app_of(guard, toolset(echo))) as server:
        call_often(server.url, quick, 1)  # opens what stays open
        before = server.tasks()
        readers = [slow_reader(server, slow) for _ in range(SLOW)]
        try:
            texts = [f"call {number}" for number in range(CALLS)]
            assert anyio.run(ask, server.url, quick, texts, ERAS[1]) == texts
        finally:
            for reader in readers:
                reader.close()
        assert server.settled(before)
    served = sum(entry.client == "site" for entry in guard.ledger.entries())
    assert 0 < served <= SLOW * ASKED / 2
    assert guard.ledger.verify().holds


def test_hundreds_of_calls_leave_nothing_behind(guard: Guard) -> None:
    """Issue 11: calls without leak; tasks, threads and descriptors are as before."""
    headers = bearer(guard)
    with busy_server(app_of(guard, toolset(echo))) as server:
        call_often(server.url, headers, 50)
        before, files, threads = server.tasks(), open_files(), threading.active_count()
        call_often(server.url, headers, 250)
        assert server.settled(before)
        assert open_files() <= files
        assert threading.active_count() <= threads + 8  # a pool fills up as it is used
    assert len(guard.ledger.entries()) == 300


@heavy
@pytest.mark.timeout(900)
def test_ten_thousand_calls_take_no_memory(patient_guard: Guard) -> None:
    """Issue 11: 10,000 calls without leak; after a thousand, memory stays where it is."""
    guard = patient_guard
    headers = bearer(guard)
    with busy_server(app_of(guard, toolset(echo))) as server:
        call_often(server.url, headers, 1_000)
        before, files, memory = server.tasks(), open_files(), resident_bytes()
        call_often(server.url, headers, 10_000)
        assert server.settled(before)
        assert open_files() <= files
        assert resident_bytes() - memory < 10_000 * 1_000, "a kilobyte or more stays of each call"
    assert len(guard.ledger.entries()) == 11_000
