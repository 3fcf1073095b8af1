"""The watch over a small site: it reports by itself, and tells the cloud half when it can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.models.openai_double import Answer, OpenAiDouble
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.site_directory import SiteDirectory
from mcp_servers.watching.site_watch import SiteWatch
from telecom.report import RootCauseReport
from tests.mcp_servers.small_site import IMSI, SITE_YAML, make_site, run
from tests.mcp_servers.watching.cloud_double import SECRET, TOKEN, CloudDouble, says


@pytest.fixture
def cloud() -> Iterator[CloudDouble]:
    """A cloud half that is there."""
    with CloudDouble().listening() as double:
        yield double


class Watched:
    """A site under watch, which can be closed and opened again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open()

    def open(self) -> None:
        self.host = SiteHost(SiteDirectory.open(self.folder))
        self.watch = SiteWatch(self.host)

    def close(self) -> None:
        self.watch.close()
        self.host.close()

    def news(self) -> list[str]:
        return [str(each["text"]) for each in self.watch.news_after(0)]

    def reports(self) -> list[RootCauseReport]:
        files = sorted((self.folder / "store" / "reports").glob("*.json"))
        return [RootCauseReport.model_validate_json(file.read_text()) for file in files]

    def deep_gap(self) -> str:
        (report,) = self.reports()
        return next(gap.why for gap in report.gaps if gap.what == "deep reasoning")

    def lose_link(self, number: int, *, state: str = "Down") -> None:
        """One line of an incident of today."""
        now = datetime.now(UTC)
        with (self.folder / "alarms" / "pe3.log").open("a") as log:
            log.write(
                f"RP/0/RP0/CPU0:{now:%b} {now.day:>2} {now:%H:%M:%S}.{number:03d} : ifmgr[1]: "
                f"%PKT_INFRA-LINK-3-UPDOWN : Interface HundredGigE0/0/0/{number}, "
                f"changed state to {state}\n"
            )
        self.host.alarms.ingest()


@pytest.fixture
def watched(tmp_path: Path, cloud: CloudDouble) -> Iterator[Watched]:
    """A small site whose `cloud` is the double."""
    folder = make_site(tmp_path / "site")
    (folder / "cloud.token").write_text(TOKEN)
    (folder / "cloud.secret").write_text(SECRET)
    (folder / "site.yaml").write_text(
        SITE_YAML.replace("2026", str(datetime.now(UTC).year))
        + f"cloud: {{url: '{cloud.url}', token_file: cloud.token, secret_file: cloud.secret}}\n"
    )
    site = Watched(folder)
    yield site
    site.close()


def test_an_incident_is_reported_here_and_told_there(watched: Watched, cloud: CloudDouble) -> None:
    """Issue 9: the site watches its own folded incidents and posts an envelope."""
    watched.watch.run_pass(patient=False)
    (report,) = watched.reports()
    assert report.root_causes[0].managed_object == "pe1"
    assert report.changes_before_onset[0].managed_object == "pe1"
    assert {step.agent for step in report.provenance} == {
        "alarm_triage",
        "config_auditor",
        "ticket_historian",
        "root_cause_analyst",
    }
    assert {step.tier for step in report.provenance} <= {"outposts", None}
    assert all(step.decision_id for step in report.provenance)
    assert "deep reasoning" not in {gap.what for gap in report.gaps}
    (sent,) = cloud.stored.values()
    assert (sent.site, sent.incident_id, sent.event) == ("small", report.incident_id, "opened")
    assert sent.managed_objects[0] == "pe1"
    assert sent.probable_cause == report.root_causes[0].probable_cause
    assert sent.local_report is not None
    assert sent.local_report.status == report.status
    assert sent.counts.alarms > 20
    assert not sent.second_look
    (body,) = cloud.bodies
    for raw in (IMSI, "ROUTING-BGP-5-ADJCHANGE : neighbor", "User clear", "RP/0/RP0"):
        assert raw.encode() not in body
    assert watched.host.ledger.verify().holds


def test_a_second_pass_has_nothing_to_do(watched: Watched, cloud: CloudDouble) -> None:
    """Issue 9: nothing is done twice."""
    watched.watch.run_pass(patient=False)
    news = watched.news()
    watched.watch.run_pass(patient=False)
    assert watched.news() == news
    assert len(cloud.bodies) == 1


def test_while_the_wan_is_cut_the_report_says_what_it_lacks(
    watched: Watched, cloud: CloudDouble
) -> None:
    """Issue 9: local report, gaps named, queued for a second look; told on return."""
    cloud.behave = says(503)
    watched.watch.run_pass(patient=False)
    assert watched.deep_gap().startswith("Region unreachable since ")
    (report,) = watched.reports()
    assert [gap.rule for gap in report.gaps if gap.what == "deep reasoning"] == [
        "tier-not-available"
    ]
    assert watched.deep_gap().endswith("no deep reasoning; queued for a second look")
    assert (watched.folder / "store" / "reports").stat().st_mode & 0o777 == 0o700
    (markdown,) = (watched.folder / "store" / "reports").glob("*.md")
    assert "Region unreachable since" in markdown.read_text()
    assert cloud.stored == {}
    cloud.behave = cloud.take
    watched.close()
    watched.open()  # a new process: what waits is in the file, and its wait is over
    watched.watch.run_pass(patient=False)
    (sent,) = cloud.stored.values()
    assert sent.second_look
    assert sent.unreachable_since is not None


