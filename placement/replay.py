"""Replay: the decisions of the past, computed again from their stored inputs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from placement.decision import DecisionRecord, ModelNote, PlacementDecision
from placement.policy import Policy
from telecom.errors import PolicyError, PolicyProblem
from telecom.schema import ProductModel


class ReplayedDecision(ProductModel):
    """A stored decision beside the same question asked again."""

    decision_id: str
    workload: str
    outcome: Literal["same", "different", "altered"]
    """`different`: policy or catalogue changed. `altered`: they did not, so the record did."""
    differences: tuple[str, ...] = ()
    model: ModelNote | None = None
    """The model that was chosen then, as recorded."""


class Replay(ProductModel):
    """What came out of computing stored decisions again."""

    decisions: tuple[ReplayedDecision, ...]
    same: int
    different: int
    altered: int


def read_records(path: Path) -> tuple[DecisionRecord, ...]:
    """Read decision records, one JSON object a line.

    Raises:
        PolicyError: Missing, or lines that are no decision records; lists each.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise PolicyError([PolicyProblem(str(path), None, f"cannot be read: {exc}")]) from exc
    records: list[DecisionRecord] = []
    problems: list[PolicyProblem] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            records.append(DecisionRecord.model_validate_json(line))
        except ValidationError as exc:
            first = exc.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            problems.append(
                PolicyProblem(
                    str(path), number, f"not a decision record: {where} {first['msg']}".rstrip()
                )
            )
    if problems:
        raise PolicyError(problems)
    return tuple(records)


def replay(records: Iterable[DecisionRecord], policy: Policy) -> Replay:
    """Ask the same questions of `policy` and compare the answers."""
    decisions = tuple(_replay(record, policy) for record in records)
    outcomes = [decision.outcome for decision in decisions]
    return Replay(
        decisions=decisions,
        same=outcomes.count("same"),
        different=outcomes.count("different"),
        altered=outcomes.count("altered"),
    )


def _replay(record: DecisionRecord, policy: Policy) -> ReplayedDecision:
    before = record.decision
    after = policy.decide(
        before.workload,
        tiers=record.tiers,
        unavailable=record.unavailable,
        outages=record.outages,
        model_params_b=record.model_params_b,
    )
    same_policy = (before.policy_sha256, before.catalogue_sha256) == (
        after.policy_sha256,
        after.catalogue_sha256,
    )
    changed: Literal["different", "altered"] = "altered" if same_policy else "different"
    return ReplayedDecision(
        decision_id=before.decision_id,
        workload=before.workload.name,
        outcome="same" if before == after else changed,
        differences=tuple(differences(before, after)),
        model=record.model,
    )


def differences(before: PlacementDecision, after: PlacementDecision) -> list[str]:
    """Say in words what two decisions about one workload do not have in common."""
    found = []
    for name in ("policy_sha256", "catalogue_sha256"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found.append(f"{name} {old[:12]} -> {new[:12]}")
    feasible = {tier.tier: tier for tier in before.ranked}
    now = {tier.tier: tier for tier in after.ranked}
    for tier_id in [*feasible, *(name for name in now if name not in feasible)]:
        if tier_id not in now:
            why = after.why_not(tier_id)
            found.append(f"{tier_id}: feasible -> {'not asked' if why is None else why.rule}")
        elif tier_id not in feasible:
            why = before.why_not(tier_id)
            found.append(f"{tier_id}: {'not asked' if why is None else why.rule} -> feasible")
        elif feasible[tier_id].obligations != now[tier_id].obligations:
            old, new = feasible[tier_id].obligations, now[tier_id].obligations
            found.append(f"{tier_id}: {_list(old)} -> {_list(new)}")
    order = [tier.tier for tier in before.ranked if tier.tier in now]
    new_order = [tier.tier for tier in after.ranked if tier.tier in feasible]
    if order != new_order:
        found.append(f"order: {_list(order)} -> {_list(new_order)}")
    for out in before.eliminated:
        again = after.why_not(out.tier)
        if again is not None and again.rule != out.rule:
            found.append(f"{out.tier}: {out.rule} -> {again.rule}")
    return found


def _list(words: Iterable[str]) -> str:
    return ", ".join(words) or "nothing"
