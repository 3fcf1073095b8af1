"""The command `tierwise`: exit codes, pure JSON, messages that help."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from orchestrator.cli import app
from orchestrator.doubles.site import SiteDouble
from telecom.report import RootCauseReport

RUNNER = CliRunner()
WORKLOAD = {
    "name": "historian",
    "phase": "context_creation",
    "data_classes": ["tickets_raw"],
    "home": {"site": "core", "country": "DE", "on_premises": True},
}


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    """Commands keep their state in a folder of the test."""
    monkeypatch.setenv("TIERWISE_STATE", str(tmp_path / "state.sqlite"))
    monkeypatch.chdir(tmp_path)


def run(*arguments, **options):
    return RUNNER.invoke(app, [str(argument) for argument in arguments], **options)


def configured(tmp_path, *doubles):
    file = tmp_path / "tierwise.yaml"
    sites = [
        {"name": f"site{n}", "url": double.url, "country": "DE"} for n, double in enumerate(doubles)
    ]
    file.write_text(json.dumps({"sites": sites, "aws_region": "eu-central-1"}))
    return file


def test_investigate_prints_one_json_document_and_nothing_else(site, tmp_path):
    """INTERFACES: --json prints one document on stdout; logs and progress go to stderr."""
    result = run("investigate", "--json", "--config", configured(tmp_path, site))
    assert result.exit_code == 0, result.stderr
    report = RootCauseReport.model_validate_json(result.stdout)
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"


def test_the_site_can_be_given_as_a_flag(site):
    """INTERFACES: --site NAME=URL; of an unknown country only what names nobody may leave."""
    site.form = "pseudonymized"
    result = run("investigate", "--site", f"core={site.url}", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["provenance"][-1]["tier"] == "outposts"
    assert report["root_causes"][0]["managed_object"] == "agg1:xe-0/0/1"


def test_ask_is_the_same_investigation(site, tmp_path):
    """INTERFACES: ask TEXT."""
    configured(tmp_path, site)
    result = run("ask", "why are the cells down?", "--format", "markdown")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("# ")
    assert "agg1:xe" in result.stdout


def test_a_report_for_people_names_the_cause_first(site, tmp_path):
    """R22: engineers read it in a terminal."""
    result = run("investigate", "--config", configured(tmp_path, site))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.index("agg1:xe-0/0/1") < result.stdout.index("Timeline")


def test_a_kept_report_is_shown_again_without_asking_anybody(site, tmp_path):
    """Us: one investigation, three renderings."""
    made = run("investigate", "--json", "--config", configured(tmp_path, site))
    kept = tmp_path / "report.json"
    kept.write_text(made.stdout)
    asked = len(site.calls)
    assert "agg1:xe-0/0/1" in run("show", kept).stdout
    assert run("show", kept, "--format", "markdown").stdout.startswith("# ")
    again = run("show", kept, "--format", "json")
    assert json.loads(again.stdout) == json.loads(made.stdout)
    assert len(site.calls) == asked


@pytest.mark.parametrize("content", [None, "", "{}", "[1]"])
def test_a_file_that_is_no_report_is_wrong_usage(tmp_path, content):
    """INTERFACES: 2 wrong usage."""
    file = tmp_path / "report.json"
    if content is not None:
        file.write_text(content)
    result = run("show", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "report.json" in "".join(result.stderr.split())


def test_times_without_a_zone_are_left_to_the_site(site, tmp_path):
    """INTERFACES: without a zone they are in the site's timezone."""
    configured(tmp_path, site)
    window = ("--from", "2026-03-01T10:00", "--to", "2026-03-01T11:00")
    assert run("investigate", "--json", *window).exit_code == 0
    asked = next(call for call in site.calls if call.tool == "summarize_alarms")
    assert asked.arguments["from_time"] == "2026-03-01T10:00:00"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "2026-03-01T10:00"),
        ("--from", "yesterday", "--to", "today"),
        ("--from", "2026-03-01T11:00", "--to", "2026-03-01T10:00"),
        ("--from", "2026-03-01T10:00Z", "--to", "2026-03-01T11:00"),
        ("--site", "no-url"),
        ("--analyst", "oracle"),
    ],
)
def test_wrong_usage_is_exit_code_two(arguments):
    """INTERFACES: 2 wrong usage."""
    result = run("investigate", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_a_stopped_site_is_exit_code_one_with_the_reason(summary):
    """Bad input: a stopped MCP server."""
    with SiteDouble(summary) as dead:
        pass
    result = run("investigate", "--site", f"core={dead.url}", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nobody answers" in result.stderr


def test_a_wrong_token_is_exit_code_one_and_not_in_the_message(summary, tmp_path):
    """Bad input: a wrong token."""
    token = tmp_path / "token"
    token.write_text("secret-canary")
    with SiteDouble(summary, token="right") as site:
        result = run("investigate", "--site", f"core={site.url}", "--token-file", token)
    assert result.exit_code == 1
    assert "refused the token" in " ".join(result.stderr.split())
    assert "secret-canary" not in result.stderr


def test_an_unreadable_policy_is_exit_code_one_and_asks_nobody(site, tmp_path):
    """Bad input: an unreadable policy places nothing."""
    file = configured(tmp_path, site)
    (tmp_path / "catalogue.yaml").write_text("version: 1\nclasses: [")
    config = json.loads(file.read_text()) | {"policy": {"catalogue": "catalogue.yaml"}}
    file.write_text(json.dumps(config))
    result = run("investigate", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "catalogue.yaml" in result.stderr
    assert site.calls == []


def test_a_question_with_an_identifier_is_refused_before_anything_is_asked(site):
    """DESIGN 4: people's words pass the site first."""
    result = run(
        "investigate", "--site", f"core={site.url}", "--question", "IMSI 262019876543210 fails"
    )
    assert result.exit_code == 2
    assert "262019876543210" not in result.stderr
    assert site.calls == []


def test_a_chat_answers_line_by_line_and_is_kept(site, tmp_path):
    """R22, INTERFACES: `tierwise chat`; slash commands; history over a restart."""
    configured(tmp_path, site)
    said = run("chat", "why are the cells down?", "--json", input="show me the line\n/diff\n")
    assert said.exit_code == 0, said.stderr
    answers = [json.loads(line) for line in said.stdout.splitlines()]
    assert answers[0]["report"]["root_causes"][0]["managed_object"] == "agg1:xe-0/0/1"
    assert "OSPF neighbor" in answers[1]["text"]
    assert "mtu 1500" in answers[2]["text"]
    again = run("chat", "/handover", "--resume", "last", input="/quit\n")
    assert "why are the cells down?" in again.stdout
    assert "Hand-over: mtu mismatch" in again.stdout


def test_a_chat_passes_no_identifier_on(site):
    """DESIGN 4: people's words pass the site first."""
    words = ("chat", "--site", f"core={site.url}", "why does IMSI 262019876543210 fail?")
    result = run(*words, input="")
    assert result.exit_code == 2
    assert "262019876543210" not in result.stdout + result.stderr
    assert site.calls == []


@pytest.mark.parametrize(
    ("form", "words"),
    [("html", "<!doctype html>"), ("handover", "# Hand-over"), ("concise", "**mtu mismatch")],
)
def test_a_report_is_printed_for_whoever_reads_it(site, tmp_path, form, words):
    """Issue 8, point 5: page, tier 1, shift lead; from an investigation or a kept report."""
    configured(tmp_path, site)
    shown = run("investigate", "--format", form)
    assert shown.stdout.startswith(words), shown.stderr
    kept = tmp_path / "report.json"
    kept.write_text(run("investigate", "--json").stdout)
    assert run("show", kept, "--format", form).stdout.startswith(words)


def test_place_decide_prints_the_decision(tmp_path):
    """INTERFACES: a PlacementDecision; the workload from a file or stdin."""
    result = run("place", "decide", "-", "--json", input=json.dumps(WORKLOAD))
    assert result.exit_code == 0
    decision = json.loads(result.stdout)
    assert decision["ranked"][0]["tier"] == "outposts"
    assert decision["eliminated"][0].keys() >= {"tier", "dimension", "rule", "because", "remedy"}
    assert "outposts" in run("place", "decide", "-", input=json.dumps(WORKLOAD)).stdout


def test_place_decide_without_a_tier_is_exit_code_three_with_the_decision(tmp_path):
    """INTERFACES: 3 refused by policy, the decision is printed all the same."""
    content = WORKLOAD | {"data_classes": ["content"], "phase": "batch_inference"}
    result = run("place", "decide", "-", "--json", input=json.dumps(content))
    assert result.exit_code == 3
    assert json.loads(result.stdout)["ranked"] == []


@pytest.mark.parametrize("text", ["", "[]", "{", '{"name": "x"}', '{"name": "x", "phase": "nap"}'])
def test_a_workload_that_is_none_is_wrong_usage(text):
    """Bad input: every problem is named."""
    result = run("place", "decide", "-", "--json", input=text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "tierwise:" in result.stderr


def test_a_workload_in_yaml_may_be_at_home_in_norway():
    """Us: `NO` is a country here, not false."""
    text = "{name: x, phase: batch_inference, data_classes: [vendor_docs], home: {country: NO}}"
    assert run("place", "decide", "-", "--json", input=text).exit_code == 0


def test_the_placement_table_has_ten_rows():
    """R10: default placement by life-cycle phase."""
    rows = json.loads(run("place", "table", "--json").stdout)
    assert len(rows) == 10
    assert all(
        row.keys() >= {"phase", "primary_tier", "edge_condition", "services"} for row in rows
    )
    assert "Follows data" in run("place", "table").stdout


def test_what_if_says_what_would_move():
    """R2: routing can be changed, and what that does is known before."""
    result = run("place", "what-if", "tier.outposts.available=false", "--json")
    assert json.loads(result.stdout)["moved"] > 0
    assert "outposts" in run("place", "what-if", "tier.outposts.available=false").stdout
    wrong = run("place", "what-if", "nonsense")
    assert wrong.exit_code == 1


def test_replay_repeats_the_decisions_of_an_investigation(site, tmp_path):
    """DESIGN 3: replayable."""
    configured(tmp_path, site)
    report = json.loads(run("investigate", "--json").stdout)
    result = run("place", "replay", "--investigation", report["incident_id"], "--json")
    outcome = json.loads(result.stdout)
    assert (outcome["same"], outcome["altered"]) == (len(outcome["decisions"]), 0)
    assert outcome["same"] > 0
    assert run("place", "replay", tmp_path / "none.sqlite").exit_code == 1


def test_doctor_says_what_is_reachable_and_what_is_not(site, summary, tmp_path):
    """INTERFACES: what is configured, reachable and safe, and what is not."""
    with SiteDouble(summary) as dead:
        pass
    good = run("doctor", "--config", configured(tmp_path, site), "--json")
    assert good.exit_code == 0
    checks = {check["what"]: check["verdict"] for check in json.loads(good.stdout)}
    checks.pop("disk of the state")
    assert set(checks.values()) == {"ok"}
    bad = run("doctor", "--config", configured(tmp_path, site, dead), "--json")
    assert bad.exit_code == 1
    broken = [check["what"] for check in json.loads(bad.stdout) if check["verdict"] == "fail"]
    assert broken == ["site1: tools"]


def test_doctor_explains_every_key():
    """INTERFACES: every key documented by `tierwise doctor --explain`."""
    keys = [entry["key"] for entry in json.loads(run("doctor", "--explain", "--json").stdout)]
    assert "executors" in keys
    assert "executors" in run("doctor", "--explain").stdout


def test_help_imports_nothing_heavy():
    """House: `tierwise --help` stays quick; heavy parts are imported by who needs them."""
    heavy = ("langgraph", "boto3", "mcp", "pydantic", "cedarpy", "httpx", "langchain_core")
    code = f"import sys, orchestrator.cli; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
