"""The investigation from end to end, over real MCP and, where a model reasons, real HTTP."""

from __future__ import annotations

import asyncio
import json

import pytest
import yaml

from orchestrator.doubles.bedrock import BedrockDouble, Cut, Fail, Say, Use
from orchestrator.doubles.site import SiteDouble
from orchestrator.investigating.front_door import run_investigation
from orchestrator.investigating.investigation import Inquiry, Services, investigate
from orchestrator.settings import SiteDeclaration, load_settings
from orchestrator.site_access.sites import open_sites
from orchestrator.storage.state import kept_decisions, open_state
from placement.catalogue_file import REFERENCE_CATALOGUE
from placement.policy import load_policy
from placement.replay import replay
from telecom.errors import (
    PlacementRefusedError,
    RecordNotFoundError,
    SettingsError,
    ToolRefused,
)

MODEL = {"analyst": "bedrock", "bedrock_model": "amazon.nova-pro-v1:0"}


def report_for(settings, inquiry=None):
    return asyncio.run(run_investigation(inquiry or Inquiry(), settings))


def step_of(report, agent):
    return next(step for step in report.provenance if step.agent.startswith(agent))


def test_an_incident_becomes_a_report_with_evidence_for_every_statement(site, settings_for):
    """R19, R21: orchestrator, tools and policy together, without any credentials."""
    report = report_for(settings_for(site), Inquiry(question="why are the cells down?"))
    assert report.status in {"confirmed", "probable"}
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert "change:0123456789ab:agg1" in report.root_causes[0].evidence_ids
    assert report.changes_before_onset[0].hunks[0].lines[0].text == " mtu 1500"
    assert [ticket.ticket_id for ticket in report.similar_incidents] == ["INC41", "INC42"]
    assert report.causal_chain[0].target == "cell1"
    named = {key for cause in report.root_causes for key in cause.evidence_ids}
    assert named <= set(report.evidence)
    assert [step.agent for step in report.provenance] == [
        "alarm_triage",
        "config_auditor",
        "ticket_historian",
        "root_cause_analyst (rules)",
    ]
    assert [step.tier for step in report.provenance] == ["outposts"] * 3 + ["region"]
    assert step_of(report, "alarm_triage").tokens_before == 20_000
    assert report.gaps == ()


def test_what_a_person_says_was_done_goes_to_the_historian(site, settings_for):
    """Issue 6: skipped-check hints leave out what was done here."""
    question = "Why is agg1 unstable? We already raised nothing but replaced the patch cord."
    report_for(settings_for(site), Inquiry(question=question))
    asked = next(call for call in site.calls if call.tool == "find_similar_incidents")
    done = "We already raised nothing but replaced the patch cord"
    assert asked.arguments["done"] == [done]


def test_every_decision_of_an_investigation_can_be_replayed(site, settings_for):
    """DESIGN 3: decisions are kept with their inputs."""
    settings = settings_for(site)
    report = report_for(settings)
    kept = list(kept_decisions(settings.state_address, incident_id=report.incident_id))
    ids = {step.decision_id for step in report.provenance}
    assert ids == {record.decision.decision_id for record in kept}
    assert replay(kept, load_policy()).same == len(kept) == 4


def test_a_named_alarm_gives_the_window(site, settings_for, summary):
    """INTERFACES: --alarm ID is the time around that alarm."""
    report_for(settings_for(site), Inquiry(alarm_id="g1"))
    asked = next(call for call in site.calls if call.tool == "summarize_alarms")
    assert asked.arguments["from_time"] == "2026-03-01T09:45:00Z"
    assert asked.arguments["to_time"] == "2026-03-01T10:45:00Z"
    with pytest.raises(RecordNotFoundError, match="nothing"):
        report_for(settings_for(site), Inquiry(alarm_id="nothing"))


def test_a_tool_that_fails_is_a_gap_and_not_a_lost_answer(summary, changes, settings_for):
    """DESIGN 6: gaps say what could not be looked at."""

    def broken():
        raise ToolRefused("the history is being rebuilt")

    with SiteDouble(summary, changes=changes, faults={"find_similar_incidents": broken}) as site:
        report = report_for(settings_for(site))
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert [gap.what for gap in report.gaps] == ["past tickets of site site1"]
    assert step_of(report, "ticket_historian").tier is None


