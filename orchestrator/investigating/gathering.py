"""Gathering: each look at a site is placed, made where the policy says, and accounted for.

A failure is a gap in the report, never a lost answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import BaseModel

from agents import alarm_triage, config_auditor, predictions, runbooks, ticket_historian
from agents.findings import AlarmSummary, ChangeReview, TicketReview
from agents.planner import Step
from agents.predictions import Sighting
from agents.runbooks import DocumentReview
from orchestrator.executors import Executor, InProcess, McpEndpoint, SiteTools
from orchestrator.investigating.delegation import Delegation, Delegator, check_receipts
from orchestrator.investigating.step_events import Outcome, StepEvent, StepWatcher, unwatched
from orchestrator.settings import SiteStatement
from orchestrator.site_access.site_client import CallRecord, Purpose
from orchestrator.site_access.site_desk import Neighborhood, SiteDesk
from orchestrator.site_access.site_excerpts import Excerpt, read_excerpt
from orchestrator.site_access.sites import Sites
from placement.latency import LatencySample
from telecom.errors import (
    RecordNotFoundError,
    TierwiseError,
    ToolRefused,
    ToolRetry,
)
from telecom.evidence import Gap, Quotation
from telecom.report import ProvenanceStep
from telecom.times import Window
from telecom.workload import LifecyclePhase, WorkloadProfile

AROUND_AN_ALARM = timedelta(minutes=30)
"""How far a window reaches to both sides of a named alarm."""

_NEIGHBOURS = WorkloadProfile(
    name="neighbours",
    phase=LifecyclePhase.CONTEXT_CREATION,
    data_classes=("network_config",),
    latency_budget_ms=5_000,
)

_STRICTEST = ("anonymized", "pseudonymized", "raw")

_ON_TOOLS: tuple[type[Executor], ...] = (SiteTools, McpEndpoint)
_ANYWHERE: tuple[type[Executor], ...] = (SiteTools, McpEndpoint, InProcess)
"""What the site's gate does to the answers that an agent in this process reads."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a site gave: a finding, or the error that made it a gap."""

    what: str
    step: ProvenanceStep
    finding: BaseModel | None = None
    error: TierwiseError | None = None
    forms: tuple[str | None, ...] = ()
    """The form of each answer by the gate's receipt; None where there was none."""
    calls: tuple[LatencySample, ...] = ()
    """How long each call took."""
    told: SiteStatement | None = None
    """What the site has said about itself by then."""

    @property
    def gap(self) -> Gap | None:
        """What could not be looked at."""
        if self.error is None:
            return None
        rule = getattr(self.error, "rule", None)
        return Gap(what=self.what, why=str(self.error), rule=rule)


