"""`tierwise evaluate` over a site directory, as a shell runs it."""

from __future__ import annotations

import json
from pathlib import Path

from mcp_servers import sample_site
from tests.command import tierwise
from tests.heavy import heavy


@heavy
def test_a_labelled_site_goes_through_the_real_investigation_and_is_scored(tmp_path: Path) -> None:
    """R13, INTERFACES: cases, families and summary, with fractions from 0 to 1."""
    sample_site.generate(tmp_path / "case", family="interface_shutdown", seed=77, size=90)
    done = tierwise("evaluate", tmp_path / "case", "--json", state=tmp_path)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["cases"][0]["family"] == "interface_shutdown"
    assert found["cases"][0]["exact"] is True
    assert found["cases"][0]["tokens"] > 0
    assert found["families"]["interface_shutdown"]["n"] == 1
    keys = ("exact", "any_correct", "grounded", "abstained", "convicted_without_cause")
    assert all(0 <= found["summary"][key] <= 1 for key in keys)
    assert set(found["summary"]["baselines"]) == {"most alarms", "first alarm"}
    assert not (tmp_path / "state.sqlite").exists()


def test_a_directory_without_truth_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """House style: the message names the file and what makes it."""
    done = tierwise("evaluate", tmp_path, "--json", state=tmp_path)
    assert done.code == 1
    assert "truth.json" in done.err
    assert done.out == ""
