"""The investigation as a durable graph: scope, plan, gather, hypothesise, test, reason, ...

... verify, report. Hypotheses say what else must be seen, and that is looked up before anybody is
believed; a model reasons where the deterministic analyst leaves the matter open.

The graph only wires: what is looked at, placed, judged and checked is code of `agents` and of this
package's other modules. State holds keys and small values; findings are kept beside it. Every
remote call is a task, so that a resumed run does not repeat it.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from langchain_core.runnables import RunnableConfig
from langgraph.func import task
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send
from langsmith import tracing_context

from agents import grounding, judgement, planner, predictions
from agents.findings import AlarmSummary, EvidencePack, Proposal
from agents.predictions import Sighting, Trials
from agents.report import assemble
from orchestrator.investigating.delegation import Delegator
from orchestrator.investigating.findings_file import FindingsFile, site_of
from orchestrator.investigating.gathering import Gatherer, Look
from orchestrator.investigating.progress import (
    Errand,
    JsonObject,
    Progress,
    accounts_of,
    accounts_of_reasoning,
    forms_of,
    nobody_answered,
    told_by,
)
from orchestrator.investigating.reasoning import (
    ModelFactory,
    Reasoned,
    Reasoner,
    escalates,
    make_model,
)
from orchestrator.investigating.step_events import StepWatcher, unwatched
from orchestrator.settings import Settings, SiteStatement
from orchestrator.site_access.site_client import Purpose
from orchestrator.site_access.sites import Sites
from orchestrator.storage.model_ledger import ModelLedger
from orchestrator.storage.state import State
from placement.policy import Policy
from telecom.errors import BudgetExceededError, SettingsError
from telecom.evidence import Gap
from telecom.report import ProvenanceStep, RootCauseReport
from telecom.schema import ProductModel
from telecom.times import Window


class Inquiry(ProductModel):
    """What is to be investigated; without window and alarm, each site's newest incident."""

    question: str | None = None
    window: tuple[datetime, datetime] | None = None
    alarm_id: str | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """What an investigation works with."""

    settings: Settings
    policy: Policy
    sites: Sites
    state: State
    models: ModelFactory = make_model


async def investigate(
    inquiry: Inquiry,
    services: Services,
    *,
    incident_id: str | None = None,
    on_behalf_of: str | None = None,
    progress: Callable[[str], None] = lambda step: None,
    watch: StepWatcher = unwatched,
    between_steps: Callable[[], Awaitable[None]] | None = None,
) -> RootCauseReport:
    """Investigate, or resume what was interrupted under the same incident id.

    Args:
        inquiry: What is to be investigated.
        services: What it works with.
        incident_id: None begins a new incident.
        on_behalf_of: Pseudonym of the person who asks.
        progress: Called with the name of each finished step.
        watch: Told of each delegation as it is placed and as it ends.
        between_steps: Awaited after each step, so that something else may go first.

    Raises:
        SettingsError: There is no site to ask.
        TierwiseError: No site could be looked at; the first one's reason.
    """
    if not services.sites.by_name:
        raise SettingsError("no site to ask: give --site NAME=URL, --site-dir DIR, or `sites:`")
    incident_id = incident_id or f"inc-{uuid.uuid4().hex[:12]}"
    graph = build_graph(services, Purpose(incident_id, on_behalf_of), watch=watch)
    config: RunnableConfig = {"configurable": {"thread_id": incident_id}}
    snapshot = await graph.aget_state(config)
    begun = bool(snapshot.tasks or snapshot.next)
    start: Progress | None = None if begun else {"inquiry": inquiry.model_dump(mode="json")}
    try:
        with tracing_context(enabled=False):  # no run data to anybody's tracing service
            async for update in graph.astream(
                start,
                config,
                stream_mode="updates",
                durability="sync",
            ):
                for node in update:
                    progress(node)
                if between_steps is not None:
                    await between_steps()
    finally:
        await services.state.write_notes()
    return await services.state.get(incident_id, "report", RootCauseReport)


