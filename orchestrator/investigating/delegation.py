"""Delegation: nothing runs anywhere before the placement policy has said where it may.

One decision per piece of work. It goes to the best-ranked tier that has an executor which can run
it and can do what the decision obliges to; without one it is refused, with the rule that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from orchestrator.executors import (
    BedrockEndpoint,
    Executor,
    InProcess,
    OpenAiEndpoint,
    SiteTools,
)
from orchestrator.investigating.model_choice import models_offered, residency_in, tier_carries
from orchestrator.regions import COUNTRY_OF_REGION
from orchestrator.settings import Settings, SiteDeclaration
from orchestrator.site_access.site_client import EgressReceipt
from placement.catalogue import HOME, TierInstance
from placement.decision import DecisionRecord, ModelNote, PlacementDecision
from placement.model_routing import QuestionSize, choose_model
from placement.obligations import HUMAN_APPROVAL
from placement.policy import TIER_NOT_AVAILABLE, Policy
from telecom.errors import (
    EgressRefusedError,
    PlacementRefusedError,
    SettingsError,
    SiteUnavailableError,
    ToolRefused,
)
from telecom.workload import TierKind, WorkloadProfile

Outages = Callable[[SiteDeclaration], Mapping[str, str]]
"""Site -> tiers that cannot be reached for its work, and since when, in words."""

_NAMED = "the settings name this model"


@dataclass(frozen=True, slots=True)
class Delegation:
    """Where a piece of work goes, and under which decision."""

    tier: str
    executor: Executor
    decision: PlacementDecision
    obligations: tuple[str, ...]
    """What has to be done to the data on its way; `check_receipts` holds the site to it."""

    @property
    def decision_id(self) -> str:
        """The decision's id."""
        return self.decision.decision_id


