"""What the policy decides: boundaries, budgets, obligations, remedies and ranking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from placement import Policy, TierInstance, load_policy, policy_with
from telecom.workload import Home, WorkloadProfile

Workload = Callable[..., WorkloadProfile]
Edit = Callable[[Path, str, str], None]


def feasible(policy: Policy, workload: WorkloadProfile, **options: object) -> list[str]:
    return [tier.tier for tier in policy.decide(workload, **options).ranked]  # type: ignore[arg-type]


def obligations(policy: Policy, workload: WorkloadProfile) -> dict[str, tuple[str, ...]]:
    return {tier.tier: tier.obligations for tier in policy.decide(workload).ranked}


# ---------------------------------------------------------------- sovereignty


@pytest.mark.parametrize(
    "data_class",
    ["subscriber_identifier", "location", "traffic_data", "secrets", "grey_area", "never heard of"],
)
def test_a_site_bound_class_never_leaves_the_premises_whatever_is_done_to_it(
    policy: Policy, workload: Workload, data_class: str
) -> None:
    """REFERENCE R6; grey area and unknown classes count as the most closed one."""
    for flags in ({}, {"pseudonymized": True}, {"anonymized": True, "summarized": True}):
        work = workload("batch_inference", data_class, **flags)
        assert feasible(policy, work) == ["outposts", "ai_factory"]


def test_content_is_read_by_no_model_on_any_tier(policy: Policy, workload: Workload) -> None:
    """FACTS, law: content never goes to any model; moving files without one stays possible."""
    decision = policy.decide(workload("batch_inference", "content"))
    assert decision.ranked == ()
    assert {tier.rule for tier in decision.eliminated} == {"content-never-to-a-model"}
    assert feasible(policy, workload("data_preparation", "content")) == ["outposts", "ai_factory"]


@pytest.mark.parametrize("country", ["BR", None])
def test_a_class_without_a_row_for_the_country_is_closed(
    policy: Policy, workload: Workload, country: str | None
) -> None:
    """FACTS, law: a class with no row for the site's country gets the most closed boundary."""
    home = Home(site="somewhere", country=country)
    work = workload("batch_inference", "aggregated_kpi", home=home)
    decision = policy.decide(work)
    assert [tier.tier for tier in decision.ranked] == ["outposts", "ai_factory"]
    assert any("has no row" in note for note in decision.notes)


def test_a_country_of_the_union_falls_back_on_the_rows_of_the_union(
    policy: Policy, workload: Workload
) -> None:
    """FACTS, law: the EU rows hold for France, which has none of its own."""
    home = Home(site="lyon-1", country="FR")
    released = workload(
        "agentic_orchestration", "alarms_raw", home=home, pseudonymized=True, summarized=True
    )
    assert obligations(policy, released)["region"] == (
        "pseudonymize",
        "summarize to <= 2000 tokens",
        "in-Region model only",
    )


def test_no_data_class_at_all_counts_as_an_unknown_one(policy: Policy, workload: Workload) -> None:
    """Vocabulary: empty counts as unknown, and so as closed."""
    assert feasible(policy, workload("batch_inference")) == ["outposts", "ai_factory"]


def test_raw_alarms_stay_and_the_remedy_says_what_would_open_the_region(
    policy: Policy, workload: Workload
) -> None:
    """R6: sovereignty is binary; what was not done to the data is a remedy, never assumed."""
    decision = policy.decide(workload("agentic_orchestration", "alarms_raw"))
    assert [tier.tier for tier in decision.ranked] == ["outposts", "ai_factory"]
    region = decision.why_not("region")
    assert region is not None
    assert region.dimension == "sovereignty"
    assert region.remedy == "feasible once pseudonymized and summarized"


def test_what_a_tier_relies_upon_comes_back_as_an_obligation(
    policy: Policy, workload: Workload
) -> None:
    """Issue: pseudonymized and summarized alarms may be worked on in the home country."""
    work = workload("agentic_orchestration", "alarms_raw", pseudonymized=True, summarized=True)
    assert obligations(policy, work) == {
        "region": ("pseudonymize", "summarize to <= 2000 tokens", "in-Region model only"),
        "local_zone": ("pseudonymize", "summarize to <= 2000 tokens"),
        "dedicated_local_zone": ("pseudonymize", "summarize to <= 2000 tokens"),
        "outposts": (),
        "ai_factory": (),
    }


