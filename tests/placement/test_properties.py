"""Properties of deciding that hold for every workload, tier and rule."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placement import Policy, TierInstance, load_policy
from placement.catalogue import Form
from placement.catalogue_file import REFERENCE_CATALOGUE
from placement.forms import boundary_under, includes
from placement.rules import END_MARK, REFERENCE_RULES, SCHEMA_FILE, RuleSet, parse_rules
from placement.yaml_document import read_document
from telecom.workload import Dimension, Home, LifecyclePhase, TierKind, WorkloadProfile

POLICY = load_policy()
SCHEMA = SCHEMA_FILE.read_text(encoding="utf-8")
RULES = REFERENCE_RULES.read_text(encoding="utf-8")
CATALOGUE_SHA = read_document(REFERENCE_CATALOGUE).sha256

words = st.text(max_size=20)
homes = st.builds(
    Home,
    site=st.none() | st.just("munich-1") | words,
    country=st.none() | st.sampled_from(["DE", "FR", "US", "BR", "NO"]) | words,
    on_premises=st.booleans(),
)
workloads = st.builds(
    WorkloadProfile,
    name=words,
    phase=st.sampled_from(LifecyclePhase),
    data_classes=st.lists(
        st.sampled_from(sorted(POLICY.catalogue.classes)) | words, max_size=4
    ).map(tuple),
    home=homes,
    latency_budget_ms=st.none()
    | st.floats(min_value=0, exclude_min=True, allow_nan=False, allow_infinity=True),
    data_gb=st.floats(min_value=0, allow_nan=False, allow_infinity=True),
    pseudonymized=st.booleans(),
    anonymized=st.booleans(),
    summarized=st.booleans(),
)
hostile = st.text(alphabet=st.characters(), max_size=20)
tiers = st.builds(
    TierInstance,
    id=hostile,
    kind=st.sampled_from(TierKind),
    on_premises=st.booleans(),
    country=st.none() | st.sampled_from(["DE", "US"]) | hostile,
    site=st.none() | st.just("munich-1") | hostile,
    processing=st.sampled_from(["site", "in_region", "geography", "global"]),
    offers=st.lists(st.sampled_from(sorted(POLICY.catalogue.capabilities)) | hostile).map(tuple),
    operations_effort=st.floats(min_value=0, max_value=1),
    cost_usd_per_hour=st.floats(min_value=0, max_value=1_000_000),
    transfer_usd_per_gb=st.floats(min_value=0, max_value=1_000_000),
)


@given(
    workload=workloads,
    candidates=st.none() | st.lists(tiers, max_size=4),
    unavailable=st.lists(words, max_size=2),
    size=st.none() | st.floats(),
)
@settings(deadline=None, database=None)
def test_deciding_never_raises_and_accounts_for_every_tier(
    workload: WorkloadProfile,
    candidates: list[TierInstance] | None,
    unavailable: list[str],
    size: float | None,
) -> None:
    """Issue: `decide` is total; delegating without a feasible tier is what raises."""
    asked = POLICY.tiers_for(workload.home) if candidates is None else candidates
    decision = POLICY.decide(
        workload, tiers=candidates, unavailable=unavailable, model_params_b=size
    )
    named = [tier.tier for tier in (*decision.ranked, *decision.eliminated)]
    assert sorted(named) == sorted(tier.id for tier in asked)
    assert all(0 <= score <= 1 for tier in decision.ranked for score in tier.scores.values())
    assert [tier.score for tier in decision.ranked] == sorted(
        (tier.score for tier in decision.ranked), reverse=True
    )


@given(country=hostile, site=hostile)
@settings(deadline=None, database=None)
def test_text_that_cedar_cannot_hold_is_a_denial(country: str, site: str) -> None:
    """Us: lone surrogates and the like must close the door, not break it."""
    tier = POLICY.tier("region", Home(site="munich-1", country="DE"))
    assert tier is not None
    strange = tier.model_copy(update={"country": country, "id": site})
    workload = WorkloadProfile(
        name="x",
        phase=LifecyclePhase.BATCH_INFERENCE,
        data_classes=("incident_report",),
        home=Home(site=site, country="DE"),
    )
    assert POLICY.verdict(workload, strange).permitted is False or country == "DE"


@pytest.mark.parametrize("field", ["country", "site", "id"])
def test_a_lone_surrogate_in_a_fact_denies(field: str) -> None:
    """Us: a JSON escape can smuggle one in; Cedar's parser refuses it."""
    tier = POLICY.tier("region", Home(site="munich-1", country="DE"))
    assert tier is not None
    workload = WorkloadProfile(
        name="x", phase=LifecyclePhase.BATCH_INFERENCE, data_classes=("vendor_docs",)
    )
    broken = tier.model_copy(update={field: "\ud800"})
    verdict = POLICY.verdict(workload, broken)
    assert [out.rule for out in verdict.eliminations] == ["policy-failed"]
    assert POLICY.decide(workload, tiers=[broken]).ranked == ()


