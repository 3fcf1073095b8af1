"""Stored decisions come out the same again, or show what changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from placement import DecisionRecord, Policy, policy_with, read_records, replay
from telecom.errors import PolicyError
from telecom.workload import WorkloadProfile

Workload = Callable[..., WorkloadProfile]


@pytest.fixture
def records(policy: Policy, workload: Workload) -> tuple[DecisionRecord, ...]:
    return (
        policy.record(workload("context_creation", "tickets_raw")),
        policy.record(
            workload("agentic_orchestration", "alarms_raw", pseudonymized=True, summarized=True),
            unavailable={"local_zone"},
            model_params_b=70,
        ),
    )


def test_a_record_replays_to_the_same_decision(
    policy: Policy, records: tuple[DecisionRecord, ...], tmp_path: Path
) -> None:
    """Issue: every decision is stored with its inputs and recomputed from them."""
    ledger = tmp_path / "decisions.jsonl"
    ledger.write_text(
        "\n".join(record.model_dump_json() for record in records) + "\n\n", encoding="utf-8"
    )
    outcome = replay(read_records(ledger), policy)
    assert (outcome.same, outcome.different, outcome.altered) == (2, 0, 0)


def test_a_changed_policy_shows_what_is_different(records: tuple[DecisionRecord, ...]) -> None:
    """Issue: replay shows differences."""
    changed = policy_with(["class.alarms_raw.once.pseudonymized+summarized=site"])
    outcome = replay(records, changed)
    assert [decision.outcome for decision in outcome.decisions] == ["different", "different"]
    assert "region: feasible -> site-boundary" in outcome.decisions[1].differences


def test_a_record_somebody_altered_is_found_out(
    policy: Policy, records: tuple[DecisionRecord, ...]
) -> None:
    """Issue: an architect must be able to trust it: same policy, another answer."""
    kept = records[0].decision
    forged = records[0].model_copy(update={"decision": kept.model_copy(update={"eliminated": ()})})
    outcome = replay([forged], policy)
    assert (outcome.altered, outcome.decisions[0].outcome) == (1, "altered")


def test_lines_that_are_no_records_are_all_named(tmp_path: Path) -> None:
    """Us: a damaged file is a message, not a traceback."""
    ledger = tmp_path / "decisions.jsonl"
    ledger.write_text('{"a": 1}\nnot json\n', encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        read_records(ledger)
    assert [problem.line for problem in caught.value.problems] == [1, 2]
    with pytest.raises(PolicyError, match="cannot be read"):
        read_records(tmp_path / "missing.jsonl")