@dataclass(frozen=True, slots=True)
class Gatherer:
    """Looks at the sites of one investigation."""

    sites: Sites
    delegator: Delegator
    purpose: Purpose
    brief_tokens: int = 2000
    watch: StepWatcher = unwatched
    """Told of each look when it is placed and when it is over."""

    async def alarms(self, site: str, window: Window | None) -> Look:
        """Fold the alarms of `window`, or of the site's newest incident."""

        async def work(_placed: Delegation, desk: SiteDesk) -> AlarmSummary:
            return await desk.summarize_alarms(window, budget_tokens=self.brief_tokens)

        return await self._look("alarms", alarm_triage.PROFILE, site, work, kinds=_ON_TOOLS)

    async def changes(self, site: str, window: Window, step: Step) -> Look:
        """Audit what changed before the trouble."""

        async def work(_placed: Delegation, desk: SiteDesk) -> ChangeReview:
            return await config_auditor.review(desk, window, around=step.around)

        return await self._look(
            "configuration changes", config_auditor.PROFILE, site, work, kinds=_ANYWHERE
        )

    async def tickets(self, site: str, step: Step) -> Look:
        """Ask the site's historian whether this was seen before, or our own over its search."""

        async def work(placed: Delegation, desk: SiteDesk) -> TicketReview:
            if isinstance(placed.executor, InProcess):
                return await ticket_historian.review(
                    desk,
                    symptoms=step.symptoms,
                    managed_objects=step.around,
                    probable_cause=step.probable_cause,
                    done=step.done,
                )
            return await desk.find_similar_incidents(
                symptoms=step.symptoms,
                managed_objects=step.around,
                probable_cause=step.probable_cause,
                done=step.done,
            )

        return await self._look(
            "past tickets", ticket_historian.PROFILE, site, work, kinds=_ANYWHERE
        )

    async def sighting(self, site: str, managed_object: str, window: Window) -> Look:
        """Read what one element wrote: the test of a prediction."""

        async def work(_placed: Delegation, desk: SiteDesk) -> Sighting:
            return await desk.alarms_of(managed_object, window)

        look = await self._look(
            f"alarms of {managed_object}", predictions.PROFILE, site, work, kinds=_ON_TOOLS
        )
        return replace(look, step=look.step.model_copy(update={"step": "test"}))

    async def neighborhood(self, site: str, managed_object: str, *, hops: int) -> Look:
        """Which elements stand around one, nearest first."""

        async def work(_placed: Delegation, desk: SiteDesk) -> Neighborhood:
            return await desk.neighborhood(managed_object, hops=hops)

        look = await self._look(
            f"neighbours of {managed_object}", _NEIGHBOURS, site, work, kinds=_ON_TOOLS
        )
        return replace(look, step=look.step.model_copy(update={"step": "ask back"}))

    async def documents(self, site: str, query: str, *, limit: int) -> Look:
        """Search the site's documents, runbooks among them."""

        async def work(_placed: Delegation, desk: SiteDesk) -> DocumentReview:
            return await desk.search_documents(query, limit=limit)

        look = await self._look("documents", runbooks.PROFILE, site, work, kinds=_ON_TOOLS)
        return replace(look, step=look.step.model_copy(update={"step": "ask back"}))

    async def excerpt(
        self, site: str, key: str, item: Quotation, *, at: datetime | None = None
    ) -> Look:
        """Read a piece of evidence again, with what stands around it."""

        async def work(_placed: Delegation, desk: SiteDesk) -> Excerpt:
            return await read_excerpt(desk, key, item, at=at)

        profile = predictions.PROFILE.model_copy(
            update={"name": "evidence", "data_classes": (item.data_class,)}
        )
        look = await self._look(key, profile, site, work, kinds=_ON_TOOLS)
        return replace(look, step=look.step.model_copy(update={"step": "open evidence"}))

    async def window_around(self, alarm_id: str) -> Window:
        """The time around an alarm that one of the sites has.

        Raises:
            TierwiseError: No site has it, or none could be asked.
        """
        failures: list[TierwiseError] = []
        for name, client in self.sites.by_name.items():
            try:
                self.delegator.place(alarm_triage.PROFILE, client.declaration, kinds=_ON_TOOLS)
                moment = await SiteDesk(client, self.purpose).alarm_time(alarm_id)
            except ToolRetry:
                failures.append(
                    RecordNotFoundError("alarm", alarm_id, hint=f"asked {name}; check the id")
                )
            except ToolRefused as exc:
                failures.append(exc)
            else:
                return Window(moment - AROUND_AN_ALARM, moment + AROUND_AN_ALARM)
        raise failures[0]

    async def _look(
        self,
        what: str,
        profile: WorkloadProfile,
        site: str,
        work: Callable[[Delegation, SiteDesk], Awaitable[BaseModel]],
        *,
        kinds: Collection[type[Executor]],
    ) -> Look:
        look = await self._made(f"{what} of site {site}", profile, site, work, kinds=kinds)
        why = None if look.error is None else str(look.error)
        outcome: Outcome = "done" if why is None else "failed"
        self.watch(StepEvent(what=look.what, outcome=outcome, step=look.step, why=why))
        return look

    async def _made(
        self,
        what: str,
        profile: WorkloadProfile,
        site: str,
        work: Callable[[Delegation, SiteDesk], Awaitable[BaseModel]],
        *,
        kinds: Collection[type[Executor]],
    ) -> Look:
        step = ProvenanceStep(step=what, agent=profile.name, tier=None, decision_id=None)
        desk: SiteDesk | None = None
        client = self.sites.by_name[site]
        declaration = client.declaration
        try:
            placed = self.delegator.place(profile, declaration, kinds=kinds)
            step = step.model_copy(update={"decision_id": placed.decision_id})
            going = step.model_copy(update={"tier": placed.tier})
            self.watch(StepEvent(what=what, outcome="placed", step=going))
            desk = SiteDesk(self.sites.behind(placed.executor, site), self.purpose)
            finding = await work(placed, desk)
            if client.declaration != declaration:  # it said where it is: decided with that
                placed = self.delegator.place(
                    profile, client.declaration, kinds=(type(placed.executor),)
                )
                step = step.model_copy(update={"decision_id": placed.decision_id})
            if isinstance(placed.executor, InProcess):
                check_receipts(placed, [record.receipt for record in desk.records])
        except (ToolRefused, ToolRetry) as exc:
            decision_id = getattr(exc, "decision_id", None) or step.decision_id
            step = _accounted(step, desk).model_copy(update={"decision_id": decision_id})
            return Look(what, step, error=exc)
        step = _accounted(step, desk).model_copy(update={"tier": placed.tier})
        if isinstance(finding, AlarmSummary):
            step = step.model_copy(
                update={
                    "tokens_before": finding.tokens_before,
                    "tokens_after": finding.tokens_after,
                }
            )
        # An agent in this process reads from afar: its calls ran where the site is.
        here = isinstance(placed.executor, InProcess)
        ran_on = client.declaration.tier if here else placed.tier
        return Look(
            what,
            step,
            finding=finding,
            forms=_forms(desk.records),
            calls=tuple(
                LatencySample(tier=ran_on, tool=record.tool, round_trip_ms=record.latency_ms)
                for record in desk.records
            ),
            told=client.told,
        )


def _accounted(step: ProvenanceStep, desk: SiteDesk | None) -> ProvenanceStep:
    """Add up what a desk's calls brought across."""
    if desk is None or not desk.records:
        return step
    receipts = [record.receipt for record in desk.records if record.receipt is not None]
    kinds: Counter[str] = Counter()
    for receipt in receipts:
        kinds.update(receipt.masked)
    return step.model_copy(
        update={
            "tool": ", ".join(dict.fromkeys(record.tool for record in desk.records)),
            "tokens_after": sum(r.tokens for r in receipts) if receipts else None,
            "tokens_out": sum(r.tokens for r in receipts) if receipts else None,
            "masked": kinds.total() if receipts else None,
            "masked_kinds": dict(kinds),
            "form": min((r.form for r in receipts), key=_STRICTEST.index) if receipts else None,
            "bytes_out": sum(r.bytes for r in receipts) if receipts else None,
            "latency_ms": round(sum(record.latency_ms for record in desk.records), 1),
        }
    )


def _forms(records: Collection[CallRecord]) -> tuple[str | None, ...]:
    return tuple(None if r.receipt is None else r.receipt.form for r in records)
