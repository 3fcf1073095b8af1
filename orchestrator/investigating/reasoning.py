"""Reasoning: which analyst reads the evidence, on which tier, and what is done when none may.

A model call is a delegation like any other. The deterministic analyst is always heard first; a
model reads what it leaves below "confirmed", or everything, as the settings say. Where neither may
read the evidence, the site's own ranking stands.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import Field

from agents import prompts
from agents.findings import EvidencePack, Proposal
from agents.models.edge_slm import EdgeModel, EdgeModelSettings
from agents.models.real_calls import check_call_allowed
from agents.ports import LanguageModel, ModelUsage
from agents.root_cause_analyst import PROFILE, ModelAnalyst, RulesAnalyst
from orchestrator.executors import BedrockEndpoint, Executor, InProcess, OpenAiEndpoint
from orchestrator.investigating.delegation import Delegation, Delegator
from orchestrator.investigating.evidence_tools import PlacedTools
from orchestrator.investigating.model_choice import prices, question_size
from orchestrator.investigating.step_events import Outcome, StepEvent, StepWatcher, unwatched
from orchestrator.models.budgeted import BudgetedModel, Purse
from orchestrator.models.timed import Closable, TimedModel
from orchestrator.settings import AnalystName, Settings
from orchestrator.site_access.site_client import Purpose, SiteClient
from orchestrator.site_access.sites import Sites
from orchestrator.storage.model_ledger import ModelDelegation, ModelLedger, RecordedModel
from placement.latency import LatencySample
from placement.model_routing import QuestionSize
from placement.policy import Policy
from telecom.errors import BudgetExceededError, ModelUnavailableError, PlacementRefusedError
from telecom.evidence import Evidence, Gap
from telecom.report import ProvenanceStep
from telecom.schema import ProductModel
from telecom.workload import WorkloadProfile

_MODEL_KINDS: Mapping[AnalystName, tuple[type[Executor], ...]] = {
    "bedrock": (BedrockEndpoint,),
    "slm": (OpenAiEndpoint,),
}


class Reasoned(ProductModel):
    """What one analyst gave, ready to be checked."""

    proposal: Proposal | None
    """None when no model may or can read the evidence."""
    evidence: dict[str, Evidence] = Field(default_factory=dict)
    """What the model's own tool calls brought."""
    steps: tuple[ProvenanceStep, ...] = ()
    gaps: tuple[Gap, ...] = ()


ModelFactory = Callable[[Executor, Settings, Policy], LanguageModel]
"""Makes the model behind an executor."""


def make_model(executor: Executor, settings: Settings, policy: Policy) -> LanguageModel:
    """Make the model behind an executor; boto3 is imported when Bedrock is really used.

    Raises:
        ModelUnavailableError: The executor is no model, or boto3 cannot be set up.
    """
    budgets = settings.budgets
    if isinstance(executor, OpenAiEndpoint):
        check_call_allowed(executor.model, executor.base_url)
        return EdgeModel(
            EdgeModelSettings(
                executor.base_url,
                executor.model,
                first_token_s=budgets.model_first_token_seconds,
                total_s=budgets.model_seconds,
            )
        )
    if not isinstance(executor, BedrockEndpoint) or executor.model_id is None:
        raise ModelUnavailableError(str(executor), "it names no model")
    from orchestrator.models.bedrock import BedrockModel, BedrockSettings  # noqa: PLC0415

    return BedrockModel(
        BedrockSettings(
            executor.model_id,
            region=settings.aws_region,
            first_token_s=budgets.model_first_token_seconds,
            total_s=budgets.model_seconds,
            prices=prices(policy.catalogue),
            guardrail=settings.bedrock_guardrail,
        )
    )


def escalates(settings: Settings, proposal: Proposal, pack: EvidencePack) -> bool:
    """Whether a model reads an incident that the deterministic analyst has read.

    By default only an open matter: below "confirmed", and with trouble in it that is neither an
    everyday one nor a planned outage.
    """
    if settings.analyst == "rules":
        return False
    if settings.escalation == "always":
        return True
    nothing = all(summary.verdict == "none" for summary in pack.alarms)
    return proposal.status != "confirmed" and not nothing


