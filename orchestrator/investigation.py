"""The investigation: scope -> plan -> gather -> reason -> verify -> report, as a durable graph.

The graph only wires: what is looked at, placed, judged and checked is code of `agents` and of this
package's other modules. State holds keys and small values; findings are kept beside it. Every
remote call is a task, so that a resumed run does not repeat it.
"""

from __future__ import annotations

import asyncio
import operator
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Annotated, Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.func import task
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send
from langsmith import tracing_context

from agents import grounding, planner
from agents.findings import (
    AlarmSummary,
    ChangeReview,
    EvidencePack,
    Proposal,
    TicketReview,
)
from agents.report import assemble
from orchestrator.delegation import Delegator
from orchestrator.gathering import Gatherer, Look
from orchestrator.reasoning import ModelFactory, Reasoned, Reasoner, agree, make_model
from orchestrator.settings import Settings, SiteStatement
from orchestrator.site_client import Purpose
from orchestrator.sites import Sites
from orchestrator.state import Finding, State
from placement.policy import Policy
from telecom.errors import PlacementRefusedError, SettingsError, TierwiseError, ToolRefused
from telecom.evidence import Evidence, Gap
from telecom.report import ProvenanceStep, RootCauseReport
from telecom.schema import ProductModel
from telecom.times import Window

JsonObject = dict[str, Any]  # a model's JSON: what a checkpoint can hold


class Inquiry(ProductModel):
    """What is to be investigated; without window and alarm, each site's newest incident."""

    question: str | None = None
    window: tuple[datetime, datetime] | None = None
    alarm_id: str | None = None


class Progress(TypedDict, total=False):
    """The graph's state: keys of findings, and what the report accounts for."""

    inquiry: JsonObject
    sites: list[str]
    """Sites whose alarms were folded."""
    steps: list[JsonObject]
    looks: Annotated[list[JsonObject], operator.add]
    """What each look gave: site, kind, key of the finding or None, forms of its answers, what the
    site said about itself."""
    gaps: Annotated[list[JsonObject], operator.add]
    provenance: Annotated[list[JsonObject], operator.add]
    model_agrees: bool | None
    """Whether the model and the deterministic analyst named the same cause."""


class _Errand(TypedDict):
    """One branch of the fan-out."""

    site: str
    number: int
    step: JsonObject
    told: JsonObject | None
    """What the site has said about itself, for a process that resumes and did not hear it."""


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
) -> RootCauseReport:
    """Investigate, or resume what was interrupted under the same incident id.

    Args:
        inquiry: What is to be investigated.
        services: What it works with.
        incident_id: None begins a new incident.
        on_behalf_of: Pseudonym of the person who asks.
        progress: Called with the name of each finished step.

    Raises:
        SettingsError: There is no site to ask.
        TierwiseError: No site could be looked at; the first one's reason.
    """
    if not services.sites.by_name:
        raise SettingsError("no site to ask: give --site NAME=URL, --site-dir DIR, or `sites:`")
    incident_id = incident_id or f"inc-{uuid.uuid4().hex[:12]}"
    graph = build_graph(services, Purpose(incident_id, on_behalf_of))
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
    finally:
        await services.state.write_notes()
    return await services.state.get(incident_id, "report", RootCauseReport)


def build_graph(
    services: Services, purpose: Purpose
) -> CompiledStateGraph[Progress, None, Progress, Progress]:
    """Compile the graph of one investigation."""
    nodes = _Nodes(services, purpose)
    graph = StateGraph(Progress)
    graph.add_node("scope", nodes.scope)
    graph.add_node("plan", nodes.plan)
    graph.add_node("gather", nodes.gather, input_schema=_Errand)
    graph.add_node("reason", nodes.reason)
    graph.add_node("verify", nodes.verify)
    graph.add_node("report", nodes.report)
    graph.add_edge(START, "scope")
    graph.add_edge("scope", "plan")
    graph.add_conditional_edges("plan", nodes.errands, ["gather", "reason"])
    graph.add_edge("gather", "reason")
    graph.add_edge("reason", "verify")
    graph.add_edge("verify", "report")
    graph.add_edge("report", END)
    return graph.compile(checkpointer=services.state.checkpointer)


