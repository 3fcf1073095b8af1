"""What the policy answers: verdicts, decisions and the records that let them be replayed."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from pydantic import Field

from placement.catalogue import TierInstance
from telecom.schema import ProductModel
from telecom.workload import Dimension, TierKind, WorkloadProfile


@dataclass(frozen=True, slots=True)
class Elimination:
    """A rule that forbids a placement."""

    rule: str
    dimension: Dimension
    because: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one tier may run one workload, its flags taken as they are."""

    permitted: bool
    eliminations: tuple[Elimination, ...]
    """Decisive first; empty exactly when permitted."""

    @property
    def decisive(self) -> Elimination | None:
        """The rule to name when one is named."""
        return self.eliminations[0] if self.eliminations else None


class Violation(ProductModel):
    """A rule that a tier breaks."""

    dimension: Dimension
    rule: str
    because: str


class RankedTier(ProductModel):
    """A feasible tier, with what makes it feasible."""

    tier: str
    kind: TierKind
    score: float
    """Weighted sum of `scores`; higher is better."""
    scores: dict[Dimension, float]
    """0 to 1 for each dimension."""
    obligations: tuple[str, ...] = ()
    """What must be done for it to be feasible, such as `pseudonymize`."""


class EliminatedTier(ProductModel):
    """A tier that may not run the workload, and why."""

    tier: str
    kind: TierKind
    dimension: Dimension
    rule: str
    """The decisive rule: the first by dimension."""
    because: str
    remedy: str
    """What would make the tier feasible, found by asking the policy again."""
    violations: tuple[Violation, ...]
    """Every rule it breaks, decisive first."""


class PlacementDecision(ProductModel):
    """Where a workload may run and where it should; a value that can be stored and replayed."""

    decision_id: str
    """Follows from the inputs and the hashes: the same question gets the same id."""
    workload: WorkloadProfile
    ranked: tuple[RankedTier, ...]
    """Feasible tiers, best first."""
    eliminated: tuple[EliminatedTier, ...]
    notes: tuple[str, ...] = ()
    """Facts that are unknown or only assumed, and what that did."""
    policy_sha256: str
    catalogue_sha256: str

    def choose(self, executable: Container[str]) -> RankedTier | None:
        """Take the best tier that has an executor; None when none has."""
        return next((tier for tier in self.ranked if tier.tier in executable), None)

    def why_not(self, tier_id: str) -> EliminatedTier | None:
        """Find why a tier is out; None when it is feasible or was not asked about."""
        return next((tier for tier in self.eliminated if tier.tier == tier_id), None)


class ModelNote(ProductModel):
    """Which model a piece of work was given, and why that one."""

    model_id: str | None
    """None when no model may be called."""
    reason: str


class DecisionRecord(ProductModel):
    """A decision with everything that went into it."""

    decision: PlacementDecision
    tiers: tuple[TierInstance, ...]
    unavailable: tuple[str, ...] = ()
    outages: dict[str, str] = Field(default_factory=dict)
    """Tier that was out at that moment -> since when and why, in words."""
    model_params_b: float | None = Field(default=None, gt=0)
    model: ModelNote | None = None
    """What was made of it where a model was asked for; replay does not ask for it again."""
