"""What if: the decisions of the past under another catalogue, before it is put in force.

A setting is `PATH=VALUE`. Paths:

    tier.ID.FACT[.PART]            tier.outposts-a.available=false   tier.region.rtt_ms.p95=70.0
    class.NAME.boundary            class.tickets_raw.boundary=site   the whole ladder: rows and
                                   `once` included, so that nothing wider is left
    class.NAME.once.FORM           class.tickets_raw.once.pseudonymized=country
    class.NAME.rows.LAW.FACT       class.tickets_raw.rows.DE.boundary=site
    phase.NAME.FACT, weight.NAME, readiness.SKILL, model.NAME.FACT, routing.FACT
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml

from placement.catalogue import HOME, TierInstance
from placement.catalogue_file import REFERENCE_CATALOGUE, validate_catalogue
from placement.decision import DecisionRecord, PlacementDecision, RankedTier
from placement.policy import Policy
from placement.replay import differences
from placement.rules import REFERENCE_RULES, load_rules
from placement.yaml_document import Document, read_document
from telecom.errors import PolicyError, PolicyProblem
from telecom.schema import ProductModel
from telecom.workload import Home, WorkloadProfile

_SECTIONS = {
    "tier": "tiers",
    "endpoint": "model_endpoints",
    "class": "classes",
    "phase": "phases",
    "weight": "weights",
    "readiness": "readiness",
    "model": "models",
    "routing": "routing",
}
_SETTINGS_NAME = "--set"

Effect = Literal["unchanged", "moves", "refused", "placed"]


class WhatIfRow(ProductModel):
    """One past decision under the other catalogue."""

    decision_id: str
    workload: str
    effect: Effect
    """`refused`: no tier is left. `placed`: it had none and now has one."""
    tier_before: str | None
    tier_after: str | None
    obligations_before: tuple[str, ...]
    obligations_after: tuple[str, ...]
    cost_change_usd_per_hour: float | None
    """Capacity cost of the tier; None when there is nothing to compare."""
    rtt_change_ms: float | None
    """At the 95th percentile; None when it is unknown or there is nothing to compare."""
    rule: str | None
    """Why the earlier tier is out, when it is."""
    differences: tuple[str, ...]


class WhatIf(ProductModel):
    """What another catalogue would have done."""

    settings: tuple[str, ...]
    rows: tuple[WhatIfRow, ...]
    moved: int
    refused: int
    placed: int
    costlier: int
    slower: int


def policy_with(
    settings: Sequence[str], *, catalogue: Path | None = None, rules: Path | None = None
) -> Policy:
    """Load a policy with some facts set differently; the files stay as they are.

    Raises:
        PolicyError: The files do not load, or a setting leads nowhere or does not fit.
    """
    document = with_settings(read_document(catalogue or REFERENCE_CATALOGUE), settings)
    return Policy(
        validate_catalogue(document),
        load_rules(rules or REFERENCE_RULES),
        catalogue_sha256=document.sha256,
    )


def with_settings(document: Document, settings: Sequence[str]) -> Document:
    """Apply settings to a catalogue document, unvalidated.

    Raises:
        PolicyError: Lists every setting that leads nowhere.
    """
    if not settings:
        return document
    content = copy.deepcopy(document.content)
    problems = []
    for setting in settings:
        problem = _apply(content, setting)
        if problem is not None:
            problems.append(PolicyProblem(_SETTINGS_NAME, None, f"{setting}: {problem}"))
    if problems:
        raise PolicyError(problems)
    stamp = f"{document.sha256}\n" + "\n".join(settings)
    return Document(
        document.name, content, document.lines, hashlib.sha256(stamp.encode()).hexdigest()
    )


def what_if(
    records: Iterable[DecisionRecord], policy: Policy, *, settings: Sequence[str] = ()
) -> WhatIf:
    """Decide every stored question again under `policy`, with its own facts about the tiers."""
    rows = tuple(_row(record, policy) for record in records)
    effects = [row.effect for row in rows]
    return WhatIf(
        settings=tuple(settings),
        rows=rows,
        moved=effects.count("moves"),
        refused=effects.count("refused"),
        placed=effects.count("placed"),
        costlier=sum((row.cost_change_usd_per_hour or 0) > 0 for row in rows),
        slower=sum((row.rtt_change_ms or 0) > 0 for row in rows),
    )


def records_of_workloads(policy: Policy) -> tuple[DecisionRecord, ...]:
    """Decide the catalogue's own workloads: something to ask `what if` about without a past."""
    home = policy.catalogue.reference_home
    return tuple(
        policy.record(_at(workload, home.model_dump()))
        for workload in policy.catalogue.workloads.values()
    )


