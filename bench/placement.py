"""What a placement costs, beside plain cedarpy on parsed handles in the same run.

Limits: a verdict 150 us p50, a remembered one 5 us, a decision over 7 tiers with remedies 3 ms.
On a loaded machine the ratio to plain cedarpy says more than the microseconds.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import cedarpy

from placement import Policy, load_policy
from placement.rules import END_MARK, REFERENCE_RULES, SCHEMA_FILE, parse_rules
from telecom.workload import Home, LifecyclePhase, WorkloadProfile

HOME = Home(site="munich-1", country="DE")
# One tier, and what the rules of the reference ask about it: the request a caller would write.
TIER = {
    "kind": "region",
    "on_premises": False,
    "country": "DE",
    "geography": "eu",
    "processing": "in_region",
    "retention": "default",
    "offers": ["containers", "gpu"],
    "rtt_p95_us": 50_000,
}
PHASE = {"at_source": False, "follows_data": False, "needs": ["containers"], "uses_model": True}
RULES_IN_LARGE_SET = 40
REPEATS = 2000
WARM_UP = 20


def run() -> list[dict[str, Any]]:
    """Measure; one row for each figure."""
    policy = load_policy()
    plain = _median_us(_plain(policy.rules.text), REPEATS)
    verdict = _median_us(_verdicts(policy), REPEATS)
    remembered = _median_us(_remembered(policy), 20_000)
    decision = _median_us(_decisions(policy), 200) / 1000
    large = Policy(
        policy.catalogue,
        parse_rules(_forty_rules(), SCHEMA_FILE.read_text(encoding="utf-8"), name="40 rules"),
        catalogue_sha256="bench",
    )
    decision_large = _median_us(_decisions(large), 200) / 1000
    return [
        _row("plain cedarpy, parsed handles, p50", plain, "us", None, None),
        _row("tier verdict, p50", verdict, "us", verdict / plain, 150),
        _row("remembered verdict, p50", remembered, "us", remembered / plain, 5),
        _row(
            f"decide over 7 tiers with remedies, {len(policy.rules.rules)} rules, p50",
            decision,
            "ms",
            decision * 1000 / plain,
            3,
        ),
        _row(
            f"decide over 7 tiers with remedies, {len(large.rules.rules)} rules, p50",
            decision_large,
            "ms",
            decision_large * 1000 / plain,
            3,
        ),
    ]


def _row(
    name: str, value: float, unit: str, ratio: float | None, limit: float | None
) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "ratio": None if ratio is None else round(ratio, 2),
        "limit": limit,
        "ok": None if limit is None else value <= limit,
    }


def _median_us(call: Callable[[], object], repeats: int) -> float:
    for _ in range(WARM_UP):
        call()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter_ns()
        call()
        taken.append(time.perf_counter_ns() - started)
    return statistics.median(taken) / 1000


def _plain(rules: str) -> Callable[[], object]:
    """The same rules and schema, a request written by hand, nothing of ours in between."""
    policies = cedarpy.PolicySet.from_str(rules)
    schema = cedarpy.Schema.from_str(SCHEMA_FILE.read_text(encoding="utf-8"))
    handling = {"type": "Handling", "id": "alarms_raw"}
    entities = cedarpy.Entities.from_json_str(
        json.dumps(
            [
                {"uid": handling, "attrs": {}, "parents": []},
                {
                    "uid": {"type": "Demand", "id": "site"},
                    "attrs": {},
                    "parents": [handling],
                },
                {"uid": {"type": "Phase", "id": "batch"}, "attrs": PHASE, "parents": []},
                {"uid": {"type": "Tier", "id": "region"}, "attrs": TIER, "parents": []},
            ]
        ),
        schema,
    )
    request = {
        "principal": {"type": "Workload", "id": "workload"},
        "action": {"type": "Action", "id": "run"},
        "resource": {"type": "Tier", "id": "region"},
        "context": {
            "handlings": [handling],
            "phase": {"type": "Phase", "id": "batch"},
            "home_site": "munich-1",
            "home_country": "DE",
            "home_geography": "eu",
            "home_on_premises": True,
            "derived": False,
            "approved": False,
            "available": True,
            "budget_us": 1_000_000,
        },
    }
    return lambda: cedarpy.is_authorized(request, policies, entities, schema)


def _workloads() -> Callable[[], WorkloadProfile]:
    """Workloads that differ in their budget: the same work, never remembered."""
    budgets = itertools.count(1000)
    return lambda: WorkloadProfile.model_construct(
        name="orchestrator",
        phase=LifecyclePhase.AGENTIC_ORCHESTRATION,
        data_classes=("alarms_raw",),
        home=HOME,
        latency_budget_ms=float(next(budgets)),
        data_gb=1.0,
        pseudonymized=False,
        anonymized=False,
        summarized=False,
    )


def _verdicts(policy: Policy) -> Callable[[], object]:
    tier = policy.tier("region", HOME)
    assert tier is not None
    make = _workloads()
    workloads = iter([make() for _ in range(REPEATS + WARM_UP)])
    return lambda: policy.verdict(next(workloads), tier)


def _remembered(policy: Policy) -> Callable[[], object]:
    workload, tier = _workloads()(), policy.tier("region", HOME)
    assert tier is not None
    return lambda: policy.verdict(workload, tier)


def _decisions(policy: Policy) -> Callable[[], object]:
    """Five tiers and two wider model endpoints; one tier is out, so that remedies are sought."""
    workload = _workloads()
    tiers = (*policy.tiers_for(HOME), *policy.model_endpoints_for(HOME)[1:])
    return lambda: policy.decide(
        workload(), tiers=tiers, unavailable={"local_zone", "dedicated_local_zone"}
    )


def _forty_rules() -> str:
    """The reference with further rules that read what its own read, up to forty."""
    rules = REFERENCE_RULES.read_text(encoding="utf-8")
    further = RULES_IN_LARGE_SET - rules.count("\nforbid ")
    added = "\n".join(
        f'@id("further-{number}") @dimension("operations") @because("b") @remedy("r")\n'
        f'forbid (principal, action == Action::"run", resource)\n'
        f'when {{ resource.offers.contains("capability-{number}") && !resource.on_premises }};'
        for number in range(further)
    )
    return rules.replace(END_MARK, f"{added}\n{END_MARK}")
