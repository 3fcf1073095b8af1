"""`tierwise-site assess data`: everything is classified, nothing is shown."""

from __future__ import annotations

import csv
import gzip
import json
import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_servers.assessment.data_assessment import assess_site, write_assessment
from mcp_servers.assessment.field_tally import FieldTally, shape
from mcp_servers.site_directory import SiteDirectory
from placement import Policy, load_policy
from placement.catalogue import DataClassEntry
from placement.reports import data_report
from placement.site_data import SiteData, read_site_data
from telecom.errors import InvalidArgumentError
from telecom.identifiers import IdentifierDetector
from tests.heavy import heavy
from tests.mcp_servers.small_site import IMSI, MSISDN, make_site, run

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EVERYBODY = dict.fromkeys(("alarms", "tickets", "docs", "configs", "topology.csv"), "NOC lead")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site")


def assessed(folder: Path, policy: Policy, owners: dict[str, str] | None = None) -> SiteData:
    site = SiteDirectory.open(folder)
    data = assess_site(site, policy, owners=owners or {}, alarms=None, now=NOW)
    write_assessment(site, data, policy)
    return data


def by_source(data: SiteData) -> dict[str, Any]:
    return {source.finding.source: source for source in data.sources}


def test_every_source_gets_a_class_an_owner_and_a_review_date(folder: Path, policy: Policy) -> None:
    """REFERENCE R15: what is subject to residency, what moves freely."""
    data = assessed(folder, policy, EVERYBODY)
    classes = {name: source.proposed_class for name, source in by_source(data).items()}
    assert classes == {
        "topology.csv": "network_config",
        "alarms/*.log": "alarms_raw",
        "tickets/*.jsonl": "tickets_raw",
        "docs/*.md": "vendor_docs",
        "configs": "network_config",
    }
    assert data.free == ("docs/*.md",)
    assert data.grey == ()
    assert {source.finding.review_on for source in data.sources} == {date(2027, 11, 20)}


def test_identifiers_are_counted_by_field_and_kind(folder: Path, policy: Policy) -> None:
    """R6: discovery looks into columns and text fields."""
    sources = by_source(assessed(folder, policy, EVERYBODY))
    alarms = sources["alarms/*.log"]
    assert (alarms.finding.files, alarms.finding.records) == (3, 27)
    assert alarms.finding.identifiers == {"SUBSCRIBER": 3}
    assert alarms.holds == ("subscriber_identifier",)
    fields = {field.name: field for field in sources["tickets/*.jsonl"].finding.fields}
    assert fields["description"].identifiers == {"SUBSCRIBER": 1}
    assert fields["description"].example == "SUBSCRIBER +############"
    assert fields["title"].identifiers == {}
    assert sources["configs"].finding.identifiers["SECRET"] == 1
    secret = sources["configs"].finding.fields[0].example
    assert secret == "SECRET"


def test_columns_of_a_table_with_semicolons_keep_their_names(folder: Path, policy: Policy) -> None:
    """R6: what ingest reads as a table of tickets is assessed as the same table."""
    export = f"Number;Subject;Caller\nINC1;no service, no call;{MSISDN}\n"
    (folder / "tickets" / "export.csv").write_text(export)
    found = by_source(assessed(folder, policy, EVERYBODY))["tickets/*.csv"].finding
    fields = {field.name: field.identifiers for field in found.fields}
    assert fields == {"Number": {}, "Subject": {}, "Caller": {"SUBSCRIBER": 1}}
    assert found.records == 1


def test_a_source_without_an_owner_is_a_grey_area_to_be_settled_within_a_month(
    folder: Path, policy: Policy
) -> None:
    """Issue: no owner = grey area."""
    data = assessed(folder, policy, {"alarms": "NOC lead"})
    assert set(data.grey) == {"topology.csv", "tickets/*.jsonl", "docs/*.md", "configs"}
    assert by_source(data)["configs"].finding.review_on == date(2026, 12, 20)


def test_owners_are_remembered_until_they_are_taken_back(folder: Path, policy: Policy) -> None:
    """Us: assessing again does not forget who answers for what."""
    assessed(folder, policy, EVERYBODY)
    again = assessed(folder, policy, {"tickets/*.jsonl": "Service desk", "docs": ""})
    owners = {name: source.finding.owner for name, source in by_source(again).items()}
    assert owners["alarms/*.log"] == "NOC lead"
    assert owners["tickets/*.jsonl"] == "Service desk"
    assert owners["docs/*.md"] is None


