"""Calls that nobody waits for any more: nothing leaves, and the work ends."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from mcp_servers.serving.tool_threads import ToolThreads, stop_if_cancelled
from telecom.errors import BudgetExceededError
from tests.mcp_servers.fixture_tools import Guard, Note, echo, toolset
from tests.mcp_servers.robustness.busy_server import BusyServer, app_of, busy_server
from tests.mcp_servers.serving.test_server_factory import bearer


class LongWork:
    """A tool that looks up now and then whether somebody still waits for it."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.next_step = threading.Event()
        self.stopped = threading.Event()

    def declared(self) -> Callable[..., Note]:
        """The tool."""

        def long_work() -> Note:
            """Work for long."""
            self.begun.set()
            assert self.next_step.wait(20)
            try:
                stop_if_cancelled()
            except BaseException:
                self.stopped.set()
                raise
            return Note(text="done")

        return long_work


@asynccontextmanager
async def client_of(
    server: BusyServer, headers: dict[str, str], mode: str
) -> AsyncIterator[Client]:
    """A client over a connection of its own."""
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(f"{server.url}/alarms/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


@pytest.mark.parametrize(
    ("mode", "hangs_up"), [("legacy", True), ("2026-07-28", True), ("2026-07-28", False)]
)
def test_a_cancelled_call_ends_and_no_ledger_line_says_that_it_was_answered(
    guard: Guard, mode: str, hangs_up: bool
) -> None:
    """Issue 11: cancelled calls. In the older era nothing but the end of its connection tells a
    server without sessions whose call is meant."""
    work, headers = LongWork(), bearer(guard)

    async def run(server: BusyServer) -> str:
        async with client_of(server, headers, mode) as client:
            await client.call_tool("echo", {"text": "what it opens stays open"})
            before = server.tasks()
            async with AsyncExitStack() as stack:
                other = await stack.enter_async_context(client_of(server, headers, mode))
                async with anyio.create_task_group() as calls:
                    calls.start_soon(other.call_tool, "long_work", {})
                    assert await anyio.to_thread.run_sync(work.begun.wait, 20)
                    calls.cancel_scope.cancel()
                if hangs_up:
                    await stack.aclose()
                assert await anyio.to_thread.run_sync(server.settled, before)
            return str(
                (await client.call_tool("echo", {"text": "now?"})).structured_content["text"]
            )

    with busy_server(app_of(guard, toolset(echo, work.declared()))) as server:
        assert anyio.run(run, server) == "now?"
        work.next_step.set()
        assert work.stopped.wait(20)
    assert [entry.tool for entry in guard.ledger.entries()] == ["echo", "echo"]


def test_calls_that_were_given_up_cannot_fill_the_server_with_threads() -> None:
    """Us: a thread cannot be stopped from outside, so only so many may be left behind."""
    begun, go_on = threading.Semaphore(0), threading.Event()

    def stuck() -> None:
        begun.release()
        assert go_on.wait(20)

    async def run() -> Any:
        threads = ToolThreads(most=3)
        for _ in range(3):
            async with anyio.create_task_group() as call:
                call.start_soon(threads.run, stuck)
                await anyio.to_thread.run_sync(begun.acquire)
                call.cancel_scope.cancel()
        with pytest.raises(BudgetExceededError, match="try again"):
            await threads.run(lambda: "too many")
        go_on.set()
        return threads

    threads = anyio.run(run)
    assert anyio.run(threads.run, lambda: "served again") == "served again"
