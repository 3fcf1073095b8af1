"""Model routing inside the cloud tier: simple question, light model; deep analysis, strong model.

A model call is a placement like any other: the policy ranks the endpoints (in-Region, geography,
global), and the best model of the right strength behind the best of them is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from placement.catalogue import ModelOffer, Price, PromptRouter, TierInstance
from placement.decision import PlacementDecision, RankedTier
from placement.policy import Policy
from telecom.schema import ProductModel
from telecom.workload import WorkloadProfile

_ANY_REGION = "*"


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
    routing = policy.catalogue.routing
    tiers = policy.model_endpoints_for(workload.home)
    decision = policy.decide(workload, tiers=tiers)
    simple = (
        input_tokens <= routing.light_up_to_tokens and hypotheses <= routing.light_up_to_hypotheses
    )
    strength: Literal["light", "strong"] = "light" if simple else "strong"
    size = f"{input_tokens} tokens and {hypotheses} competing explanations"
    why = f"{'simple' if simple else 'deep'} question ({size})"
    by_id = {tier.id: tier for tier in tiers}
    if routing.prompt_router is not None:
        through = _router_endpoint(routing.prompt_router, decision, by_id, region)
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
        offers = _offers(policy, decision, by_id, names, region=region, input_tokens=input_tokens)
        for ranked, name, offer in offers:
            model = policy.catalogue.models[name]
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
    return ModelChoice(
        model=None,
        model_id=None,
        endpoint=None,
        strength=strength,
        obligations=(),
        reason=f"{why}: {_why_none(decision, region)}; the site reasons",
        price=None,
        decision=decision,
    )


def _offers(
    policy: Policy,
    decision: PlacementDecision,
    tiers: dict[str, TierInstance],
    names: tuple[str, ...],
    *,
    region: str,
    input_tokens: int,
) -> Iterator[tuple[RankedTier, str, ModelOffer]]:
    """Models that can be called from `region`: best endpoint first, best model within it."""
    for ranked in decision.ranked:
        for name in names:
            model = policy.catalogue.models[name]
            if input_tokens > model.context_tokens:
                continue
            for offer in model.offers:
                if offer.residency == tiers[ranked.tier].processing and _serves(
                    offer.regions, region
                ):
                    yield ranked, name, offer


def _router_endpoint(
    router: PromptRouter,
    decision: PlacementDecision,
    tiers: dict[str, TierInstance],
    region: str,
) -> RankedTier | None:
    """The feasible endpoint of a router's residency, which is its members' widest."""
    if not _serves(router.regions, region):
        return None
    return next(
        (ranked for ranked in decision.ranked if tiers[ranked.tier].processing == router.residency),
        None,
    )


def _serves(regions: tuple[str, ...], region: str) -> bool:
    return region in regions or _ANY_REGION in regions


def _why_none(decision: PlacementDecision, region: str) -> str:
    if decision.ranked:
        feasible = ", ".join(tier.tier for tier in decision.ranked)
        return f"the catalogue has no model that {feasible} offers in {region}"
    return (
        f"no endpoint is feasible ({decision.eliminated[0].rule})"
        if decision.eliminated
        else ("the catalogue has no model endpoint")
    )
