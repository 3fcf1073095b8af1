"""Model routing inside the cloud tier: simple question, light model; deep analysis, strong model.

A model call is a placement like any other: the policy ranks the endpoints (in-Region, geography,
global), and the best model of the right strength behind the best of them is taken.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from placement.catalogue import (
    Catalogue,
    ModelOffer,
    Price,
    PromptRouter,
    Routing,
    TierInstance,
)
from placement.decision import PlacementDecision, RankedTier
from placement.obligations import HUMAN_APPROVAL
from placement.policy import Policy
from telecom.schema import ProductModel
from telecom.workload import TierKind, WorkloadProfile

_ANY_REGION = "*"


@dataclass(frozen=True, slots=True)
class QuestionSize:
    """How much a model has to think about."""

    input_tokens: int = 0
    """Size of the question with its evidence."""
    hypotheses: int = 1
    """How many explanations compete."""

    def is_simple(self, routing: Routing) -> bool:
        """Tell whether a light model is enough; what is exactly at the limits is simple."""
        return (
            self.input_tokens <= routing.light_up_to_tokens
            and self.hypotheses <= routing.light_up_to_hypotheses
        )

    def __str__(self) -> str:
        plural = "s" if self.hypotheses != 1 else ""
        return f"{self.input_tokens} tokens and {self.hypotheses} competing explanation{plural}"


class ModelChoice(ProductModel):
    """Which model is called through which endpoint, and why."""

    model: str | None
    """Catalogue name; None when no model may be called: then the site reasons."""
    model_id: str | None
    """What the service is called with; the router's ARN when a router picks the model."""
    endpoint: str | None
    """The tier instance that the call goes to."""
    strength: Literal["light", "strong"]
    """What the question needs; the chosen model may be of the other kind when none is left."""
    obligations: tuple[str, ...]
    reason: str
    price: Price | None
    """None when it depends on the model that a router picks, or there is no model."""
    decision: PlacementDecision


def route_model(
    policy: Policy,
    workload: WorkloadProfile,
    *,
    region: str,
    input_tokens: int,
    hypotheses: int = 1,
) -> ModelChoice:
    """Pick model and endpoint for one call; never raises.

    Args:
        policy: Ranks the endpoints; its catalogue lists models and routing.
        workload: What the model reads, with the budget of the call.
        region: AWS Region the call is made from.
        input_tokens: Size of the question with its evidence.
        hypotheses: How many explanations compete.
    """
    tiers = policy.model_endpoints_for(workload.home)
    return choose_model(
        policy.catalogue,
        policy.decide(workload, tiers=tiers),
        tiers,
        region=region,
        size=QuestionSize(input_tokens, hypotheses),
    )


def choose_model(
    catalogue: Catalogue,
    decision: PlacementDecision,
    tiers: Sequence[TierInstance],
    *,
    region: str | None,
    size: QuestionSize,
) -> ModelChoice:
    """Pick model and endpoint under a decision that was already made; never raises.

    Strength goes before the endpoint's rank: the best endpoint that has a model of the right
    strength, and only when none has, the best one that has any. An endpoint that waits for a
    person's approval is none for a call that is made now.

    Args:
        catalogue: Lists models and routing.
        decision: Ranks the endpoints.
        tiers: Those it was made about; those that are no Region are not looked at.
        region: AWS Region the call is made from; None has no models.
        size: What decides between a light and a strong model.
    """
    routing = catalogue.routing
    simple = size.is_simple(routing)
    strength: Literal["light", "strong"] = "light" if simple else "strong"
    why = f"{'simple' if simple else 'deep'} question ({size})"
    endpoints = {tier.id: tier for tier in tiers if tier.kind is TierKind.REGION}
    feasible = [
        (ranked, endpoints[ranked.tier])
        for ranked in decision.ranked
        if ranked.tier in endpoints and HUMAN_APPROVAL not in ranked.obligations
    ]
    if routing.prompt_router is not None:
        through = _router_endpoint(routing.prompt_router, feasible, region)
        if through is not None:
            return ModelChoice(
                model="prompt_router",
                model_id=routing.prompt_router.arn,
                endpoint=through.tier,
                strength=strength,
                obligations=through.obligations,
                reason=f"{why}: the prompt router picks the model",
                price=None,
                decision=decision,
            )
    preferred = routing.light if simple else routing.strong
    fallback = routing.strong if simple else routing.light
    for names in (preferred, fallback):
        offers = _offers(catalogue, feasible, names, region=region, tokens=size.input_tokens)
        for ranked, name, offer in offers:
            model = catalogue.models[name]
            kind = "" if names is preferred else f", as no {strength} model may be called here"
            return ModelChoice(
                model=name,
                model_id=offer.model_id,
                endpoint=ranked.tier,
                strength=strength,
                obligations=ranked.obligations,
                reason=f"{why}: {model.strength} model, {offer.residency} from {region}{kind}",
                price=model.price,
                decision=decision,
            )
    names_of = [ranked.tier for ranked, _ in feasible]
    return ModelChoice(
        model=None,
        model_id=None,
        endpoint=None,
        strength=strength,
        obligations=(),
        reason=f"{why}: {_why_none(decision, names_of, endpoints, region)}; the site reasons",
        price=None,
        decision=decision,
    )


def _offers(
    catalogue: Catalogue,
    feasible: Sequence[tuple[RankedTier, TierInstance]],
    names: tuple[str, ...],
    *,
    region: str | None,
    tokens: int,
) -> Iterator[tuple[RankedTier, str, ModelOffer]]:
    """Models that can be called from `region`: best endpoint first, best model within it."""
    for ranked, tier in feasible:
        for name in names:
            model = catalogue.models[name]
            if tokens > model.context_tokens:
                continue
            for offer in model.offers:
                if offer.residency == tier.processing and _serves(offer.regions, region):
                    yield ranked, name, offer


def _router_endpoint(
    router: PromptRouter,
    feasible: Sequence[tuple[RankedTier, TierInstance]],
    region: str | None,
) -> RankedTier | None:
    """The feasible endpoint of a router's residency, which is its members' widest."""
    if not _serves(router.regions, region):
        return None
    return next(
        (ranked for ranked, tier in feasible if tier.processing == router.residency),
        None,
    )


def _serves(regions: tuple[str, ...], region: str | None) -> bool:
    return region is not None and (region in regions or _ANY_REGION in regions)


def _why_none(
    decision: PlacementDecision,
    feasible: Sequence[str],
    endpoints: Container[str],
    region: str | None,
) -> str:
    if feasible:
        where = f"in {region}" if region is not None else "while the AWS Region is unknown"
        return f"the catalogue has no model that {', '.join(feasible)} offers {where}"
    if any(ranked.tier in endpoints for ranked in decision.ranked):
        return f"every endpoint waits for {HUMAN_APPROVAL}"
    out = next((gone for gone in decision.eliminated if gone.tier in endpoints), None)
    if out is not None:
        return f"no endpoint is feasible ({out.rule})"
    return "the catalogue has no model endpoint"