def build_graph(
    services: Services, purpose: Purpose, *, watch: StepWatcher = unwatched
) -> CompiledStateGraph[Progress, None, Progress, Progress]:
    """Compile the graph of one investigation."""
    nodes = _Nodes(services, purpose, watch)
    graph = StateGraph(Progress)
    # LangGraph disassembles a function in search of graphs inside it, and leaves a partial alone:
    # that is most of what compiling takes.
    graph.add_node("scope", partial(nodes.scope))
    graph.add_node("plan", partial(nodes.plan))
    graph.add_node("gather", partial(nodes.gather), input_schema=Errand)
    graph.add_node("hypothesise", partial(nodes.hypothesise))
    graph.add_node("test", partial(nodes.test))
    graph.add_node("reason", partial(nodes.reason))
    graph.add_node("verify", partial(nodes.verify))
    graph.add_node("report", partial(nodes.report))
    graph.add_edge(START, "scope")
    graph.add_edge("scope", "plan")
    graph.add_conditional_edges("plan", nodes.errands, ["gather", "hypothesise"])
    graph.add_edge("gather", "hypothesise")
    graph.add_edge("hypothesise", "test")
    graph.add_edge("test", "reason")
    graph.add_edge("reason", "verify")
    graph.add_edge("verify", "report")
    graph.add_edge("report", END)
    return graph.compile(checkpointer=services.state.checkpointer)


