"""What an investigation costs: own CPU, memory, concurrency, and the model's bill.

Beside our graph runs a bare LangGraph graph of the same shape in the same process: what remains is
ours. The bill is metered: generated incidents are folded where they are, and a model behind the
shipped Bedrock double reads them with a round of tools; the double counts what really came.
"""

from __future__ import annotations

import asyncio
import gc
import json
import operator
import os
import tempfile
import time
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.func import task
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from langsmith import tracing_context

from agents.findings import AlarmSummary, ChangeReview, EvidencePack, Proposal, TicketReview
from agents.predictions import Sighting
from agents.root_cause_analyst import RulesAnalyst
from mcp_servers import sample_site
from mcp_servers.configs.server import review_of
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.site_directory import SiteDirectory
from orchestrator.doubles.bedrock import BedrockDouble, Say, Use
from orchestrator.investigation import Inquiry, Services, investigate
from orchestrator.reasoning import escalates
from orchestrator.settings import Settings, SiteDeclaration
from orchestrator.site_client import CallRecord, EgressReceipt
from orchestrator.state import open_state
from placement.policy import load_policy
from telecom.ticket import SimilarIncident, SimilarIncidents
from telecom.times import Window
from telecom.topology import ManagedObject

ROUNDS = 30
CONCURRENT = 200
STEPS = 9
"""Nodes that run in one investigation: scope, plan, two looks, hypothesise, test, reason, ..."""
CPU_LIMIT_MS = 15
MEMORY_LIMIT_MB = 1.0
RAW_EVENT_TOKENS = 20_000
"""One alarm event before folding (the article: 15,000 to 25,000 tokens)."""
USD_PER_MILLION = 2.60
RAW_USD, GOAL_USD = 52.0, 5.20
FAMILIES = tuple(sample_site.FAMILIES)
SEEDS = tuple(range(301, 301 + int(os.environ.get("TIERWISE_BENCH_BILLED", "1"))))


def run() -> list[dict[str, Any]]:
    """Measure; one row for each figure."""
    cases = [_generated(family, seed) for seed in SEEDS for family in FAMILIES]
    ours, bare = asyncio.run(_cpu(cases[0]))
    memory_mb, failed = asyncio.run(_many_at_once(cases[0]))
    own = (ours - bare) / STEPS
    return [
        _row("bare graph of the same shape, CPU per step", bare / STEPS, "ms"),
        _row("own CPU per step beyond it", own, "ms", own <= CPU_LIMIT_MS, f"<= {CPU_LIMIT_MS}")
        | {"ratio": ours / bare},
        _row(f"{CONCURRENT} at once in one worker: failed", failed, "", failed == 0, "0"),
        _row(
            "memory of a live investigation",
            memory_mb,
            "MB",
            memory_mb <= MEMORY_LIMIT_MB,
            f"<= {MEMORY_LIMIT_MB:g}",
        ),
        *asyncio.run(_bill(cases)),
    ]


def _row(
    name: str, value: float, unit: str, ok: bool | None = None, limit: str | None = None
) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "unit": unit, "limit": limit, "ok": ok}


# --------------------------------------------------------------- a site without a wire


@dataclass(frozen=True)
class _Case:
    """What a site would answer about one incident."""

    summary: AlarmSummary
    changes: ChangeReview
    tickets: TicketReview
    causes: frozenset[str]
    """The elements that a right answer names."""
    acceptable: frozenset[str]