@given(
    workload=workloads,
    condition=st.sampled_from(
        [
            'resource.kind == "outposts"',
            "context.home_on_premises",
            "context.derived",
            'context.phase == Phase::"batch_inference"',
            'Demand::"country" in context.handlings',
            "context has budget_us && context.budget_us > 100000",
        ]
    ),
    dimension=st.sampled_from(Dimension),
)
@settings(max_examples=60, deadline=None, database=None)
def test_a_further_hard_rule_never_adds_a_tier(
    workload: WorkloadProfile, condition: str, dimension: Dimension
) -> None:
    """Issue: adding a hard rule never adds a tier."""
    stricter = _with_rules(
        RULES.replace(
            END_MARK,
            f'@id("extra") @dimension("{dimension}") @because("b") @remedy("r")\n'
            f'forbid (principal, action == Action::"run", resource) when {{ {condition} }};\n'
            f"{END_MARK}",
        )
    )
    before = {tier.tier for tier in POLICY.decide(workload).ranked}
    assert {tier.tier for tier in stricter.decide(workload).ranked} <= before


@given(workload=workloads, seed=st.integers(0, 5))
@settings(max_examples=60, deadline=None, database=None)
def test_the_order_of_rules_is_irrelevant(workload: WorkloadProfile, seed: int) -> None:
    """Issue: the same tiers, scores, decisive rules and reasons, whatever comes first."""
    shuffled = _with_rules(_shuffle(seed))
    here, there = POLICY.decide(workload), shuffled.decide(workload)
    assert here.model_dump(exclude={"decision_id", "policy_sha256"}) == there.model_dump(
        exclude={"decision_id", "policy_sha256"}
    )


@given(workload=workloads)
@settings(deadline=None, database=None)
def test_a_decision_is_deterministic_and_survives_json(workload: WorkloadProfile) -> None:
    """Issue: deterministic, replayable, hash-stamped."""
    decision = POLICY.decide(workload)
    assert load_again().decide(workload) == decision
    text = decision.model_dump_json()
    assert json.loads(text)["decision_id"] == decision.decision_id
    assert decision.policy_sha256 == POLICY.policy_sha256


def test_doing_more_to_data_never_narrows_its_boundary() -> None:
    """Us: nobody may be better off by claiming less protection."""
    openness = ["site", "country", "geography", "any"]
    for entry in POLICY.catalogue.classes.values():
        for row in entry.rows.values():
            for form in Form:
                for stronger in (other for other in Form if includes(other, form)):
                    assert openness.index(boundary_under(entry, row, form)) <= openness.index(
                        boundary_under(entry, row, stronger)
                    ), (entry.title, form, stronger)


@given(workload=workloads, data_class=st.sampled_from(sorted(POLICY.catalogue.classes)))
@settings(deadline=None, database=None)
def test_a_further_data_class_never_adds_a_tier(workload: WorkloadProfile, data_class: str) -> None:
    """Us: reading more sensitive data cannot open a tier."""
    if not workload.data_classes:
        return
    more = workload.model_copy(update={"data_classes": (*workload.data_classes, data_class)})
    for tier in POLICY.tiers_for(workload.home):
        if POLICY.verdict(more, tier).permitted:
            assert POLICY.verdict(workload, tier).permitted


def load_again() -> Policy:
    """A second policy from the same files, with nothing remembered."""
    return Policy(POLICY.catalogue, POLICY.rules, catalogue_sha256=CATALOGUE_SHA)


def _with_rules(text: str) -> Policy:
    rules: RuleSet = parse_rules(text, SCHEMA, name="test rules")
    return Policy(POLICY.catalogue, rules, catalogue_sha256=CATALOGUE_SHA)


def _shuffle(seed: int) -> str:
    """The rules in another order; each begins with its @id."""
    head, *rules = re.split(r'(?=^@id\(")', RULES.removesuffix(END_MARK + "\n"), flags=re.M)
    random.Random(seed).shuffle(rules)
    return f"{head}{''.join(rules)}\n{END_MARK}\n"