def test_one_dead_site_does_not_spoil_the_others(site, summary, settings_for):
    """House style: a failure is a value per site."""
    with SiteDouble(summary) as dead:
        pass
    report = report_for(settings_for(dead, site))
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert any("site1" in gap.what for gap in report.gaps)


def test_without_any_site_that_answers_there_is_an_error_and_no_report(summary, settings_for):
    """Bad input: a stopped MCP server."""
    with SiteDouble(summary) as dead:
        pass
    with pytest.raises(ToolRefused, match="nobody answers"):
        report_for(settings_for(dead))
    with pytest.raises(SettingsError, match="--site"):
        report_for(settings_for())


def test_an_empty_site_gives_an_inconclusive_report(summary, settings_for):
    """Bad input: an empty site is an answer, not a failure."""
    nothing = summary.model_copy(
        update={
            "groups": (),
            "root_cause_candidates": (),
            "verdict": "none",
            "causes": 0,
            "causal_chain": (),
            "timeline": (),
            "evidence": {},
            "alarms_total": 0,
        }
    )
    with SiteDouble(nothing) as site:
        report = report_for(settings_for(site))
    assert (report.status, report.root_causes) == ("inconclusive", ())


def test_evidence_that_the_region_may_not_read_is_reasoned_over_by_the_site(
    summary, changes, settings_for
):
    """DESIGN 6: if nothing fits, the site reasons and the report says so."""
    with SiteDouble(summary, changes=changes, form="raw") as site:
        report = report_for(settings_for(site))
    reason = report.provenance[-1]
    assert (reason.tier, reason.tool) == ("outposts", "summarize_alarms")
    gap = next(gap for gap in report.gaps if gap.what.startswith("reasoning"))
    assert gap.rule is not None
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"


def test_a_resumed_investigation_repeats_no_remote_call(site, settings_for):
    """FACTS LangGraph: results of tasks are kept; finished means no tasks and no next."""
    settings = settings_for(site)
    seen = []

    class CrashError(Exception):
        pass

    def stop_after_reasoning(node):
        seen.append(node)
        if node == "reason":
            raise CrashError

    async def run():
        policy = load_policy()
        async with open_state(settings.state_address) as state, open_sites(settings) as sites:
            services = Services(settings, policy, sites, state)
            with pytest.raises(CrashError):
                await investigate(
                    Inquiry(), services, incident_id="inc-1", progress=stop_after_reasoning
                )
            before = [call.tool for call in site.calls]
            report = await investigate(Inquiry(), services, incident_id="inc-1")
            return before, [call.tool for call in site.calls], report

    before, after, report = asyncio.run(run())
    assert sorted(before) == sorted(after)
    assert report.incident_id == "inc-1"
    assert report.root_causes


# ------------------------------------------------------------- moving a tier


LOCAL_ZONE_TICKETS = {"pseudonymized": "country", "pseudonymized+summarized": "country"}


SAYS = {"home": {"site": "noc-1", "country": "DE", "on_premises": True}, "tier": "outposts"}


def undeclared(double, **keys):
    """A site of which nothing but its address is known."""
    return SiteDeclaration(name="core", url=double.url, **keys)


def test_a_site_says_where_it_is_and_the_policy_decides_with_that(
    summary, changes, tickets, settings_for
):
    """Us: `--site NAME=URL` is enough; where the data lives is known where it lives."""
    with SiteDouble(
        summary, changes=changes, tickets=tickets, form="pseudonymized", says=SAYS
    ) as site:
        settings = settings_for(sites=(undeclared(site),))
        report = report_for(settings)
    assert [step.tier for step in report.provenance] == ["outposts"] * 3 + ["region"]
    assert report.gaps == ()
    homes = {
        record.decision.workload.home.country for record in kept_decisions(settings.state_address)
    }
    assert homes == {None, "DE"}
    decided = {
        record.decision.decision_id: record for record in kept_decisions(settings.state_address)
    }
    for step in report.provenance:
        home = decided[step.decision_id].decision.workload.home
        assert (home.site, home.country) == ("noc-1", "DE")


def test_the_tier_a_site_says_it_is_is_where_its_tools_ran(summary, settings_for):
    """Us: provenance names the place where something really ran."""
    says = SAYS | {"tier": "ai_factory"}
    with SiteDouble(summary, form="pseudonymized", says=says) as site:
        report = report_for(settings_for(sites=(undeclared(site),)))
    assert step_of(report, "alarm_triage").tier == "ai_factory"


