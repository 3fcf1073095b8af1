"""Bad input from end to end: a clear message, the right exit code, and nothing lost.

What one half alone can show is in `tests/mcp_servers/test_cli.py` (files that an operator wrote
wrongly, exit codes of `tierwise-site`), `tests/mcp_servers/serving` (tokens) and
`tests/orchestrator/test_cli.py` (a stopped site, an unreadable policy, wrong usage).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from telecom.report import RootCauseReport
from tests.command import served, tierwise
from tests.heavy import heavy
from tests.mcp_servers.small_site import WINDOW, CommandResult, make_site

SOON = ("--from", WINDOW[0], "--to", WINDOW[1])
GARBAGE = bytes(range(256)) * 16


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small site that nobody has looked at."""
    return make_site(tmp_path_factory.mktemp("pristine") / "site")


@pytest.fixture
def site(pristine: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(pristine, tmp_path / "site"))


def investigate(site: Path, *arguments: str, state: Path) -> CommandResult:
    """Investigate a site directory; a traceback is never an answer."""
    done = tierwise("investigate", "--site-dir", site, *arguments, state=state)
    assert "Traceback" not in done.err
    return done


def reported(done: CommandResult) -> RootCauseReport:
    """The report of a command that could do its work."""
    assert done.code == 0, done.err
    return RootCauseReport.model_validate_json(done.out)


def _cut(site: Path) -> None:
    log = site / "alarms" / "pe1.log"
    log.write_bytes(log.read_bytes()[:-40])


def _add_binary(site: Path) -> None:
    (site / "alarms" / "core.log").write_bytes(GARBAGE)


def _strangers(site: Path) -> None:
    (site / "topology.csv").write_text("device,port,remote_device,remote_port\nx1,,x2,\nx2,,x3,\n")


@pytest.mark.parametrize(
    ("spoil", "gap"),
    [
        (_cut, None),
        (_add_binary, "cannot be read"),
        (_strangers, "are not in it"),
    ],
    ids=["a truncated log", "a binary file", "a topology of unknown devices"],
)
@heavy
def test_what_is_still_readable_is_investigated(
    site: Path, tmp_path: Path, spoil: Callable[[Path], None], gap: str | None
) -> None:
    """Issue text: nothing is lost; what could not be used is named."""
    spoil(site)
    report = reported(investigate(site, *SOON, "--json", state=tmp_path))
    assert report.root_causes[0].managed_object.startswith("pe1")
    assert gap is None or any(gap in each.why for each in report.gaps)


def test_what_was_rejected_is_kept_with_its_place(site: Path, tmp_path: Path) -> None:
    """Issue text: nothing is lost."""
    _add_binary(site)
    reported(investigate(site, *SOON, "--json", state=tmp_path))
    rejects = (site / "store" / "rejects.jsonl").read_text().splitlines()
    assert {json.loads(line)["file"] for line in rejects} == {"alarms/core.log"}
    assert (site / "alarms" / "core.log").read_bytes() == GARBAGE


@heavy
def test_a_window_without_alarms_is_an_answer(site: Path, tmp_path: Path) -> None:
    """Issue text: no alarms in the window: inconclusive, exit code 0, and why."""
    window = ("--from", "2025-03-01T10:00:00Z", "--to", "2025-03-01T11:00:00Z")
    report = reported(investigate(site, *window, "--json", state=tmp_path))
    assert (report.status, report.root_causes) == ("inconclusive", ())
    assert any("no record between" in gap.why for gap in report.gaps)


def test_an_empty_site_is_an_answer_for_a_window_and_has_no_newest_incident(
    tmp_path: Path,
) -> None:
    """INTERFACES: a missing part is a gap; what is to be investigated has to be known."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "site.yaml").write_text("site_id: empty\n")
    report = reported(investigate(site, *SOON, "--json", state=tmp_path))
    assert report.status == "inconclusive"
    assert {"alarms", "topology"} <= {gap.what for gap in report.gaps}
    newest = investigate(site, "--json", state=tmp_path)
    assert (newest.code, newest.out) == (1, "")
    assert "put alarm files under alarms/" in newest.err


@heavy
@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("topology.csv", "device,port\nx1,\n", "topology.csv:1: column 'remote_device'"),
        ("site.yaml", "site_id: [", "site.yaml cannot be read as YAML"),
        ("site.yaml", "site_id: x\npolicy: {rules: topology.csv}\n", "topology.csv:"),
    ],
    ids=["a missing column", "no YAML", "an unreadable policy"],
)
@heavy
def test_a_site_that_cannot_start_says_why_through_the_orchestrator(
    site: Path, tmp_path: Path, file: str, content: str, message: str
) -> None:
    """Issue text: the operator's mistake is named where somebody reads it."""
    (site / file).write_text(content)
    done = investigate(site, *SOON, "--json", state=tmp_path)
    assert (done.code, done.out) == (1, "")
    assert message in done.err


@pytest.mark.parametrize("folder", ["nowhere", pytest.param(".", marks=heavy)])
def test_a_folder_that_is_no_site_is_named(tmp_path: Path, folder: str) -> None:
    """Issue text: an unknown site directory."""
    done = investigate(tmp_path / folder, *SOON, state=tmp_path)
    assert (done.code, done.out) == (1, "")
    assert "tierwise-site init" in done.err


def test_a_window_the_wrong_way_round_is_wrong_usage(site: Path, tmp_path: Path) -> None:
    """INTERFACES: 2 wrong usage."""
    done = investigate(site, "--from", WINDOW[1], "--to", WINDOW[0], state=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "is before --from" in " ".join(done.err.split())


def test_a_foreign_token_and_a_stopped_server_are_named_and_change_nothing(
    site: Path, tmp_path: Path
) -> None:
    """Issue text: a wrong token, a stopped MCP server; neither shows the token."""
    token_file = tmp_path / "token"
    token_file.write_text("eyJ-canary")
    with served(site) as url:
        remote = ("--site", f"small={url}", "--token-file", token_file)
        refused = tierwise("investigate", *remote, *SOON, state=tmp_path)
    stopped = tierwise("investigate", *remote, *SOON, state=tmp_path)
    for done, message in ((refused, "refused the token"), (stopped, "nobody answers")):
        assert (done.code, done.out) == (1, "")
        assert message in done.err
        assert "canary" not in done.err
        assert "Traceback" not in done.err
