"""What an investigation costs: own CPU, memory, concurrency, and the model's bill.

Beside our graph runs a bare LangGraph graph of the same shape in the same process: what remains is
ours. The bill is metered: generated incidents are folded where they are, and a model behind the
shipped Bedrock double reads them with a round of tools, once all of them and once those that the
policy escalates; the double counts what really came. How often the deterministic analyst is right
where nobody else reads stands beside the price of that.
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
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.func import task
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from langsmith import tracing_context

from agents.findings import AlarmSummary, ChangeReview, Contradictions, TicketReview
from agents.predictions import Sighting, said_of_it
from bench.incidents import SampleNetwork, schedule
from mcp_servers.alarms.server import AlarmTools
from mcp_servers.sample_site.truth import Truth
from orchestrator.assessments.case_scoring import CaseScore, score_report
from orchestrator.assessments.case_scoring import Truth as ScoredTruth
from orchestrator.doubles.bedrock import BedrockDouble, Say, Use
from orchestrator.investigating.investigation import Inquiry, Services, investigate
from orchestrator.settings import Settings, SiteDeclaration
from orchestrator.site_access.site_client import CallRecord, EgressReceipt
from orchestrator.storage.state import open_state
from placement.policy import Policy, load_policy
from telecom.alarm import Alarm
from telecom.report import RootCauseReport
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
NETWORKS = (902, 903, 904)
FIRST_SEED = 9601
"""No weight and no threshold was set on these networks or on these incidents."""
BILLED = 60


def run() -> list[dict[str, Any]]:
    """Measure; one row for each figure."""
    cases = list(_generated(schedule(BILLED)))
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
    answer: dict[str, Any]
    """Its alarms of the leading suspect, as the tool lists them for a model that asks back."""
    written: dict[str, Sighting]
    """Device -> the first records that it wrote itself, for the test of a prediction."""
    truth: ScoredTruth


def _generated(families: Iterable[str]) -> Iterator[_Case]:
    """Let the incidents happen, a part of them in each network, and keep what its site finds."""
    numbered = list(enumerate(families, start=FIRST_SEED))
    for place, seed in enumerate(NETWORKS):
        with tempfile.TemporaryDirectory() as folder:
            network = SampleNetwork(Path(folder) / "site", seed=seed)
            try:
                for number, family in numbered[place :: len(NETWORKS)]:
                    yield _found(network, network.happen(family, number))
            finally:
                network.close()


def _found(network: SampleNetwork, truth: Truth) -> _Case:
    summary, changes = asyncio.run(network.look(truth))
    start, end = (moment.isoformat() for moment in truth.window)
    suspects = [c.managed_object for c in summary.root_cause_candidates]
    listed = AlarmTools(lambda: network.host.alarms).list_alarms(
        start, end, suspects[0] if suspects else None, limit=10
    )
    similar = tuple(
        SimilarIncident(
            ticket_id=ticket.ticket_id,
            score=0.5,
            title=ticket.title,
            cause=ticket.cause,
            managed_object=ticket.managed_object,
            quote=ticket.close_note,
            locator="close_note",
        )
        for ticket in network.tickets
        if ticket.close_note
    )[:5]
    found = SimilarIncidents(incidents=similar, agreed_cause=None, agreement=(0, 5))
    tickets = TicketReview(similar=found, evidence={})
    answer = listed.model_dump(mode="json", by_alias=True)
    written = _written(network, Window(*truth.window))
    scored = ScoredTruth.model_validate(truth.as_json())
    return _Case(summary, changes, tickets, answer, written, scored)


def _written(network: SampleNetwork, window: Window) -> dict[str, Sighting]:
    """What a site's client reads of each element that wrote something."""
    lines: dict[str, list[Alarm]] = defaultdict(list)
    for alarm in network.host.alarms.store.between(window):
        lines[alarm.device.lower()].append(alarm)
    return {
        device: Sighting(
            managed_object=device,
            times=tuple(alarm.alarm_raised_time for alarm in first if alarm.alarm_raised_time),
            evidence_ids=tuple(f"alarm:{alarm.alarm_id}" for alarm in first),
        )
        for device, alarms in lines.items()
        if (first := [each for each in alarms[:5] if not said_of_it(each.probable_cause or "")])
    }


def _device(name: str) -> str:
    return ManagedObject.parse(name).device.lower()


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
        return self.case.answer, _record(tool, 1600)


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

    async def check_consistency(self, **_: Any) -> Contradictions:
        self.records.append(_record("check_consistency", 300))
        return Contradictions(findings=(), left_out=0, evidence={})  # `changes` has them

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
        nothing = Sighting(managed_object=managed_object, times=(), evidence_ids=())
        return self._site.case.written.get(_device(managed_object), nothing)