def _generated(family: str, seed: int) -> _Case:
    """Fold a generated incident as its site would, and find what it would find."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        truth = sample_site.generate(site, family=family, seed=seed)
        host = SiteHost(SiteDirectory.open(site))
        try:
            window = Window(*truth.window)
            summary = host.alarms.summarize(window, 2000)
            suspects = [c.managed_object for c in summary.root_cause_candidates]
            day = Window(window.start - timedelta(hours=24), window.end)
            found = host.configs.list_changes(day, around=tuple(suspects), hops=1, limit=20)
            changes = review_of(found, host.configs.gaps())
            lines = (site / "tickets").glob("*.jsonl")
            rows = [json.loads(line) for file in lines for line in file.read_text().splitlines()]
        finally:
            host.close()
    incidents = tuple(
        SimilarIncident(
            ticket_id=row["ticket_id"],
            score=0.5,
            title=row["title"],
            cause=row.get("cause"),
            managed_object=row.get("managed_object"),
            quote=row["close_note"],
            locator="close_note",
        )
        for row in rows
        if row.get("close_note")
    )[:5]
    similar = SimilarIncidents(incidents=incidents, agreed_cause=None, agreement=(0, 5))
    causes = frozenset(_device(cause.managed_object) for cause in truth.root_causes)
    acceptable = causes | frozenset(map(_device, truth.acceptable))
    return _Case(summary, changes, TicketReview(similar=similar, evidence={}), causes, acceptable)


def _device(name: str) -> str:
    return ManagedObject.parse(name).device


class _Site:
    """A site's client whose answers cost nothing: what is measured is ours."""

    told = None
    contradictions = ()

    def __init__(self, case: _Case, gate: asyncio.Event | None = None) -> None:
        self.case = case
        self.gate = gate
        self.waiting = 0
        self.all_waiting = asyncio.Event()
        self.name = "site1"
        self.declaration = SiteDeclaration(name="site1", url="http://127.0.0.1:1", country="DE")

    def desk(self, purpose: Any) -> _Desk:
        return _Desk(self)

    async def call(self, tool: str, arguments: Any, *, purpose: Any) -> Any:
        record = _record(tool, 1600)
        lines = [{"evidence_id": k, "line": v.quote} for k, v in self.case.summary.evidence.items()]
        return {"alarms": lines[:12], "evidence": {}}, record


class _Desk:
    def __init__(self, site: _Site) -> None:
        self.records: list[CallRecord] = []
        self._site = site

    async def summarize_alarms(self, window: Any, *, budget_tokens: int) -> AlarmSummary:
        self.records.append(_record("summarize_alarms", self._site.case.summary.tokens_after))
        return self._site.case.summary

    async def list_changes(self, window: Any, **_: Any) -> ChangeReview:
        self.records.append(_record("list_changes", 700))
        return self._site.case.changes

    async def find_similar_incidents(self, **_: Any) -> TicketReview:
        self.records.append(_record("find_similar_incidents", 700))
        if self._site.gate is not None:
            self._site.waiting += 1
            if self._site.waiting == CONCURRENT:
                self._site.all_waiting.set()
            await self._site.gate.wait()
        return self._site.case.tickets

    async def alarms_of(self, managed_object: str, window: Any) -> Sighting:
        self.records.append(_record("list_alarms", 300))
        return Sighting(managed_object=managed_object, times=(), evidence_ids=())


def _record(tool: str, tokens: int) -> CallRecord:
    receipt = EgressReceipt(decision_id="bench", form="anonymized", tokens=tokens, bytes=tokens * 3)
    return CallRecord(tool, 1.0, receipt)


class _Sites:
    def __init__(self, site: _Site) -> None:
        self.by_name = {"site1": site}

    def behind(self, executor: Any, site: str) -> _Site:
        return self.by_name[site]


@contextmanager
def _quiet():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _settings(**keys: Any) -> Settings:
    return Settings(
        sites=(SiteDeclaration(name="site1", url="http://127.0.0.1:1", country="DE"),),
        aws_region="eu-central-1",
        **keys,
    )


# ---------------------------------------------------------------------- CPU and memory


