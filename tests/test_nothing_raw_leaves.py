"""A whole site, every tool, both transports, a model that obeys: no planted identifier gets out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import pytest
from dulwich.repo import Repo

from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.sample_site import generate
from mcp_servers.serving.site_servers import toolset_of
from mcp_servers.site_directory import SiteDirectory
from orchestrator.doubles.bedrock import BedrockDouble, Say, Use
from telecom.errors import TierwiseError
from tests.canaries import DEVICE, DISGUISES, TOPICS, CanarySearch, grow, plant, tbcd
from tests.wire_recording import RecordingRelay

BIN = Path(sys.executable).parent
TOOLS = {
    "alarms": {"list_alarms", "summarize_alarms", "rank_root_causes", "get_alarm"},
    "tickets": {"search_tickets", "get_ticket", "find_similar_incidents", "search_documents"},
    "configs": {
        "lookup_config",
        "diff_config",
        "list_changes",
        "get_neighbors",
        "check_consistency",
        "find_config",
    },
}
BUDGETS = """
budgets: {tokens_per_hour: 100000000, records_per_hour: 100000000, identifiers_per_hour: 100000000}
serving: {rate: {calls_per_second: 100000, calls_per_minute: 1000000}}
"""
"""So that no refusal for quantity or haste hides a leak."""
CANARIES = grow(seed=4)
pytestmark = pytest.mark.timeout(1200)  # everything that can be asked is asked in one set-up
GUARD = Path(__file__).parent / "socket_guard"
SCOPES = "alarms:read,tickets:read,configs:read"

PLACES = (
    "the wire to a Region caller",
    "the pipe to a stdio client",
    "the wire of the investigation",
    "model requests",
    "the report",
    "the investigation's stderr",
    "the ledger",
    "serve.log",
    "stdio.log",
    "state.sqlite",
)
"""Where bytes that left the site's raw files can be seen."""

Ask = Callable[..., dict[str, Any]]
"""Calls a tool of a server with arguments and gives its JSON-RPC result."""


@dataclass(frozen=True)
class Planted:
    """The identifiers of a site, and a search after them."""

    kinds: dict[str, str]
    """What is searched for -> its kind."""
    spelled: list[str]
    """As they stand on the site; without names, which nothing marks in a few words."""

    @classmethod
    def read(cls, truth: Path) -> Planted:
        """Read `truth.json`; a number counts without its prefix and plus, too."""
        kinds: dict[str, str] = {}
        items = json.loads(truth.read_text())["planted_identifiers"]
        for item in items:
            kinds[item["value"].lower()] = item["kind"]
            if item["kind"] in {"imsi", "supi", "msisdn", "imei", "iccid"}:
                kinds[re.sub(r"\D", "", item["value"])] = item["kind"]
        return cls(kinds, [item["value"] for item in items if item["kind"] != "person"])

    def found_in(self, data: bytes) -> Counter[str]:
        """Which of them stand in `data`, per kind; JSON escapes hide nothing."""
        text = data.decode("utf-8", "replace").lower()
        plain = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text)
        seen = [kind for value, kind in self.kinds.items() if value in text or value in plain]
        return Counter(seen)


