"""The factory and the gate as middleware, through real MCP clients."""

from __future__ import annotations

import json
import logging
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError

from mcp_servers.serving.http_app import REQUEST_BYTES, build_app
from mcp_servers.serving.identity import STDIO_CALLER
from mcp_servers.serving.server_factory import ToolSet, build_server
from mcp_servers.serving.tool_declarations import DeclaredTool
from mcp_servers.site_directory import ServingSettings
from placement.live import LivePolicy
from telecom.errors import SettingsError
from tests.mcp_servers.fixture_tools import (
    IMSI,
    SITE_ID,
    Guard,
    Note,
    echo,
    leak,
    serving,
    toolset,
    twin,
)

ERAS = ("legacy", "2026-07-28")


def in_memory(guard: Guard, tools: ToolSet | None = None) -> Any:
    """A server whose stream belongs to a stdio client."""
    return build_server(
        tools or toolset(),
        guard.gate,
        known_classes=guard.policy.catalogue.classes,
        stream_caller=STDIO_CALLER,
    )


def call(
    target: Any, tool: str, arguments: dict[str, Any] | None = None, mode: str = "2026-07-28"
) -> Any:
    """Call one tool and give its result."""

    async def run() -> Any:
        with anyio.fail_after(20):
            async with Client(target, mode=mode) as client:
                return await client.call_tool(tool, arguments or {})

    return anyio.run(run)


def over_http(guard: Guard) -> AbstractContextManager[str]:
    """Serve the fixture tools on loopback; gives the base URL."""
    server = build_server(
        toolset(),
        guard.gate,
        known_classes=guard.policy.catalogue.classes,
        verifier=guard.verifier,
    )
    app = build_app(
        {"alarms": server},
        guard.verifier,
        ServingSettings(),
        missing=lambda: (),
        policy=lambda: LivePolicy().status,
    )
    return serving(app)


def bearer(guard: Guard, *scopes: str, caller: str = "region") -> dict[str, str]:
    """The header of a freshly issued token."""
    token = guard.issuer.issue(scopes or ("alarms:read",), caller, timedelta(minutes=5))
    return {"Authorization": f"Bearer {token}"}


def call_http(
    url: str, headers: dict[str, str], tool: str, arguments: dict[str, Any], mode: str
) -> Any:
    """Call one tool over HTTP with a bearer token."""

    async def run() -> Any:
        with anyio.fail_after(20):
            async with httpx2.AsyncClient(headers=headers) as http:
                transport = streamable_http_client(f"{url}/alarms/mcp", http_client=http)
                async with Client(transport, mode=mode) as client:
                    return await client.call_tool(tool, arguments)

    return anyio.run(run)


def post(url: str, headers: dict[str, str], content: bytes | None = None) -> httpx.Response:
    """Send one raw JSON-RPC request, as no well-behaved client would."""
    body = content or b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'
    accept = {
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
    }
    return httpx.post(f"{url}/alarms/mcp", content=body, headers=accept | headers, timeout=10)


@pytest.mark.parametrize("mode", ERAS)
def test_a_subscriber_in_an_answer_reaches_an_outsider_as_its_kind_alone(
    guard: Guard, mode: str
) -> None:
    """DESIGN decision 7: outside, an identifier leaves as its kind; the ledger knows of it."""
    result = call(in_memory(guard), "leak", mode=mode)
    assert result.structured_content == {"text": "IMSI=[SUBSCRIBER] lost its session"}
    assert result.content[0].text == "note: IMSI=[SUBSCRIBER] lost its session"
    egress = result.meta["tierwise/egress"]
    assert (egress["form"], egress["masked"]) == ("anonymized", {"SUBSCRIBER": 1})
    (entry,) = guard.ledger.entries()
    assert (entry.tool, entry.decision_id) == ("leak", egress["decision_id"])


@pytest.mark.parametrize(
    ("networks", "form"), [(("127.0.0.0/8",), "pseudonymized"), (("192.0.2.0/24",), "anonymized")]
)
def test_a_row_with_networks_holds_for_callers_from_there_only(
    guard: Guard, networks: tuple[str, ...], form: str
) -> None:
    """Issue 4: the tier is bound to where a caller comes from, as the socket says."""
    rows = tuple(row.model_copy(update={"networks": networks}) for row in guard.verifier.callers)
    narrowed = replace(guard, verifier=replace(guard.verifier, callers=rows))
    with over_http(narrowed) as url:
        result = call_http(url, bearer(narrowed), "leak", {}, "2026-07-28")
    assert result.meta["tierwise/egress"]["form"] == form


