"""Steps two to four of `tierwise assess`, and the questions about past decisions."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from agents.models.scripted import ScriptedModel
from orchestrator.assessments.latency_probe import probe
from orchestrator.cli import app
from orchestrator.doubles.site import SiteDouble
from orchestrator.investigating.front_door import run_investigation
from orchestrator.investigating.investigation import Inquiry
from orchestrator.storage.state import kept_calls, kept_decisions
from placement import LivePolicy, load_policy
from placement.assessment import FieldFinding, SourceFinding, assess_data
from placement.catalogue_file import REFERENCE_CATALOGUE
from placement.site_data import AlarmVolume, SiteData
from telecom.errors import ModelUnavailableError
from telecom.workload import Home

RUNNER = CliRunner()
WORKLOADS = """
workloads:
  - {name: traffic steering, phase: real_time_inference, data_classes: [traffic_data],
     events_per_hour: 9000, tokens_per_event: 200, latency_budget_ms: 8}
  - {name: forecast, phase: batch_inference, data_classes: [aggregated_kpi],
     events_per_hour: 2, tokens_per_event: 50000, output_tokens_per_event: 500}
"""
VOLUME = AlarmVolume(
    records=168_000,
    hours=168.0,
    incident_records=250,
    incident_tokens=20_000,
    brief_tokens=1_600,
    fold_ms=45.0,
    compression=0.92,
    events_per_hour=4.0,
)


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """Commands keep their state in a folder of the test and print tables wide enough to read."""
    monkeypatch.setenv("TIERWISE_STATE", str(tmp_path / "state.sqlite"))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def site_data(tmp_path):
    """What `tierwise-site assess data` wrote about a site."""
    findings = (
        SourceFinding(
            source="alarms/*.log", kind="alarms", files=1, records=9, owner="NOC lead",
            fields=(FieldFinding(name="line", identifiers={"SUBSCRIBER": 2}),),
        ),
        SourceFinding(source="tickets/*.jsonl", kind="tickets", files=1, records=2),
    )  # fmt: skip
    assessed = assess_data(load_policy(), findings, Home(site="north", country="DE"))
    data = SiteData(
        **dict(assessed),
        site="north",
        country="DE",
        tier="outposts",
        assessed_at=datetime(2026, 11, 20, tzinfo=UTC),
        alarms=VOLUME,
    )
    file = tmp_path / "data.json"
    file.write_text(data.model_dump_json())
    return file


@pytest.fixture
def workloads(tmp_path):
    """The operator's own functions."""
    file = tmp_path / "workloads.yaml"
    file.write_text(WORKLOADS)
    return file


@pytest.fixture
def configured(tmp_path, site):
    """A settings file with one site and a catalogue of its own."""
    (tmp_path / "catalogue.yaml").write_bytes(REFERENCE_CATALOGUE.read_bytes())
    file = tmp_path / "tierwise.yaml"
    file.write_text(
        json.dumps(
            {
                "sites": [{"name": "site1", "url": site.url, "country": "DE"}],
                "aws_region": "eu-central-1",
                "policy": {"catalogue": "catalogue.yaml"},
            }
        )
    )
    return file


def run(*arguments, code=0):
    result = RUNNER.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.stderr
    return result


def document(*arguments):
    return json.loads(run(*arguments, "--json").stdout)


# ---------------------------------------------------------------------------------- latency


def test_past_investigations_are_the_first_source_of_latencies(configured):
    """R16: P50, P95, P99 from the provenance of past investigations, per tier and tool."""
    run("investigate", "--json")
    found = document("assess", "latency")
    rows = {(row["tier"], row["tool"]): row for row in found["rows"]}
    assert ("outposts", "summarize_alarms") in rows
    assert ("outposts", "list_changes") in rows
    assert rows["outposts", "summarize_alarms"]["round_trip_ms"]["samples"] == 1
    assert found["samples"]["state"] == sum(r["round_trip_ms"]["samples"] for r in rows.values())


def test_reports_in_a_folder_count_and_strangers_are_named(configured, tmp_path):
    """Issue: from the provenance of past investigations."""
    (tmp_path / "reports").mkdir()
    report = run("investigate", "--json").stdout
    (tmp_path / "reports" / "one.json").write_text(report)
    (tmp_path / "reports" / "other.json").write_text("{}")
    (tmp_path / "state.sqlite").unlink()
    found = document("assess", "latency", "--provenance", "reports")
    assert found["samples"]["provenance"] >= 2
    assert found["gaps"] == ["other.json is no report of ours"]