def test_an_owner_of_nothing_is_refused_with_what_there_is(folder: Path, policy: Policy) -> None:
    """House: an error says what would work."""
    with pytest.raises(InvalidArgumentError, match=r"alarms/\*\.log"):
        assessed(folder, policy, {"alarm": "NOC lead"})


def test_training_sets_and_indicators_are_found(folder: Path, policy: Policy) -> None:
    """R15: data sets that models are made from are data, too."""
    for name in ("training/filter", "training/slm", "training/feedback", "kpi"):
        (folder / name).mkdir(parents=True)
    (folder / "training/filter/set.jsonl").write_text('{"template": "neighbor <*> down"}\n')
    (folder / "training/slm/pairs.jsonl").write_text(json.dumps({"prompt": f"imsi-{IMSI}"}) + "\n")
    (folder / "training/feedback/votes.csv").write_text("incident,verdict\ninc-1,right\n")
    (folder / "kpi/cells.csv").write_text("cell,prb_load\nc1,0.4\n")
    (folder / "kpi/users.tsv").write_text(f"msisdn\tvolume\n{MSISDN}\t7\n")
    everybody = EVERYBODY | {"training": "Data science", "kpi": "Performance"}
    data = assessed(folder, policy, everybody)
    classes = {name: source.proposed_class for name, source in by_source(data).items()}
    assert classes["training/filter/*.jsonl"] == "alarms_raw"
    assert classes["training/slm/*.jsonl"] == "tickets_raw"
    assert classes["training/feedback/*.csv"] == "tickets_raw"
    assert classes["kpi/*.csv"] == "aggregated_kpi"
    assert classes["kpi/*.tsv"] == "subscriber_identifier"
    assert "kpi/*.csv" in data.free
    assert "kpi/*.tsv" in data.bound


def test_no_value_leaves_whatever_the_files_look_like(folder: Path, policy: Policy) -> None:
    """Issue: counts and classes go on, no values."""
    secret = "Sesam-Oeffne-Dich-42"
    (folder / "configs2").mkdir()
    (folder / f"{MSISDN}.txt").write_text("stray")
    (folder / "alarms" / f"imsi-{IMSI}").mkdir()
    (folder / "alarms" / f"imsi-{IMSI}" / "a.log").write_text(f"password {secret}\n")
    (folder / "alarms" / "keyed.json").write_text(json.dumps({IMSI: {"msisdn": MSISDN}}))
    with (folder / "tickets" / "headless.csv").open("w") as file:
        csv.writer(file).writerows([[MSISDN, "no service"], [MSISDN, "still no service"]])
    data = assessed(folder, policy, EVERYBODY)
    (folder / "store/assessment").is_dir()
    shown = "".join(
        [
            data.model_dump_json(),
            data_report(data),
            (folder / "store/assessment/data.json").read_text(),
            (folder / "store/assessment/classes.yaml").read_text(),
        ]
    )
    for value in (IMSI, MSISDN, MSISDN.lstrip("+"), secret, "no service", "pe2 NEW"):
        assert value not in shown
    counted = by_source(data)
    assert counted["alarms/*.json"].finding.identifiers["SUBSCRIBER"] == 2
    assert counted["tickets/*.csv"].finding.identifiers == {"SUBSCRIBER": 2}
    assert next(field.name for field in counted["tickets/*.csv"].finding.fields) == "column 1"
    assert any(gap.what == "other files" for gap in data.gaps)


