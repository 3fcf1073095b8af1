"""The placement policy: where may this run, where should it, what does it cost.

    policy = load_policy()                                   # or load_policy(catalogue, rules)
    decision = policy.decide(workload)                       # never raises
    decision.ranked[0].tier, decision.ranked[0].obligations  # best first
    decision.why_not("region").remedy                        # what would unblock a tier
    policy.verdict(workload, tier).permitted                 # one question, flags as they are

`LivePolicy` reloads both files without a restart, `placement_table` prints the ten phases,
`what_if` and `replay` run stored decisions again, `route_model` picks a model and its endpoint,
`assess_*` are the four steps of getting started.
"""

from placement.catalogue import Boundary, Catalogue, Form, TierInstance
from placement.decision import (
    DecisionRecord,
    EliminatedTier,
    Elimination,
    PlacementDecision,
    RankedTier,
    Verdict,
    Violation,
)
from placement.policy import ClosedPolicy, Policy, load_policy

__all__ = [
    "Boundary",
    "Catalogue",
    "ClosedPolicy",
    "DecisionRecord",
    "EliminatedTier",
    "Elimination",
    "Form",
    "PlacementDecision",
    "Policy",
    "RankedTier",
    "TierInstance",
    "Verdict",
    "Violation",
    "load_policy",
]
