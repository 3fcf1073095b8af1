"""The orchestrator's site client, driven by the suite: `python -m tests.conformance.client URL`.

The suite starts this once a scenario and names it in the environment. Scenarios that replay given
calls name those, too.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import aclosing
from tempfile import TemporaryDirectory
from typing import Any

from orchestrator.site_access.mcp_connection import McpConnection
from orchestrator.site_access.mcp_transports import HttpTarget
from orchestrator.storage.tool_pins import ToolPins
from telecom.errors import TierwiseError

_CALLS: dict[str, list[dict[str, Any]]] = {
    "sse-retry": [{"name": "test_reconnection"}],
    "http-invalid-tool-headers": [{"name": "valid_tool", "arguments": {"region": "x"}}],
}
_USUAL = [{"name": "add_numbers", "arguments": {"a": 5, "b": 3}}]


async def replay(url: str) -> None:
    """Make the calls of the scenario; a refused one does not keep the others from being made."""
    scenario = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    with TemporaryDirectory() as folder:
        async with aclosing(ToolPins(f"{folder}/state.sqlite")) as pins:
            connection = McpConnection("conformance", HttpTarget(url), timeout_s=20, pins=pins)
            await _call(connection, scenario, context)


async def _call(connection: McpConnection, scenario: str, context: dict[str, Any]) -> None:
    try:
        for call in context.get("toolCalls") or _CALLS.get(scenario, _USUAL):
            try:
                await connection.call(call["name"], call.get("arguments") or {})
            except TierwiseError as exc:
                print(f"{call['name']}: {exc}", file=sys.stderr)
    finally:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(replay(sys.argv[-1]))
