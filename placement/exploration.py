"""Exploring a placement: one workload under the facts of today and under supposed ones.

For an architect who asks "and if the line is cut?": every tier with its rank or the rules that put
it out, beside where it stood before.
"""

from __future__ import annotations

from placement.catalogue import HOME, TierInstance
from placement.decision import EliminatedTier, PlacementDecision, RankedTier
from placement.policy import Policy
from telecom.schema import ProductModel
from telecom.workload import TierKind, WorkloadProfile


class Scenario(ProductModel):
    """Facts that somebody supposes; by default nothing is different from the catalogue."""

    wan_down: bool = False
    """No tier off premises can be reached."""
    unavailable: tuple[str, ...] = ()
    """Ids of tiers that are out of service."""
    cloud_country: str | None = None
    """Where the tiers off premises are; None is where the catalogue says."""
    model_params_b: float | None = None
    """Size of the model that is served, in billions of parameters."""

    def tiers(self, policy: Policy, workload: WorkloadProfile) -> tuple[TierInstance, ...]:
        """The catalogue's tiers for this workload, moved where the scenario says."""
        found = policy.tiers_for(workload.home)
        if self.cloud_country is None:
            return found
        there = {"country": self.cloud_country}
        return tuple(t if t.on_premises else t.model_copy(update=there) for t in found)

    def out(self, tiers: tuple[TierInstance, ...]) -> tuple[str, ...]:
        """The ids of the tiers that are out in this scenario."""
        return tuple(
            tier.id
            for tier in tiers
            if tier.id in self.unavailable or (self.wan_down and not tier.on_premises)
        )

    def settings(self, policy: Policy) -> tuple[str, ...]:
        """The scenario in the words of `what-if --set`, to ask past decisions again."""
        home = policy.catalogue.reference_home
        tiers = policy.tiers_for(home)
        moved = () if self.cloud_country is None else tuple(t for t in tiers if not t.on_premises)
        return (
            *(f"tier.{tier_id}.available=false" for tier_id in self.out(tiers)),
            *(f'tier.{tier.id}.country="{self.cloud_country}"' for tier in moved),
        )


class Standing(ProductModel):
    """One tier in a scenario."""

    tier: str
    kind: TierKind
    country: str | None
    on_premises: bool
    place: RankedTier | None
    """None when it may not run the workload; then `refusal` says why."""
    rank: int | None
    """1 is best."""
    refusal: EliminatedTier | None
    usual_rank: int | None
    """Its rank when nothing is supposed; None when it is out then as well."""

    @property
    def changed(self) -> bool:
        """Whether the scenario made a difference to it."""
        return self.rank != self.usual_rank


class Exploration(ProductModel):
    """A workload's tiers in a scenario, feasible ones first, best first."""

    decision: PlacementDecision
    usual: PlacementDecision
    """What would be decided if nothing were supposed."""
    standings: tuple[Standing, ...]

    @property
    def tier(self) -> str | None:
        """Where the workload goes; None when nothing is left."""
        return _first(self.decision)

    @property
    def usual_tier(self) -> str | None:
        """Where it goes when nothing is supposed."""
        return _first(self.usual)


def explore(policy: Policy, workload: WorkloadProfile, scenario: Scenario) -> Exploration:
    """Decide about a workload as things are and as they are supposed to be."""
    tiers = scenario.tiers(policy, workload)
    usual = policy.decide(workload, model_params_b=scenario.model_params_b)
    decision = policy.decide(
        workload,
        tiers=tiers,
        unavailable=scenario.out(tiers),
        model_params_b=scenario.model_params_b,
    )
    by_id = {tier.id: tier for tier in tiers}
    usual_ranks = _ranks(usual)
    feasible = tuple(
        _standing(by_id[place.tier], usual_ranks, place=place, rank=rank)
        for rank, place in enumerate(decision.ranked, start=1)
    )
    refused = tuple(
        _standing(by_id[out.tier], usual_ranks, refusal=out) for out in decision.eliminated
    )
    return Exploration(decision=decision, usual=usual, standings=(*feasible, *refused))


def countries(policy: Policy) -> tuple[str, ...]:
    """The countries that the catalogue knows a law or a geography of, sorted."""
    facts = policy.catalogue
    named = {country for entry in facts.jurisdictions.values() for country in entry.members}
    stated = {tier.country for tier in facts.tiers.values() if tier.country not in (None, HOME)}
    return tuple(sorted(named | set(facts.geography_by_country) | {str(one) for one in stated}))


def _standing(
    tier: TierInstance,
    usual_ranks: dict[str, int],
    *,
    place: RankedTier | None = None,
    rank: int | None = None,
    refusal: EliminatedTier | None = None,
) -> Standing:
    return Standing(
        tier=tier.id,
        kind=tier.kind,
        country=tier.country,
        on_premises=tier.on_premises,
        place=place,
        rank=rank,
        refusal=refusal,
        usual_rank=usual_ranks.get(tier.id),
    )


def _ranks(decision: PlacementDecision) -> dict[str, int]:
    return {place.tier: rank for rank, place in enumerate(decision.ranked, start=1)}


def _first(decision: PlacementDecision) -> str | None:
    return decision.ranked[0].tier if decision.ranked else None