class _Nodes:
    """The graph's nodes over one investigation's services."""

    def __init__(self, services: Services, purpose: Purpose, watch: StepWatcher) -> None:
        self._services = services
        self._purpose = purpose
        self._watch = watch
        self._incident = purpose.investigation
        self._state = services.state
        self._findings = FindingsFile(services.state, self._incident)
        self._delegator = Delegator(
            services.settings,
            services.policy,
            keep=lambda record: self._state.note_decision(self._incident, record),
            outages=services.sites.outages,
        )
        self._gatherer = Gatherer(
            services.sites,
            self._delegator,
            purpose,
            brief_tokens=services.settings.budgets.brief_tokens,
            watch=watch,
        )
        self._deadline = time.monotonic() + services.settings.budgets.seconds
        self._look_at_alarms = task(self._alarms)
        self._look = task(self._errand)
        self._look_up = task(self._lookup)
        self._think = task(self._reasoned)

    # ------------------------------------------------------------------ nodes

    async def scope(self, state: Progress) -> Progress:
        """Fold the alarms of every site."""
        inquiry = Inquiry.model_validate(state["inquiry"])
        bounds = inquiry.window
        if inquiry.alarm_id is not None:
            window = await self._gatherer.window_around(inquiry.alarm_id)
            bounds = (window.start, window.end)
        span = [moment.isoformat() for moment in bounds] if bounds else None
        names = list(self._services.sites.by_name)
        looks = await asyncio.gather(*(self._look_at_alarms(name, span) for name in names))
        answered = [look["site"] for look in looks if look["name"] is not None]
        if not answered:
            raise nobody_answered(looks)
        accounts = accounts_of(looks)
        for name in answered:
            gaps = self._services.sites.by_name[name].contradictions
            accounts["gaps"] += [gap.model_dump(mode="json") for gap in gaps]
        return accounts | Progress(sites=answered)

    async def plan(self, state: Progress) -> Progress:
        """Decide what to look at next, site by site."""
        question = state["inquiry"].get("question")
        steps: list[JsonObject] = []
        for site in state["sites"]:
            summary = await self._state.get(self._incident, f"alarms:{site}", AlarmSummary)
            steps.extend(
                {
                    "site": site,
                    "agent": step.agent,
                    "around": list(step.around),
                    "symptoms": list(step.symptoms),
                    "done": list(step.done),
                    "probable_cause": step.probable_cause,
                }
                for step in planner.plan(summary, question=question)
            )
        return {"steps": steps}

    def errands(self, state: Progress) -> Sequence[Send] | str:
        """Fan out: one branch per step."""
        return [
            Send(
                "gather",
                Errand(
                    site=step["site"], number=number, step=step, told=told_by(state, step["site"])
                ),
            )
            for number, step in enumerate(state["steps"])
        ] or "hypothesise"

    async def gather(self, state: Errand) -> Progress:
        """Run one step; its failure is a gap."""
        return accounts_of([await self._look(state)])

    async def hypothesise(self, state: Progress) -> Progress:
        """Let the deterministic analyst read everything, and say what each hypothesis predicts."""
        forms = forms_of(state)
        for site in state["sites"]:
            self._remember(site, told_by(state, site))
        pack = await self._findings.pack(state)
        reasoned = await self._reasoner().with_rules(pack, forms)
        await self._state.write_notes()
        rules = reasoned.proposal
        assert rules is not None  # the deterministic analyst always answers
        suspects = predictions.suspects_of(rules.root_causes, pack)
        await self._state.put(self._incident, "rules", reasoned)
        await self._findings.keep_trials(Trials(predictions=predictions.predict(suspects, pack)))
        return accounts_of_reasoning(reasoned)

    async def test(self, state: Progress) -> Progress:
        """Look up what the findings do not answer of the predictions, as far as budgets reach."""
        return await self._tested(state, await self._findings.pack(state))

    async def reason(self, state: Progress) -> Progress:
        """Where the matter is open, let a model read; its causes are tested like any other."""
        rules = await self._state.get(self._incident, "rules", Reasoned)
        trials = await self._findings.trials()
        pack = await self._findings.pack(state)
        judged = judgement.judge(_given(rules), None, pack, trials)
        if not escalates(self._services.settings, judged.proposal, pack):
            return {}
        reasoned = Reasoned.model_validate(await self._think(state))
        await self._state.put(self._incident, "model", reasoned)
        told = accounts_of_reasoning(reasoned)
        if reasoned.proposal is None:
            return told
        fresh = [
            suspect
            for suspect in predictions.suspects_of(reasoned.proposal.root_causes, pack)
            if not trials.of(suspect.managed_object)
        ]
        made = (*trials.predictions, *predictions.predict(fresh, pack))
        await self._findings.keep_trials(trials.model_copy(update={"predictions": made}))
        tested = await self._tested(state, pack)
        for key in ("gaps", "provenance"):
            told[key] = [*told[key], *tested[key]]
        return told

    async def verify(self, state: Progress) -> Progress:
        """Keep what the evidence carries; a model that is left with nothing gives way."""
        rules = await self._state.get(self._incident, "rules", Reasoned)
        model = await self._findings.answer_of_model()
        judged = judgement.judge(
            _given(rules),
            None if model is None else model.proposal,
            await self._findings.pack(state),
            await self._findings.trials(),
        )
        await self._state.put(self._incident, "verified", judged.proposal)
        return {
            "gaps": [gap.model_dump(mode="json") for gap in judged.gaps],
            "model_agrees": judged.model_agrees,
        }

    async def report(self, state: Progress) -> Progress:
        """Assemble the report."""
        accepted = await self._state.get(self._incident, "verified", Proposal)
        report = assemble(
            grounding.VerifiedProposal(accepted),
            await self._findings.pack(state),
            incident_id=self._incident,
            provenance=[ProvenanceStep.model_validate(step) for step in state["provenance"]],
            model_agrees=state["model_agrees"],
            trials=await self._findings.trials(),
        )
        await self._state.put(self._incident, "report", report)
        return {}

    # ------------------------------------------------------------------ tasks

    async def _alarms(self, site: str, span: list[str] | None) -> JsonObject:
        window = None if span is None else Window(*map(datetime.fromisoformat, span))
        look = await self._in_time(
            lambda: self._gatherer.alarms(site, window), f"alarms of site {site}", "alarm_triage"
        )
        return await self._kept(site, "alarms", look)

    async def _errand(self, errand: Errand) -> JsonObject:
        site, step = errand["site"], errand["step"]
        self._remember(site, errand["told"])
        summary = await self._state.get(self._incident, f"alarms:{site}", AlarmSummary)
        errand_step = planner.Step(
            step["agent"],
            tuple(step["around"]),
            tuple(step["symptoms"]),
            step["probable_cause"],
            tuple(step.get("done", ())),  # a checkpoint of an older version has none
        )
        if errand_step.agent == "config_auditor":
            look = await self._in_time(
                lambda: self._gatherer.changes(site, Window(*summary.window), errand_step),
                f"configuration changes of site {site}",
                errand_step.agent,
            )
            return await self._kept(site, "changes", look)
        look = await self._in_time(
            lambda: self._gatherer.tickets(site, errand_step),
            f"past tickets of site {site}",
            errand_step.agent,
        )
        return await self._kept(site, "tickets", look)

    async def _lookup(self, site: str, managed_object: str) -> JsonObject:
        summary = await self._state.get(self._incident, f"alarms:{site}", AlarmSummary)
        window = Window(*summary.window)
        look = await self._in_time(
            lambda: self._gatherer.sighting(site, managed_object, window),
            f"alarms of {managed_object}",
            predictions.PROFILE.name,
        )
        return await self._kept(site, f"sighting:{managed_object}", look)

    async def _reasoned(self, state: Progress) -> JsonObject:
        for site in state["sites"]:
            self._remember(site, told_by(state, site))
        reasoner = self._reasoner()
        pack = await self._findings.pack(state)
        left = self._deadline - time.monotonic()
        reasoned = await reasoner.with_model(pack, forms_of(state), seconds=left)
        self._state.note_calls(self._incident, reasoner.calls)
        await self._state.write_notes()
        return reasoned.model_dump(mode="json")

    def _reasoner(self) -> Reasoner:
        services = self._services
        return Reasoner(
            services.settings,
            services.policy,
            self._delegator,
            services.sites,
            self._purpose,
            ModelLedger(self._state.database),
            models=services.models,
            watch=self._watch,
        )

    async def _tested(self, state: Progress, pack: EvidencePack) -> Progress:
        """Look up open predictions at the site that knows the suspect, then decide again."""
        trials = await self._findings.trials()
        open_ones = predictions.wanted(trials.predictions, trials.sightings)
        left = self._services.settings.budgets.lookups - len(trials.sightings)
        looks = await asyncio.gather(
            *(self._look_up(site_of(name, pack), name) for name in open_ones[: max(0, left)])
        )
        found = [
            await self._state.get(self._incident, look["name"], Sighting)
            for look in looks
            if look["name"] is not None
        ]
        sightings = (*trials.sightings, *found)
        decided = predictions.decide(trials.predictions, pack, sightings)
        await self._findings.keep_trials(Trials(predictions=decided, sightings=sightings))
        accounts = accounts_of(looks)
        if len(open_ones) > max(0, left) and self._services.settings.budgets.lookups:
            why = f"budgets.lookups: {len(open_ones) - max(0, left)} more elements were not read"
            accounts["gaps"] += [Gap(what="tests of the hypotheses", why=why).model_dump()]
        return accounts

    async def _in_time(self, look: Callable[[], Awaitable[Look]], what: str, agent: str) -> Look:
        """A look, unless the investigation's time is over: then a gap, and what is known stays."""
        left = self._deadline - time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            async with asyncio.timeout(left):
                return await look()
        except TimeoutError:
            seconds = self._services.settings.budgets.seconds
            error = BudgetExceededError("seconds", f"budgets.seconds: {seconds:g} s are over")
            step = ProvenanceStep(step="gather", agent=agent, tier=None, decision_id=None)
            return Look(what, step, error=error)

    def _remember(self, site: str, told: JsonObject | None) -> None:
        client = self._services.sites.by_name[site]
        if client.told is None and told is not None:
            client.told = SiteStatement.model_validate(told)

    async def _kept(self, site: str, kind: str, look: Look) -> JsonObject:
        """Put a finding aside; what remains is small enough for a checkpoint."""
        name = None
        if look.finding is not None:
            name = await self._state.put(self._incident, f"{kind}:{site}", look.finding)
        self._state.note_calls(self._incident, look.calls)
        await self._state.write_notes()
        return {
            "site": site,
            "kind": kind,
            "name": name,
            "forms": list(look.forms),
            "told": None if look.told is None else look.told.model_dump(mode="json"),
            "step": look.step.model_dump(mode="json"),
            "gap": None if look.gap is None else look.gap.model_dump(mode="json"),
            "error": None if look.error is None else look.error.code,
        }


def _given(reasoned: Reasoned) -> Proposal:
    """The deterministic analyst's proposal, which is always there."""
    assert reasoned.proposal is not None
    return reasoned.proposal