def test_damaged_and_compressed_files_are_read_as_far_as_they_can_be(
    folder: Path, policy: Policy
) -> None:
    """Bad input: one broken file is a gap, not the end."""
    (folder / "alarms" / "broken.json").write_text("{")
    (folder / "alarms" / "binary.log").write_bytes(b"\0\1\2" * 100)
    with gzip.open(folder / "alarms" / "old.log.gz", "wt") as file:
        file.write(f"session of IMSI={IMSI} lost\n")
    whole = (folder / "alarms" / "old.log.gz").read_bytes()
    (folder / "alarms" / "cut.log.gz").write_bytes(whole[: len(whole) // 2])
    data = assessed(folder, policy, EVERYBODY)
    assert by_source(data)["alarms/*.log.gz"].finding.identifiers == {"SUBSCRIBER": 1}
    assert {gap.what for gap in data.gaps} == {"alarms/*.log", "alarms/*.log.gz"}


@heavy
def test_a_large_file_takes_no_more_memory_than_a_small_one(folder: Path, policy: Policy) -> None:
    """Issue: bounded memory; a block at a time, whatever the size."""
    line = "RP/0/RP0/CPU0:Mar  1 10:05:00.100 : bgp[1050]: neighbor 10.0.12.2 Down\n"
    (folder / "alarms" / "large.log").write_text(line * 300_000)
    site = SiteDirectory.open(folder)
    assess_site(site, policy, owners={}, alarms=None, now=NOW)
    tracemalloc.start()
    data = assess_site(site, policy, owners={}, alarms=None, now=NOW)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert by_source(data)["alarms/*.log"].finding.records == 300_027
    assert peak < 8_000_000 < (folder / "alarms" / "large.log").stat().st_size


def test_the_written_classes_are_accepted_by_the_catalogue(folder: Path, policy: Policy) -> None:
    """Issue: writes the catalogue entry."""
    assessed(folder, policy, {"alarms": "NOC lead"})
    entries = yaml.safe_load((folder / "store/assessment/classes.yaml").read_text())["classes"]
    accepted = {name: DataClassEntry.model_validate(entry) for name, entry in entries.items()}
    assert len(accepted) == 5
    assert "owner: NOC lead, review due 2027-11-20" in accepted["alarms___log"].examples
    assert accepted["configs"].grey_area


def test_what_was_written_can_be_read_again(folder: Path, policy: Policy) -> None:
    """INTERFACES: steps two to four read what `assess data` wrote."""
    data = assessed(folder, policy, EVERYBODY)
    assert read_site_data(folder / "store/assessment/data.json") == data
    assert data.home == SiteDirectory.open(folder).home


def test_an_empty_site_is_an_empty_assessment(tmp_path: Path, policy: Policy) -> None:
    """INTERFACES: every file and folder but site.yaml may be missing."""
    (tmp_path / "site.yaml").write_text("site_id: empty\n")
    data = assessed(tmp_path, policy)
    assert (data.sources, data.country, data.alarms) == ((), None, None)


def test_fields_beyond_a_limit_are_counted_together() -> None:
    """Us: an object keyed by values must not become a list of them."""
    tally = FieldTally(IdentifierDetector())
    tally.add_record({f"k{chr(97 + n // 26)}{chr(97 + n % 26)}": "x" for n in range(500)})
    assert len(tally.findings()) <= 201


@pytest.mark.parametrize(
    ("value", "looks"),
    [("+49 171-123", "+## ###-###"), ("Erika.M@x.de", "Xxxxx.X@x.xx"), ("é\n", "x?")],
)
def test_a_shape_keeps_no_letter_and_no_digit(value: str, looks: str) -> None:
    """Issue: examples masked."""
    assert shape(value) == looks


def test_the_command_prints_pure_json_and_measures_the_alarms(folder: Path) -> None:
    """INTERFACES: `assess data DIR --json`; raw tokens and compression measured on own alarms."""
    shown = run("assess", "data", folder, "--json", "--owner", "alarms=NOC lead")
    assert shown.code == 0, shown.err
    data = SiteData.model_validate(shown.json)
    assert data.alarms is not None
    assert data.alarms.incident_records == 27
    assert data.alarms.incident_tokens > data.alarms.brief_tokens > 0
    assert data.alarms.compression == pytest.approx(
        1 - data.alarms.brief_tokens / data.alarms.incident_tokens, abs=1e-3
    )
    assert read_site_data(folder / "store/assessment/data.json") == data
    assert IMSI not in shown.out + shown.err


@heavy
def test_the_command_prints_a_table_or_a_page(folder: Path) -> None:
    """Issue: a table for people and a page-ready Markdown report."""
    table = run("assess", "data", folder)
    assert table.code == 0, table.err
    assert "alarms/*.log" in table.out
    assert "nobody" in table.out
    page = run("assess", "data", folder, "--markdown")
    assert page.out.startswith("# Step 1: classify the data")
    assert "**missing**" in page.out


@pytest.mark.parametrize("owner", ["alarms", "=NOC", "nothing=NOC"])
def test_an_owner_that_is_none_is_wrong_usage(folder: Path, owner: str) -> None:
    """INTERFACES: 2 wrong usage."""
    shown = run("assess", "data", folder, "--owner", owner)
    assert (shown.code, shown.out) == (2, "")
    assert "--owner" in shown.err
