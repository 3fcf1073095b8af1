"""A site that goes down in the middle of its work and comes back."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mcp_servers.egress.ledger import read_entries, verify_ledger
from mcp_servers.serving.identity import READ_SCOPES, SiteKeys, TokenIssuer
from orchestrator.site_access.mcp_connection import McpConnection
from orchestrator.site_access.mcp_transports import HttpTarget
from orchestrator.site_access.site_client import INVESTIGATION_META
from telecom.errors import ToolRefused
from tests.heavy import heavy
from tests.mcp_servers.small_site import make_site

CALLERS = 8
ENOUGH = 40
"""Answers before the site goes down, and again after it came back."""
GENEROUS = """\
serving: {rate: {calls_per_second: 100000, calls_per_minute: 1000000}}
budgets: {tokens_per_hour: 100000000, records_per_hour: 100000000}
"""


class Load:
    """Callers that go on asking, each over a connection of its own."""

    def __init__(self, port: int, token: str) -> None:
        self.answered: list[str] = []
        """What was asked for in the calls that were answered."""
        self.refused: list[ToolRefused] = []
        self._target = HttpTarget(f"http://127.0.0.1:{port}/configs/mcp", token)
        self._enough = asyncio.Event()
        self._goal = 0
        self.up = asyncio.Event()
        self.over = False

    async def call(self, caller: int) -> None:
        """Ask until it is over; while the site is down, wait until it is up."""
        connection = McpConnection("small", self._target, timeout_s=20)
        number = 0
        while not self.over:
            await self.up.wait()
            number += 1
            asked_for = f"inc-{caller}-{number}"
            try:
                result = await connection.call(
                    "get_neighbors", {"managed_object": "pe1"}, meta={INVESTIGATION_META: asked_for}
                )
            except ToolRefused as refused:
                self.refused.append(refused)
                await asyncio.sleep(0)
                continue
            assert not result.is_error, result.content
            self.answered.append(asked_for)
            if len(self.answered) >= self._goal:
                self._enough.set()
        await connection.close()

    async def reach(self, more: int) -> None:
        """Wait until so many more calls were answered."""
        self._goal = len(self.answered) + more
        self._enough.clear()
        await asyncio.wait_for(self._enough.wait(), 60)


async def serve(folder: Path, port: int) -> asyncio.subprocess.Process:
    """`tierwise-site serve`, once it answers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_servers", "serve", folder, "--port", str(port),
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    while not (line := await asyncio.wait_for(process.stderr.readline(), 60)).startswith(b"ready"):
        assert line, "the site did not start"
    return process


@heavy
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "terminate"])
def test_a_restart_loses_no_ledger_line_and_callers_hear_a_clean_error(
    tmp_path: Path, end: signal.Signals
) -> None:
    """Issue 11: restart under load; what was answered is in the ledger, and callers come back."""
    folder = make_site(tmp_path / "small")
    with (folder / "site.yaml").open("a") as settings:
        settings.write(GENEROUS)
    keys = SiteKeys.open(folder / "store" / "keys")
    token = TokenIssuer("small", keys).issue(sorted(READ_SCOPES), "region", timedelta(hours=1))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def run() -> Load:
        load = Load(port, token)
        process = await serve(folder, port)
        load.up.set()
        callers = [asyncio.create_task(load.call(number)) for number in range(CALLERS)]
        await load.reach(ENOUGH)
        process.send_signal(end)
        await process.communicate()
        load.up.clear()
        again = await serve(folder, port)
        load.up.set()
        await load.reach(ENOUGH)
        load.over = True
        await asyncio.wait_for(asyncio.gather(*callers), 60)
        again.kill()
        await again.communicate()
        return load

    load = asyncio.run(run())
    store = folder / "store"
    verdict = verify_ledger(store, keys.signing_key.public_key())
    assert verdict.holds, verdict.problems
    written = {entry.investigation for entry in read_entries(store)}
    assert set(load.answered) <= written
    assert {refused.code for refused in load.refused} <= {"site_unavailable"}
