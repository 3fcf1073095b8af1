"""`tierwise-site` from the shell: results on stdout, messages on stderr, exit codes."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from mcp_servers.ownership.store_access import StoreAccess
from tests.command import served
from tests.mcp_servers.small_site import IMSI, MSISDN, WINDOW, make_site, run

PSEUDONYM = re.compile(r"[A-Z][A-Z0-9]*(_[a-z2-7]{6,12})+")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small site, ingested once; tests that change one make their own."""
    folder = make_site(tmp_path_factory.mktemp("sites") / "small")
    assert run("ingest", folder).code == 0
    return folder


def test_help_tells_whole_summaries_and_examples_line_by_line() -> None:
    """Issue text: `--help` with examples."""
    every = " ".join(run("--help").out.partition("Commands:")[2].split())
    assert "..." not in every
    assert "Make a site directory: a documented skeleton, or a sample with one incident." in every
    assert "  Examples:\n\n      tierwise-site init site\n" in run("init", "--help").out


def test_the_skeleton_is_a_site_that_works_and_is_empty(tmp_path: Path) -> None:
    """INTERFACES: init writes a documented skeleton; missing parts are gaps."""
    folder = tmp_path / "new site"
    assert run("init", folder).code == 0
    counts = run("ingest", folder, "--json")
    assert counts.code == 0
    assert {name: part["read"] for name, part in counts.json.items()} == {
        "tickets": 0,
        "docs": 0,
        "alarms": 0,
        "configs": 0,
    }
    again = run("init", folder)
    assert again.code == 1
    assert "is a site directory already" in again.err


def test_ingest_is_idempotent_and_counts(tmp_path: Path) -> None:
    """INTERFACES: idempotent; counts of read, added, unchanged and rejected."""
    folder = make_site(tmp_path / "site")
    first = run("ingest", folder, "alarms", "configs", "--json")
    second = run("ingest", folder, "alarms", "configs", "--json")
    anew = run("ingest", folder, "alarms", "configs", "--rebuild", "--json")
    assert anew.json == first.json
    assert first.json["alarms"]["added"] == first.json["alarms"]["read"] > 20
    assert second.json["alarms"]["added"] == 0
    for corpus in ("alarms", "configs"):
        assert first.json[corpus]["added"] == first.json[corpus]["read"] > 0
        assert second.json[corpus]["unchanged"] == first.json[corpus]["read"]
    assert (first.json["configs"]["commits"], second.json["configs"]["commits"]) == (2, 0)


def test_summarize_names_the_operator_who_cleared_the_sessions(site: Path) -> None:
    """INTERFACES: the summary's keys, and stdout that is one JSON document."""
    shown = run("summarize", site, "--from", WINDOW[0], "--to", WINDOW[1], "--json")
    assert shown.code == 0
    summary: Any = shown.json
    assert summary["root_cause_candidates"][0]["managed_object"].startswith("pe1")
    assert {"brief", "tokens_before", "tokens_after", "alarms_total", "handles"} <= set(summary)


def test_search_prints_one_line_for_each_query(site: Path, tmp_path: Path) -> None:
    """INTERFACES: JSON Lines in input order, with ids."""
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": "a", "text": "fan tray"}\n\n{"id": "b", "text": "clear bgp"}\n')
    shown = run("search", site, "--queries", queries, "--json")
    lines = [json.loads(line) for line in shown.out.splitlines()]
    assert [line["id"] for line in lines] == ["a", "b"]
    assert [line["results"][0]["source"] for line in lines] == ["INC002", "INC001"]


def test_configuration_changes_are_listed_without_secrets(site: Path) -> None:
    """INTERFACES: one entry for each file of each commit, lines verbatim but for secrets."""
    shown = run(
        "config", "changes", site, "--since", "2026-02-01", "--until", "2026-03-02", "--json"
    )
    changes: Any = shown.json
    assert len(changes) == 2
    assert {"managed_object", "commit", "author", "time", "score", "why", "hunks"} <= set(
        changes[0]
    )
    assert "094F471A1A0A" not in shown.out


def test_configuration_is_shown_and_compared_by_whoever_owns_the_store(site: Path) -> None:
    """INTERFACES: config show and diff; secrets are named the same while a server runs."""
    alone = run("config", "show", site, "pe1", "--section", "router bgp")
    assert (alone.code, "<secret:" in alone.out) == (0, True), alone.err
    with served(site):
        assert run("config", "show", site, "pe1", "--section", "router bgp").out == alone.out
        changed = run("config", "diff", site, "pe1", "--from", "2026-02-01", "--to", "2026-03-02")
    assert "to pe2 NEW" in changed.out
    wrong = run("config", "diff", site, "pe1", "--from", "yesterday", "--to", "2026-03-02")
    assert (wrong.code, "--from" in wrong.err) == (2, True), (wrong.code, wrong.err)