def _record(tool: str, tokens: int) -> CallRecord:
    receipt = EgressReceipt(decision_id="bench", form="anonymized", tokens=tokens, bytes=tokens * 3)
    return CallRecord(tool, 1.0, receipt)


class _Sites:
    def __init__(self, site: _Site) -> None:
        self.by_name = {"site1": site}

    def outages(self, site: SiteDeclaration) -> dict[str, str]:
        return {}

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

    read: int = 0
    """Incidents that the model read."""
    tokens: float = 0.0
    weighed: float = 0.0
    """Tokens, with what a cache reads at a tenth and what it is given at a quarter more."""
    usd: float = 0.0
    kept: list[CaseScore] = field(default_factory=list)
    """What the deterministic analyst alone answered."""
    left: list[CaseScore] = field(default_factory=list)
    """What it answers where the model read as well, which knows nothing here."""

    def add(self, usages: list[dict[str, int]], report: RootCauseReport, score: CaseScore) -> None:
        """One incident: what the service counted, and what our catalogue makes of it."""
        self.read += bool(usages)
        (self.left if usages else self.kept).append(score)
        self.usd += sum(step.cost_usd or 0.0 for step in report.provenance)
        for usage in usages:
            read, write = usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]
            fresh = usage["inputTokens"] + usage["outputTokens"]
            self.tokens += fresh + read + write
            self.weighed += fresh + 0.1 * read + 1.25 * write


async def _bill(cases: list[_Case]) -> list[dict[str, Any]]:
    """Meter every case twice: with the model always, and where the policy escalates it."""
    policy = load_policy()
    os.environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    everything = await _metered(cases, policy, escalation="always")
    shared = await _metered(cases, policy, escalation="unconfirmed")
    events = sum(case.summary.tokens_before for case in cases) / RAW_EVENT_TOKENS
    return _bill_rows(everything, shared, 1000 / events)


async def _metered(cases: list[_Case], policy: Policy, *, escalation: str) -> _Meter:
    """Investigate every case against a service whose cache has seen none of them."""
    meter = _Meter()
    with BedrockDouble(_reads_and_answers) as double, tempfile.TemporaryDirectory() as folder:
        os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = double.url
        async with open_state(Path(folder) / "state.sqlite") as state:
            for number, case in enumerate(cases):
                settings = _settings(analyst="bedrock", escalation=escalation)
                services = Services(settings, policy, _Sites(_Site(case)), state)
                before = len(double.usages)
                report = await investigate(Inquiry(), services, incident_id=f"inc-{number}")
                score = score_report(f"{number}", case.truth, report, [case.summary], seconds=0.0)
                meter.add(double.usages[before:], report, score)
    return meter


def _bill_rows(everything: _Meter, shared: _Meter, per_thousand: float) -> list[dict[str, Any]]:
    kept, answers = shared.kept, [*shared.kept, *shared.left]

    def priced(tokens: float) -> float:
        return tokens * per_thousand * USD_PER_MILLION / 1e6

    unit = f"USD per 1,000 events at {USD_PER_MILLION} per million (raw: {RAW_USD:g})"
    cached = f"{unit}, cached reads at a tenth"
    at_share = priced(shared.weighed)
    right = sum(map(_is_right, kept))
    return [
        _row("tokens of an investigation with a model", everything.tokens / BILLED, "tokens"),
        _row("everything escalated", priced(everything.tokens), unit),
        _row("everything escalated, prompt cache", priced(everything.weighed), cached),
        _row("share that the policy escalates", shared.read / BILLED, f"of {BILLED} incidents"),
        _row("policy's share", priced(shared.tokens), unit),
        _row("policy's share, prompt cache", at_share, cached, at_share <= GOAL_USD, f"{GOAL_USD}"),
        _row("kept by the deterministic analyst: right", right / len(kept), f"of {len(kept)}"),
        _row(
            "deterministic answers to all: right",
            sum(map(_is_right, answers)) / len(answers),
            f"of {len(answers)} (no cause named where there is none counts as right)",
        ),
        _row("everything, list prices", everything.usd * per_thousand, "USD per 1,000 events"),
        _row("policy's share, list prices", shared.usd * per_thousand, "USD per 1,000 events"),
    ]


def _is_right(score: CaseScore) -> bool:
    """All causes and nothing else; without a cause, nobody convicted."""
    return score.exact if score.has_cause else not score.convicted_without_cause


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