def test_a_wider_endpoint_needs_the_stronger_treatment(policy: Policy, workload: Workload) -> None:
    """FACTS, Bedrock: a Region is three placement targets; only in-Region stays in the country."""
    work = workload("agentic_orchestration", "alarms_raw", anonymized=True, summarized=True)
    decision = policy.decide(work, tiers=policy.model_endpoints_for(work.home))
    assert {tier.tier: tier.obligations for tier in decision.ranked} == {
        "region": ("pseudonymize", "summarize to <= 2000 tokens", "in-Region model only"),
        "region-geography": ("anonymize", "summarize to <= 2000 tokens"),
        "region-global": ("anonymize", "summarize to <= 2000 tokens"),
    }


def test_half_of_what_a_tier_needs_does_not_open_it(policy: Policy, workload: Workload) -> None:
    """Contract: flags of the workload are facts; the missing half is the remedy."""
    work = workload("agentic_orchestration", "alarms_raw", pseudonymized=True)
    region = policy.decide(work).why_not("region")
    assert region is not None
    assert region.remedy == "feasible once pseudonymized and summarized"


@pytest.mark.parametrize("phase", ["context_creation", "edge_prefiltering", "real_time_inference"])
def test_a_summary_is_not_offered_to_work_that_needs_the_records(
    policy: Policy, workload: Workload, phase: str
) -> None:
    """Contract: raw tickets are indexed, filtered and acted upon on premises only."""
    assert feasible(policy, workload(phase, "tickets_raw")) == ["outposts", "ai_factory"]


def test_anonymized_subscriber_records_leave_only_with_a_persons_approval(
    policy: Policy, workload: Workload
) -> None:
    """DESIGN section 3: human approval is an obligation; the verdict denies until it is given."""
    assert feasible(policy, workload("fine_tuning", "subscriber_pii")) == ["outposts", "ai_factory"]
    work = workload("fine_tuning", "subscriber_pii", anonymized=True)
    assert obligations(policy, work)["region"] == (
        "anonymize",
        "in-Region model only",
        "human approval",
    )
    done = workload("fine_tuning", "subscriber_pii", anonymized=True)
    region = policy.tier("region", done.home)
    assert region is not None
    refused = policy.verdict(done, region)
    assert [out.rule for out in refused.eliminations] == ["human-approval"]
    assert policy.verdict(done, region, approved=True).permitted


@pytest.mark.parametrize(
    ("retention", "permitted"),
    [
        ("none", True),
        ("default", True),
        ("aws_review", False),
        ("provider_data_share", False),
        (None, False),
    ],
)
def test_the_accounts_data_retention_mode_is_a_second_switch(
    policy: Policy, workload: Workload, retention: str | None, permitted: bool
) -> None:
    """FACTS, Bedrock: residency is one switch, the data-retention mode the other."""
    work = workload("agentic_orchestration", "incident_report")
    region = policy.tier("region", work.home)
    assert region is not None
    tier = region.model_copy(update={"retention": retention})
    assert policy.verdict(work, tier).permitted is permitted
    free = workload("agentic_orchestration", "vendor_docs")
    assert policy.verdict(free, tier).permitted


def test_a_grey_area_opens_with_a_named_legal_review_on_the_row(
    files: tuple[Path, Path], edit: Edit, workload: Workload
) -> None:
    """REFERENCE R15: a grey area is closed until legal review, and the review has a name."""
    catalogue, rules = files
    work = workload("agentic_orchestration", "grey_area", anonymized=True, summarized=True)
    assert feasible(load_policy(catalogue, rules), work) == ["outposts", "ai_factory"]
    edit(
        catalogue,
        "source: none, basis: general_knowledge, checked: 2026-11-01}",
        "source: file 7, basis: read, checked: 2026-11-01, "
        "legal_review: {by: A. Counsel, on: 2026-11-20}}",
    )
    assert obligations(load_policy(catalogue, rules), work)["region"] == (
        "anonymize",
        "summarize to <= 2000 tokens",
        "in-Region model only",
    )


