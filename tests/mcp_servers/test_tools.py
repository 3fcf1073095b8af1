"""The fourteen tools over a real small site, as a caller in the Region and one outside see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from mcp_servers.ownership.corpus_intake import CORPORA
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.ownership.site_operations import OwnedSite
from mcp_servers.serving.identity import READ_SCOPES, STDIO_CALLER, Caller, site_issuer
from mcp_servers.serving.site_servers import server_of, toolset_of
from mcp_servers.site_directory import SiteDirectory
from telecom.tokens import estimate_tokens
from tests.mcp_servers.small_site import IMSI, MSISDN, WINDOW, make_site

REGION = Caller(
    principal="region",
    issuer=site_issuer("small"),
    client="region",
    tier="region",
    scopes=READ_SCOPES,
    transport="http",
)
DAY = {"from_time": "2026-02-28T12:00:00", "to_time": "2026-03-01T12:00:00"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteHost]:
    """A small site, ingested and open."""
    site = OwnedSite(SiteDirectory.open(make_site(tmp_path_factory.mktemp("tools") / "small")))
    site.operations["ingest"]({"corpora": CORPORA}, lambda *_: None)
    yield site.host
    site.close()


def ask(host: SiteHost, tool: str, *, caller: Caller = REGION, **arguments: Any) -> Any:
    """Call one tool of the site."""

    async def run() -> Any:
        with anyio.fail_after(30):
            async with Client(server_of(host, "all", stream_caller=caller)) as client:
                return await client.call_tool(tool, arguments)

    return anyio.run(run)


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("summarize_alarms", {}),
    ("summarize_alarms", {"from_time": WINDOW[0], "to_time": WINDOW[1], "budget_tokens": 500}),
    ("rank_root_causes", {}),
    ("list_alarms", {}),
    ("list_alarms", {"managed_object": "pe1"}),
    ("search_tickets", {"query": "sessions reset"}),
    ("get_ticket", {"ticket_id": "INC001"}),
    ("find_similar_incidents", {"symptoms": ["BGP session down"], "managed_objects": ["pe1"]}),
    ("search_documents", {"query": "administrative reset"}),
    ("lookup_config", {"managed_object": "pe1:Hu0/0/0/1"}),
    ("lookup_config", {"managed_object": "pe1", "section": "router bgp"}),
    ("diff_config", {"managed_object": "pe1", **DAY}),
    ("list_changes", {"around": ["pe1"], **DAY}),
    ("get_neighbors", {"managed_object": "pe1", "hops": 2}),
    ("check_consistency", {"around": ["pe1"]}),
    ("find_config", {"pattern": "^interface "}),
]


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
@pytest.mark.parametrize("caller", [REGION, STDIO_CALLER], ids=["region", "outside"])
def test_every_tool_answers_and_names_nobody(
    host: SiteHost, tool: str, arguments: dict[str, Any], caller: Caller
) -> None:
    """Issue text: no subscriber identifier in any byte on the wire; a text twin that says it."""
    result = ask(host, tool, caller=caller, **arguments)
    assert not result.is_error, result.content
    wire = result.model_dump_json()
    assert IMSI not in wire
    assert MSISDN not in wire
    assert "094F471A1A0A" not in wire
    assert result.content[0].text
    assert result.meta["tierwise/egress"]["bytes"] > 0


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
def test_the_text_is_not_longer_than_the_structure_it_repeats(
    host: SiteHost, tool: str, arguments: dict[str, Any]
) -> None:
    """FACTS, MCP 2.3: the SDK's own twin is pretty-printed JSON; ours saves tokens."""
    result = ask(host, tool, **arguments)
    structure = json.dumps(result.structured_content)
    assert estimate_tokens(result.content[0].text) <= estimate_tokens(structure)


def test_every_tool_tells_a_model_when_to_use_it(host: SiteHost) -> None:
    """STYLE: a tool's docstring is its prompt; DESIGN section 4: the tools of the three servers."""
    tools = toolset_of(host, "all").tools
    assert sorted(tool.name for tool in tools) == sorted(
        {call[0] for call in CALLS} | {"get_alarm", "confirm_cause"}
    )
    for tool in tools:
        assert "Use it" in (tool.function.__doc__ or ""), tool.name
        assert "Not for" in (tool.function.__doc__ or ""), tool.name


def test_whole_tool_lists_stay_small(host: SiteHost) -> None:
    """Ours: what every conversation pays for before it begins."""

    async def listed(name: str) -> str:
        async with Client(server_of(host, name, stream_caller=REGION)) as client:
            tools = (await client.list_tools()).tools
        return json.dumps([[tool.name, tool.description, tool.input_schema] for tool in tools])

    for name in ("alarms", "tickets", "configs"):
        assert estimate_tokens(anyio.run(listed, name)) <= 2500