class Delegator:
    """Asks the policy before every delegation, and keeps what it said."""

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        *,
        keep: Callable[[DecisionRecord], None],
        outages: Outages = lambda site: {},
    ) -> None:
        """Prepare the executors.

        Args:
            settings: Tier, country and executors of this orchestrator.
            policy: Who decides.
            keep: Called with every decision and its inputs.
            outages: Gives the tiers that cannot be reached for a site's work at the moment.

        Raises:
            SettingsError: A model is declared for a tier that promises a narrower residency.
        """
        self._settings = settings
        self._policy = policy
        self._keep = keep
        self._outages = outages
        self._declared = settings.declared_executors()
        self._check_residencies()

    def place(
        self,
        workload: WorkloadProfile,
        site: SiteDeclaration,
        *,
        kinds: Collection[type[Executor]],
        received: bool = False,
        size: QuestionSize | None = None,
    ) -> Delegation:
        """Decide where `workload` runs, and on which model where Bedrock may run it.

        A model that the settings name wins; without one, how hard the question is decides.

        Args:
            workload: What is to be done; its home is set to the site's.
            site: Whose data it reads.
            kinds: Executors that can run it.
            received: The data is here already, so this process can go on with it undeclared.
            size: What decides between a light and a strong model; None is the simplest question.

        Raises:
            PlacementRefusedError: No tier may run it, or none that may can.
            SiteUnavailableError: The one that could cannot be reached.
        """
        workload = workload.model_copy(update={"home": site.home})
        outages = {} if received else self._outages(site)
        record = self._policy.record(workload, tiers=self.tiers(site), outages=outages)
        runs = _Runs(self, site, kinds, received, outages)
        delegation, note = self._stated_executor(record.decision, runs)
        if delegation is None and BedrockEndpoint in kinds and self._settings.bedrock_model is None:
            delegation, note = self._routed(record, size or QuestionSize())
        self._keep(record if note is None else record.model_copy(update={"model": note}))
        if delegation is None:
            raise _refused(record.decision, runs)
        return delegation

    def _stated_executor(
        self, decision: PlacementDecision, runs: _Runs
    ) -> tuple[Delegation | None, ModelNote | None]:
        """The best tier with an executor that the settings name."""
        for tier in decision.ranked:
            executor = runs.stated(tier.tier)
            if executor is None or HUMAN_APPROVAL in tier.obligations:
                continue
            return Delegation(tier.tier, executor, decision, tier.obligations), _named(executor)
        return None, None

    def _routed(
        self, record: DecisionRecord, size: QuestionSize
    ) -> tuple[Delegation | None, ModelNote]:
        """The model that the catalogue's routing picks, and why."""
        choice = choose_model(
            self._policy.catalogue,
            record.decision,
            record.tiers,
            region=self._settings.aws_region,
            size=size,
        )
        note = ModelNote(model_id=choice.model_id, reason=choice.reason)
        if choice.model_id is None or choice.endpoint is None:
            return None, note
        executor = BedrockEndpoint(choice.model_id)
        return Delegation(choice.endpoint, executor, record.decision, choice.obligations), note

    def tiers(self, site: SiteDeclaration) -> tuple[TierInstance, ...]:
        """The tiers as they are for a site: Regions stand where this orchestrator knows them to."""
        known = {
            tier.id: tier
            for tier in (
                *self._policy.tiers_for(site.home),
                *self._policy.model_endpoints_for(site.home),
            )
        }
        return tuple(self._located(tier) for tier in known.values())

    def hint_about(self, tier: str) -> str:
        """What would let this orchestrator's own tier do more; empty when nothing is missing."""
        if tier != self._settings.tier or self._settings.own_country is not None:
            return ""
        return "; AWS_REGION or TIERWISE_COUNTRY would say where this orchestrator runs"

    def _located(self, tier: TierInstance) -> TierInstance:
        catalogue = self._policy.catalogue
        entry = catalogue.tiers.get(tier.id) or catalogue.model_endpoints.get(tier.id)
        if tier.kind is not TierKind.REGION or entry is None or entry.country != HOME:
            return tier
        if tier.id == self._settings.tier:
            country = self._settings.own_country
        else:
            region = self._settings.aws_region or ""
            country = COUNTRY_OF_REGION.get(region, self._settings.country)
        return tier.model_copy(update={"country": country})

    def executors(
        self, tier: str, site: SiteDeclaration, *, received: bool = False
    ) -> tuple[Executor, ...]:
        """What stands behind a tier for a site's work, models that routing may pick included."""
        stated = self.stated_executors(tier, site, received=received)
        return (*stated, *self._models(tier, site))

    def stated_executors(
        self, tier: str, site: SiteDeclaration, *, received: bool = False
    ) -> tuple[Executor, ...]:
        """What the settings put behind a tier for a site's work; declared executors come first.

        Undeclared, this process is an executor only for data that it has `received`: no agent moves
        from a site to the cloud because nobody said otherwise.
        """
        own: Iterable[Executor] = ()
        if received and tier == self._settings.tier:
            own = (InProcess(),)
        sites: Iterable[Executor] = (SiteTools(),) if tier == site.tier else ()
        return (*self._declared.get(tier, ()), *sites, *own, *self._wanted_model(tier, site))

    def _wanted_model(self, tier_id: str, site: SiteDeclaration) -> Iterable[Executor]:
        """The model that the operator chose, behind the endpoint that has its residency."""
        wanted, endpoint = self._settings.bedrock_model, self._endpoint(tier_id, site)
        if wanted is None or endpoint is None:
            return ()
        fits = residency_in(self._policy.catalogue, wanted) == endpoint.processing
        return (BedrockEndpoint(wanted),) if fits else ()

    def _models(self, tier_id: str, site: SiteDeclaration) -> Iterable[Executor]:
        """Bedrock behind the Region's endpoints, where it offers models with that residency."""
        endpoint = self._endpoint(tier_id, site)
        if endpoint is None or self._settings.bedrock_model is not None:
            return ()
        offered = models_offered(self._policy.catalogue, endpoint, region=self._settings.aws_region)
        return tuple(BedrockEndpoint(model_id) for model_id in offered)

    def _endpoint(self, tier_id: str, site: SiteDeclaration) -> TierInstance | None:
        """A tier, when it is one of the Region's."""
        tier = self._policy.tier(tier_id, site.home)
        return tier if tier is not None and tier.kind is TierKind.REGION else None

    def _check_residencies(self) -> None:
        catalogue = self._policy.catalogue
        for tier_id, executors in self._declared.items():
            entry = catalogue.tiers.get(tier_id) or catalogue.model_endpoints.get(tier_id)
            if entry is None:
                known = ", ".join((*catalogue.tiers, *catalogue.model_endpoints))
                raise SettingsError(
                    f"executors: the catalogue has no tier {tier_id!r}; it has {known}"
                )
            for executor in executors:
                if (
                    isinstance(executor, BedrockEndpoint)
                    and executor.model_id is not None
                    and not tier_carries(catalogue, entry, executor.model_id)
                ):
                    raise SettingsError(
                        f"executors: {executor.model_id!r} may be processed beyond what "
                        f"{tier_id!r} promises ({entry.processing}); give it to a tier whose "
                        "processing is as wide"
                    )


