"""One placement decision before every delegation, and it is executed."""

from __future__ import annotations

import pytest

from agents import alarm_triage, root_cause_analyst, ticket_historian
from orchestrator.executors import BedrockEndpoint, InProcess, McpEndpoint, SiteTools
from orchestrator.investigating.delegation import Delegator, check_receipts
from orchestrator.settings import Settings, SiteDeclaration
from orchestrator.site_access.site_client import EgressReceipt
from placement.decision import DecisionRecord
from placement.model_routing import QuestionSize
from placement.policy import load_policy
from placement.replay import replay
from placement.what_if import policy_with
from telecom.errors import (
    EgressRefusedError,
    PlacementRefusedError,
    SettingsError,
    SiteUnavailableError,
)

SITE = SiteDeclaration(name="core", url="http://noc:8700", country="DE")
ON_TOOLS = (SiteTools, McpEndpoint)


@pytest.fixture(scope="module")
def policy():
    return load_policy()


def delegator(policy, kept=None, **keys):
    keys = {"aws_region": "eu-central-1"} | keys
    kept = [] if kept is None else kept
    return Delegator(Settings(**keys), policy, keep=kept.append)


def test_raw_data_goes_to_the_tools_of_its_own_site(policy):
    """R1: context creation follows the data."""
    placed = delegator(policy).place(ticket_historian.PROFILE, SITE, kinds=(*ON_TOOLS, InProcess))
    assert (placed.tier, placed.executor) == ("outposts", SiteTools())
    assert placed.obligations == ()


def test_every_decision_is_kept_with_its_inputs_and_replays_the_same(policy):
    """DESIGN 3: data, replayable, comparable."""
    kept = []
    placed = delegator(policy, kept).place(alarm_triage.PROFILE, SITE, kinds=ON_TOOLS)
    assert [record.decision.decision_id for record in kept] == [placed.decision_id]
    assert kept[0].decision.workload.home == SITE.home
    assert replay(kept, policy).same == 1


def test_a_refusal_names_the_rule_in_the_way_of_the_executor_that_is_there(policy):
    """DESIGN 3: a refusal says which rule blocked and what would unblock it."""
    kept = []
    with pytest.raises(PlacementRefusedError, match="region") as caught:
        delegator(policy, kept).place(alarm_triage.PROFILE, SITE, kinds=(InProcess,), received=True)
    assert caught.value.rule is not None
    assert caught.value.decision_id == kept[0].decision.decision_id


def test_no_agent_moves_into_the_cloud_because_nobody_said_otherwise(policy):
    """Us: this process is an undeclared executor only for data that it already has."""
    facts = reading(pseudonymized=True)
    with pytest.raises(PlacementRefusedError, match="nothing there can run it"):
        delegator(policy).place(facts, SITE, kinds=(InProcess,))
    declared = delegator(policy, executors={"region": ("in_process",)})
    assert declared.place(facts, SITE, kinds=(InProcess,)).tier == "region"


def test_without_an_executor_the_refusal_says_what_is_missing(policy):
    """Us: a feasible tier that nobody runs is not a policy matter."""
    with pytest.raises(PlacementRefusedError, match=r"tierwise\.yaml") as caught:
        delegator(policy).place(alarm_triage.PROFILE, SITE, kinds=())
    assert caught.value.rule is None


def test_an_outage_is_the_tiers_availability_and_the_decision_says_since_when(policy):
    """Issue 9, WAN-cut mode: placement sees the outage; on return it changes back."""
    kept, out = [], {"outposts": "outposts unreachable since 2026-03-01T10:00:00Z"}
    cut = Delegator(
        Settings(aws_region="eu-central-1"), policy, keep=kept.append, outages=lambda site: out
    )
    with pytest.raises(SiteUnavailableError, match="unreachable since 2026-03-01") as caught:
        cut.place(alarm_triage.PROFILE, SITE, kinds=ON_TOOLS)
    gone = kept[0].decision.why_not("outposts")
    assert (gone.rule, caught.value.rule) == ("tier-not-available", "tier-not-available")
    assert gone.because.endswith(out["outposts"])
    assert gone.remedy == "feasible once the tier is available"
    assert replay(kept, policy).same == 1
    out.clear()
    assert cut.place(alarm_triage.PROFILE, SITE, kinds=ON_TOOLS).tier == "outposts"


