"""The placement table agrees with REFERENCE R10, cell by cell, and is computed."""

from __future__ import annotations

import pytest

from placement import Policy, load_policy, placement_table, policy_with
from placement.table import PhaseRow
from telecom.workload import Home

# REFERENCE R10, word for word; "edge" is what the condition means for the tiers.
R10 = {
    "data_preparation": (
        "Region",
        "residency prevents transfer",
        ["S3", "Glue", "EMR"],
        ["Outposts / AI Factory"],
    ),
    "foundation_model_training": (
        "Region",
        "AI Factory if sovereignty requires on-premises training",
        ["SageMaker", "Trainium2", "EC2 P5"],
        ["AI Factory"],
    ),
    "fine_tuning": (
        "Region",
        "sensitive training data cannot leave",
        ["SageMaker", "Bedrock fine-tuning"],
        ["Outposts / AI Factory"],
    ),
    "context_creation": (
        "Follows data",
        "knowledge base on premises",
        ["Outposts / AI Factory"],
        ["Outposts / AI Factory"],
    ),
    "real_time_inference": (
        "Outposts / AI Factory",
        "always",
        ["inference containers on EKS (Outposts)"],
        ["Outposts / AI Factory"],
    ),
    "interactive_inference": (
        "Local Zone",
        "when residency allows metropolitan deployment",
        ["SageMaker", "EKS on Local Zones"],
        ["Local Zone", "Outposts / AI Factory"],
    ),
    "batch_inference": (
        "Region",
        "when data can be transferred",
        ["Bedrock Batch", "SageMaker Batch"],
        ["Region", "Outposts / AI Factory"],
    ),
    "edge_prefiltering": (
        "Outposts / AI Factory",
        "always when data gravity is a driver",
        ["SLM on EKS (Outposts)"],
        ["Outposts / AI Factory"],
    ),
    "model_optimization": (
        "Region",
        "quantized artifacts deployed to the edge tier",
        ["SageMaker", "Bedrock Model Distillation"],
        ["Region", "Outposts / AI Factory"],
    ),
    "agentic_orchestration": (
        "Hybrid",
        "sub-agents near the data, orchestrator in the cloud",
        ["AgentCore (Region)", "RAG tools on EKS (Outposts / AI Factory)"],
        ["Region", "Outposts / AI Factory"],
    ),
}


@pytest.fixture(scope="module")
def rows() -> dict[str, PhaseRow]:
    return {row.phase.value: row for row in placement_table(load_policy())}


@pytest.mark.parametrize("phase", R10)
def test_every_cell_of_the_table_is_what_the_reference_says(
    rows: dict[str, PhaseRow], phase: str
) -> None:
    """REFERENCE R10."""
    row = rows[phase]
    assert (
        row.primary_tier,
        row.edge_condition,
        list(row.services),
        [placement.tiers for placement in row.edge_placements],
    ) == R10[phase]


def test_the_table_has_the_ten_phases_in_the_order_of_the_reference(
    rows: dict[str, PhaseRow],
) -> None:
    """REFERENCE R10."""
    assert list(rows) == list(R10)


def test_agentic_orchestration_has_two_placements_and_the_other_phases_one(
    rows: dict[str, PhaseRow],
) -> None:
    """REFERENCE R10: "Hybrid" is two placements, orchestrator and sub-agents."""
    hybrid = rows["agentic_orchestration"].placements
    assert [(part.part, part.tier) for part in hybrid] == [
        ("orchestrator", "region"),
        ("sub-agents", "outposts"),
    ]
    assert all(
        len(row.placements) == 1 for name, row in rows.items() if name != "agentic_orchestration"
    )


def test_the_words_follow_the_rules_and_not_a_list() -> None:
    """Us: a table that is copied would not notice that the operator has no Local Zone."""
    changed = policy_with(
        [
            "tier.local_zone.available=false",
            "tier.dedicated_local_zone.available=false",
            "tier.outposts.available=false",
            "phase.context_creation.follows_data=false",
        ]
    )
    words = {row.phase.value: row.primary_tier for row in placement_table(changed)}
    assert words["interactive_inference"] == "AI Factory"
    assert words["real_time_inference"] == "AI Factory"
    assert words["context_creation"] == "Region"
    assert words["agentic_orchestration"] == "Region"


def test_a_phase_without_a_feasible_tier_is_placed_nowhere() -> None:
    """Us: the table must not hide that nothing fits."""
    changed = policy_with(
        ["tier.region.offers=[containers]", "tier.ai_factory.offers=[containers]"]
    )
    row = next(
        row for row in placement_table(changed) if row.phase.value == "foundation_model_training"
    )
    assert (row.primary_tier, row.placements[0].tier) == ("nowhere", None)


def test_outposts_rank_before_an_ai_factory_that_the_operator_has(policy: Policy) -> None:
    """FACTS: an AI Factory starts at thousands of GPUs; operations price it out, not a rule."""
    row = next(row for row in placement_table(policy) if row.phase.value == "edge_prefiltering")
    assert row.placements[0].feasible == ("outposts", "ai_factory")


def test_the_table_can_be_asked_for_another_operator(policy: Policy) -> None:
    """Issue: the placement table of this operator; Brazil has no row, so a report stays at home."""
    rows = {
        row.phase.value: row
        for row in placement_table(policy, Home(site="sao-paulo-1", country="BR"))
    }
    assert rows["interactive_inference"].edge_placements[0].tiers == "Outposts / AI Factory"
    assert rows["data_preparation"].primary_tier == "Region"