def test_samples_of_the_operator_give_percentiles_and_a_proposal(tmp_path):
    """R16: the operator's other workloads from CSV."""
    lines = [f"local_zone,,,{ms}" for ms in range(1, 101)]
    lines += ["region,chat,250,900", "region,chat,350,1100"]
    (tmp_path / "s.csv").write_text("tier,tool,ttft_ms,round_trip_ms\n" + "\n".join(lines))
    found = document("assess", "latency", "--samples", "s.csv")
    by_tool = {(row["tier"], row["tool"]): row for row in found["rows"]}
    bare = by_tool["local_zone", ""]["round_trip_ms"]
    assert (bare["p50"], bare["p95"], bare["p99"]) == (50, 95, 99)
    assert by_tool["region", "chat"]["ttft_ms"]["p95"] == 350
    (setting,) = found["settings"]
    assert setting.startswith("tier.local_zone.rtt_ms=")
    assert run("place", "what-if", "--set", setting, "--json").stdout
    page = run("assess", "latency", "--samples", "s.csv", "--markdown").stdout
    assert page.startswith("# Step 2: measure the latency")
    assert "local_zone" in run("assess", "latency", "--samples", "s.csv").stdout


def test_a_probe_times_the_way_and_the_tools_and_is_remembered(configured, site, tmp_path):
    """Issue: an active probe, N calls against the configured sites."""
    found = document("assess", "latency", "--probe", 3)
    rows = {(row["tier"], row["tool"]): row["round_trip_ms"]["samples"] for row in found["rows"]}
    assert rows == {("region", ""): 3, ("outposts", "summarize_alarms"): 3}
    asked = [call for call in site.calls if call.tool == "summarize_alarms"]
    assert {call.meta["tierwise/investigation"] for call in asked} == {"latency-probe"}
    assert len(list(kept_calls(tmp_path / "state.sqlite"))) == 6
    assert [r.decision.workload.name for r in kept_decisions(tmp_path / "state.sqlite")] == [
        "alarm_triage"
    ]


def test_a_probe_of_models_measures_the_first_token(settings_for):
    """R16: time to first token, and a model that fails is a gap beside the others."""
    settings = settings_for(
        executors={
            "outposts": ("openai:http://slm:8000/v1#small",),
            "region-geography": ("bedrock:eu.anthropic.claude-x",),
        }
    )

    def models(executor, *_):
        if "slm" in str(executor):
            return ScriptedModel(["ready"] * 4, "small")
        return ScriptedModel([ModelUnavailableError("claude-x", "no credentials")], "claude-x")

    probed = asyncio.run(probe(settings, load_policy(), 4, models=models))
    assert [(s.tier, s.tool) for s in probed.samples] == [("outposts", "small")] * 4
    assert all(0 <= s.ttft_ms <= s.round_trip_ms for s in probed.samples)
    assert [gap.what for gap in probed.gaps] == ["model on region-geography"]


def test_a_site_that_does_not_answer_is_a_gap(summary, settings_for):
    """Us: measuring what is there does not fail on what is not."""
    with SiteDouble(summary) as dead:
        pass
    with SiteDouble(summary) as alive:
        settings = settings_for(dead, alive)
        probed = asyncio.run(probe(settings, load_policy(), 2))
    assert len(probed.samples) == 4
    assert {gap.what for gap in probed.gaps} == {"round trip to site site1", "tools of site site1"}


def test_measured_round_trips_feed_the_operators_catalogue(configured, tmp_path):
    """Issue: bounded, with hysteresis, visible."""
    (tmp_path / "s.csv").write_text("tier,round_trip_ms\n" + "region,10\n" * 30)
    shown = run("assess", "latency", "--samples", "s.csv", "--update-catalogue", "--json")
    changes = json.loads(shown.stdout)["catalogue_changes"]
    assert [line[0] for line in changes] == ["-", "+"]
    assert "p95: 25.000" in changes[1]
    assert "p95: 25.000" in shown.stderr
    trip = load_policy(tmp_path / "catalogue.yaml").catalogue.tiers["region"].rtt_ms
    assert (trip.p95, trip.basis) == (25.0, "measured")


def test_the_shipped_catalogue_is_left_alone(tmp_path):
    """House: an error that names the cure."""
    (tmp_path / "s.csv").write_text("tier,round_trip_ms\n" + "region,10\n" * 30)
    shown = run("assess", "latency", "--samples", "s.csv", "--update-catalogue", code=1)
    assert "copy it" in shown.stderr


def test_without_any_sample_it_says_what_is_assumed(site_data):
    """R16: without baselines the latency dimension cannot be applied rigorously."""
    found = document("assess", "latency")
    assert found["rows"] == []
    assert "region" in found["assumed"]
    assert "nothing has been measured" in found["gaps"][0]
    timed = document("assess", "latency", "--data", site_data)
    assert timed["rows"][0]["tool"] == "summarize_alarms"


# ------------------------------------------------------------------------------------- cost