async def _cpu(case: _Case) -> tuple[float, float]:
    """CPU milliseconds of one investigation: ours and the bare graph's, interleaved."""
    policy = load_policy()
    spent = {"ours": 0.0, "bare": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        async with open_state(Path(folder) / "state.sqlite") as state:
            services = Services(_settings(), policy, _Sites(_Site(case)), state)
            bare = _bare_graph(state.checkpointer)
            for number in range(ROUNDS + 2):
                with _quiet():
                    begun = time.process_time()
                    await investigate(Inquiry(), services, incident_id=f"inc-{number}")
                    between = time.process_time()
                    await _run_bare(bare, f"bare-{number}")
                    ended = time.process_time()
                if number >= 2:
                    spent["ours"] += between - begun
                    spent["bare"] += ended - between
    return spent["ours"] * 1000 / ROUNDS, spent["bare"] * 1000 / ROUNDS


class _BareState(TypedDict, total=False):
    looks: Annotated[list[dict[str, Any]], operator.add]
    steps: list[dict[str, Any]]


def _bare_graph(checkpointer: Any) -> Any:
    """The same nodes, edges, tasks and checkpoints, and nothing in them."""

    @task
    async def fetch(name: str) -> dict[str, Any]:
        return {"name": name}

    async def scope(state: _BareState) -> _BareState:
        return {"looks": [await fetch("alarms")]}

    async def plan(state: _BareState) -> _BareState:
        return {"steps": [{"n": 1}, {"n": 2}]}

    async def gather(state: dict[str, Any]) -> _BareState:
        return {"looks": [await fetch("look")]}

    async def nothing(state: _BareState) -> _BareState:
        return {}

    graph = StateGraph(_BareState)
    graph.add_node("scope", scope)
    graph.add_node("plan", plan)
    graph.add_node("gather", gather)
    for name in ("hypothesise", "test", "reason", "verify", "report"):
        graph.add_node(name, nothing)
    graph.add_edge(START, "scope")
    graph.add_edge("scope", "plan")
    graph.add_conditional_edges(
        "plan", lambda state: [Send("gather", step) for step in state["steps"]], ["gather"]
    )
    for before, after in (
        ("gather", "hypothesise"),
        ("hypothesise", "test"),
        ("test", "reason"),
        ("reason", "verify"),
        ("verify", "report"),
        ("report", END),
    ):
        graph.add_edge(before, after)
    return graph.compile(checkpointer=checkpointer)


async def _run_bare(graph: Any, thread: str) -> None:
    config = {"configurable": {"thread_id": thread}}
    with tracing_context(enabled=False):
        async for _ in graph.astream({"looks": []}, config, durability="sync"):
            pass


async def _many_at_once(case: _Case) -> tuple[float, int]:
    """Memory of one of many live investigations, and how many of them failed."""
    gate = asyncio.Event()
    site = _Site(case, gate)
    with tempfile.TemporaryDirectory() as folder:
        async with open_state(Path(folder) / "state.sqlite") as state:
            services = Services(_settings(), load_policy(), _Sites(site), state)
            gate.set()
            await investigate(Inquiry(), services, incident_id="warm-up")
            gate.clear()
            site.waiting = 0
            site.all_waiting.clear()
            gc.collect()
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            runs = [
                asyncio.create_task(investigate(Inquiry(), services, incident_id=f"many-{n}"))
                for n in range(CONCURRENT)
            ]
            waiting = asyncio.create_task(site.all_waiting.wait())
            await asyncio.wait(
                {waiting, asyncio.gather(*runs, return_exceptions=True)},
                return_when=asyncio.FIRST_COMPLETED,
            )
            gc.collect()
            live, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            gate.set()
            outcomes = await asyncio.gather(*runs, return_exceptions=True)
    failed = sum(isinstance(outcome, BaseException) for outcome in outcomes)
    return (live - before) / CONCURRENT / 2**20, failed


# ------------------------------------------------------------------------------ the bill


@dataclass
class _Meter:
    """What a set of incidents cost."""

    incidents: int = 0
    tokens: float = 0.0
    weighed: float = 0.0
    """Tokens, with what a cache reads at a tenth and what it is given at a quarter more."""
    usd: float = 0.0

    def add(self, usage: dict[str, int], usd: float) -> None:
        read, write = usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]
        fresh = usage["inputTokens"] + usage["outputTokens"]
        self.tokens += fresh + read + write
        self.weighed += fresh + 0.1 * read + 1.25 * write
        self.usd += usd