def test_the_summary_leads_to_the_records_behind_it(host: SiteHost) -> None:
    """DESIGN section 4: a reader pulls any detail back by handle, cursor and id."""
    summary = ask(host, "summarize_alarms").structured_content
    group = max(summary["groups"], key=lambda g: g["count"])
    seen: list[str] = []
    cursor = None
    while True:
        page = ask(host, "list_alarms", handle=group["handle"], limit=4, cursor=cursor)
        answer = page.structured_content
        seen += [alarm["alarm_id"] for alarm in answer["alarms"]]
        assert answer["left_out"] == group["count"] - len(seen)
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert len(set(seen)) == group["count"]
    detail = ask(host, "get_alarm", alarm_id=seen[0]).structured_content
    assert detail["records"][0]["alarmId"] == seen[0]
    assert detail["evidence"][f"alarm:{seen[0]}"]["quote"] in _logs(host.site.path)


def _logs(site: Path) -> str:
    return "".join(file.read_text() for file in (site / "alarms").glob("*.log"))


def test_evidence_is_quoted_verbatim_but_for_identifiers(host: SiteHost) -> None:
    """DESIGN section 2: a quote stands as the caller received it, and is really there."""
    summary = ask(host, "summarize_alarms").structured_content
    logs = _logs(host.site.path)
    quotes = [q["quote"] for q in summary["evidence"].values() if q["quote"]]
    clean = [quote for quote in quotes if "SUBSCRIBER" not in quote or "SUBSCRIBER-3" in quote]
    assert quotes
    assert all(quote in logs for quote in clean if "IMSI" not in quote)


def test_the_change_before_the_storm_is_found(host: SiteHost) -> None:
    """Issue text: changes of the day before the window take part in the ranking."""
    review = ask(host, "list_changes", around=["pe1"], **DAY).structured_content
    change = review["changes"][0]
    key = f"change:{change['commit'][:12]}:pe1"
    assert "description to pe2 NEW" in review["evidence"][key]["quote"]


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "hint"),
    [
        ("get_alarm", {"alarm_id": "nope"}, "not_found", "list_alarms"),
        ("get_ticket", {"ticket_id": "INC999"}, "not_found", "search_tickets"),
        ("lookup_config", {"managed_object": "pe9"}, "not_found", "list_changes"),
        ("get_neighbors", {"managed_object": "pe9"}, "not_found", "list_changes"),
        ("check_consistency", {"around": ["pe9"]}, "not_found", "list_changes"),
        ("find_config", {"pattern": "(?=x)"}, "invalid_argument", "RE2"),
        ("list_alarms", {"handle": "everything"}, "invalid_argument", "summarize_alarms"),
        ("list_alarms", {"cursor": "two"}, "invalid_argument", "next_cursor"),
        ("summarize_alarms", {"from_time": "noon"}, "invalid_argument", "ISO 8601"),
        (
            "summarize_alarms",
            {"from_time": "2026-01-01", "to_time": "2026-06-01"},
            "invalid_argument",
            "narrow",
        ),
    ],
)
def test_an_error_says_what_would_work(
    host: SiteHost, tool: str, arguments: dict[str, Any], code: str, hint: str
) -> None:
    """STYLE, errors: the model can fix it; the message says how."""
    result = ask(host, tool, **arguments)
    assert result.is_error
    assert result.meta["tierwise/error"]["code"] == code
    assert hint in result.content[0].text


def test_a_site_that_holds_nothing_answers_with_gaps(tmp_path: Path) -> None:
    """INTERFACES: every file and folder but site.yaml may be missing: a gap, not an error."""
    (tmp_path / "site.yaml").write_text("site_id: empty\ncountry: DE\n")
    owned = OwnedSite(SiteDirectory.open(tmp_path))
    host = owned.host
    window = {"from_time": WINDOW[0], "to_time": WINDOW[1]}
    summary = ask(host, "summarize_alarms", caller=STDIO_CALLER, **window)
    assert not summary.is_error, summary.content
    assert summary.structured_content["alarms_total"] == 0
    assert {gap["what"] for gap in summary.structured_content["gaps"]} >= {
        "alarms",
        "topology",
        "configuration",
    }
    changes = ask(host, "list_changes", caller=STDIO_CALLER, **window)
    assert changes.structured_content["gaps"][0]["what"] == "configuration"
    for tool, arguments, code in (
        ("summarize_alarms", {}, "not_found"),
        ("search_tickets", {"query": "x"}, "knowledge_base_empty"),
        ("search_documents", {"query": "x"}, "knowledge_base_empty"),
        ("lookup_config", {"managed_object": "pe1"}, "not_found"),
    ):
        result = ask(host, tool, caller=STDIO_CALLER, **arguments)
        assert (result.is_error, result.meta["tierwise/error"]["code"]) == (True, code)
    owned.close()