def test_the_outside_gets_anonymized_summaries_and_public_documents_only(
    policy: Policy, workload: Workload
) -> None:
    """DESIGN section 4: stdio and unknown callers are outside, the lowest trust."""
    outside = policy.outside()

    def permitted(data_class: str, **flags: bool) -> bool:
        return policy.verdict(
            workload("agentic_orchestration", data_class, **flags), outside
        ).permitted

    assert permitted("vendor_docs")
    assert permitted("alarms_raw", anonymized=True, summarized=True)
    assert not permitted("alarms_raw", anonymized=True)
    assert not permitted("alarms_raw", pseudonymized=True, summarized=True)
    assert not permitted("incident_report")


def test_a_home_without_a_name_is_still_one_place(policy: Policy, workload: Workload) -> None:
    """Interfaces: `home.site` may be left out; the reference's Outposts stand at the home site."""
    work = workload("context_creation", "tickets_raw", home=Home(country="DE"))
    assert feasible(policy, work) == ["outposts", "ai_factory"]


def test_outposts_at_another_site_are_another_site(policy: Policy, workload: Workload) -> None:
    """REFERENCE R6: the boundary is the operator's own site, not any rack."""
    work = workload("context_creation", "tickets_raw")
    elsewhere = policy.tier("outposts", Home(site="berlin-2", country="DE"))
    assert elsewhere is not None
    assert not policy.verdict(work, elsewhere).permitted


# -------------------------------------------------------------------- latency


@pytest.mark.parametrize(
    ("budget", "kinds"),
    [
        (9.999, ["outposts", "ai_factory"]),
        (10, ["local_zone", "dedicated_local_zone", "outposts", "ai_factory"]),
        (10.001, ["local_zone", "dedicated_local_zone", "outposts", "ai_factory"]),
        (50, ["local_zone", "dedicated_local_zone", "outposts", "ai_factory"]),
        (50.001, ["local_zone", "dedicated_local_zone", "region", "outposts", "ai_factory"]),
        (1000, ["region", "local_zone", "dedicated_local_zone", "outposts", "ai_factory"]),
    ],
)
def test_budgets_at_and_around_ten_and_fifty_milliseconds(
    policy: Policy, workload: Workload, budget: float, kinds: list[str]
) -> None:
    """REFERENCE R7: under 10 on premises; 10 and 50 belong to the Local Zone; above, any Region."""
    work = workload("interactive_inference", "vendor_docs", latency_budget_ms=budget)
    ranked = feasible(policy, work)
    assert sorted(ranked) == sorted(kinds)
    assert ranked[0] == kinds[0]


def test_real_time_inference_stays_on_premises_whatever_a_local_zone_measures(
    policy: Policy, workload: Workload
) -> None:
    """Issue: Local Zones are out of real-time inference whatever they measure."""
    work = workload("real_time_inference", "vendor_docs", latency_budget_ms=40)
    fast = policy.tier("local_zone", work.home)
    assert fast is not None
    fast = TierInstance.model_validate(
        {
            **fast.model_dump(),
            "rtt_ms": {"p50": 0.1, "p95": 0.2, "p99": 0.3, "basis": "measured"},
        }
    )
    assert [out.rule for out in policy.verdict(work, fast).eliminations] == [
        "real-time-on-premises"
    ]


def test_an_assumed_round_trip_eliminates_and_the_decision_says_so(
    policy: Policy, workload: Workload
) -> None:
    """REFERENCE R16: assumed percentiles still eliminate, and every decision names them."""
    work = workload("interactive_inference", "vendor_docs", latency_budget_ms=60)
    slow = policy.model_endpoints_for(work.home)[1]
    decision = policy.decide(work, tiers=[slow])
    assert decision.eliminated[0].rule == "round-trip-over-budget"
    assert "70 ms at the 95th percentile, assumed" in decision.eliminated[0].because
    assert decision.eliminated[0].remedy == "feasible with a latency budget of 70 ms or more"
    assert decision.notes == ("round trips assumed, not measured: region-geography 70 ms",)


