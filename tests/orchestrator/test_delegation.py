"""One placement decision before every delegation, and it is executed."""

from __future__ import annotations

import pytest

from agents import alarm_triage, root_cause_analyst, ticket_historian
from orchestrator.delegation import Delegator, check_receipts
from orchestrator.executors import BedrockEndpoint, InProcess, McpEndpoint, SiteTools
from orchestrator.settings import Settings, SiteDeclaration
from orchestrator.site_client import EgressReceipt
from placement.policy import load_policy
from placement.replay import replay
from telecom.errors import EgressRefusedError, PlacementRefusedError, SettingsError

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
