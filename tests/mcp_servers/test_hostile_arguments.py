"""Every tool of every server against arguments that no well-meaning client sends."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.shared.exceptions import MCPError

from mcp_servers.ownership.corpus_intake import CORPORA
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.ownership.site_operations import OwnedSite
from mcp_servers.serving.identity import STDIO_CALLER
from mcp_servers.serving.site_servers import SERVERS, server_of
from mcp_servers.site_directory import SiteDirectory
from telecom.tokens import estimate_tokens
from tests.mcp_servers.small_site import IMSI, MSISDN, make_site

TOOL_LIST_TOKENS = 2500
EXAMPLES = 400 if os.environ.get("CI") else 40
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "\x00",
            "../../etc/passwd",
            "a" * 20_000,
            "'; DROP TABLE alarms;--",
            "\u202e",
            "{{7*7}}",
        ]
    ),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteHost]:
    """A small site, ingested and open."""
    site = OwnedSite(SiteDirectory.open(make_site(tmp_path_factory.mktemp("hostile") / "small")))
    site.operations["ingest"]({"corpora": CORPORA}, lambda *_: None)
    yield site.host
    site.close()


def listed(host: SiteHost, server: str) -> list[dict[str, Any]]:
    """The tools of a server as they are published."""

    async def run() -> list[dict[str, Any]]:
        async with Client(server_of(host, server, stream_caller=STDIO_CALLER)) as client:
            tools = (await client.list_tools()).tools
            return [
                tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools
            ]

    return anyio.run(run)


@pytest.mark.parametrize("server", SERVERS)
def test_the_list_of_tools_is_short(host: SiteHost, server: str) -> None:
    """Issue 11: a client's model reads all of it before its first question."""
    assert estimate_tokens(json.dumps(listed(host, server))) <= TOOL_LIST_TOKENS


@pytest.mark.parametrize("server", SERVERS)
def test_odd_arguments_get_an_answer_or_a_reason_and_no_tool_dies(
    host: SiteHost, server: str
) -> None:
    """Issue 11: schema fuzzing over every tool; nothing raw in any answer or reason."""
    target = server_of(host, server, stream_caller=STDIO_CALLER)
    tools = {
        tool["name"]: sorted(tool["inputSchema"]["properties"]) for tool in listed(host, server)
    }
    calls = st.sampled_from(sorted(tools)).flatmap(
        lambda name: st.tuples(
            st.just(name), st.dictionaries(st.sampled_from([*tools[name], "unknown"]), ODD)
        )
    )

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(calls)
    def attack(call: tuple[str, dict[str, Any]]) -> None:
        outcome = called(target, *call)
        assert outcome
        assert IMSI not in outcome
        assert MSISDN not in outcome
        assert "Traceback" not in outcome

    attack()


def called(target: Any, tool: str, arguments: dict[str, Any]) -> str:
    """What a client hears: the answer or the reason, as text."""

    async def run() -> str:
        with anyio.fail_after(30):
            async with Client(target) as client:
                try:
                    result = await client.call_tool(tool, arguments)
                except MCPError as exc:
                    return str(exc.error)
                return result.model_dump_json()

    return anyio.run(run)