def test_a_declared_country_holds_against_what_the_site_says(summary, settings_for):
    """Us: the operator's settings win, and the disagreement is shown."""
    with SiteDouble(summary, form="pseudonymized", says=SAYS) as site:
        report = report_for(settings_for(sites=(undeclared(site, country="FR"),)))
    gap = next(gap for gap in report.gaps if gap.what == "country of site core")
    assert "FR" in gap.why
    assert "DE" in gap.why
    assert report.provenance[-1].tier == "outposts"


def test_an_orchestrator_of_unknown_country_is_told_how_to_say_it(summary, settings_for):
    """STYLE: a refusal names its cure."""
    with SiteDouble(summary, form="pseudonymized", says=SAYS) as site:
        report = report_for(settings_for(sites=(undeclared(site),), aws_region=None))
    assert any("TIERWISE_COUNTRY" in gap.why for gap in report.gaps)


@pytest.mark.parametrize(
    "says",
    [{"home": {"country": "Germany"}}, {"home": {"country": 49}}, {"home": None, "tier": "region"}],
)
def test_what_cannot_be_a_place_is_not_believed(summary, settings_for, says):
    """Us: an unknown country closes everything but the site itself."""
    with SiteDouble(summary, form="pseudonymized", says=says) as site:
        report = report_for(settings_for(sites=(undeclared(site),)))
    assert report.provenance[-1].tier == "outposts"
    assert any(gap.rule == "site-boundary" for gap in report.gaps)


def moved_settings(folder, site, *, catalogue=None, executors=None):
    """`tierwise.yaml` and nothing else."""
    config = {
        "sites": [{"name": "core", "url": site.url, "country": "DE"}],
        "state": "state.sqlite",
        "executors": executors or {},
    }
    if catalogue is not None:
        (folder / "catalogue.yaml").write_text(catalogue)
        config["policy"] = {"catalogue": "catalogue.yaml"}
    (folder / "tierwise.yaml").write_text(yaml.safe_dump(config))
    return load_settings(folder / "tierwise.yaml", environment={"AWS_REGION": "eu-central-1"})


def catalogue_with_tickets_in_the_country():
    """The reference catalogue with one row edited."""
    text = REFERENCE_CATALOGUE.read_text()
    head, _, tail = text.partition("  tickets_raw:\n")
    row = "once: {pseudonymized+summarized: country,"
    assert row in tail
    edited = tail.replace(
        row, "once: {pseudonymized: country, pseudonymized+summarized: country,", 1
    )
    return f"{head}  tickets_raw:\n{edited}"


def test_editing_only_yaml_moves_the_ticket_historian_and_back(summary, changes, tickets, tmp_path):
    """R2, R5: routing is externalized; a row and an executor move a sub-agent."""
    with SiteDouble(summary, changes=changes, tickets=tickets, form="pseudonymized") as site:
        at_home = report_for(moved_settings(tmp_path, site))
        moved = report_for(
            moved_settings(
                tmp_path,
                site,
                catalogue=catalogue_with_tickets_in_the_country(),
                executors={"local_zone": "in_process"},
            )
        )
        back = report_for(moved_settings(tmp_path, site, executors={"local_zone": "in_process"}))
    tiers = [step_of(report, "ticket_historian").tier for report in (at_home, moved, back)]
    assert tiers == ["outposts", "local_zone", "outposts"]
    tools = [step_of(report, "ticket_historian").tool for report in (at_home, moved)]
    assert tools == ["find_similar_incidents", "search_tickets, get_ticket"]
    assert at_home.similar_incidents == moved.similar_incidents


def test_the_moved_historian_can_run_behind_an_mcp_endpoint_as_well(
    summary, changes, tickets, tmp_path
):
    """DESIGN 3: an executor is in process, an MCP endpoint or a model endpoint."""
    with (
        SiteDouble(summary, changes=changes, tickets=tickets) as site,
        SiteDouble(summary, tickets=tickets) as zone,
    ):
        report = report_for(
            moved_settings(
                tmp_path,
                site,
                catalogue=catalogue_with_tickets_in_the_country(),
                executors={"local_zone": zone.url},
            )
        )
    assert step_of(report, "ticket_historian").tier == "local_zone"
    assert [call.tool for call in zone.calls] == ["find_similar_incidents"]