class _Nodes:
    """The graph's nodes over one investigation's services."""

    def __init__(self, services: Services, purpose: Purpose) -> None:
        self._services = services
        self._purpose = purpose
        self._incident = purpose.investigation
        self._state = services.state
        self._delegator = Delegator(
            services.settings,
            services.policy,
            keep=lambda record: self._state.note_decision(self._incident, record),
        )
        self._gatherer = Gatherer(
            services.sites,
            self._delegator,
            purpose,
            brief_tokens=services.settings.budgets.brief_tokens,
        )
        self._look_at_alarms = task(self._alarms)
        self._look = task(self._errand)
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
            raise _nobody_answered(looks)
        accounts = _accounts(looks)
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
                _Errand(
                    site=step["site"], number=number, step=step, told=_told(state, step["site"])
                ),
            )
            for number, step in enumerate(state["steps"])
        ] or "reason"

    async def gather(self, state: _Errand) -> Progress:
        """Run one step; its failure is a gap."""
        return _accounts([await self._look(state)])

    async def reason(self, state: Progress) -> Progress:
        """Let the analyst read everything."""
        reasoned = Reasoned.model_validate(await self._think(state))
        await self._state.put(self._incident, "reasoned", reasoned)
        return {
            "gaps": [gap.model_dump(mode="json") for gap in reasoned.gaps],
            "provenance": [step.model_dump(mode="json") for step in reasoned.steps],
        }

    async def verify(self, state: Progress) -> Progress:
        """Keep what the evidence carries; a model that is left with nothing gives way."""
        reasoned = await self._state.get(self._incident, "reasoned", Reasoned)
        pack = await self._pack(state, reasoned.evidence)
        verified = grounding.verify(reasoned.proposal, pack)
        gaps = list(verified.dropped)
        accepted = verified.proposal
        agreed = agree(accepted, reasoned.second)
        if reasoned.second is not None:
            second = grounding.verify(reasoned.second, pack)
            if reasoned.proposal.root_causes and not accepted.root_causes:
                gaps.append(
                    Gap(
                        what="the model's answer",
                        why="nothing it asserted held; this is the deterministic analyst's report",
                    )
                )
                accepted, agreed = second.proposal, None
            elif not agreed:
                gaps.append(_disagreement(second.proposal))
        await self._state.put(self._incident, "verified", accepted)
        return {"gaps": [gap.model_dump(mode="json") for gap in gaps], "model_agrees": agreed}

    async def report(self, state: Progress) -> Progress:
        """Assemble the report."""
        reasoned = await self._state.get(self._incident, "reasoned", Reasoned)
        accepted = await self._state.get(self._incident, "verified", Proposal)
        report = assemble(
            grounding.VerifiedProposal(accepted),
            await self._pack(state, reasoned.evidence),
            incident_id=self._incident,
            provenance=[ProvenanceStep.model_validate(step) for step in state["provenance"]],
            model_agrees=state["model_agrees"],
        )
        await self._state.put(self._incident, "report", report)
        return {}

    # ------------------------------------------------------------------ tasks

    async def _alarms(self, site: str, span: list[str] | None) -> JsonObject:
        window = None if span is None else Window(*map(datetime.fromisoformat, span))
        return await self._kept(site, "alarms", await self._gatherer.alarms(site, window))

    async def _errand(self, errand: _Errand) -> JsonObject:
        site, step = errand["site"], errand["step"]
        self._remember(site, errand["told"])
        summary = await self._state.get(self._incident, f"alarms:{site}", AlarmSummary)
        errand_step = planner.Step(
            step["agent"], tuple(step["around"]), tuple(step["symptoms"]), step["probable_cause"]
        )
        if errand_step.agent == "config_auditor":
            look = await self._gatherer.changes(site, Window(*summary.window), errand_step)
            return await self._kept(site, "changes", look)
        look = await self._gatherer.tickets(site, errand_step)
        return await self._kept(site, "tickets", look)

    async def _reasoned(self, state: Progress) -> JsonObject:
        reasoner = Reasoner(
            self._services.settings,
            self._services.policy,
            self._delegator,
            self._services.sites,
            self._purpose,
            models=self._services.models,
        )
        for site in state["sites"]:
            self._remember(site, _told(state, site))
        forms: dict[str, list[str | None]] = {}
        for look in state["looks"]:
            forms.setdefault(look["site"], []).extend(look["forms"])
        reasoned = await reasoner.reason(await self._pack(state), forms)
        self._state.note_calls(self._incident, reasoner.calls)
        await self._state.write_notes()
        return reasoned.model_dump(mode="json")

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

    # ----------------------------------------------------------------- values

    async def _pack(
        self, state: Progress, received: Mapping[str, Evidence] | None = None
    ) -> EvidencePack:
        """Everything that was gathered, from the findings."""
        alarms = await self._found(state, "alarms", AlarmSummary)
        changes = await self._found(state, "changes", ChangeReview)
        tickets = await self._found(state, "tickets", TicketReview)
        findings: tuple[AlarmSummary | ChangeReview | TicketReview, ...]
        findings = (*alarms, *changes, *tickets)
        evidence: dict[str, Evidence] = {}
        for key, quotation in chain.from_iterable(f.evidence.items() for f in findings):
            evidence.setdefault(key, Evidence.received(quotation))
        for key, item in (received or {}).items():
            evidence.setdefault(key, item)
        return EvidencePack(
            question=state["inquiry"].get("question"),
            window=(min(s.window[0] for s in alarms), max(s.window[1] for s in alarms)),
            sites=tuple(state["sites"]),
            alarms=alarms,
            changes=changes,
            tickets=tickets,
            evidence=evidence,
            gaps=(
                *chain.from_iterable(finding.gaps for finding in findings),
                *(Gap.model_validate(gap) for gap in state.get("gaps", ())),
            ),
        )

    async def _found(self, state: Progress, kind: str, shape: type[Finding]) -> tuple[Finding, ...]:
        found = [
            await self._state.get(self._incident, look["name"], shape)
            for look in state["looks"]
            if look["kind"] == kind and look["name"] is not None
        ]
        return tuple(found)