@pytest.mark.parametrize("mode", ERAS)
def test_a_region_caller_over_http_gets_pseudonyms(guard: Guard, mode: str) -> None:
    """DESIGN decision 7: the shipped rows let pseudonyms into the country's Region."""
    with over_http(guard) as url:
        result = call_http(url, bearer(guard), "leak", {}, mode)
    assert IMSI not in str(result)
    assert "SUBSCRIBER_" in result.structured_content["text"]
    egress = result.meta["tierwise/egress"]
    assert egress["form"] == "pseudonymized"
    assert egress["home"] == {"site": SITE_ID, "country": "DE", "on_premises": True}
    assert egress["tier"] == "outposts"


@pytest.mark.parametrize("mode", ERAS)
def test_a_pseudonym_may_come_back_as_an_argument(guard: Guard, mode: str) -> None:
    """DESIGN section 4: the site resolves pseudonyms, so a caller can ask on without more."""
    with over_http(guard) as url:
        named = call_http(url, bearer(guard), "leak", {}, mode).structured_content["text"]
        pseudonym = named.split("=")[1].split()[0]
        again = call_http(url, bearer(guard), "echo", {"text": f"IMSI={pseudonym}"}, mode)
    assert again.structured_content == {"text": f"IMSI={pseudonym}"}


def test_a_raw_subscriber_in_an_argument_from_outside_is_refused(guard: Guard) -> None:
    """DESIGN section 4: a hit, or the pseudonym in the answer, would confirm a guess."""
    result = call(in_memory(guard), "echo", {"text": f"imsi-{IMSI}"})
    assert result.is_error
    assert IMSI not in str(result)
    assert result.meta["tierwise/error"]["rule"] == "gate.raw_identifier_in_argument"


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("tool", ["fail_with_identifier", "crash_with_identifier"])
def test_error_texts_pass_the_gate(guard: Guard, tool: str, mode: str) -> None:
    """FACTS, MCP 2.3: the text of an error reaches the model like any answer."""
    result = call(in_memory(guard), tool, mode=mode)
    assert result.is_error
    assert IMSI not in str(result)


def test_an_error_that_only_an_operator_can_mend_says_so_and_nothing_else(
    guard: Guard, caplog: pytest.LogCaptureFixture
) -> None:
    """STYLE, errors for three audiences: paths stay in the site's log."""
    with caplog.at_level(logging.ERROR):
        result = call(in_memory(guard), "need_operator")
    assert result.content[0].text == (
        "site_directory: the site cannot answer this until its operator acts; its log says why"
    )
    assert "topology.csv:3" in caplog.text


def test_invalid_arguments_are_said_without_repeating_them(guard: Guard) -> None:
    """FACTS, MCP 2.3: validation messages carry the caller's input."""
    result = call(in_memory(guard), "echo", {"times": f"imsi 26201{'1' * 10}"})
    assert result.is_error
    assert "26201" not in str(result)


def test_a_lone_surrogate_in_an_argument_does_no_harm(guard: Guard) -> None:
    """FACTS, MCP 2.3: one of them kills a client and every concurrent call."""
    result = call(in_memory(guard), "echo", {"text": "before\udc80after"})
    assert not result.is_error
    assert result.structured_content["text"].isascii() or "\ufffd" in str(result)


def test_a_tool_without_a_declaration_does_not_start(guard: Guard) -> None:
    """Issue text: a tool without a declaration cannot be judged by the gate."""
    with pytest.raises(SettingsError, match="'echo' declares neither"):
        in_memory(guard, ToolSet("alarms", "", (echo,)))  # type: ignore[arg-type]


def asks_for_context(ctx: Context[Any, Any]) -> Note:
    """Talk past the gate."""
    return Note(text=str(ctx))


@pytest.mark.parametrize(
    ("tool", "complaint"),
    [
        (DeclaredTool(echo, (), "alarms:read", twin, "x"), "declares no data class"),
        (DeclaredTool(echo, ("gossip",), "alarms:read", twin, "x"), "the catalogue does not have"),
        (DeclaredTool(echo, ("alarms_raw",), "pii:reveal", twin, "x"), "no read scope"),
        (DeclaredTool(asks_for_context, ("alarms_raw",), "alarms:read", twin, "x"), "a Context"),
        (
            DeclaredTool(echo, ("alarms_raw",), "alarms:read", twin, "x", summary_field="brief"),
            "does not answer",
        ),
    ],
)
def test_a_half_declared_tool_does_not_start(
    guard: Guard, tool: DeclaredTool, complaint: str
) -> None:
    """DESIGN section 4: tools get no side channel, and declare what the gate decides by."""
    with pytest.raises(SettingsError, match=complaint):
        in_memory(guard, ToolSet("alarms", "", (tool,)))