def test_a_moved_historian_reads_nothing_that_the_gate_left_raw(
    summary, changes, tickets, tmp_path
):
    """DESIGN 3: the obligation is part of the decision."""
    with SiteDouble(summary, changes=changes, tickets=tickets, form="raw") as site:
        report = report_for(
            moved_settings(
                tmp_path,
                site,
                catalogue=catalogue_with_tickets_in_the_country(),
                executors={"local_zone": "in_process"},
            )
        )
    gap = next(gap for gap in report.gaps if gap.what.startswith("past tickets"))
    assert gap.rule == "obligation:pseudonymize"
    assert report.similar_incidents == ()


def test_with_the_top_tier_forbidden_the_next_is_used_or_the_gap_is_named(
    summary, changes, tickets, tmp_path
):
    """DESIGN 3: delegation goes to the best-ranked tier that has an executor."""
    closed = REFERENCE_CATALOGUE.read_text().replace(
        "  outposts:\n    kind: outposts\n",
        "  outposts:\n    kind: outposts\n    available: false\n",
    )
    with (
        SiteDouble(summary, changes=changes, tickets=tickets) as site,
        SiteDouble(summary, changes=changes, tickets=tickets) as factory,
    ):
        following = report_for(
            moved_settings(tmp_path, site, catalogue=closed, executors={"ai_factory": factory.url})
        )
        assert step_of(following, "alarm_triage").tier == "ai_factory"
        assert site.calls == []
        with pytest.raises(PlacementRefusedError) as caught:
            report_for(moved_settings(tmp_path, site, catalogue=closed))
    assert caught.value.rule == "tier-not-available"


# ---------------------------------------------------------------- with a model


@pytest.fixture
def bedrock(monkeypatch):
    """Credentials for boto3 and a place for its requests to go."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")

    def serve(replies):
        double = BedrockDouble(replies)
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", double.url)
        return double

    return serve


def answer(*, managed_object="agg1:xe-0/0/1", ids=("alarm:g1", "change:0123456789ab:agg1")):
    return json.dumps(
        {
            "headline": f"MTU changed on {managed_object}",
            "status": "confirmed",
            "root_causes": [
                {
                    "managed_object": managed_object,
                    "probable_cause": "configuration error",
                    "specific_problem": "MTU set to 1500",
                    "role": "fault",
                    "evidence_ids": list(ids),
                }
            ],
        }
    )


def test_a_model_asks_back_through_mcp_streams_and_its_answer_is_verified(
    site, settings_for, bedrock
):
    """R19: Bedrock reasons; tools are called over MCP; code checks the answer."""
    ask_back = Say("Let me look.", (Use("search_tickets", {"query": "mtu"}, "t1"),))
    with bedrock([ask_back, Say(answer())]) as double:
        report = report_for(settings_for(site, **MODEL))
    assert report.headline == "MTU changed on agg1:xe-0/0/1"
    assert [request.operation for request in double.requests] == ["converse-stream"] * 2
    body = double.requests[1].body
    assert body["requestMetadata"]["incident_id"] == report.incident_id
    assert "toolResult" in body["messages"][2]["content"][0]
    back = next(step for step in report.provenance if step.step == "ask back")
    assert (back.tool, back.tier) == ("search_tickets", "outposts")
    reason = report.provenance[-1]
    assert reason.agent.startswith("root_cause_analyst (bedrock, prompt ")
    assert reason.tier == "region"
    assert reason.cost_usd > 0
    assert "model agrees" in report.root_causes[0].confidence_basis


def test_a_stream_that_breaks_is_repeated_and_nobody_notices(site, settings_for, bedrock):
    """FACTS Bedrock: mid-stream retry is ours."""
    with bedrock([Cut(Say(answer()), after=3), Say(answer())]) as double:
        report = report_for(settings_for(site, **MODEL))
    assert len(double.requests) == 2
    assert report.headline == "MTU changed on agg1:xe-0/0/1"


def test_statements_with_invented_evidence_ids_are_dropped(site, settings_for, bedrock):
    """DESIGN 6: every evidence id was returned by a tool in this investigation."""
    with bedrock([Say(answer(managed_object="cell1", ids=("alarm:invented",)))]):
        report = report_for(settings_for(site, **MODEL))
    assert "alarm:invented" not in report.model_dump_json()
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert any("deterministic" in gap.why for gap in report.gaps)


LOOPS = Say("Once more.", (Use("list_changes", {"from_time": "x", "to_time": "y"}, "t1"),))
CUT_CALL = Say("", (Use("search_tickets", {"query": "mtu"}, "t1"),), stop_reason="max_tokens")


@pytest.mark.parametrize(
    "replies",
    [
        [Say("I will not.", stop_reason="guardrail_intervened")],
        [Say("")],
        [CUT_CALL],
        [LOOPS] * 6,
        [Cut(Say(answer()), after=3)] * 3,
    ],
    ids=["guardrail", "empty", "cut call", "loops", "breaks off"],
)
def test_a_model_that_fails_leaves_the_deterministic_report_and_a_gap(
    site, settings_for, bedrock, replies
):
    """Issue 8: always a report, with the deterministic result and the gap named."""
    with bedrock(replies):
        report = report_for(settings_for(site, **MODEL))
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert any(gap.what == "reasoning by a model (bedrock)" for gap in report.gaps)
    assert "search_tickets" not in [step.tool for step in report.provenance]


# ------------------------------------------------------ escalation, tests, budgets


def test_what_the_deterministic_analyst_confirms_is_not_sent_to_a_model(
    site, settings_for, bedrock
):
    """Issue 8: by default a model reads only what is left below "confirmed"."""
    with bedrock([Say(answer())]) as double:
        report = report_for(settings_for(site, **MODEL | {"escalation": "unconfirmed"}))
    assert report.status == "confirmed"
    assert double.requests == []


def test_an_open_matter_is_escalated(summary, changes, settings_for, bedrock):
    """Issue 8: the policy's share."""
    weak = summary.root_cause_candidates[0].model_copy(update={"score": 0.25})
    candidates = (weak, *summary.root_cause_candidates[1:])
    close = summary.model_copy(update={"root_cause_candidates": candidates})
    with SiteDouble(close, changes=changes) as site, bedrock([Say(answer())]) as double:
        report_for(settings_for(site, **MODEL | {"escalation": "unconfirmed"}))
    assert len(double.requests) == 1


