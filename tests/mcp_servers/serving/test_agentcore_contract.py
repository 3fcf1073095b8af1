"""What AgentCore Gateway and Runtime ask of an MCP server, in the shapes they send.

Source: AgentCore developer guide: Gateway speaks 2025-03-26 to 2026-07-28 and shows a tool as
`<target>___<tool>`; Runtime sends an Mcp-Session-Id that the server did not issue.
"""

from __future__ import annotations

import json

import httpx
import pytest

from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.serving.site_servers import SERVERS, toolset_of
from mcp_servers.site_directory import SiteDirectory
from placement.second_lock import LONGEST_TOOL_NAME, GatewayTool
from tests.mcp_servers.fixture_tools import Guard
from tests.mcp_servers.serving.test_server_factory import bearer, over_http
from tests.mcp_servers.small_site import make_site

HANDSHAKE_VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25")
GATEWAY_NAME = 64


def ask(
    url: str, headers: dict[str, str], method: str, params: dict[str, object]
) -> httpx.Response:
    """One JSON-RPC request as a gateway sends it."""
    return httpx.post(
        f"{url}/alarms/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
        headers={"Accept": "application/json, text/event-stream"} | headers,
        timeout=20,
    )


def result_of(response: httpx.Response) -> dict[str, object]:
    """The result in a JSON body or in the last event of a stream."""
    if response.headers["content-type"].startswith("text/event-stream"):
        data = [line[5:] for line in response.text.splitlines() if line.startswith("data:")]
        message = json.loads([text for text in data if text.strip()][-1])
    else:
        message = response.json()
    result: dict[str, object] = message["result"]
    return result


@pytest.mark.parametrize("version", HANDSHAKE_VERSIONS)
def test_each_version_of_the_handshake_era_lists_and_calls(guard: Guard, version: str) -> None:
    """Issue 11: all four protocol versions of the Gateway; a session id that is not ours."""
    client = {"name": "gateway", "version": "1"}
    with over_http(guard) as url:
        headers = bearer(guard) | {"Mcp-Session-Id": "0" * 36}
        opening = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
        opened = result_of(ask(url, headers, "initialize", opening))
        headers |= {"MCP-Protocol-Version": version}
        listed = result_of(ask(url, headers, "tools/list", {}))
        called = result_of(
            ask(url, headers, "tools/call", {"name": "echo", "arguments": {"text": "hello"}})
        )
    assert opened["protocolVersion"] == version
    assert listed["tools"]
    assert called["structuredContent"] == {"text": "hello"}


def test_the_stateless_version_needs_no_handshake(guard: Guard) -> None:
    """Issue 11: the fourth version is 2026-07-28."""
    version = "2026-07-28"
    meta = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": {"name": "gateway", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    headers = bearer(guard) | {
        "MCP-Protocol-Version": version,
        "Mcp-Method": "tools/call",
        "Mcp-Name": "echo",
    }
    with over_http(guard) as url:
        params = {"name": "echo", "arguments": {"text": "hello"}, "_meta": meta}
        called = result_of(ask(url, headers, "tools/call", params))
    assert called["structuredContent"] == {"text": "hello"}


def test_every_tool_keeps_its_name_behind_a_target(tmp_path) -> None:
    """Issue 11: `target___tool` within 64 characters, for targets of up to 21."""
    host = SiteHost(SiteDirectory.open(make_site(tmp_path / "small")))
    try:
        for server in SERVERS:
            for tool in toolset_of(host, server).tools:
                assert len(tool.name) <= LONGEST_TOOL_NAME
                shown = GatewayTool("t" * 21, tool.name, tool.data_classes).action
                assert len(shown) <= GATEWAY_NAME
    finally:
        host.close()