def test_an_unknown_round_trip_is_named_and_closes_work_with_a_budget(
    policy: Policy, workload: Workload
) -> None:
    """Issue: unknown facts are named ("which attribute is missing")."""
    work = workload("interactive_inference", "vendor_docs", latency_budget_ms=500)
    region = policy.tier("region", work.home)
    assert region is not None
    decision = policy.decide(work, tiers=[region.model_copy(update={"rtt_ms": None})])
    out = decision.eliminated[0]
    assert (out.rule, out.remedy) == (
        "round-trip-unknown",
        "feasible as batch work, without a latency budget",
    )
    assert "unknown: region.rtt_ms" in out.because
    assert decision.notes == ("round trip unknown: region",)


# --------------------------------------------------------------- data gravity


def test_the_location_of_the_knowledge_base_decides_where_context_is_created(
    policy: Policy, workload: Workload
) -> None:
    """REFERENCE R1, R8: embedding model and vector store live with the knowledge base."""
    on_premises = workload("context_creation", "vendor_docs")
    in_cloud = workload(
        "context_creation",
        "vendor_docs",
        home=Home(site="munich-1", country="DE", on_premises=False),
    )
    assert feasible(policy, on_premises) == ["outposts", "ai_factory"]
    assert feasible(policy, in_cloud)[0] == "region"


def test_an_edited_row_moves_the_ticket_historian_to_a_local_zone_and_back(
    files: tuple[Path, Path], edit: Edit, workload: Workload
) -> None:
    """REFERENCE R2: routing is externalized; a row lets pseudonymized tickets into the country."""
    catalogue, rules = files
    work = workload("context_creation", "tickets_raw", pseudonymized=True)
    executable = {"outposts", "local_zone"}

    def placed() -> tuple[str, tuple[str, ...]]:
        chosen = load_policy(catalogue, rules).decide(work).choose(executable)
        assert chosen is not None
        return chosen.tier, chosen.obligations

    assert placed() == ("outposts", ())
    before = catalogue.read_text(encoding="utf-8")
    edit(
        catalogue,
        'TKG § 172", source',
        'TKG § 172", once: {pseudonymized: country}, source',
    )
    assert placed() == ("local_zone", ("pseudonymize",))
    catalogue.write_text(before, encoding="utf-8")
    assert placed() == ("outposts", ())


def test_prefiltering_runs_at_the_source_even_for_data_that_may_go_anywhere(
    policy: Policy, workload: Workload
) -> None:
    """REFERENCE R8: where data is bound to its source, inference moves to the data."""
    decision = policy.decide(workload("edge_prefiltering", "anonymized_statistics"))
    assert [tier.tier for tier in decision.ranked] == ["outposts", "ai_factory"]
    out = decision.why_not("local_zone")
    assert out is not None
    assert (out.dimension, out.rule) == ("data_gravity", "prefiltering-at-the-source")


def test_more_data_to_move_pulls_work_towards_the_data(policy: Policy, workload: Workload) -> None:
    """REFERENCE R8: bytes to move and egress cost are soft until they outweigh the rest."""
    light = workload("data_preparation", "vendor_docs", data_gb=1)
    heavy = workload("data_preparation", "vendor_docs", data_gb=100_000)
    assert feasible(policy, light)[0] == "region"
    ranked = {tier.tier: tier for tier in policy.decide(heavy).ranked}
    assert ranked["region"].scores["data_gravity"] < 0.1  # type: ignore[index]
    assert ranked["outposts"].scores["data_gravity"] == 1.0  # type: ignore[index]


# ----------------------------------------------------------------- operations


def test_managed_tiers_beat_the_edge_when_nothing_binds(policy: Policy, workload: Workload) -> None:
    """REFERENCE R9: managed services spare hardware, firmware and on-call."""
    work = workload("agentic_orchestration", "vendor_docs")
    assert feasible(policy, work) == [
        "region",
        "local_zone",
        "dedicated_local_zone",
        "outposts",
        "ai_factory",
    ]