def test_names_of_new_tickets_are_masked_from_then_on(tmp_path: Path) -> None:
    """Issue 4: names harvested from ticket fields are masked wherever they recur."""
    folder = make_site(tmp_path / "named")
    ticket = {"ticket_id": "INC9", "title": "fan", "reporter": "Megan Payne"}
    words = "megan payne knows the cell\n"
    with served(folder):
        assert run("anonymize", folder, stdin=words).out == words
        (folder / "tickets" / "more.jsonl").write_text(json.dumps(ticket) + "\n")
        assert run("ingest", folder, "tickets").code == 0
        masked = run("anonymize", folder, stdin=words).out
    assert "payne" not in masked
    assert masked.endswith(" knows the cell\n")


def test_text_is_anonymized_as_the_gate_would_release_it(site: Path) -> None:
    """INTERFACES: same pseudonyms each time, spans with --json, and reveal gives the original."""
    text = f"subscriber {MSISDN} lost IMSI={IMSI}\n"
    first, again = (run("anonymize", site, stdin=text) for _ in range(2))
    assert first.out == again.out
    assert MSISDN not in first.out
    names = [match.group() for match in PSEUDONYM.finditer(first.out)]
    assert len(names) == 2
    shown = run("anonymize", site, "--json", stdin=text)
    assert [span["kind"] for span in shown.json["spans"]] == ["SUBSCRIBER"] * 2
    revealed = run("reveal", site, names[1])
    assert revealed.out.strip() == IMSI
    assert "reveal" in run("ledger", "show", site).out
    assert run("ledger", "verify", site).code == 0


def test_an_outsider_gets_kinds_alone(site: Path) -> None:
    """DESIGN decision 7: nothing to link, nothing to reverse."""
    shown = run("anonymize", site, "--caller", "somebody", stdin=f"IMSI={IMSI}\n")
    assert shown.out == "IMSI=[SUBSCRIBER]\n"


def test_a_long_text_is_anonymized_whole(site: Path) -> None:
    """Ours: a text longer than a summary leaves in pieces, and nothing of it is lost."""
    text = "".join(f"line {n}: call {MSISDN} now\n" for n in range(2000))
    shown = run("anonymize", site, stdin=text)
    assert shown.code == 0
    assert MSISDN not in shown.out
    assert len(shown.out.splitlines()) == 2000


def test_a_changed_ledger_is_found(tmp_path: Path) -> None:
    """INTERFACES: ledger verify; exit code 1 with the line."""
    folder = make_site(tmp_path / "site")
    run("anonymize", folder, stdin="nothing\n")
    file = folder / "store" / "egress.jsonl"
    file.write_text(file.read_text().replace('"tool":"anonymize"', '"tool":"anonymise"'))
    shown = run("ledger", "verify", folder)
    assert shown.code == 1
    assert "line 1" in shown.out


def test_normalize_gives_a_line_for_every_line(site: Path, tmp_path: Path) -> None:
    """INTERFACES: one Alarm for every log line; managedObject and perceivedSeverity never empty."""
    log = site / "alarms" / "pe1.log"
    shown = run("normalize", log, "--site", site, "--rejects", tmp_path / "bad.jsonl")
    alarms = [json.loads(line) for line in shown.out.splitlines()]
    assert len(alarms) == len(log.read_text().splitlines())
    assert all(a["managedObject"].startswith("pe1") and a["perceivedSeverity"] for a in alarms)
    assert alarms[0]["alarmRaisedTime"].startswith("2026-03-01T10:05:00.100")


def test_a_binary_file_is_rejected_and_the_rest_is_read(tmp_path: Path) -> None:
    """Issue text: bad input gets a clear message, and nothing is lost."""
    folder = make_site(tmp_path / "site")
    whole = run("ingest", folder, "alarms", "--json").json["alarms"]["read"]
    (folder / "alarms" / "core.log").write_bytes(bytes(range(256)) * 64)
    counts: Any = run("ingest", folder, "alarms", "--json").json
    assert counts["alarms"]["rejected"] >= 1
    assert counts["alarms"]["read"] == whole
    rejects = (folder / "store" / "rejects.jsonl").read_text().splitlines()
    assert json.loads(rejects[0])["file"] == "alarms/core.log"


def test_a_truncated_log_is_read_to_its_last_line(tmp_path: Path) -> None:
    """Issue text: a truncated log loses nothing that is there."""
    folder = make_site(tmp_path / "site")
    log = folder / "alarms" / "pe1.log"
    whole = run("ingest", folder, "alarms", "--json").json["alarms"]["read"]
    log.write_text(log.read_text()[:-40])
    shown: Any = run("ingest", folder, "alarms", "--json").json
    assert shown["alarms"]["read"] == whole