@dataclass(frozen=True, slots=True)
class _Runs:
    """Which executor can run one piece of work, tier by tier."""

    delegator: Delegator
    site: SiteDeclaration
    kinds: Collection[type[Executor]]
    received: bool
    outages: Mapping[str, str]

    def on(self, tier: str) -> Executor | None:
        """An executor of a tier, named or not."""
        return self._first(self.delegator.executors(tier, self.site, received=self.received))

    def stated(self, tier: str) -> Executor | None:
        """The executor that the settings name for a tier."""
        return self._first(self.delegator.stated_executors(tier, self.site, received=self.received))

    def _first(self, executors: Iterable[Executor]) -> Executor | None:
        """The first that can run it; `bedrock` without a model leaves it to routing."""
        for executor in executors:
            if type(executor) in self.kinds and executor != BedrockEndpoint():
                return executor
        return None


def _named(executor: Executor) -> ModelNote | None:
    """What to remember of a model that was not chosen but named."""
    if isinstance(executor, BedrockEndpoint):
        return ModelNote(model_id=executor.model_id, reason=_NAMED)
    if isinstance(executor, OpenAiEndpoint):
        return ModelNote(model_id=executor.model, reason=_NAMED)
    return None


def _refused(decision: PlacementDecision, runs: _Runs) -> ToolRefused:
    """Name the rule that is in the way of an executor that is there."""
    name = decision.workload.name
    there = [gone for gone in decision.eliminated if runs.on(gone.tier) is not None]
    for gone in there:
        if gone.rule == TIER_NOT_AVAILABLE and gone.tier in runs.outages:
            return SiteUnavailableError(
                runs.site.name,
                f"{runs.outages[gone.tier]}; it is asked again soon",
                rule=gone.rule,
                decision_id=decision.decision_id,
            )
    if there:
        gone = there[0]
        hint = runs.delegator.hint_about(gone.tier)
        return PlacementRefusedError(
            f"{name} may not run on {gone.tier}: {gone.because}; {gone.remedy}{hint}",
            decision_id=decision.decision_id,
            rule=gone.rule,
        )
    for ranked in decision.ranked:
        if runs.on(ranked.tier) is not None:
            return PlacementRefusedError(
                f"{name} may run on {ranked.tier} only with a person's approval",
                decision_id=decision.decision_id,
                rule="human-approval",
            )
    fitting = ", ".join(tier.tier for tier in decision.ranked) or "no tier"
    return PlacementRefusedError(
        f"{name} may run on {fitting}, and nothing there can run it; tierwise.yaml names executors",
        decision_id=decision.decision_id,
        rule=None,
    )


def check_receipts(delegation: Delegation, receipts: Iterable[EgressReceipt | None]) -> None:
    """Hold the site's gate to what the decision obliges to.

    Raises:
        EgressRefusedError: An answer came in a form that the tier may not read.
    """
    needed = {word for word in ("pseudonymize", "anonymize") if word in delegation.obligations}
    enough: Mapping[str, tuple[str, ...]] = {
        "pseudonymize": ("pseudonymized", "anonymized"),
        "anonymize": ("anonymized",),
    }
    for receipt in receipts:
        for word in needed:
            if receipt is None or receipt.form not in enough[word]:
                raise EgressRefusedError(
                    f"an answer for {delegation.tier} did not say that it was {word}d",
                    rule=f"obligation:{word}",
                )