def test_an_operator_that_is_not_ready_finds_the_edge_harder_but_not_forbidden(
    workload: Workload,
) -> None:
    """REFERENCE R9: readiness is soft; availability and fit are hard."""
    work = workload("agentic_orchestration", "vendor_docs")

    def score(*settings: str) -> float:
        ranked = {tier.tier: tier.score for tier in policy_with(settings).decide(work).ranked}
        return ranked["outposts"]

    skills = ("model_optimization", "distributed_operations", "fleet_management")
    ready = score(*(f"readiness.{skill}=strong" for skill in skills))
    unready = score(*(f"readiness.{skill}=none" for skill in skills), "readiness.on_call=false")
    partnered = score(
        *(f"readiness.{skill}=none" for skill in skills),
        "readiness.on_call=false",
        "readiness.partner=integrator",
    )
    many_sites = score("readiness.sites=500")
    assert unready < partnered < ready
    assert many_sites < score()


def test_a_tier_that_is_out_is_eliminated_by_operations_and_comes_back(
    policy: Policy, workload: Workload
) -> None:
    """Issue: availability is an input, never assumed."""
    work = workload("context_creation", "tickets_raw")
    decision = policy.decide(work, unavailable={"outposts"})
    assert [tier.tier for tier in decision.ranked] == ["ai_factory"]
    out = decision.why_not("outposts")
    assert out is not None
    assert (out.dimension, out.rule, out.remedy) == (
        "operations",
        "tier-not-available",
        "feasible once the tier is available",
    )


def test_a_model_that_does_not_fit_eliminates_with_the_size_that_would(
    policy: Policy, workload: Workload
) -> None:
    """REFERENCE R14: at the edge a small model; the accelerators' memory is a hard limit."""
    work = workload("edge_prefiltering", "alarms_raw")
    assert feasible(policy, work, model_params_b=13)[0] == "outposts"
    out = policy.decide(work, model_params_b=70).why_not("outposts")
    assert out is not None
    assert (out.rule, out.remedy) == (
        "model-does-not-fit",
        "feasible with a model of at most 13 billion parameters",
    )


def test_foundation_training_does_not_fit_outposts(policy: Policy, workload: Workload) -> None:
    """REFERENCE R10: sovereign training needs an AI Factory."""
    assert feasible(policy, workload("foundation_model_training", "traffic_data")) == ["ai_factory"]


# ------------------------------------------------------- explanations, identity


def test_the_decisive_rule_is_the_first_by_dimension_and_all_are_listed(
    policy: Policy, workload: Workload
) -> None:
    """REFERENCE R6: sovereignty removes tiers before any talk of speed or cost."""
    out = policy.decide(
        workload("real_time_inference", "traffic_data", latency_budget_ms=5),
        unavailable={"region"},
    ).why_not("region")
    assert out is not None
    assert [(broken.dimension.value, broken.rule) for broken in out.violations] == [
        ("sovereignty", "site-boundary"),
        ("latency", "real-time-on-premises"),
        ("latency", "round-trip-over-budget"),
        ("latency", "under-10-ms-on-premises"),
        ("latency", "up-to-50-ms-metropolitan"),
        ("operations", "tier-not-available"),
    ]
    assert (out.dimension, out.rule) == ("sovereignty", "site-boundary")
    assert "TDDDG § 9" in out.because


@pytest.mark.parametrize(
    ("phase", "facts", "tier", "remedy"),
    [
        (
            "context_creation",
            {},
            "region",
            "feasible once pseudonymized and summarized, for work that a summary can serve",
        ),
        (
            "interactive_inference",
            {"latency_budget_ms": 20},
            "region",
            "feasible with a latency budget of more than 50 ms and once pseudonymized and "
            "summarized",
        ),
        (
            "interactive_inference",
            {"latency_budget_ms": 5},
            "local_zone",
            "feasible with a latency budget of 10 ms or more and once pseudonymized and summarized",
        ),
    ],
)
def test_a_remedy_is_what_the_policy_permits_when_asked_again(
    policy: Policy, workload: Workload, phase: str, facts: dict[str, float], tier: str, remedy: str
) -> None:
    """DESIGN section 3: a refusal says which rule blocked and what would unblock it."""
    out = policy.decide(workload(phase, "tickets_raw", **facts)).why_not(tier)
    assert out is not None
    assert out.remedy == remedy