@pytest.mark.parametrize(
    ("file", "content", "arguments", "code", "message"),
    [
        ("site.yaml", "site_id: [", ("summarize",), 1, "cannot be read as YAML"),
        ("site.yaml", "site_id: x\ncolour: red\n", ("summarize",), 1, "colour"),
        ("topology.csv", "a,b\n1,2\n", ("summarize",), 1, "topology.csv:1"),
        ("topology.csv", "a,b\n1,2\n", ("stdio",), 1, "topology.csv:1"),
    ],
)
def test_what_an_operator_wrote_wrongly_is_named(
    tmp_path: Path, file: str, content: str, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """Issue text: a clear message and the right exit code."""
    folder = make_site(tmp_path / "site")
    (folder / file).write_text(content)
    shown = run(arguments[0], folder, *arguments[1:])
    assert (shown.code, shown.out) == (code, "")
    assert message in shown.err
    assert "Traceback" not in shown.err


def test_an_unreadable_policy_serves_nothing(tmp_path: Path) -> None:
    """DESIGN section 3: fail closed."""
    folder = make_site(tmp_path / "site")
    with (folder / "site.yaml").open("a") as settings:
        settings.write("policy: {rules: broken.cedar}\n")
    (folder / "broken.cedar").write_text("permit (principal, action, resource")
    for command in (("stdio", folder), ("serve", folder, "--port", "0")):
        shown = run(*command)
        assert shown.code == 1
        assert "broken.cedar" in shown.err
        assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("summarize", "{site}", "--from", "yesterday"), 2),
        (("summarize", "{site}", "--from", WINDOW[1], "--to", WINDOW[0]), 2),
        (("summarize", "/nowhere"), 1),
        (("ingest", "{site}", "emails"), 2),
        (("search", "{site}"), 2),
        (("token", "{site}", "--scopes", "alarms:read", "--ttl", "soon"), 2),
        (("token", "{site}", "--scopes", "everything"), 2),
        (("ledger", "verify", "{site}", "--anchor", "no-such-file.txt"), 2),
        (("stdio", "{site}", "--server", "mail"), 2),
        (("reveal", "{site}", "SUBSCRIBER_aaaaaaaaaaaa"), 1),
        (("normalize", "/nowhere.log"), 1),
        (("normalize", "{site}/alarms/pe1.log", "--format", "morse"), 2),
        (("no-such-command",), 2),
    ],
)
def test_exit_codes_say_whose_fault_it_was(
    site: Path, arguments: tuple[str, ...], code: int
) -> None:
    """INTERFACES: 1 the work could not be done, 2 wrong usage; never a traceback."""
    shown = run(*(argument.replace("{site}", str(site)) for argument in arguments))
    assert shown.code == code, shown.err
    assert shown.err
    assert "Traceback" not in shown.err


def test_a_served_site_answers_with_a_token_and_owns_its_store(tmp_path: Path) -> None:
    """DESIGN section 4: other commands become clients of the server."""
    folder = make_site(tmp_path / "site")
    token = run("token", folder, "--scopes", "alarms:read,tickets:read,configs:read").out.strip()
    with served(folder) as url:
        assert httpx.get(f"{url}/readyz").json()["status"] == "ready"
        assert httpx.post(f"{url}/alarms/mcp", json={}).status_code == 401
        with StoreAccess(folder / "store", lambda: pytest.fail("opened")) as access:
            assert access.own() is None
        shown = run("summarize", folder, "--from", WINDOW[0], "--to", WINDOW[1], "--json")
        assert shown.code == 0
        summary = anyio.run(_summary_over_http, url, token)
        figures = httpx.get(f"{url}/metrics").text
    assert 'tierwise_site_calls_total{tool="summarize_alarms",outcome="answered"} 1' in figures
    assert summary["alarms_total"] == shown.json["alarms_total"]
    assert IMSI not in json.dumps(summary)


async def _summary_over_http(url: str, token: str) -> Any:
    with anyio.fail_after(30):
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
            transport = streamable_http_client(f"{url}/alarms/mcp", http_client=http)
            async with Client(transport) as client:
                arguments = {"from_time": WINDOW[0], "to_time": WINDOW[1]}
                return (await client.call_tool("summarize_alarms", arguments)).structured_content


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_stdio_client_counts_as_outside(site: Path, mode: str) -> None:
    """DESIGN section 4: the same tools over stdio, identifiers as their kinds alone."""

    async def talk() -> Any:
        parameters = StdioServerParameters(
            command=sys.executable,
            args=["-m", "mcp_servers", "stdio", str(site)],
            env=dict(os.environ),
        )
        with anyio.fail_after(60):
            async with Client(parameters, mode=mode) as client:
                names = {tool.name for tool in (await client.list_tools()).tools}
                listed = await client.call_tool("list_alarms", {"managed_object": "pe1"})
                ticket = await client.call_tool("get_ticket", {"ticket_id": "INC001"})
                return names, listed, ticket

    names, listed, ticket = anyio.run(talk)
    assert len(names) == 15
    assert listed.structured_content["total"] == 13
    text = json.dumps([listed.structured_content, ticket.structured_content])
    assert "[SUBSCRIBER]" in text
    assert IMSI not in text
    assert MSISDN not in text