def test_a_tool_that_was_added_behind_the_factory_cannot_be_called(guard: Guard) -> None:
    """Ours: the gate knows declared tools only, whatever the server has registered."""
    server = in_memory(guard, toolset(echo))
    server.add_tool(leak, name="leak")

    async def run() -> None:
        async with Client(server) as client:
            with pytest.raises(MCPError, match="no such tool"):
                await client.call_tool("leak", {})

    anyio.run(run)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer not-a-token"}, {"Authorization": "Basic dGllcndpc2U6eA=="}],
)
def test_http_without_a_valid_token_is_401(guard: Guard, headers: dict[str, str]) -> None:
    """DESIGN section 4: HTTP without a valid token is 401 and nothing else."""
    with over_http(guard) as url:
        answer = post(url, headers)
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "invalid_token",
        "error_description": "Authentication required",
    }


def test_a_token_without_the_scope_is_403(guard: Guard) -> None:
    """DESIGN section 4: scopes per tool."""
    with over_http(guard) as url:
        answer = post(url, bearer(guard, "tickets:read"))
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Host": "evil.example"}, 421), ({"Origin": "https://evil.example"}, 403)],
)
def test_foreign_host_and_origin_headers_are_refused(
    guard: Guard, headers: dict[str, str], status: int
) -> None:
    """Ours: DNS rebinding does not get past the allow-list, with a valid token either."""
    with over_http(guard) as url:
        answer = post(url, bearer(guard) | headers)
    assert answer.status_code == status


def test_an_oversized_request_is_refused(guard: Guard) -> None:
    """Ours: what is larger than any request of ours is not even parsed."""
    with over_http(guard) as url:
        answer = post(url, bearer(guard), b" " * (REQUEST_BYTES + 1))
    assert answer.status_code == 413


def test_health_and_readiness_need_no_token(guard: Guard) -> None:
    """INTERFACES: /healthz and /readyz."""
    with over_http(guard) as url:
        assert httpx.get(f"{url}/healthz").json() == {"status": "alive"}
        ready = httpx.get(f"{url}/readyz").json()
    assert ready["status"] == "ready"
    assert ready["policy"]["state"] == "current"


@pytest.mark.parametrize("wish", [False, True])
def test_only_who_asks_to_hear_of_progress_is_answered_by_a_stream(
    guard: Guard, wish: bool
) -> None:
    """MCP, Streamable HTTP: the server may answer with a document or a stream; issue 4, speed."""
    meta = {"progressToken": 7} if wish else {}
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "echo", "arguments": {"text": "up"}, "_meta": meta},
    }
    with over_http(guard) as url:
        answer = post(url, bearer(guard), json.dumps(request).encode())
    kind = answer.headers["content-type"].partition(";")[0]
    lines = answer.text.splitlines() if wish else [f"data: {answer.text}"]
    messages = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    assert kind == ("text/event-stream" if wish else "application/json")
    assert messages[-1]["result"]["structuredContent"] == {"text": "up"}
    assert [message["params"]["progress"] for message in messages[:-1]] == [1, 2, 3] * wish


@pytest.mark.parametrize("mode", ERAS)
def test_an_argument_that_a_tool_does_not_take_is_refused_by_name(guard: Guard, mode: str) -> None:
    """Us: a misspelt window left out in silence would be answered with another window."""
    result = call(in_memory(guard), "echo", {"text": "hello", "from": "yesterday"}, mode=mode)
    assert result.is_error
    assert result.content[0].text == "invalid_argument: echo takes no 'from'; it takes text, times"


def test_a_stream_that_nobody_kept_is_not_resumed(guard: Guard) -> None:
    """MCP, Streamable HTTP: a server without such a stream answers 405, never 500."""
    resuming = {"Accept": "text/event-stream", "Last-Event-ID": "5"}
    with over_http(guard) as url:
        known = httpx.get(f"{url}/alarms/mcp", headers=bearer(guard) | resuming, timeout=10)
        stranger = httpx.get(f"{url}/alarms/mcp", headers=resuming, timeout=10)
    assert (known.status_code, known.headers["allow"]) == (405, "POST")
    assert stranger.status_code == 401
