"""The knowledge base from the shell and over MCP: three doors, one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from mcp_servers.commands.ingest_watch import watch_folders
from mcp_servers.commands.knowledge import read_filters
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.ownership.site_operations import OwnedSite
from mcp_servers.serving.identity import CONFIRM_SCOPE, READ_SCOPES, STDIO_CALLER, Caller
from mcp_servers.serving.site_servers import server_of
from mcp_servers.site_directory import SiteDirectory
from telecom.errors import InvalidArgumentError, SiteDirectoryError
from tests.mcp_servers.small_site import make_site, run

READER = Caller("site/desk", "site", "desk", "outposts", READ_SCOPES, "local")
PERSON = Caller("site/desk", "site", "desk", "outposts", READ_SCOPES | {CONFIRM_SCOPE}, "local")
CONFIRMED = {
    "incident_id": "INC-9",
    "symptoms": ["all sessions of pe1 down at once"],
    "cause": "operator cleared the sessions",
    "reviewer": "shift lead",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small site, ingested once."""
    folder = make_site(tmp_path_factory.mktemp("knowledge") / "small")
    assert run("ingest", folder, "tickets", "docs").code == 0
    return folder


@pytest.fixture
def host(site: Path) -> Iterator[SiteHost]:
    """The same site, open."""
    opened = OwnedSite(SiteDirectory.open(site))
    yield opened.host
    opened.close()


def ask(host: SiteHost, tool: str, arguments: dict[str, Any], caller: Caller = READER) -> Any:
    """Call one tool of the site."""

    async def call() -> Any:
        with anyio.fail_after(30):
            async with Client(server_of(host, "tickets", stream_caller=caller)) as client:
                return await client.call_tool(tool, arguments)

    return anyio.run(call)


def test_three_doors_give_the_same_hits(site: Path, host: SiteHost, tmp_path: Path) -> None:
    """Issue 6: CLI, MCP tool and Python call return the same hits."""
    queries = ["sessions reset by an operator", "INC002", "fan"]
    asked = tmp_path / "queries.jsonl"
    asked.write_text("".join(json.dumps({"id": text, "text": text}) + "\n" for text in queries))
    in_python = [[(hit.id, hit.score) for hit in host.knowledge.search(text)] for text in queries]
    over_mcp = [
        ask(host, "search_tickets", {"query": text}).structured_content["passages"]
        for text in queries
    ]
    assert [[(hit["id"], hit["score"]) for hit in hits] for hits in over_mcp] == in_python
    host.close()
    lines = run("search", site, "--queries", asked, "--json").out.splitlines()
    answers = [json.loads(line)["results"] for line in lines]
    assert [[(hit["id"], hit["score"]) for hit in hits] for hits in answers] == in_python
    assert set(answers[0][0]) == {"id", "score", "text", "source", "locator"}


def test_answers_come_under_the_ids_that_were_asked_with(site: Path, tmp_path: Path) -> None:
    """INTERFACES: one line a query in input order; one without words costs no other its answer."""
    asked = tmp_path / "queries.jsonl"
    lines = ({"id": 7, "text": "fan"}, {"id": "7", "text": " "}, {"id": "q", "text": "fan"})
    asked.write_text("".join(json.dumps(line) + "\n" for line in lines))
    answers = [
        json.loads(line) for line in run("search", site, "--queries", asked).out.splitlines()
    ]
    assert [answer["id"] for answer in answers] == [7, "7", "q"]
    assert answers[1]["results"] == []
    assert answers[0]["results"] == answers[2]["results"] != []


def test_a_search_is_filtered_and_explained_alike_at_every_door(site: Path, host: SiteHost) -> None:
    """Issue 6: metadata filters and `explain=true` show why a hit ranks where it does."""
    arguments = {"query": "fan sessions", "filters": {"managed_objects": ["pe1"]}, "explain": True}
    answer = ask(host, "search_tickets", arguments).structured_content
    assert {hit["source"] for hit in answer["passages"]} == {"INC001"}
    host.close()
    shown = run(
        *("search", site, "fan sessions", "--filter", "managed_object=pe1", "--explain", "--json")
    )
    found = json.loads(shown.out)["results"]
    assert [hit["why"] for hit in found] == list(answer["why"].values())
    assert "by meaning rank 1 (cosine" in found[0]["why"]


def test_a_search_that_finds_nothing_says_why(site: Path) -> None:
    """Us: an empty table leaves people guessing."""
    filtered = run("search", site, "fan", "--filter", "severity=NO-SUCH-SEVERITY")
    assert (filtered.code, filtered.out) == (0, "")
    assert "nothing passes these filters" in filtered.err
    unheard = run("search", site, "zzyzx", "--mode", "lexical")
    assert "nothing in the store has these words" in unheard.err