async def _bill(cases: list[_Case]) -> list[dict[str, Any]]:
    """Meter every case with the model, then count what the policy would have sent."""
    policy = load_policy()
    os.environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    everything, shared = _Meter(), _Meter()
    events = 0.0
    kept = right = 0
    with BedrockDouble(_reads_and_answers) as double, tempfile.TemporaryDirectory() as folder:
        os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = double.url
        async with open_state(Path(folder) / "state.sqlite") as state:
            for number, case in enumerate(cases):
                settings = _settings(analyst="bedrock", escalation="always")
                services = Services(settings, policy, _Sites(_Site(case)), state)
                before = len(double.usages)
                report = await investigate(Inquiry(), services, incident_id=f"inc-{number}")
                usd = sum(s.cost_usd or 0.0 for s in report.provenance)
                events += case.summary.tokens_before / RAW_EVENT_TOKENS
                proposal, open_matter = await _deterministic(case)
                meters = [everything]
                if open_matter:
                    meters.append(shared)
                else:
                    kept += 1
                    named = {_device(c.managed_object) for c in proposal.root_causes}
                    right += len(named) == len(case.causes) and named <= case.acceptable
                for meter in meters:
                    meter.incidents += 1
                    meter.usd += usd
                    for usage in double.usages[before:]:
                        meter.add(usage, 0.0)
    return _bill_rows(everything, shared, events, kept, right)


def _bill_rows(
    everything: _Meter, shared: _Meter, events: float, kept: int, right: int
) -> list[dict[str, Any]]:
    per_thousand = 1000 / events

    def priced(tokens: float) -> float:
        return tokens * per_thousand * USD_PER_MILLION / 1e6

    n = everything.incidents
    unit = f"USD per 1,000 events at {USD_PER_MILLION} per million (raw: {RAW_USD:g})"
    cached = f"{unit}, cached reads at a tenth"
    at_share = priced(shared.weighed)
    return [
        _row("tokens of an investigation with a model", everything.tokens / n, "tokens"),
        _row("everything escalated", priced(everything.tokens), unit),
        _row("everything escalated, prompt cache", priced(everything.weighed), cached),
        _row("share that the policy escalates", shared.incidents / n, f"of {n} incidents"),
        _row("policy's share", priced(shared.tokens), unit),
        # A goal, not a limit: what is left open is the ranking's to say.
        _row("policy's share, prompt cache", at_share, cached, limit=f"goal {GOAL_USD}")
        | {"ok": True if at_share <= GOAL_USD else None},
        _row("everything, list prices", everything.usd * per_thousand, "USD per 1,000 events"),
        _row("policy's share, list prices", shared.usd * per_thousand, "USD per 1,000 events"),
        _row("kept by the deterministic analyst: right", right, f"of {kept}"),
    ]


async def _deterministic(case: _Case) -> tuple[Proposal, bool]:
    """What the deterministic analyst says, and whether the policy escalates it."""
    pack = EvidencePack(
        window=case.summary.window,
        sites=("site1",),
        alarms=(case.summary,),
        changes=(case.changes,),
        tickets=(case.tickets,),
        evidence={},
    )
    proposal = await RulesAnalyst().analyse(pack)
    return proposal, escalates(_settings(analyst="bedrock"), proposal, pack)


def _reads_and_answers(body: dict[str, Any]) -> Say:
    """A model that asks back once, then answers at the length of a real answer."""
    if len(body["messages"]) == 1:
        return Say("Let me read the alarms.", (Use("list_alarms", {"limit": 10}, "t1"),))
    cause = {
        "managed_object": "unknown",
        "probable_cause": "configuration change",
        "specific_problem": "what the brief says about the leading candidate, in a sentence",
        "role": "fault",
        "evidence_ids": ["alarm:1", "alarm:2", "change:1"],
    }
    ruled_out = {"managed_object": "other", "hypothesis": "fibre cut", "why": "light is good"}
    link = {"source": "a", "target": "b", "condition": "c", "effect": "d", "lag_seconds": 1}
    answer = {
        "headline": "configuration change at the leading candidate",
        "status": "probable",
        "root_causes": [cause],
        "ruled_out": [ruled_out | {"evidence_ids": ["alarm:3"]}] * 3,
        "causal_chain": [link | {"evidence_ids": ["alarm:1", "alarm:4"]}] * 3,
        "next_actions": [
            {"action": "Check the state", "why": "it changed", "read_only": True}
            | {"evidence_ids": ["alarm:1"]}
        ]
        * 3,
    }
    return Say(json.dumps(answer))