@dataclass
class Traffic:
    """Bytes that left the site, by where they went."""

    places: dict[str, bytes] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    """Tool -> calls that gave data, over both transports."""
    refused: Counter[str] = field(default_factory=Counter)
    local: bytes = b""
    """What the same questions give to a caller at the site itself."""
    gate_off: bytes = b""
    """What the tools themselves answer, before any gate."""
    connections: str = ""
    """What the guard of every process saw of sockets."""
    report: dict[str, Any] = field(default_factory=dict)
    model_requests: int = 0
    asked_back: int = 0


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated site, ingested. What was planted is not left beside it."""
    folder = tmp_path_factory.mktemp("leaks")
    generate(folder / "site")
    (folder / "site" / "truth.json").rename(folder / "truth.json")
    with (folder / "site" / "site.yaml").open("a") as settings:
        settings.write(BUDGETS)
    plant(folder / "site", CANARIES)
    command("tierwise-site", "ingest", folder / "site")
    return folder / "site"


@pytest.fixture(scope="session")
def planted(site: Path) -> Planted:
    """What must not get out."""
    return Planted.read(site.parent / "truth.json")


@pytest.fixture(scope="session")
def traffic(site: Path, planted: Planted) -> Traffic:
    """Everything that can be asked, asked once."""
    seen = Traffic()
    seen.gate_off = answers_without_a_gate(site)
    with served(site) as port, (site.parent / "stdio.log").open("wb") as log:
        with RecordingRelay(port) as relay:
            with http_session(relay, token(site, "region")) as ask:
                ask_everything(ask, site, seen)
                probe(ask, planted, seen)
            for value in planted.spelled[::100]:
                refused = httpx.post(f"{relay.url}/alarms/mcp", headers=bearer(value))
                assert refused.status_code == 401
            seen.places["the wire to a Region caller"] = relay.answered
        with RecordingRelay(port) as relay:
            with http_session(relay, token(site, "site")) as ask:
                ask_everything(ask, site, Traffic())
            seen.local = relay.answered
        with stdio_session(site, log) as (ask, received):
            ask_everything(ask, site, seen)
            probe(ask, planted, seen)
            seen.places["the pipe to a stdio client"] = b"".join(received)
        with RecordingRelay(port) as relay:
            investigate(site, relay, seen)
            seen.places["the wire of the investigation"] = relay.sent + relay.answered
    for name in ("serve.log", "stdio.log", "state.sqlite"):
        seen.places[name] = (site.parent / name).read_bytes()
    seen.places["the ledger"] = (site / "store" / "egress.jsonl").read_bytes()
    seen.connections = (site.parent / "sockets.log").read_text()
    return seen


def guarded(site: Path) -> dict[str, str]:
    """An environment in which a process writes down where it connects to."""
    return os.environ | {
        "PYTHONPATH": str(GUARD),
        "TIERWISE_SOCKET_LOG": str(site.parent / "sockets.log"),
    }


def answers_without_a_gate(site: Path) -> bytes:
    """The positive control: the same questions, put to the tool functions themselves."""
    host = SiteHost(SiteDirectory.open(site))
    try:
        tools = {tool.name: tool for tool in toolset_of(host, "all").tools}
        said: list[str] = []

        def ask(_server: str, tool: str, **arguments: object) -> dict[str, Any]:
            try:
                answer = tools[tool].function(**arguments).model_dump(mode="json", by_alias=True)
            except TierwiseError as exc:
                said.append(str(exc))
                return {"isError": True}
            said.append(json.dumps(answer, ensure_ascii=False))
            return {"structuredContent": answer}

        ask_everything(ask, site, Traffic())
        return "\n".join(said).encode()
    finally:
        host.close()


def command(name: str, *arguments: str | Path) -> str:
    """Run one of the product's commands and give its stdout."""
    done = subprocess.run([BIN / name, *arguments], capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def token(site: Path, caller: str) -> str:
    """A bearer token of the site for a caller that `site.yaml` knows."""
    return command("tierwise-site", "token", site, "--scopes", SCOPES, "--caller", caller).strip()


def bearer(secret: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {secret}"}


@contextmanager
def served(site: Path) -> Iterator[int]:
    """Serve the site as its operator does; gives the port."""
    with (site.parent / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            [BIN / "tierwise-site", "serve", site, "--port", "0"],
            stderr=subprocess.PIPE,
            env=guarded(site),
        )
        assert server.stderr is not None
        ready = None
        for line in server.stderr:  # whatever it logs before it is ready belongs to its log
            log.write(line)
            if ready := re.search(rb"ready: http://127\.0\.0\.1:(\d+)", line):
                break
        drain = threading.Thread(target=shutil.copyfileobj, args=(server.stderr, log))
        drain.start()
        try:
            assert ready is not None
            yield int(ready[1])
        finally:
            server.terminate()
            server.wait(30)
            drain.join()
            server.stderr.close()


@contextmanager
def http_session(relay: RecordingRelay, secret: str) -> Iterator[Ask]:
    """Call tools over streamable HTTP, one raw JSON-RPC request each."""
    headers = bearer(secret) | {
        "Accept": "application/json, text/event-stream",
        "Accept-Encoding": "identity",
    }
    with httpx.Client(base_url=relay.url, headers=headers, timeout=30) as client:

        def ask(server: str, tool: str, **arguments: object) -> dict[str, Any]:
            answer = client.post(f"/{server}/mcp", json=request(tool, arguments))
            assert answer.status_code == 200, answer.text
            return result_of(answer.json())

        yield ask


@contextmanager
def stdio_session(site: Path, log: BinaryIO) -> Iterator[tuple[Ask, list[bytes]]]:
    """Call tools over the pipe of `tierwise-site stdio`, and keep every line that comes back."""
    child = subprocess.Popen(
        [BIN / "tierwise-site", "stdio", site, "--server", "all"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=guarded(site),
    )
    assert child.stdin is not None
    assert child.stdout is not None
    received: list[bytes] = []

    def exchange(message: dict[str, Any]) -> dict[str, Any]:
        child.stdin.write(json.dumps(message).encode() + b"\n")
        child.stdin.flush()
        while line := child.stdout.readline():
            received.append(line)
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == message["id"]:
                return answer
        raise AssertionError("the stdio server went away")

    def ask(_server: str, tool: str, **arguments: object) -> dict[str, Any]:
        return result_of(exchange(request(tool, arguments)))

    try:
        hello = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "somebody", "version": "1"},
        }
        exchange({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello})
        child.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        exchange({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        yield ask, received
    finally:
        child.stdin.close()
        child.wait(30)
        child.stdout.close()


def request(tool: str, arguments: dict[str, object]) -> dict[str, Any]:
    """A JSON-RPC request that calls a tool."""
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}


def result_of(answer: dict[str, Any]) -> dict[str, Any]:
    """The result of a call; a protocol error is one, too."""
    return answer.get("result") or {"isError": True, "error": answer.get("error")}


def ask_everything(ask: Ask, site: Path, seen: Traffic) -> None:
    """Call every tool with many arguments, and follow what the answers offer."""
    truth = json.loads((site.parent / "truth.json").read_text())
    start, end = truth["window"]

    def told(server: str, tool: str, **arguments: object) -> dict[str, Any]:
        result = ask(server, tool, **arguments)
        if result.get("isError"):
            seen.refused[tool] += 1
            return {}
        seen.answers[tool] += 1
        value: dict[str, Any] = result["structuredContent"]
        return value

    for tokens in (200, 2000, 8000):
        told("alarms", "summarize_alarms", budget_tokens=tokens)
    summary = told("alarms", "summarize_alarms", from_time=start, to_time=end)
    told("alarms", "rank_root_causes", from_time=start, to_time=end, limit=20)
    cursor: str | None = ""
    ids: list[str] = []
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        page = told("alarms", "list_alarms", from_time=start, to_time=end, limit=8, **more)
        ids += [alarm["alarm_id"] for alarm in page.get("alarms", [])]
        cursor = page.get("next_cursor")
    for alarm in ids[::25]:
        told("alarms", "get_alarm", alarm_id=alarm)
    for handle in summary.get("handles", ())[:10]:
        told("alarms", "list_alarms", handle=handle, from_time=start, to_time=end, limit=5)
    for server, tool, query in (
        ("tickets", "search_tickets", "customer called, no data, call back"),
        ("tickets", "search_tickets", "account manager VIP complaint e-mail"),
        ("tickets", "search_tickets", "imsi PDU session drops UE address"),
        ("tickets", "search_documents", "SNMP community and user accounts, subscriber IMSI"),
    ):
        told(server, tool, query=query, limit=8)
    for file in sorted((site / "tickets").iterdir()):
        for line in file.read_text().splitlines():
            told("tickets", "get_ticket", ticket_id=json.loads(line)["ticket_id"])
    for topic in TOPICS:
        for query in (f"handling of {topic}", f"about {topic}", f"{topic} password customer IMSI"):
            told("tickets", "search_documents", query=query, limit=20)
    cursor = ""
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        page = told("alarms", "list_alarms", managed_object=DEVICE, limit=20, **more)
        cursor = page.get("next_cursor")
    for section in ("", *(f"interface Loopback{number}" for number in range(len(CANARIES) // 5))):
        told(
            "configs",
            "lookup_config",
            managed_object=DEVICE,
            **({"section": section} if section else {}),
        )
    causes = [cause["managed_object"] for cause in truth["root_causes"]]
    told(
        "tickets",
        "find_similar_incidents",
        symptoms=["BFD down", "customer complaint"],
        managed_objects=causes,
    )
    for change in told("configs", "list_changes", from_time=start, to_time=end).get("changes", []):
        told(
            "configs",
            "diff_config",
            managed_object=change["managed_object"],
            from_time=start,
            to_time=end,
        )
    told("configs", "check_consistency")
    for word in ("description", "password|community|secret|key", "user"):
        told("configs", "find_config", pattern=word)
    for device in sorted({part.partition(":")[0] for part in [*causes, *truth["path"]]}):
        told("configs", "get_neighbors", managed_object=device)
        told("configs", "lookup_config", managed_object=device)
        for section in ("snmp", "tacacs", "aaa", "system", "interface", "user"):
            told("configs", "lookup_config", managed_object=device, section=section)


def probe(ask: Ask, planted: Planted, seen: Traffic) -> None:
    """Put identifiers into every text argument: no answer and no error may repeat one."""
    for value in planted.spelled[::30]:
        digits = re.sub(r"\D", "", value)
        for guess in {value, digits} if len(digits) > 9 else {value}:
            for result in (
                ask("tickets", "search_tickets", query=f"what about {guess}?"),
                ask("configs", "lookup_config", managed_object=guess, section=guess),
                ask("configs", "get_neighbors", managed_object=guess, hops=guess),
                ask("configs", "find_config", pattern=guess),
            ):
                seen.refused["probe"] += bool(result.get("isError"))
        for result in (
            ask("tickets", "get_ticket", ticket_id=value),
            ask("alarms", "get_alarm", alarm_id=value),
            ask("alarms", "list_alarms", managed_object=value, cursor=value),
        ):
            seen.refused["probe"] += bool(result.get("isError"))


def obeying_model(body: dict[str, Any]) -> Say:
    """A model that asks for all it can get, and repeats all it was told."""
    turns = sum(message["role"] == "assistant" for message in body["messages"])
    tools = {each["toolSpec"]["name"] for each in body["toolConfig"]["tools"] if "toolSpec" in each}
    wishes = (
        ("search_tickets", {"query": "customer called twice, name and number", "limit": 3}),
        ("get_ticket", {"ticket_id": "INC0000001"}),
        ("lookup_config", {"managed_object": "sandhagen-p1", "section": "snmp"}),
        ("list_alarms", {"limit": 5}),
    )
    if turns < 2:
        uses = [
            Use(name, arguments, f"t{turns}{number}")
            for number, (name, arguments) in enumerate(wishes)
            if name in tools
        ]
        if uses:
            return Say("Let me see.", tuple(uses))
    all_told = json.dumps(body["messages"])
    ids = re.findall(r"alarm:[\w.:-]+", all_told)
    return Say(
        json.dumps(
            {
                "headline": all_told[:2000],
                "status": "confirmed",
                "root_causes": [
                    {
                        "managed_object": "sandhagen-p1",
                        "probable_cause": all_told[-2000:],
                        "specific_problem": all_told[2000:4000],
                        "role": "fault",
                        "evidence_ids": ids[:3],
                    }
                ],
            }
        )
    )


def investigate(site: Path, relay: RecordingRelay, seen: Traffic) -> None:
    """`tierwise investigate` in a Region, with a model on the Bedrock double."""
    folder = site.parent
    (folder / "region.jwt").write_text(token(site, "region"))
    declared = {"name": "sample", "url": relay.url, "token_file": "region.jwt", "country": "DE"}
    config = {"sites": [declared], "bedrock_model": "amazon.nova-pro-v1:0"}
    (folder / "tierwise.yaml").write_text(json.dumps(config))
    with BedrockDouble(obeying_model) as double:
        environment = {
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": double.url,
            "TIERWISE_STATE": str(folder / "state.sqlite"),
        }
        flags = ("--analyst", "bedrock", "--json", "--question", "Which customers complained?")
        done = subprocess.run(
            [BIN / "tierwise", "investigate", "--config", folder / "tierwise.yaml", *flags],
            capture_output=True,
            timeout=300,
            check=False,
            env=guarded(site) | environment,
        )
        assert done.returncode == 0, done.stderr.decode()
        seen.places["model requests"] = double.sent_to_model
        seen.model_requests = len(double.requests)
    seen.asked_back = seen.places["model requests"].count(b'"toolResult"')
    seen.places["the report"] = done.stdout
    seen.places["the investigation's stderr"] = done.stderr
    seen.report = json.loads(done.stdout)


def raw_bytes(site: Path) -> bytes:
    """What the operator put on the site: files, and every version of every configuration."""
    files = [file for file in site.rglob("*.*") if file.is_file()]
    derived = {"configs", "store"}
    parts = [file.read_bytes() for file in files if not derived & set(file.parts)]
    with closing(Repo(str(site / "configs"))) as repository:
        parts += [repository.object_store[sha].as_raw_string() for sha in repository.object_store]
    return b"\n".join(parts)


def test_the_search_finds_every_identifier_where_it_is_raw(site: Path, planted: Planted) -> None:
    """Issue 4: the positive control; a search that finds nothing anywhere proves nothing."""
    assert len(planted.kinds) > 600
    assert planted.found_in(raw_bytes(site)) == Counter(planted.kinds.values())


def test_the_questions_reach_what_must_not_leave(planted: Planted, traffic: Traffic) -> None:
    """Issue 4: the same questions, asked at the site itself, are answered with raw identifiers."""
    assert {tool for tools in TOOLS.values() for tool in tools} == set(traffic.answers)
    reached = planted.found_in(traffic.local)
    assert sum(reached.values()) > len(planted.kinds) / 3, reached
    assert {"person", "msisdn", "imei", "supi", "email", "circuit", "ip"} <= set(reached)
    assert traffic.model_requests >= 2
    assert traffic.asked_back > 0


@pytest.mark.parametrize("place", PLACES)
def test_no_planted_identifier_gets_out(place: str, planted: Planted, traffic: Traffic) -> None:
    """R6, R10; issue 2 'No subscriber identifier appears in any byte'; issue 4: 0 hits."""
    assert planted.found_in(traffic.places[place]) == Counter()


@pytest.fixture(scope="session")
def search() -> CanarySearch:
    """The search after the planted canaries."""
    return CanarySearch(CANARIES)


def test_the_search_sees_through_every_disguise(search: CanarySearch) -> None:
    """Issue 4: the positive control of the search: ten encodings and more."""
    assert len(grow(seed=4, per_kind=64)) >= 1000
    assert len(DISGUISES) >= 10
    for name, disguise in DISGUISES.items():
        for canary in CANARIES[::23]:
            if name == "grouped" and canary.kind == "ue_ip":
                continue  # an address in groups is another address
            found = search.canaries_in(b"before " + disguise(canary.value) + b" after")
            assert found == {canary}, (name, canary)
    digits = [canary for canary in CANARIES if canary.kind in ("imsi", "msisdn", "imei", "iccid")]
    for canary in digits[::11]:
        assert canary in search.canaries_in(b"\xff" + tbcd(canary.value) + b"\xff")


def test_without_a_gate_the_questions_bring_every_canary_out(
    site: Path, search: CanarySearch, traffic: Traffic
) -> None:
    """Issue 4: the positive control of the run: with the gate off, all are found."""
    planted_all = raw_bytes(site)
    assert search.canaries_in(planted_all) == set(CANARIES)
    missing = set(CANARIES) - search.canaries_in(traffic.gate_off)
    # Secrets in configurations are taken out by the reader already, a lock before the gate.
    configured = {one for one in missing if one.kind in ("community", "password")}
    assert missing == configured
    assert len(configured) < len(CANARIES) / 10


@pytest.mark.parametrize("place", PLACES)
def test_no_canary_gets_out_in_any_encoding(
    place: str, search: CanarySearch, traffic: Traffic
) -> None:
    """Issue 4: 1,000 canaries of every kind, 0 hits in ten encodings, everywhere bytes go."""
    assert search.found_in(traffic.places[place]) == Counter()


def test_no_process_connects_to_an_address_that_nobody_declared(traffic: Traffic) -> None:
    """Issue 4: the socket guard: no telemetry, no model hub, nothing but loopback."""
    seen = [json.loads(line) for line in traffic.connections.splitlines()]
    assert {one["event"] for one in seen} >= {"start", "socket.connect"}
    assert len({one["process"] for one in seen if one["event"] == "start"}) >= 3
    strangers = [one for one in seen if one["event"] != "start" and not one["declared"]]
    assert strangers == []


def test_the_logs_were_written_and_the_ledger_has_both_callers(traffic: Traffic) -> None:
    """Issue 4: an empty place proves nothing."""
    assert b"bearer token refused" in traffic.places["serve.log"]
    callers = {json.loads(line)["client"] for line in traffic.places["the ledger"].splitlines()}
    assert callers == {"region", "site", "stdio"}
    quiet = {"stdio.log", "the investigation's stderr"}
    assert all(data for place, data in traffic.places.items() if place not in quiet)


def test_secrets_leave_not_even_for_a_caller_at_the_site(
    planted: Planted, traffic: Traffic
) -> None:
    """DESIGN 3: secrets stay on the site and go to no caller at all."""
    assert b"<secret:" in traffic.local
    assert planted.found_in(traffic.local)["secret"] == 0