def _at(workload: WorkloadProfile, home: dict[str, Any]) -> WorkloadProfile:
    """Put a workload that names no home into the reference home."""
    if workload.home.country is not None or workload.home.site is not None:
        return workload
    return WorkloadProfile.model_validate({**workload.model_dump(), "home": home})


def _apply(content: dict[str, Any], setting: str) -> str | None:
    """Set one value; the reason when it cannot be."""
    path, equals, text = setting.partition("=")
    parts = path.strip().split(".")
    if not equals or len(parts) < 2 or parts[0] not in _SECTIONS:
        return f"write PATH=VALUE with a path that begins with {', '.join(_SECTIONS)}"
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return "the value cannot be read; quote it"
    target: Any = content.get(_SECTIONS[parts[0]])
    for depth, part in enumerate(parts[1:-1], start=1):
        if not isinstance(target, dict) or part not in target:
            known = ", ".join(sorted(target)) if isinstance(target, dict) else "nothing"
            return f"{'.'.join(parts[:depth])} has no {part!r}; it has {known}"
        target = target[part]
    if not isinstance(target, dict):
        return f"{'.'.join(parts[:-1])} is a single value"
    target[parts[-1]] = value
    if parts[0] == "class" and parts[2:] == ["boundary"]:
        target["once"] = {}
        for row in target.get("rows", {}).values():
            row.pop("boundary", None)
            row.pop("once", None)
    return None


def _row(record: DecisionRecord, policy: Policy) -> WhatIfRow:
    before = record.decision
    home = before.workload.home
    tiers = tuple(_restated(tier, policy, home) for tier in record.tiers)
    after = policy.decide(
        before.workload,
        tiers=tiers,
        unavailable=record.unavailable,
        outages=record.outages,
        model_params_b=record.model_params_b,
    )
    old, new = _best(before), _best(after)
    old_tier, new_tier = _facts(old, record.tiers), _facts(new, tiers)
    out = None if old is None else after.why_not(old.tier)
    return WhatIfRow(
        decision_id=before.decision_id,
        workload=before.workload.name,
        effect=_effect(old, new),
        tier_before=None if old is None else old.tier,
        tier_after=None if new is None else new.tier,
        obligations_before=() if old is None else old.obligations,
        obligations_after=() if new is None else new.obligations,
        cost_change_usd_per_hour=None
        if old_tier is None or new_tier is None
        else round(new_tier.cost_usd_per_hour - old_tier.cost_usd_per_hour, 4),
        rtt_change_ms=_rtt_change(old_tier, new_tier),
        rule=None if out is None else out.rule,
        differences=tuple(
            change for change in differences(before, after) if "_sha256 " not in change
        ),
    )


def _restated(tier: TierInstance, policy: Policy, home: Home) -> TierInstance:
    """The catalogue's facts of a tier; where a template stood is what was known at the time."""
    now = policy.tier(tier.id, home)
    if now is None:
        return tier
    catalogue = policy.catalogue
    entry = catalogue.tiers.get(tier.id) or catalogue.model_endpoints[tier.id]
    stood = {key: getattr(tier, key) for key in ("country", "site") if getattr(entry, key) == HOME}
    return now.model_copy(update=stood)


def _effect(old: RankedTier | None, new: RankedTier | None) -> Effect:
    if old is None:
        return "unchanged" if new is None else "placed"
    if new is None:
        return "refused"
    return "unchanged" if old.tier == new.tier else "moves"


def _best(decision: PlacementDecision) -> RankedTier | None:
    return decision.ranked[0] if decision.ranked else None


def _facts(ranked: RankedTier | None, tiers: Sequence[TierInstance]) -> TierInstance | None:
    return None if ranked is None else next(tier for tier in tiers if tier.id == ranked.tier)


def _rtt_change(old: TierInstance | None, new: TierInstance | None) -> float | None:
    if old is None or new is None or old.rtt_ms is None or new.rtt_ms is None:
        return None
    return round(new.rtt_ms.p95 - old.rtt_ms.p95, 4)