def test_work_goes_to_the_next_tier_that_can_run_it_while_the_best_is_out(policy):
    """Issue 9: an outage moves what may move, and nothing else."""
    settings = Settings(
        aws_region="eu-central-1", executors={"ai_factory": ("http://mirror:8700/mcp",)}
    )
    out = {"outposts": "outposts unreachable since 2026-03-01T10:00:00Z"}
    placed = Delegator(settings, policy, keep=lambda record: None, outages=lambda site: out).place(
        ticket_historian.PROFILE, SITE, kinds=ON_TOOLS
    )
    assert (placed.tier, type(placed.executor)) == ("ai_factory", McpEndpoint)


def reading(**flags):
    return root_cause_analyst.PROFILE.model_copy(
        update={"pseudonymized": False, "anonymized": False} | flags
    )


def test_pseudonymized_evidence_is_read_in_its_own_country_only(policy):
    """R6: pseudonymized is not anonymized; the Region's country is that of AWS_REGION."""
    facts = reading(pseudonymized=True)
    at_home = delegator(policy).place(facts, SITE, kinds=(InProcess,), received=True)
    assert at_home.tier == "region"
    for region in ("eu-west-1", None):
        with pytest.raises(PlacementRefusedError):
            delegator(policy, aws_region=region).place(
                facts, SITE, kinds=(InProcess,), received=True
            )
    anonymized = reading(pseudonymized=True, anonymized=True)
    abroad = delegator(policy, aws_region=None).place(
        anonymized, SITE, kinds=(InProcess,), received=True
    )
    assert abroad.tier == "region"


def test_a_model_call_is_placed_by_its_residency(policy):
    """FACTS Bedrock: in-Region, geography and global are three targets."""
    facts = reading(pseudonymized=True, anonymized=True)
    placed = delegator(policy).place(facts, SITE, kinds=(BedrockEndpoint,))
    assert placed.tier == "region-geography"
    assert placed.executor.model_id.startswith("eu.")
    with pytest.raises(PlacementRefusedError):
        delegator(policy).place(reading(pseudonymized=True), SITE, kinds=(BedrockEndpoint,))
    plain = "amazon.nova-pro-v1:0"
    at_home = delegator(policy, bedrock_model=plain).place(
        reading(pseudonymized=True), SITE, kinds=(BedrockEndpoint,)
    )
    assert (at_home.tier, at_home.executor) == ("region", BedrockEndpoint(plain))


def test_a_model_is_no_executor_of_a_tier_that_promises_less(policy):
    """DESIGN 6: its residency has to hold what the decision assumed."""
    with pytest.raises(SettingsError, match="beyond"):
        delegator(policy, executors={"region": ("bedrock:eu.amazon.nova-pro-v1:0",)})
    with pytest.raises(SettingsError, match="no tier"):
        delegator(policy, executors={"nowhere": ("in_process",)})


def test_an_unknown_country_closes_everything_but_the_site(policy):
    """R6: what is not known is closed, but for an extract that names nobody."""
    site = SITE.model_copy(update={"country": None})
    facts = reading(pseudonymized=True)
    with pytest.raises(PlacementRefusedError):
        delegator(policy).place(facts, site, kinds=(InProcess,), received=True)
    assert delegator(policy).place(alarm_triage.PROFILE, site, kinds=ON_TOOLS).tier == "outposts"


def test_what_was_not_done_to_the_data_is_not_assumed(policy):
    """R6: raw findings are not read in the Region; a mask that could be is no mask."""
    facts = reading()
    with pytest.raises(PlacementRefusedError) as caught:
        delegator(policy).place(facts, SITE, kinds=(InProcess,), received=True)
    assert caught.value.rule == "site-boundary"


def receipt(form):
    return EgressReceipt(decision_id="d", form=form, tokens=1, bytes=1)


def test_the_site_is_held_to_the_obligations_of_a_decision(policy):
    """DESIGN 4: what was done is what the gate's receipt says, never what was asked for."""
    placed = delegator(policy).place(ticket_historian.PROFILE, SITE, kinds=(*ON_TOOLS, InProcess))
    obliged = type(placed)("local_zone", InProcess(), placed.decision, ("pseudonymize",))
    check_receipts(obliged, [receipt("pseudonymized"), receipt("anonymized")])
    for shown in (receipt("raw"), None):
        with pytest.raises(EgressRefusedError):
            check_receipts(obliged, [receipt("pseudonymized"), shown])
    check_receipts(placed, [None])


ANONYMOUS = {"pseudonymized": True, "anonymized": True}
DEEP = QuestionSize(input_tokens=9000, hypotheses=3)
ROUTER = "arn:aws:bedrock:eu-central-1:111122223333:default-prompt-router/anthropic.claude:1"


