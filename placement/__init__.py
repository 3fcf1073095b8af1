"""The placement policy: where may this run, where should it, what does it cost.

    policy = load_policy()                                   # or load_policy(catalogue, rules)
    decision = policy.decide(workload)                       # never raises
    decision.ranked[0].tier, decision.ranked[0].obligations  # best first
    decision.why_not("region").remedy                        # what would unblock a tier
    policy.verdict(workload, tier).permitted                 # one question, flags as they are

`LivePolicy` follows its files without a restart, `placement_table` computes the ten phases,
`what_if` and `replay` ask the questions of stored decisions again, `route_model` picks a model and
its endpoint, `second_lock` writes the Gateway's rules, `assess_data`, `assess_latency`,
`assess_cost` and `assess_tiers` are the four steps of getting started, and `placement.reports`
renders all of it as Markdown.
"""

from placement.approval import awaits_approval
from placement.assessment import (
    DataAssessment,
    FieldFinding,
    SourceFinding,
    TierAssessment,
    assess_data,
    assess_tiers,
    catalogue_entry,
)
from placement.catalogue import Boundary, Catalogue, Form, RoundTrip, TierInstance
from placement.cost import AiFunction, CostAssessment, TokenPrice, article_preset, assess_cost
from placement.cost_chart import cost_chart_svg, cost_chart_text
from placement.decision import (
    DecisionRecord,
    EliminatedTier,
    Elimination,
    PlacementDecision,
    RankedTier,
    Verdict,
    Violation,
)
from placement.latency import LatencyAssessment, LatencySample, assess_latency, read_samples_csv
from placement.live import LivePolicy, PolicyStatus
from placement.model_routing import ModelChoice, QuestionSize, choose_model, route_model
from placement.policy import ClosedPolicy, Policy, load_policy
from placement.replay import Replay, read_records, replay
from placement.second_lock import GatewayTool, SecondLock, second_lock
from placement.table import PhaseRow, placement_table
from placement.what_if import WhatIf, policy_with, records_of_workloads, what_if
from placement.workload_file import read_functions, read_workload

__all__ = [
    "AiFunction",
    "Boundary",
    "Catalogue",
    "ClosedPolicy",
    "CostAssessment",
    "DataAssessment",
    "DecisionRecord",
    "EliminatedTier",
    "Elimination",
    "FieldFinding",
    "Form",
    "GatewayTool",
    "LatencyAssessment",
    "LatencySample",
    "LivePolicy",
    "ModelChoice",
    "PhaseRow",
    "PlacementDecision",
    "Policy",
    "PolicyStatus",
    "QuestionSize",
    "RankedTier",
    "Replay",
    "RoundTrip",
    "SecondLock",
    "SourceFinding",
    "TierAssessment",
    "TierInstance",
    "TokenPrice",
    "Verdict",
    "Violation",
    "WhatIf",
    "article_preset",
    "assess_cost",
    "assess_data",
    "assess_latency",
    "assess_tiers",
    "awaits_approval",
    "catalogue_entry",
    "choose_model",
    "cost_chart_svg",
    "cost_chart_text",
    "load_policy",
    "placement_table",
    "policy_with",
    "read_functions",
    "read_records",
    "read_samples_csv",
    "read_workload",
    "records_of_workloads",
    "replay",
    "route_model",
    "second_lock",
    "what_if",
]