def test_a_filter_without_a_value_is_wrong_usage() -> None:
    """INTERFACES: exit code 2, with what would work."""
    with pytest.raises(InvalidArgumentError, match="NAME=VALUE"):
        read_filters(["severity"])
    assert read_filters(["severity=MAJOR", "resolved=true", "u_region=north"]) == {
        "severities": ["MAJOR"],
        "resolved": True,
        "attributes": {"u_region": "north"},
    }


def test_a_cause_is_recorded_by_those_who_may_and_by_nobody_else(host: SiteHost) -> None:
    """Issue 6: MCP with a scope of its own; nothing a model wrote enters without a person."""
    file = host.site.tickets / "confirmed-causes.jsonl"
    for caller in (READER, STDIO_CALLER):
        assert ask(host, "confirm_cause", CONFIRMED, caller).is_error
        assert not file.exists()
    answer = ask(host, "confirm_cause", CONFIRMED, PERSON)
    assert answer.structured_content == {"ticket_id": "CAUSE-INC-9", "decision": "confirmed"}
    (line,) = file.read_text().splitlines()
    assert (json.loads(line)["reviewer"], json.loads(line)["via"]) == ("shift lead", "mcp")
    file.unlink()


def test_retrieval_is_judged_from_the_shell(site: Path, tmp_path: Path) -> None:
    """Issue 6: nDCG@10, recall and MRR with intervals for lexical, dense and hybrid."""
    queries, qrels = tmp_path / "queries.jsonl", tmp_path / "qrels.txt"
    queries.write_text('{"id": "1", "text": "administrative reset"}\n')
    qrels.write_text("1 0 bgp 1\n")
    shown = run(
        *("evaluate", "retrieval", site, "--corpus", "docs", "--queries", queries),
        *("--qrels", qrels, "--json"),
    )
    modes: Any = json.loads(shown.out)["modes"]
    assert set(modes) == {"lexical", "dense", "hybrid"}
    assert modes["hybrid"] == {
        "queries": 1,
        **{name: {"mean": 1.0, "low": 1.0, "high": 1.0} for name in ("ndcg", "recall", "mrr")},
    }


def test_a_new_index_is_built_from_the_shell(site: Path) -> None:
    """Issue 6: a new index as a command, with health as its answer."""
    rebuilt = run("knowledge", "rebuild", site, "--json")
    assert json.loads(rebuilt.out)["dense"] is True


def test_guessed_columns_are_shown_before_anything_is_read(tmp_path: Path) -> None:
    """Issue 6: sensible guesses of the column mapping, shown for confirmation."""
    (tmp_path / "tickets").mkdir()
    (tmp_path / "site.yaml").write_text("site_id: s\ntickets: {mapping: {cause: u_reason}}\n")
    (tmp_path / "tickets" / "now.csv").write_text(
        "number,short_description,u_reason,u_region\nINC1,link down,fibre cut,north\n"
    )
    shown = run("ingest", tmp_path, "--mapping")
    assert "mapping: {ticket_id: number, title: short_description}" in shown.out
    assert not (tmp_path / "store").exists()


def test_a_watch_takes_in_what_has_come_to_rest_and_tries_again_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 6: a directory watch for nightly exports."""
    export = tmp_path / "tickets" / "night.jsonl"
    export.parent.mkdir()
    looks = iter(range(6))
    taken: list[int] = []

    def ingest() -> None:
        taken.append(export.stat().st_size if export.exists() else 0)
        if len(taken) == 2:
            raise SiteDirectoryError("no space left")

    def wait() -> bool:
        look = next(looks)
        if look in {0, 1}:  # still being written at two looks
            with export.open("a") as lines:
                lines.write('{"ticket_id": "T1", "title": "t"}\n')
        return look < 5

    watch_folders([export.parent], ingest, wait=wait)
    assert taken == [0, export.stat().st_size, export.stat().st_size]
    assert "no space left" in capsys.readouterr().err


def test_a_rebuild_of_one_corpus_leaves_the_others(site: Path) -> None:
    """Issue 6: the runbook of a leaked key reads alarms anew; nobody's tickets go with that."""
    before = run("search", site, "BGP", "-k", "1", "--json").json
    assert set(run("ingest", site, "alarms", "--rebuild", "--json").json) == {"alarms"}
    assert run("search", site, "BGP", "-k", "1", "--json").json == before
    together = run("ingest", site, "docs", "--rebuild", "--json")
    assert set(together.json) == {"tickets", "docs"}
    assert run("search", site, "BGP", "-k", "1", "--json").json == before