def test_without_a_remedy_that_helps_the_rules_own_advice_stands(
    policy: Policy, workload: Workload
) -> None:
    """Us: no empty promise for data that may never leave."""
    out = policy.decide(workload("batch_inference", "traffic_data")).why_not("region")
    assert out is not None
    assert out.remedy == "run it on premises at the home site"


def test_a_retention_mode_that_blocks_is_named_as_the_remedy(workload: Workload) -> None:
    """FACTS, Bedrock: the mode can be changed, so it is a remedy."""
    changed = policy_with(["tier.region.retention=provider_data_share"])
    out = changed.decide(workload("fine_tuning", "subscriber_pii")).why_not("region")
    assert out is not None
    assert out.remedy == (
        "feasible once the account's data-retention mode is none and once anonymized"
    )


def test_the_same_question_gets_the_same_id_and_another_question_another(
    policy: Policy, workload: Workload
) -> None:
    """Issue: the decision id is a hash of inputs, policy and catalogue."""
    work = workload("batch_inference", "vendor_docs")
    first = policy.decide(work).decision_id
    assert first == load_policy().decide(work).decision_id
    others = {
        policy.decide(work, unavailable={"region"}).decision_id,
        policy.decide(work, model_params_b=7).decision_id,
        policy.decide(work, tiers=policy.tiers_for(work.home)[:2]).decision_id,
        policy.decide(work.model_copy(update={"data_gb": 1.0})).decision_id,
        policy_with(["weight.latency=0.2"]).decide(work).decision_id,
    }
    assert len(others | {first}) == 6


def test_a_changed_copy_of_a_tier_gets_a_verdict_of_its_own(
    policy: Policy, workload: Workload
) -> None:
    """Us: remembered verdicts must not outlive the facts they rest on."""
    work = workload("agentic_orchestration", "incident_report")
    region = policy.tier("region", work.home)
    assert region is not None
    assert policy.verdict(work, region).permitted
    for change in (
        {"country": "US"},
        {"processing": "global"},
        {"retention": None},
        {"available": False},
        {"offers": ()},
    ):
        assert not policy.verdict(work, region.model_copy(update=change)).permitted, change


def test_the_reference_has_one_instance_of_each_kind_in_the_home_country(
    policy: Policy, home: Home
) -> None:
    """R4: the five kinds of tier; outposts and ai_factory stand at the home site."""
    tiers = policy.tiers_for(home)
    assert [(tier.id, tier.kind.value, tier.country, tier.available) for tier in tiers] == [
        (name, name, "DE", True)
        for name in ("region", "local_zone", "dedicated_local_zone", "outposts", "ai_factory")
    ]
    assert [tier.id for tier in tiers if tier.is_at(home)] == ["outposts", "ai_factory"]
    assert policy.tier("nowhere", home) is None


def test_the_summary_limit_is_the_smallest_of_the_classes_and_zero_for_unknown_ones(
    policy: Policy,
) -> None:
    """Contract: summarized means within the class's summary limit."""
    assert policy.summary_limit(["alarms_raw", "tickets_raw"]) == 2000
    assert policy.summary_limit(["alarms_raw", "never heard of"]) == 0
    assert policy.summary_limit([]) == 0
    tight = policy_with(["class.tickets_raw.summary_tokens=500"])
    assert tight.summary_limit(["alarms_raw", "tickets_raw"]) == 500


def test_json_has_the_keys_that_outsiders_rely_on(policy: Policy, workload: Workload) -> None:
    """Interfaces: PlacementDecision."""
    decision = policy.decide(workload("context_creation", "tickets_raw")).model_dump(mode="json")
    assert {
        "decision_id",
        "workload",
        "ranked",
        "eliminated",
        "policy_sha256",
        "catalogue_sha256",
    } <= set(decision)
    assert set(decision["ranked"][0]) == {"tier", "kind", "score", "scores", "obligations"}
    assert {"tier", "kind", "dimension", "rule", "because", "remedy"} <= set(
        decision["eliminated"][0]
    )
    assert set(decision["ranked"][0]["scores"]) == {
        "sovereignty",
        "latency",
        "data_gravity",
        "operations",
    }