def call(policy, size, kept=None, flags=ANONYMOUS, **keys):
    return delegator(policy, kept, **keys).place(
        reading(**flags), SITE, kinds=(BedrockEndpoint,), size=size
    )


def with_router(residency):
    return policy_with(
        [f'routing.prompt_router={{arn: "{ROUTER}", residency: {residency}, regions: ["*"]}}']
    )


@pytest.mark.parametrize(
    ("size", "model", "kind"),
    [
        (QuestionSize(input_tokens=800), "claude-haiku-4-5", "simple question (800 tokens"),
        (DEEP, "claude-sonnet-4-5", "deep question (9000 tokens and 3 competing"),
    ],
)
def test_a_simple_question_goes_to_a_light_model_and_a_deep_one_to_a_strong_one(
    policy, size, model, kind
):
    """R14, issue point 4: routing within the cloud tier, with the reason in the decision."""
    kept = []
    placed = call(policy, size, kept)
    assert placed.tier == "region-geography"
    assert f"anthropic.{model}" in placed.executor.model_id
    (record,) = kept
    assert record.model.model_id == placed.executor.model_id
    assert record.model.reason.startswith(kind)
    assert DecisionRecord.model_validate_json(record.model_dump_json()) == record
    assert replay(kept, policy).same == 1


@pytest.mark.parametrize(
    "keys",
    [
        {"bedrock_model": "eu.amazon.nova-pro-v1:0"},
        {"executors": {"region-geography": ("bedrock:eu.amazon.nova-pro-v1:0",)}},
        {"executors": {"region-global": ("bedrock", "bedrock:eu.amazon.nova-pro-v1:0")}},
    ],
)
def test_a_model_that_the_settings_name_wins_over_routing(keys):
    """Issue point 4: an operator's own choice is not second-guessed, not even by a router."""
    for policy in (load_policy(), with_router("geography")):
        kept = []
        placed = call(policy, QuestionSize(input_tokens=800), kept, **keys)
        assert placed.executor == BedrockEndpoint("eu.amazon.nova-pro-v1:0")
        assert kept[0].model.reason == "the settings name this model"


def test_a_named_model_that_may_not_be_called_is_not_replaced_by_another(policy):
    """Us: who names a model does not want the catalogue's; the report says that it is out."""
    plain = {"bedrock_model": "amazon.nova-pro-v1:0", "aws_region": "eu-west-1"}
    with pytest.raises(PlacementRefusedError, match="region"):
        call(policy, DEEP, flags={"pseudonymized": True}, **plain)


@pytest.mark.parametrize(
    ("residency", "tier"), [("geography", "region-geography"), ("global", "region-global")]
)
def test_a_prompt_router_stands_behind_the_endpoint_of_its_members_widest_residency(
    residency, tier
):
    """R14: whichever member it picks, the question stays within what was decided."""
    kept = []
    placed = call(with_router(residency), QuestionSize(input_tokens=800), kept)
    assert (placed.tier, placed.executor) == (tier, BedrockEndpoint(ROUTER))
    assert "the prompt router picks the model" in kept[0].model.reason
    with pytest.raises(PlacementRefusedError):
        call(with_router(residency), DEEP, flags={"pseudonymized": True})


def test_the_catalogue_says_how_far_a_router_that_is_named_as_executor_reaches(policy):
    """Us: its ARN does not tell, so that without the catalogue it counts as global."""
    keys = {"executors": {"region-geography": (f"bedrock:{ROUTER}",)}}
    with pytest.raises(SettingsError, match="beyond"):
        delegator(policy, **keys)
    with pytest.raises(SettingsError, match="beyond"):
        delegator(with_router("global"), **keys)
    assert call(with_router("geography"), DEEP, **keys).executor == BedrockEndpoint(ROUTER)


def test_without_a_model_that_fits_the_record_says_why_the_site_reasons(policy):
    """Issue point 4: no model is a reason, too."""
    kept = []
    with pytest.raises(PlacementRefusedError):
        call(policy, DEEP, kept, flags={"pseudonymized": True})
    assert kept[0].model.model_id is None
    assert "no model that region offers in eu-central-1; the site reasons" in kept[0].model.reason
    kept.clear()
    with pytest.raises(PlacementRefusedError):
        call(policy, DEEP, kept, aws_region=None)
    assert "the AWS Region is unknown" in kept[0].model.reason


def test_work_without_a_model_has_no_note_about_one(policy):
    """Us: nothing was chosen."""
    kept = []
    delegator(policy, kept).place(alarm_triage.PROFILE, SITE, kinds=ON_TOOLS)
    assert kept[0].model is None
