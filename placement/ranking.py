"""Soft factors: what is better among the tiers that no hard rule forbids."""

from __future__ import annotations

from placement.catalogue import Readiness, Skill, TierInstance, Weights
from placement.obligations import Treatment
from telecom.workload import Dimension, TierKind, WorkloadProfile

_MISSING: dict[Skill, float] = {"none": 1.0, "some": 0.5, "strong": 0.0}
_MANY_SITES = 50
_MOST_GB = 1e12


def readiness_gap(readiness: Readiness) -> float:
    """How much of running an edge the operator cannot do yet: 0 none of it, 1 all of it."""
    skills = (
        readiness.model_optimization,
        readiness.distributed_operations,
        readiness.fleet_management,
    )
    gap = sum(_MISSING[skill] for skill in skills) / len(skills)
    if not readiness.on_call:
        gap += 0.25
    if readiness.sites > _MANY_SITES and readiness.fleet_management != "strong":
        gap += 0.25
    if readiness.partner is not None:
        gap /= 2
    return min(1.0, gap)


def gigabytes_to_move(workload: WorkloadProfile, tier: TierInstance, treatment: Treatment) -> float:
    """How much data a run has to move to `tier`; a summary is next to nothing."""
    if treatment.summarize or workload.summarized:
        return 0.0
    home = workload.home
    beside = tier.is_at(home) if home.on_premises else tier.kind is TierKind.REGION
    return 0.0 if beside else min(workload.data_gb, _MOST_GB)


def score_tier(
    workload: WorkloadProfile,
    tier: TierInstance,
    treatment: Treatment,
    *,
    approval: bool,
    budget_ms: float | None,
    weights: Weights,
    readiness: Readiness,
) -> tuple[float, dict[Dimension, float]]:
    """Weigh a feasible tier: the score, and 0 to 1 for each dimension."""
    scores = {
        Dimension.SOVEREIGNTY: _freedom(treatment, weights, approval=approval),
        Dimension.LATENCY: _headroom(tier, budget_ms),
        Dimension.DATA_GRAVITY: _halved_at(
            gigabytes_to_move(workload, tier, treatment) * tier.transfer_usd_per_gb,
            weights.half_transfer_usd,
        ),
        Dimension.OPERATIONS: _ease(tier, weights, readiness),
    }
    weighted = {
        Dimension.SOVEREIGNTY: weights.sovereignty,
        Dimension.LATENCY: weights.latency,
        Dimension.DATA_GRAVITY: weights.data_gravity,
        Dimension.OPERATIONS: weights.operations,
    }
    score = sum(scores[dimension] * weight for dimension, weight in weighted.items())
    return round(score, 6), {dimension: round(value, 6) for dimension, value in scores.items()}


def _freedom(treatment: Treatment, weights: Weights, *, approval: bool) -> float:
    """1 when nothing has to be done to the data."""
    taken = (
        treatment.pseudonymize * weights.pseudonymize
        + treatment.anonymize * weights.anonymize
        + treatment.summarize * weights.summarize
        + approval * weights.human_approval
    )
    return max(0.0, 1.0 - taken)


def _headroom(tier: TierInstance, budget_ms: float | None) -> float:
    """The share of the budget that the round trip leaves; batch has all of it."""
    if budget_ms is None:
        return 1.0
    if tier.rtt_ms is None:
        return 0.0
    return max(0.0, 1.0 - tier.rtt_ms.p95 / budget_ms)


def _ease(tier: TierInstance, weights: Weights, readiness: Readiness) -> float:
    """1 when it costs neither work nor money; the edge is harder for who is not ready for it."""
    effort = tier.operations_effort
    if tier.on_premises:
        effort += (1.0 - effort) * readiness_gap(readiness) / 2
    cost = _halved_at(tier.cost_usd_per_hour, weights.half_cost_usd_per_hour)
    return (1.0 - effort) * (1.0 - weights.cost_share) + cost * weights.cost_share


def _halved_at(amount: float, half: float) -> float:
    return 1.0 / (1.0 + amount / half)