def silent_core(summary):
    """The summary with a silent element as its first suspect, and two that depend on it."""
    leader = summary.root_cause_candidates[0].model_copy(
        update={
            "managed_object": "core1",
            "probable_cause": "element silent",
            "specific_problem": "Its neighbours lost it and it says nothing",
        }
    )
    joint = summary.topology[0]
    links = tuple(
        joint.model_copy(update={"source": "core1", "target": f"cell{n}"}) for n in (8, 9)
    )
    candidates = (leader, *summary.root_cause_candidates[1:])
    return summary.model_copy(
        update={"root_cause_candidates": candidates, "topology": (*summary.topology, *links)}
    )


def test_predictions_are_looked_up_at_the_site_and_told(summary, settings_for):
    """Issue 8, point 1: what else must be alarmed, changed, silent; confirmed or contradicted."""
    with SiteDouble(silent_core(summary)) as site:
        report = report_for(settings_for(site))
    looked = {c.arguments["managed_object"] for c in site.calls if c.tool == "list_alarms"}
    assert looked == {"core1", "cell8", "cell9"}
    tests = [step for step in report.provenance if step.step == "test"]
    assert [(step.tool, step.tier) for step in tests] == [("list_alarms", "outposts")] * 3
    basis = report.root_causes[0].confidence_basis
    assert "3 of 4 predictions hold" in basis
    assert "what depends on core1 is in trouble (no alarm of cell8, cell9)" in basis
    assert report.status == "probable"


def test_look_ups_keep_to_their_budget_and_say_what_was_not_read(summary, settings_for):
    """Issue 8, point 1: budgets; on exhaustion it reports what is known."""
    with SiteDouble(silent_core(summary)) as site:
        report = report_for(settings_for(site, budgets={"lookups": 1}))
    assert len([call for call in site.calls if call.tool == "list_alarms"]) == 1
    assert any("budgets.lookups: 2 more" in gap.why for gap in report.gaps)
    assert report.root_causes[0].managed_object == "core1"


def test_a_model_is_not_asked_what_its_tokens_do_not_pay(site, settings_for, bedrock):
    """Issue 8, point 1: the budget of tokens."""
    with bedrock([LOOPS] * 6) as double:
        report = report_for(settings_for(site, budgets={"model_tokens": 2000}, **MODEL))
    assert len(double.requests) == 1
    assert any("budgets.model_tokens" in gap.why for gap in report.gaps)
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"