def _nobody_answered(looks: Sequence[JsonObject]) -> TierwiseError:
    """Why there is nothing to report on, site by site."""
    gaps = [Gap.model_validate(look["gap"]) for look in looks]
    why = "; ".join(dict.fromkeys(gap.why for gap in gaps))
    rules = [gap.rule for gap in gaps if gap.rule is not None]
    if len(rules) == len(gaps):
        decision_id = looks[0]["step"]["decision_id"] or ""
        return PlacementRefusedError(why, decision_id=decision_id, rule=rules[0])
    return ToolRefused(why)


def _told(state: Progress, site: str) -> JsonObject | None:
    """What a site said about itself in its newest answer."""
    told = [look["told"] for look in state["looks"] if look["site"] == site]
    return next((one for one in reversed(told) if one is not None), None)


def _disagreement(second: Proposal) -> Gap:
    named = ", ".join(cause.managed_object for cause in second.root_causes) or "no cause"
    return Gap(
        what="agreement of the analysts",
        why=f"the deterministic analyst names {named} from the same evidence",
    )


def _accounts(looks: Sequence[JsonObject]) -> Progress:
    """What looks add to the state."""
    keys = ("site", "kind", "name", "forms", "told")
    return {
        "looks": [{key: look[key] for key in keys} for look in looks],
        "gaps": [look["gap"] for look in looks if look["gap"] is not None],
        "provenance": [look["step"] for look in looks],
    }
