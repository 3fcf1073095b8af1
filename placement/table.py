"""The placement table: ten phases, their tiers computed by the policy.

The wording is computed, too: "Hybrid" when the parts of a phase land on different tiers, "Follows
data" when moving the data alone moves the placement, the tiers on premises when nothing else is
feasible, and otherwise the best-ranked one.
"""

from __future__ import annotations

from placement.catalogue import PhaseEntry, Probe, TierInstance
from placement.decision import PlacementDecision
from placement.policy import Policy
from telecom.schema import ProductModel
from telecom.workload import Home, LifecyclePhase, TierKind, WorkloadProfile

KIND_NAMES = {
    TierKind.REGION: "Region",
    TierKind.LOCAL_ZONE: "Local Zone",
    TierKind.DEDICATED_LOCAL_ZONE: "Dedicated Local Zone",
    TierKind.OUTPOSTS: "Outposts",
    TierKind.AI_FACTORY: "AI Factory",
}
NOWHERE = "nowhere"


class Placement(ProductModel):
    """Where one part of a phase goes."""

    part: str
    when: str
    tier: str | None
    """The best-ranked tier instance; None when no tier is feasible."""
    kind: TierKind | None
    tiers: str
    """In words: every tier on premises if nothing else is feasible, else the best-ranked one."""
    feasible: tuple[str, ...]
    """All feasible tier instances, best first."""
    obligations: tuple[str, ...]
    decision_id: str


class PhaseRow(ProductModel):
    """One row of the placement table."""

    phase: LifecyclePhase
    title: str
    primary_tier: str
    edge_condition: str
    services: tuple[str, ...]
    placements: tuple[Placement, ...]
    """Of a neutral workload, one for each part of the phase."""
    edge_placements: tuple[Placement, ...]
    """Of workloads that meet the edge condition."""


def placement_table(policy: Policy, home: Home | None = None) -> tuple[PhaseRow, ...]:
    """Compute the table for an operator at `home`; None is the catalogue's reference home."""
    at = home or policy.catalogue.reference_home
    return tuple(
        _row(policy, phase, policy.catalogue.phases[phase], at) for phase in LifecyclePhase
    )


def _row(policy: Policy, phase: LifecyclePhase, entry: PhaseEntry, home: Home) -> PhaseRow:
    placements = tuple(_place(policy, phase, probe, home) for probe in entry.neutral)
    return PhaseRow(
        phase=phase,
        title=entry.title,
        primary_tier=_primary_tier(policy, phase, entry, home, placements),
        edge_condition=entry.edge_condition,
        services=entry.services,
        placements=placements,
        edge_placements=tuple(_place(policy, phase, probe, home) for probe in entry.edge),
    )


def _primary_tier(
    policy: Policy,
    phase: LifecyclePhase,
    entry: PhaseEntry,
    home: Home,
    placements: tuple[Placement, ...],
) -> str:
    words = {placement.tiers for placement in placements}
    if len(words) > 1:
        return "Hybrid"
    moved = {
        _place(
            policy,
            phase,
            probe.model_copy(update={"home_on_premises": not probe.home_on_premises}),
            home,
        ).tiers
        for probe in entry.neutral
    }
    return "Follows data" if moved != words else words.pop()


def _place(policy: Policy, phase: LifecyclePhase, probe: Probe, home: Home) -> Placement:
    workload = WorkloadProfile(
        name=f"{phase}: {probe.part}",
        phase=probe.phase or phase,
        data_classes=probe.data_classes,
        home=home.model_copy(update={"on_premises": probe.home_on_premises}),
        latency_budget_ms=probe.latency_budget_ms,
        pseudonymized=probe.pseudonymized,
        summarized=probe.summarized,
    )
    tiers = policy.tiers_for(workload.home)
    decision = policy.decide(workload, tiers=tiers)
    best = decision.ranked[0] if decision.ranked else None
    return Placement(
        part=probe.part,
        when=probe.when,
        tier=None if best is None else best.tier,
        kind=None if best is None else best.kind,
        tiers=tier_words(decision, tiers),
        feasible=tuple(tier.tier for tier in decision.ranked),
        obligations=() if best is None else best.obligations,
        decision_id=decision.decision_id,
    )


def tier_words(decision: PlacementDecision, tiers: tuple[TierInstance, ...]) -> str:
    """Say in the table's words where a decision places its workload."""
    if not decision.ranked:
        return NOWHERE
    on_premises = {tier.id for tier in tiers if tier.on_premises}
    if all(tier.tier in on_premises for tier in decision.ranked):
        return " / ".join(dict.fromkeys(KIND_NAMES[tier.kind] for tier in decision.ranked))
    return KIND_NAMES[decision.ranked[0].kind]