def test_a_model_is_not_asked_when_its_money_is_spent(site, settings_for, bedrock):
    """Issue 8, point 1: the budget of money, by the catalogue's prices."""
    with bedrock([LOOPS] * 6) as double:
        report = report_for(settings_for(site, budgets={"model_usd": 0.000001}, **MODEL))
    assert len(double.requests) == 1
    assert any("budgets.model_usd" in gap.why for gap in report.gaps)


def test_when_time_is_over_what_is_known_is_reported(
    summary, changes, settings_for, bedrock, monkeypatch
):
    """Issue 8, point 1: the budget of time."""
    passed = []
    clock = type("Clock", (), {"monotonic": staticmethod(lambda: 1e9 * len(passed))})
    monkeypatch.setattr("orchestrator.investigating.investigation.time", clock)

    def slow():
        passed.append(True)
        return changes

    with SiteDouble(summary, faults={"list_changes": slow}) as site, bedrock([]) as double:
        report = report_for(settings_for(site, **MODEL))
    assert double.requests == []
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert any("budgets.seconds" in gap.why for gap in report.gaps)


def test_a_report_has_the_keys_that_outsiders_rely_on(site, settings_for):
    """INTERFACES: RootCauseReport, key by key."""
    report = json.loads(report_for(settings_for(site)).model_dump_json())
    assert list(report) == REPORT_KEYS.split()
    cause, step = report["root_causes"][0], report["provenance"][0]
    assert list(cause) == CAUSE_KEYS.split()
    assert list(step)[: len(STEP_KEYS.split())] == STEP_KEYS.split()


REPORT_KEYS = """incident_id headline status root_causes ruled_out causal_chain alarms_explained
timeline blast_radius changes_before_onset similar_incidents next_actions gaps drafts provenance
evidence"""
CAUSE_KEYS = """managed_object probable_cause specific_problem role confidence confidence_basis
evidence_ids"""
STEP_KEYS = """step agent tier decision_id tool tokens_before tokens_after masked bytes_out cost_usd
latency_ms"""


def test_a_model_that_is_not_enabled_leaves_a_gap_that_says_so(site, settings_for, bedrock):
    """Bad input: access denied."""
    with bedrock([Fail(403, "AccessDeniedException")]):
        report = report_for(settings_for(site, **MODEL))
    assert any("enable the model" in gap.why for gap in report.gaps)


def test_no_model_is_called_with_evidence_it_may_not_read(summary, changes, settings_for, bedrock):
    """R21: a model call is a delegation like any other."""
    with (
        SiteDouble(summary, changes=changes, form="pseudonymized") as site,
        bedrock([Say(answer())]) as double,
    ):
        report = report_for(settings_for(site, **MODEL | {"aws_region": "us-east-1"}))
    assert double.requests == []
    assert any(gap.rule for gap in report.gaps)


def test_the_analysts_disagreement_is_shown(site, settings_for, bedrock):
    """DESIGN 6: disagreement is shown, not averaged away."""
    with bedrock([Say(answer(managed_object="cell1", ids=("alarm:g2",)))]):
        report = report_for(settings_for(site, **MODEL))
    assert report.root_causes[0].managed_object == "cell1"
    assert any("agg1" in gap.why for gap in report.gaps)


def test_a_small_clear_incident_is_read_by_a_light_model_and_the_record_says_why(
    summary, changes, settings_for, bedrock
):
    """R14: the model follows the question; the report names it, the stored decision why."""
    with (
        SiteDouble(summary, changes=changes, form="anonymized") as site,
        bedrock([Say(answer())]) as double,
    ):
        settings = settings_for(site, analyst="bedrock")
        report = report_for(settings)
    assert len(double.requests) == 1
    reason = report.provenance[-1]
    assert (reason.tier, "claude-haiku" in reason.tool) == ("region-geography", True)
    kept = [r for r in kept_decisions(settings.state_address) if r.model is not None]
    assert [record.decision.decision_id for record in kept] == [reason.decision_id]
    assert kept[0].model.model_id == reason.tool
    assert kept[0].model.reason.startswith("simple question")
    assert "1 competing explanation)" in kept[0].model.reason
    shown = replay(kept, load_policy()).decisions[0]
    assert (shown.outcome, shown.model) == ("same", kept[0].model)