Forms = Mapping[str, Sequence[str | None]]
"""Site -> the forms in which its answers came, by its gate's receipts."""


@dataclass(slots=True)
class Reasoner:
    """Reasons over the evidence of one investigation."""

    settings: Settings
    policy: Policy
    delegator: Delegator
    sites: Sites
    purpose: Purpose
    ledger: ModelLedger
    models: ModelFactory = make_model
    calls: list[LatencySample] = field(default_factory=list)
    """How long each turn of a model took."""
    watch: StepWatcher = unwatched
    """Told when a model is asked, and of each step that is over."""
    _gaps: list[Gap] = field(default_factory=list)
    _steps: list[ProvenanceStep] = field(default_factory=list)

    async def with_rules(self, pack: EvidencePack, forms: Forms) -> Reasoned:
        """The deterministic analyst here, or the site's own ranking where that is not allowed."""
        started = time.monotonic()
        analyst = RulesAnalyst()
        try:
            placed = self._place(PROFILE, pack, forms, (InProcess,))
        except PlacementRefusedError as exc:
            self._gaps.append(
                Gap(what="reasoning over all findings together", why=str(exc), rule=exc.rule)
            )
            self._over(self._site_ranking(pack, exc))
            alone = {"changes": (), "tickets": (), "evidence": _of_alarms(pack)}
            return self._reasoned(await analyst.analyse(pack.model_copy(update=alone)))
        proposal = await analyst.analyse(pack)
        self._over(
            ProvenanceStep(
                step="hypothesise",
                agent=f"root_cause_analyst ({analyst.name})",
                tier=placed.tier,
                decision_id=placed.decision_id,
                tokens_before=sum(summary.tokens_after for summary in pack.alarms),
                cost_usd=0.0,
                latency_ms=round((time.monotonic() - started) * 1000, 1),
            )
        )
        return self._reasoned(proposal)

    def _over(self, step: ProvenanceStep, *, failed: bool = False) -> None:
        self._steps.append(step)
        outcome: Outcome = "failed" if failed else "done"
        why = self._gaps[-1].why if failed and self._gaps else None
        self.watch(StepEvent(what=_what(step), outcome=outcome, step=step, why=why))

    def _site_ranking(self, pack: EvidencePack, exc: PlacementRefusedError) -> ProvenanceStep:
        site = self.sites.by_name[pack.sites[0]]
        return ProvenanceStep(
            step="hypothesise",
            agent="root_cause_analyst (the site's own ranking)",
            tier=site.declaration.tier,
            decision_id=exc.decision_id,
            tool="summarize_alarms",
        )

    async def with_model(self, pack: EvidencePack, forms: Forms, *, seconds: float) -> Reasoned:
        """A model's proposal; without one, and with a gap, when none may or can give it.

        Args:
            pack: What was gathered.
            forms: In which forms the answers came.
            seconds: What is left of the investigation's time.
        """
        name = self.settings.analyst
        try:
            placed = self._place(PROFILE, pack, forms, _MODEL_KINDS[name], size=question_size(pack))
        except PlacementRefusedError as exc:
            self._gaps.append(
                Gap(what=f"reasoning by a model ({name})", why=str(exc), rule=exc.rule)
            )
            return self._reasoned(None)
        started = time.monotonic()
        asking = _model_step(name, placed, (), 0).model_copy(update={"tier": placed.tier})
        self.watch(StepEvent(what=_what(asking), outcome="placed", step=asking))
        tools = self._tools(pack, placed)
        proposal, analyst = await self._asked(name, pack, placed, tools, seconds=seconds)
        usage = analyst.usage if analyst is not None else []
        for step in tools.steps:
            self._over(step)
        self._over(
            _model_step(name, placed, usage, time.monotonic() - started), failed=proposal is None
        )
        return self._reasoned(proposal, evidence=analyst.received if analyst is not None else {})

    async def _asked(
        self,
        name: AnalystName,
        pack: EvidencePack,
        placed: Delegation,
        tools: PlacedTools,
        *,
        seconds: float,
    ) -> tuple[Proposal | None, ModelAnalyst | None]:
        """Ask the model within the budgets; whatever goes wrong is a gap."""
        budgets = self.settings.budgets
        analyst: ModelAnalyst | None = None
        try:
            if seconds <= 0:
                raise TimeoutError
            model = self.models(placed.executor, self.settings, self.policy)
            delegated = ModelDelegation(self.purpose.investigation, placed.tier, placed.decision_id)
            timed = TimedModel(RecordedModel(model, self.ledger, delegated), placed.tier)
            try:
                analyst = ModelAnalyst(
                    BudgetedModel(timed, Purse(budgets.model_tokens, budgets.model_usd)),
                    tools,
                    max_turns=budgets.model_turns,
                    incident_id=self.purpose.investigation,
                )
                async with asyncio.timeout(seconds):
                    return await analyst.analyse(pack), analyst
            finally:
                self.calls.extend(timed.samples)
                if isinstance(model, Closable):
                    model.close()
        except (ModelUnavailableError, BudgetExceededError) as exc:
            why = str(exc)
        except TimeoutError:
            why = f"budgets.seconds: {budgets.seconds:g} s were over before it answered"
        self._gaps.append(Gap(what=f"reasoning by a model ({name})", why=why))
        return None, analyst

    def _tools(self, pack: EvidencePack, placed: Delegation) -> PlacedTools:
        clients: dict[str, SiteClient] = {name: self.sites.by_name[name] for name in pack.sites}
        return PlacedTools(
            clients,
            delegator=self.delegator,
            policy=self.policy,
            reader={
                name: next(
                    tier
                    for tier in self.delegator.tiers(client.declaration)
                    if tier.id == placed.tier
                )
                for name, client in clients.items()
            },
            purpose=self.purpose,
        )

    def _place(
        self,
        profile: WorkloadProfile,
        pack: EvidencePack,
        forms: Forms,
        kinds: Sequence[type[Executor]],
        *,
        size: QuestionSize | None = None,
    ) -> Delegation:
        """Place the reading of everything in the pack: every site has to agree to one tier."""
        limit = self.policy.summary_limit(profile.data_classes)
        summarized = all(summary.tokens_after <= limit for summary in pack.alarms)
        placed: Delegation | None = None
        for name in pack.sites:
            seen = forms.get(name) or [None]
            facts = profile.model_copy(
                update={
                    "pseudonymized": all(form in ("pseudonymized", "anonymized") for form in seen),
                    "anonymized": all(form == "anonymized" for form in seen),
                    "summarized": summarized,
                }
            )
            site = self.sites.by_name[name].declaration
            there = self.delegator.place(facts, site, kinds=kinds, received=True, size=size)
            if placed is not None and there.tier != placed.tier:
                raise PlacementRefusedError(
                    f"the sites' data may not be read together: {placed.tier} and {there.tier}",
                    decision_id=there.decision_id,
                    rule=None,
                )
            placed = there
        assert placed is not None
        return placed

    def _reasoned(
        self, proposal: Proposal | None, *, evidence: Mapping[str, Evidence] | None = None
    ) -> Reasoned:
        return Reasoned(
            proposal=proposal,
            evidence=dict(evidence or {}),
            steps=tuple(self._steps),
            gaps=tuple(self._gaps),
        )


def _what(step: ProvenanceStep) -> str:
    return f"{step.step} by {step.agent}"


def _of_alarms(pack: EvidencePack) -> dict[str, Evidence]:
    ids = {key for summary in pack.alarms for key in summary.evidence}
    return {key: item for key, item in pack.evidence.items() if key in ids}


def _model_step(
    name: str, placed: Delegation, usage: Sequence[ModelUsage], seconds: float
) -> ProvenanceStep:
    costs = [turn.cost_usd for turn in usage]
    read = sum(u.input_tokens + u.cache_read_tokens + u.cache_write_tokens for u in usage)
    return ProvenanceStep(
        step="reason",
        agent=f"root_cause_analyst ({name}, prompt {prompts.version('root_cause_analyst')})",
        tier=placed.tier if usage else None,
        decision_id=placed.decision_id,
        tool=getattr(placed.executor, "model_id", None) or getattr(placed.executor, "model", None),
        tokens_before=read if usage else None,
        tokens_after=sum(u.output_tokens for u in usage) if usage else None,
        cost_usd=sum(c for c in costs if c is not None) if usage and None not in costs else None,
        latency_ms=round(seconds * 1000, 1),
    )
