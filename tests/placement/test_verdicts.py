"""Verdicts agree with a naive evaluator that shares no code with the rules."""

from __future__ import annotations

import os
import random
from typing import Any

from placement import Catalogue, Policy, TierInstance
from placement.catalogue_file import REFERENCE_CATALOGUE
from placement.rules import REFERENCE_RULES, load_rules
from placement.yaml_document import read_document
from telecom.workload import Home, LifecyclePhase, WorkloadProfile

CATALOGUES, VERDICTS = (200, 100_000) if os.environ.get("CI") else (60, 3_000)

COUNTRIES = ["DE", "FR", "US", "IN", "SA", "BR", None]
BUDGETS = [None, 0.5, 9.999, 10, 10.001, 49.999, 50, 50.001, 200, 5000]
BOUNDARIES = ["site", "country", "geography", "any"]
STEPS = [
    "summarized",
    "pseudonymized",
    "pseudonymized+summarized",
    "anonymized",
    "anonymized+summarized",
]
REFERENCE = read_document(REFERENCE_CATALOGUE).content


def test_verdicts_agree_with_a_naive_evaluator_on_random_catalogues() -> None:
    """Issue: a naive reference evaluator agrees on 100,000 random verdicts per CI run."""
    rules = load_rules(REFERENCE_RULES)
    chance = random.Random(20261121)
    permitted = 0
    for number in range(CATALOGUES):
        facts = random_facts(chance)
        policy = Policy(Catalogue.model_validate(facts), rules, catalogue_sha256=f"random {number}")
        tiers = [random_tier(chance, facts, index) for index in range(5)]
        for _ in range(VERDICTS // CATALOGUES):
            workload, tier = random_workload(chance, facts), chance.choice(tiers)
            approved = chance.random() < 0.3
            verdict = policy.verdict(workload, tier, approved=approved)
            expected = naive_rules(facts, workload, tier, approved=approved)
            assert {out.rule for out in verdict.eliminations} == expected, (workload, tier)
            assert verdict.permitted == (not expected)
            permitted += verdict.permitted
    # Positive control: a generator that only ever refuses would agree on nothing of interest.
    assert VERDICTS * 0.01 < permitted < VERDICTS * 0.9


def naive_rules(
    facts: dict[str, Any], work: WorkloadProfile, tier: TierInstance, *, approved: bool
) -> set[str]:
    """The rules as docs/placement.md tells them, one `if` each."""
    demanded = naive_demands(facts, work)
    phase = facts["phases"][work.phase.value]
    site = work.home.site if work.home.site is not None else "home"
    here = tier.on_premises and tier.site == site
    geography = {c: name for name, members in facts["geographies"].items() for c in members}
    same_country = work.home.country is not None and work.home.country == tier.country
    home_geography = geography.get(work.home.country or "")
    same_geography = home_geography is not None and home_geography == geography.get(
        tier.country or ""
    )
    budget = work.latency_budget_ms or phase.get("latency_budget_ms")
    p95 = tier.rtt_ms.p95 if tier.rtt_ms else None
    bounded = bool(demanded & {"site", "country", "geography"})
    broken = {
        "site-boundary": "site" in demanded and not here,
        "country-boundary": "country" in demanded
        and not here
        and not (same_country and tier.processing in ("site", "in_region")),
        "geography-boundary": "geography" in demanded
        and not here
        and not (same_geography and tier.processing != "global"),
        "account-data-retention": bounded
        and not tier.on_premises
        and tier.retention not in ("none", "default"),
        "content-never-to-a-model": "no_model" in demanded and phase.get("uses_model", True),
        "human-approval": "human_approval" in demanded and not approved and not here,
        "real-time-on-premises": work.phase == "real_time_inference" and not tier.on_premises,
        "under-10-ms-on-premises": budget is not None and budget < 10 and not tier.on_premises,
        "up-to-50-ms-metropolitan": budget is not None and budget <= 50 and tier.kind == "region",
        "round-trip-over-budget": budget is not None and p95 is not None and p95 > budget,
        "round-trip-unknown": budget is not None and p95 is None,
        "prefiltering-at-the-source": phase.get("at_source", False) and not here,
        "context-follows-the-data": phase.get("follows_data", False)
        and work.home.on_premises
        and not (work.pseudonymized or work.anonymized)
        and not here,
        "tier-not-available": not tier.available,
        "tier-lacks-capability": not set(phase["needs"]) <= set(tier.offers),
    }
    return {rule for rule, is_broken in broken.items() if is_broken}


def naive_demands(facts: dict[str, Any], work: WorkloadProfile) -> set[str]:
    demanded: set[str] = set()
    for name in work.data_classes or ("unknown",):
        entry = facts["classes"].get(name)
        row = None if entry is None else naive_row(facts, entry, work.home.country)
        if row is None:
            demanded.add("site")
            continue
        if entry.get("models") == "never":
            demanded.add("no_model")
        if entry.get("human_approval"):
            demanded.add("human_approval")
        if entry.get("grey_area") and not isinstance(row.get("legal_review"), dict):
            demanded.add("site")
            continue
        reached = [row.get("boundary") or entry["boundary"]]
        ladder = row["once"] if row.get("once") is not None else entry.get("once", {})
        for step, boundary in ladder.items():
            if all(
                {
                    "pseudonymized": work.pseudonymized or work.anonymized,
                    "anonymized": work.anonymized,
                    "summarized": work.summarized,
                }[word]
                for word in step.split("+")
            ):
                reached.append(boundary)
        widest = BOUNDARIES[max(BOUNDARIES.index(boundary) for boundary in reached)]
        demanded |= {widest} - {"any"}
    return demanded


def naive_row(
    facts: dict[str, Any], entry: dict[str, Any], country: str | None
) -> dict[str, Any] | None:
    narrowest = sorted(
        (len(law["members"]), name)
        for name, law in facts["jurisdictions"].items()
        if country in law["members"]
    )
    for name in [*(name for _, name in narrowest), "*"]:
        if name in entry["rows"]:
            row: dict[str, Any] = entry["rows"][name]
            return row
    return None


def random_facts(chance: random.Random) -> dict[str, Any]:
    """The reference with other classes and phases."""
    row = {"framework": "f", "source": "s", "basis": "read", "checked": "2026-11-01"}
    classes = {}
    for index in range(6):
        laws = chance.sample(["EU", "DE", "US", "IN", "SA", "*"], chance.randint(0, 4))
        classes[f"class_{index}"] = {
            "title": "t",
            "boundary": chance.choice(BOUNDARIES),
            "once": random_ladder(chance),
            "models": chance.choice(["allowed"] * 5 + ["never"]),
            "human_approval": chance.random() < 0.2,
            "grey_area": chance.random() < 0.2,
            "rows": {
                law: {
                    **row,
                    "legal_review": chance.choice(
                        ["required", {"by": "counsel", "on": "2026-11-02"}]
                    ),
                    **({"boundary": chance.choice(BOUNDARIES)} if chance.random() < 0.3 else {}),
                    **({"once": random_ladder(chance)} if chance.random() < 0.3 else {}),
                }
                for law in laws
            },
        }
    phases = {
        name: {
            **entry,
            "needs": chance.sample(list(REFERENCE["capabilities"]), chance.randint(0, 2)),
            "at_source": chance.random() < 0.2,
            "follows_data": chance.random() < 0.3,
            "uses_model": chance.random() < 0.7,
            "latency_budget_ms": chance.choice([None, None, 10, 50, 1000]),
        }
        for name, entry in REFERENCE["phases"].items()
    }
    return {**REFERENCE, "classes": classes, "phases": phases}


def random_ladder(chance: random.Random) -> dict[str, str]:
    return {step: chance.choice(BOUNDARIES) for step in chance.sample(STEPS, chance.randint(0, 3))}


def random_tier(chance: random.Random, facts: dict[str, Any], index: int) -> TierInstance:
    kind = chance.choice(["region", "local_zone", "dedicated_local_zone", "outposts", "ai_factory"])
    p95 = chance.choice([2.0, 8.0, 10.0, 10.001, 50.0, 120.0])
    return TierInstance.model_validate(
        {
            "id": f"tier-{index}",
            "kind": kind,
            **({"on_premises": chance.random() < 0.5} if chance.random() < 0.2 else {}),
            "country": chance.choice(COUNTRIES),
            "site": chance.choice(["munich-1", "home", "paris-1", None]),
            "processing": chance.choice(["site", "in_region", "geography", "global"]),
            "retention": chance.choice(
                ["none", "default", "aws_review", "provider_data_share", None]
            ),
            "available": chance.random() < 0.8,
            "rtt_ms": chance.choice(
                [None, {"p50": 1.0, "p95": p95, "p99": 500.0, "basis": "assumed"}]
            ),
            "offers": chance.sample(
                list(facts["capabilities"]), chance.randint(3, len(facts["capabilities"]))
            ),
            "operations_effort": 0.5,
        }
    )


def random_workload(chance: random.Random, facts: dict[str, Any]) -> WorkloadProfile:
    names = [*facts["classes"], "never heard of"]
    return WorkloadProfile(
        name="random",
        phase=chance.choice(list(LifecyclePhase)),
        data_classes=tuple(chance.sample(names, chance.choice([0, 1, 1, 1, 2, 3]))),
        home=Home(
            site=chance.choice(["munich-1", "munich-1", None]),
            country=chance.choice(COUNTRIES),
            on_premises=chance.random() < 0.7,
        ),
        latency_budget_ms=chance.choice(BUDGETS),
        pseudonymized=chance.random() < 0.4,
        anonymized=chance.random() < 0.3,
        summarized=chance.random() < 0.4,
    )