def test_the_article_preset_gives_the_articles_figures(tmp_path):
    """R12: $52 an hour raw, $20.80 at the floor, $5.20 at the target."""
    found = document("assess", "cost", "--preset", "article", "--svg", "cost.svg")
    assert [total["cost_usd"] for total in found["totals"]] == [52.0, 20.8, 5.2]
    assert found["edge_justified_by_cost"]
    assert (tmp_path / "cost.svg").read_text().startswith("<svg")
    text = run("assess", "cost", "--preset", "article").stdout
    assert "$20.80" in text
    assert "█" in text


def test_cost_says_when_it_does_not_justify_the_edge(site_data, workloads):
    """R17: measured tokens and compression; savings against cloud inference, honestly."""
    found = document("assess", "cost", "--data", site_data, "--workloads", workloads)
    assert [function["name"] for function in found["functions"]] == [
        "root_cause_analyst (north)",
        "traffic steering",
        "forecast",
    ]
    assert found["measured_compression"] == 0.92
    assert [total["label"] for total in found["totals"]] == ["raw", "floor", "target", "measured"]
    ours = found["functions"][0]["costs"][0]
    assert ours["input_tokens"] == 4 * 20_000 * 3
    assert found["edge_usd_per_hour"] == 25
    assert not found["edge_justified_by_cost"]
    assert "cost alone does not justify the edge" in found["statement"]
    assert {one["model"] for one in found["by_model"]} >= {"nova-lite", "claude-sonnet-4-5"}
    assert all(one["price"]["source"] and one["price"]["date"] for one in found["by_model"])
    assert any("assumed" in note for note in found["notes"])


def test_cost_is_a_page_with_its_chart(workloads):
    """Issue: a page-ready Markdown report; compression that nobody measured is said to be so."""
    shown = run("assess", "cost", "--workloads", workloads, "--model", "nova-pro", "--markdown")
    assert shown.stdout.startswith("# Step 3: the cost of cloud inference")
    assert "```text" in shown.stdout
    assert "$0.8 in, $3.2 out" in shown.stdout
    assert "compression was not measured" in shown.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--preset", "article", "--model", "nova-pro"),
        ("--workloads", "{workloads}", "--model", "gpt-unknown"),
    ],
)
def test_a_cost_question_without_an_answer_is_wrong_usage(arguments, workloads):
    """INTERFACES: 2 wrong usage."""
    given = [argument.format(workloads=workloads) for argument in arguments]
    assert run("assess", "cost", *given, "--json", code=2).stdout == ""


def test_files_that_are_something_else_are_named(tmp_path, workloads):
    """Bad input: one clear message, exit code 1."""
    shown = run("assess", "tiers", "--data", workloads, "--json", code=1)
    assert "tierwise-site assess data" in shown.stderr
    assert run("assess", "cost", "--data", "missing.json", code=1).stdout == ""
    (tmp_path / "w.yaml").write_text("workloads: [{name: x}]")
    assert "phase" in run("assess", "tiers", "--workloads", "w.yaml", code=1).stderr


# ------------------------------------------------------------------------------------ tiers


def test_each_function_gets_a_tier_with_reasons(site_data, workloads):
    """R18: where telemetry cannot move, the edge; what that needs first; gaps to close."""
    found = document("assess", "tiers", "--data", site_data, "--workloads", workloads)
    placed = {item["function"]: item for item in found["recommendations"]}
    assert placed["ticket_historian (north)"]["recommended"] == "outposts"
    assert placed["traffic steering"]["recommended"] == "outposts"
    assert placed["forecast"]["recommended"] == "region"
    assert any("region is out" in reason for reason in placed["traffic steering"]["reasons"])
    assert found["needed_first"]
    assert "north: grey area tickets/*.jsonl" in found["gaps"]
    assert len(found["table"]) == 10
    page = run("assess", "tiers", "--data", site_data, "--markdown").stdout
    assert page.startswith("# Step 4: choose the tiers")
    assert "# Placement by life-cycle phase" in page
    assert "Hybrid" in run("assess", "tiers").stdout


# -------------------------------------------------------- past decisions under other policies


def test_replay_takes_the_newest_incident_or_the_whole_ledger(configured):
    """Issue: every decision of an investigation is stored with its inputs and recomputed."""
    run("investigate", "--json")
    newest = len(document("place", "replay")["decisions"])
    run("investigate", "--json")
    assert len(document("place", "replay")["decisions"]) == newest
    whole = document("place", "replay", "--ledger")
    assert (len(whole["decisions"]), whole["same"]) == (2 * newest, 2 * newest)
    assert "the same" in run("place", "replay", "--ledger").stdout


