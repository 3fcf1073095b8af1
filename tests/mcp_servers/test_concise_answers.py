"""Concise answers, and the links that lead from any answer to what it does not hold whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from mcp_servers.ownership.corpus_intake import CORPORA
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.ownership.site_operations import OwnedSite
from mcp_servers.serving.identity import STDIO_CALLER, Caller
from mcp_servers.serving.resource_links import linked
from mcp_servers.serving.site_servers import server_of
from mcp_servers.site_directory import SiteDirectory
from telecom.resource_links import MOST_LINKS
from telecom.tokens import estimate_tokens
from tests.mcp_servers.small_site import IMSI, make_site
from tests.mcp_servers.test_tools import DAY, REGION

ERAS = ("legacy", "2026-07-28")
LONG = "# Clearing a session\n\n" + "\n\n".join(
    f"## Step {number}\n\n" + f"Look at neighbor {number} before you clear it again. " * 12
    for number in range(40)
)
DAY_ON_PE1 = {"managed_object": "pe1", **DAY}
CALLS: list[tuple[str, dict[str, Any], str | None]] = [
    ("summarize_alarms", {}, "alarm"),
    ("rank_root_causes", {}, "alarm"),
    ("list_alarms", {"limit": 5}, "alarm"),
    ("search_tickets", {"query": "sessions reset"}, "ticket"),
    ("find_similar_incidents", {"symptoms": ["BGP down"], "managed_objects": ["pe1"]}, "ticket"),
    ("search_documents", {"query": "look at the neighbor before you clear"}, "doc"),
    ("lookup_config", {"managed_object": "pe1"}, "config"),
    ("find_config", {"pattern": "^router "}, "config"),
    ("list_changes", {"around": ["pe1"], **DAY}, "config"),
    ("diff_config", DAY_ON_PE1, None),
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteHost]:
    """A small site with a long runbook, ingested and open."""
    folder = make_site(tmp_path_factory.mktemp("concise") / "small")
    (folder / "docs" / "runbook clearing.md").write_text(LONG)
    site = OwnedSite(SiteDirectory.open(folder))
    site.operations["ingest"]({"corpora": CORPORA}, lambda *_: None)
    yield site.host
    site.close()


def use(host: SiteHost, work: Any, *, caller: Caller = REGION, mode: str = "2026-07-28") -> Any:
    """Do something with a client of the site."""

    async def run() -> Any:
        with anyio.fail_after(30):
            server = server_of(host, "all", stream_caller=caller)
            async with Client(server, mode=mode) as client:
                return await work(client)

    return anyio.run(run)


def call(host: SiteHost, tool: str, arguments: dict[str, Any], **how: Any) -> Any:
    """Call one tool."""
    result = use(host, lambda client: client.call_tool(tool, arguments), **how)
    assert not result.is_error, result.content
    return result


def links(result: Any) -> list[str]:
    """The addresses in an answer."""
    return [item.uri for item in result.content if item.type == "resource_link"]


@pytest.mark.parametrize(("tool", "arguments", "scheme"), CALLS)
def test_a_concise_answer_is_the_detailed_one_without_its_bodies(
    host: SiteHost, tool: str, arguments: dict[str, Any], scheme: str | None
) -> None:
    """Issue 11: `response_format` where it changes something; the same findings, fewer tokens."""
    detailed = call(host, tool, arguments).structured_content
    concise = call(host, tool, arguments | {"response_format": "concise"}).structured_content
    assert concise.keys() == detailed.keys()
    assert detailed["evidence"]
    assert concise["evidence"] == {}
    assert estimate_tokens(str(concise)) < 0.9 * estimate_tokens(str(detailed))


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("caller", [REGION, STDIO_CALLER], ids=["region", "outside"])
def test_every_link_of_an_answer_can_be_read(host: SiteHost, caller: Caller, mode: str) -> None:
    """Issue 11: resource links instead of bodies, in each era, and through the gate as well."""

    async def follow(client: Client) -> dict[str, int]:
        read = dict.fromkeys((scheme for _, _, scheme in CALLS if scheme), 0)
        for tool, arguments, scheme in CALLS:
            concise = await client.call_tool(tool, arguments | {"response_format": "concise"})
            addresses = links(concise)
            assert len(addresses) <= MOST_LINKS
            assert bool(addresses) == (scheme is not None), tool
            for address in addresses[:3]:
                assert address.startswith(f"{scheme}://")
                (content,) = (await client.read_resource(address)).contents
                assert content.text
                assert IMSI not in content.text
                read[address.partition(":")[0]] += 1
        return read

    assert all(use(host, follow, caller=caller, mode=mode).values())


def test_a_long_document_is_read_stretch_by_stretch(host: SiteHost) -> None:
    """Issue 11: `doc://` reads what a passage was cut from; no answer is longer than others."""

    async def follow(client: Client) -> list[str]:
        index = (await client.read_resource("runbooks://index")).contents[0].text
        address = index.split(" ")[0]
        assert address == "doc://docs/runbook%20clearing.md"
        stretches = []
        while address:
            text = (await client.read_resource(address)).contents[0].text
            body, _, rest = text.partition("\n\n(continues at ")
            stretches.append(body)
            address = rest.removesuffix(")")
        return stretches

    stretches = use(host, follow, caller=STDIO_CALLER)
    assert len(stretches) > 2
    assert all(estimate_tokens(text) <= 2_000 for text in stretches)
    whole = "\n\n".join(stretches)
    places = [whole.index(f"Look at neighbor {number} ") for number in range(40)]
    assert places == sorted(places)


@pytest.mark.parametrize("address", ["doc://site.yaml", "doc://../site.yaml", "doc://docs/none.md"])
def test_only_ingested_documents_have_an_address(host: SiteHost, address: str) -> None:
    """Ours: a resource is no way to the site's files."""

    async def attempt(client: Client) -> str:
        with pytest.raises(MCPError) as heard:
            await client.read_resource(address)
        return heard.value.message

    assert "site_id" not in use(host, attempt)


def test_a_client_older_than_links_gets_none() -> None:
    """MCP: links in answers came with 2025-06-18; AgentCore's Gateway speaks 2025-03-26, too."""
    released = {"content": [{"type": "text", "text": "x"}], "structuredContent": {}}
    found = linked(released, lambda _: [("ticket", "INC1")], "2025-03-26")
    assert found == released


def test_an_id_that_the_gate_masked_leads_nowhere_and_is_no_link() -> None:
    """DESIGN decision 7: outside, nothing to link and nothing to reverse."""
    released = {"content": [], "structuredContent": {}}
    ids = [("ticket", "INC-[SUBSCRIBER]"), ("ticket", "INC 1")]
    found = linked(released, lambda _: ids, "2026-07-28")
    assert [item["uri"] for item in found["content"]] == ["ticket://INC%201"]
