"""Real IOS-XR syslog of fifteen routers: what the product says about five known incidents."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.site_directory import SiteDirectory
from telecom.report import RootCauseReport
from tests.command import served, tierwise
from tests.mcp_servers.small_site import run

CASES = ("bgp-a1", "bgp-a2", "bgp-a3", "bgp-a4", "bgp-a5")
SEVERAL_CAUSES = ("bgp-a4", "bgp-a5")
SCOPES = "alarms:read,tickets:read,configs:read"
GIVEAWAY = "User clear requested"


@dataclass(frozen=True)
class Incident:
    """One labelled incident and the site directory that recorded it."""

    site: Path
    window: tuple[str, str]
    true_devices: frozenset[str]


@pytest.fixture(scope="module")
def incidents(
    shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Incident]:
    """All cases; they share their logs, so they share a site directory."""
    data = shared_data("cisco_clos_syslog_events")
    site = tmp_path_factory.mktemp("clos")
    (site / "site.yaml").write_text("site_id: clos\nalarms: {year: 2017}\n")
    shutil.copy(data / "topology_links.csv", site / "topology.csv")
    (site / "alarms").mkdir()
    cases = json.loads((data / "cases.json").read_text())
    for log in {log for case in cases for log in data.glob(case["logs"])}:
        shutil.copy(log, site / "alarms")
    return {
        case["id"]: Incident(site, tuple(case["window"]), frozenset(case["root_cause_device"]))
        for case in cases
    }


@pytest.fixture(scope="module")
def investigated(
    incidents: dict[str, Incident], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], RootCauseReport]]:
    """The report on a case, from the command line; each case is investigated once."""
    state = tmp_path_factory.mktemp("state")
    site = incidents[CASES[0]].site
    token = state / "token"
    token.write_text(run("token", site, "--scopes", SCOPES).out)
    reports: dict[str, RootCauseReport] = {}

    def investigate(case: str) -> RootCauseReport:
        if case not in reports:
            begin, end = incidents[case].window
            reach = ("--site", f"clos={url}", "--token-file", token)
            done = tierwise(
                "investigate", *reach, "--from", begin, "--to", end, "--json", state=state
            )
            assert done.code == 0, done.err
            reports[case] = RootCauseReport.model_validate_json(done.out)
        return reports[case]

    with served(site) as url:
        yield investigate


def _device(managed_object: str) -> str:
    return managed_object.partition(":")[0]


@pytest.mark.parametrize("case", CASES)
def test_a_true_device_is_named_first(
    case: str,
    incidents: dict[str, Incident],
    investigated: Callable[[str], RootCauseReport],
) -> None:
    """Issue text: 5 of 5."""
    first = investigated(case).root_causes[0]
    assert _device(first.managed_object) in incidents[case].true_devices


@pytest.mark.parametrize("case", SEVERAL_CAUSES)
def test_of_several_causes_nothing_false_is_asserted(
    case: str,
    incidents: dict[str, Incident],
    investigated: Callable[[str], RootCauseReport],
) -> None:
    """INTERFACES: `root_causes` holds what is asserted and nothing else."""
    asserted = {_device(cause.managed_object) for cause in investigated(case).root_causes}
    assert asserted
    assert asserted <= incidents[case].true_devices


@pytest.mark.parametrize("case", CASES)
def test_every_quotation_stands_verbatim_in_the_logs(
    case: str,
    incidents: dict[str, Incident],
    investigated: Callable[[str], RootCauseReport],
) -> None:
    """Us: no statement without evidence, no evidence that nobody wrote."""
    logs = {
        log.relative_to(incidents[case].site).as_posix(): log.read_text().splitlines()
        for log in (incidents[case].site / "alarms").iterdir()
    }
    report = investigated(case)
    quoted = [item for item in report.evidence.values() if item.source == "alarms"]
    assert {key for cause in report.root_causes for key in cause.evidence_ids} <= set(
        report.evidence
    )
    assert quoted
    for item in quoted:
        file, _, line = item.locator.rpartition(":")
        assert item.quote == logs[file][int(line) - 1].strip()


@pytest.mark.parametrize("case", CASES)
def test_the_brief_is_short_and_much_smaller_than_the_window(
    case: str, investigated: Callable[[str], RootCauseReport]
) -> None:
    """Issue text: at most 2,000 tokens, and 60 % smaller (aim: 90 %) than the raw window."""
    step = next(s for s in investigated(case).provenance if s.agent == "alarm_triage")
    assert step.tool == "summarize_alarms"
    assert step.tokens_before is not None
    assert step.tokens_after is not None
    assert step.tokens_after <= 2_000
    smaller = 0.9 if step.tokens_before > 15_000 else 0.6
    assert step.tokens_after <= (1 - smaller) * step.tokens_before


@pytest.fixture(scope="module")
def masked(incidents: dict[str, Incident], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same site where no router says that an operator did it."""
    site = tmp_path_factory.mktemp("masked") / "site"
    shutil.copytree(incidents[CASES[0]].site, site, ignore=shutil.ignore_patterns("store"))
    said = 0
    for log in (site / "alarms").iterdir():
        text = log.read_text()
        said += text.count(GIVEAWAY)
        log.write_text(text.replace(GIVEAWAY, "reason withheld"))
    assert said
    return site


@pytest.mark.parametrize("case", CASES)
def test_a_true_device_is_first_without_the_words_that_give_it_away(
    case: str, incidents: dict[str, Incident], masked: Path
) -> None:
    """Issue text: the cause is inferred from what follows it, not read from one phrase."""
    host = SiteHost(SiteDirectory.open(masked))
    try:
        window = host.alarms.window(*incidents[case].window)
        summary = host.alarms.summarize(window, 2_000)
    finally:
        host.close()
    named = [_device(each.managed_object) for each in summary.root_cause_candidates]
    assert GIVEAWAY not in summary.model_dump_json()
    assert named[0] in incidents[case].true_devices
    assert set(named[: summary.causes]) <= incidents[case].true_devices