def test_replay_shows_what_an_edited_catalogue_makes_different(configured, tmp_path):
    """Issue: recomputes them and shows differences."""
    run("investigate", "--json")
    file = tmp_path / "catalogue.yaml"
    text = file.read_text()
    priced = "    cost_usd_per_hour: 25\n"
    assert priced in text
    file.write_text(text.replace(priced, priced + "    available: false\n", 1))
    outcome = document("place", "replay", "--ledger")
    assert (outcome["altered"], outcome["different"]) == (0, len(outcome["decisions"]))
    differences = [line for row in outcome["decisions"] for line in row["differences"]]
    assert any(line.startswith("catalogue_sha256") for line in differences)


def test_an_altered_record_is_found_out(configured, tmp_path):
    """Issue: replay shows it, with exit code 1."""
    run("investigate", "--json")
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as connection:
        (record,) = connection.execute("SELECT record FROM decisions WHERE number = 1").fetchone()
        content = json.loads(record)
        content["decision"]["ranked"] = []
        connection.execute(
            "UPDATE decisions SET record = ? WHERE number = 1", (json.dumps(content),)
        )
        connection.commit()
    outcome = json.loads(run("place", "replay", "--ledger", "--json", code=1).stdout)
    assert outcome["altered"] >= 1


def test_what_if_asks_past_decisions_again(configured):
    """R2: what would move, be refused, cost more or be slower."""
    run("investigate", "--json")
    nothing = document("place", "what-if")
    assert {row["effect"] for row in nothing["rows"]} == {"unchanged"}
    settings = (
        "--set",
        "tier.outposts.available=false",
        "--set",
        "class.tickets_raw.boundary=site",
    )
    moved = document("place", "what-if", *settings, "--since", "7d")
    assert moved["settings"] == list(settings[1::2])
    assert moved["moved"] == moved["costlier"] > 0
    assert document("place", "what-if", *settings, "--since", "2999-01-01")["rows"] == []
    assert "$/h" in run("place", "what-if", *settings).stdout
    assert run("place", "what-if", *settings, "--markdown").stdout.startswith("# What if")


def test_what_if_before_the_first_investigation_takes_the_catalogues_workloads():
    """Us: an architect can ask before anything has run."""
    shown = run("place", "what-if", "--set", "tier.outposts.available=false", "--json")
    assert json.loads(shown.stdout)["moved"] > 0
    assert "workloads stand in" in shown.stderr


@pytest.mark.parametrize("since", ["soon", "7y"])
def test_a_time_that_is_none_is_wrong_usage(since, configured):
    """INTERFACES: 2 wrong usage."""
    run("investigate", "--json")
    run("place", "what-if", "--since", since, code=2)


def test_a_state_file_of_an_earlier_version_is_completed(configured, tmp_path):
    """Us: what was decided before the time was kept is still there."""
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as connection:
        connection.execute(
            "CREATE TABLE decisions (number INTEGER PRIMARY KEY, incident_id TEXT, record TEXT)"
        )
    run("investigate", "--json")
    assert document("place", "replay", "--ledger")["same"] > 0


# ------------------------------------------------------------------------------------ reload


def test_an_investigation_is_decided_by_the_policy_in_force_when_it_begins(
    site, settings_for, tmp_path
):
    """Issue: a half-written catalogue leaves the last good one in force."""
    file = tmp_path / "catalogue.yaml"
    whole = REFERENCE_CATALOGUE.read_text(encoding="utf-8")
    file.write_text(whole, encoding="utf-8")
    settings = settings_for(site)
    live = LivePolicy(file)
    file.write_text(whole[: len(whole) // 2], encoding="utf-8")
    good = asyncio.run(run_investigation(Inquiry(), settings, policies=live))
    assert live.status.state == "last_good"
    assert good.provenance[0].tier == "outposts"
    priced = "    cost_usd_per_hour: 25\n"
    file.write_text(whole.replace(priced, "    cost_usd_per_hour: 26\n"), encoding="utf-8")
    asyncio.run(run_investigation(Inquiry(), settings, policies=live))
    first, *_, last = kept_decisions(settings.state_address)
    assert first.decision.catalogue_sha256 != last.decision.catalogue_sha256
    assert next(tier for tier in last.tiers if tier.id == "outposts").cost_usd_per_hour == 26


@pytest.mark.parametrize(
    ("state", "verdict"), [("current", "warn"), ("last_good", "warn"), ("closed", "fail")]
)
def test_doctor_says_which_policy_a_sites_gate_has_in_force(configured, site, state, verdict):
    """Issue: the last good one stays, and doctor says so; so it does of another than here."""
    site.readiness = {
        "policy": {
            "state": state,
            "policy_sha256": "a" * 64,
            "catalogue_sha256": "b" * 64,
            "loaded_at": "2026-11-20T12:00:00Z",
            "problems": 0 if state == "current" else 2,
        }
    }
    shown = run("doctor", "--json", code=1 if verdict == "fail" else 0)
    checks = {check["what"]: check for check in json.loads(shown.stdout)}
    assert checks["site1: policy"]["verdict"] == verdict