def test_what_changes_later_is_told_when_it_is_news(watched: Watched, cloud: CloudDouble) -> None:
    """Issue 9: coalescing; one more record of the same trouble is no new trigger."""
    watched.watch.run_pass(patient=False)
    watched.lose_link(1)
    watched.watch.run_pass(patient=False)
    watched.lose_link(1)
    watched.watch.run_pass(patient=False)
    told = list(cloud.stored.values())[1:]
    assert [each.event for each in told] == ["opened"]
    assert told[0].perceived_severity == "MAJOR"
    watched.lose_link(1, state="Up")
    watched.watch.run_pass(patient=False)
    told = list(cloud.stored.values())[1:]
    assert [each.event for each in told] == ["opened", "changed"]
    assert told[1].incident_id == told[0].incident_id
    assert told[1].perceived_severity == "CLEARED"


def test_an_incident_that_is_still_growing_waits(watched: Watched) -> None:
    """Us: an investigation of the first line of a storm helps nobody."""
    watched.watch.run_pass(patient=False)
    before = len(watched.news())
    watched.lose_link(1)
    watched.watch.run_pass()
    assert len(watched.news()) == before
    watched.watch.run_pass(patient=False)
    assert len(watched.news()) > before


def test_a_crash_before_the_report_loses_no_incident(watched: Watched, cloud: CloudDouble) -> None:
    """Issue 9: what a pass has to do is on disk before the feed is read on."""
    watched.watch.run_pass(patient=False)
    watched.lose_link(1)
    watched.watch.run_pass()  # noted, and not settled yet
    watched.close()
    watched.open()
    watched.watch.run_pass(patient=False)
    assert len(cloud.stored) == 2


def test_planned_work_is_nobodys_incident(tmp_path: Path, cloud: CloudDouble) -> None:
    """Issue 5: maintenance windows; the watch wakes nobody for them."""
    folder = make_site(tmp_path / "site")
    (folder / "site.yaml").write_text(
        SITE_YAML.replace(
            "alarms: {year: 2026}",
            "alarms:\n  year: 2026\n  maintenance:\n"
            "    - {from: 2026-03-01T09:00:00Z, to: 2026-03-01T12:00, objects: ['pe*']}",
        )
    )
    site = Watched(folder)
    site.watch.run_pass(patient=False)
    assert site.reports() == []
    site.close()


def test_without_a_cloud_half_the_site_still_reports(tmp_path: Path) -> None:
    """INTERFACES: `watch` folds, triages and reports on the site by itself."""
    folder = make_site(tmp_path / "site")
    done = run("watch", folder, "--once")
    assert done.code == 0, done.err
    assert "pe1" in done.out
    (file,) = (folder / "store" / "reports").glob("*.json")
    report = json.loads(file.read_text())
    assert report["root_causes"][0]["managed_object"] == "pe1"
    assert any("no cloud half is named" in gap["why"] for gap in report["gaps"])


NAMES_NOBODY = json.dumps({"headline": "fibre cut at pe77-nowhere", "status": "inconclusive"})


@pytest.mark.parametrize(
    ("said", "gap"),
    [
        (NAMES_NOBODY, "agreement of the analysts"),
        ("no JSON at all", "second reading by the site's model small"),
    ],
)
def test_the_sites_small_model_reads_what_is_left_open_and_is_checked(
    watched: Watched, cloud: CloudDouble, monkeypatch: pytest.MonkeyPatch, said: str, gap: str
) -> None:
    """Issue 9, WAN-cut mode: the deterministic analyst or the edge SLM, through the gate."""
    monkeypatch.setattr("agents.root_cause_analyst.CONFIRMED_FROM", 1.0)  # all is left open
    cloud.behave = says(503)
    with OpenAiDouble(Answer(said)) as server:
        watched.close()
        with (watched.folder / "site.yaml").open("a") as settings:
            settings.write(
                f"edge_slm: {{base_url: '{server.base_url}', model: small, tier: outposts}}\n"
            )
        watched.open()
        watched.watch.run_pass(patient=False)
        asked = [request for request in server.requests if "<<<DATA alarms of" in str(request)]
    (report,) = watched.reports()
    assert asked
    assert (report.status, report.root_causes[0].managed_object) == ("probable", "pe1")
    assert gap in {each.what for each in report.gaps}
    assert "pe77-nowhere" not in report.model_dump_json()
    told = [entry.tool for entry in watched.host.ledger.entries() if entry.tool == "reason"]
    assert len(told) == len(asked)  # before the model had it
    assert watched.host.ledger.verify().holds
