"""`make conformance`, where CI has npm; and the judging of its outcomes, everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.suite import Judged, Outcome, judge

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(
    not os.environ.get("CI") or shutil.which("npm") is None,
    reason="the conformance suite takes minutes and npm: `make conformance`",
)
@pytest.mark.timeout(900)
def test_nothing_unexpected_in_either_era() -> None:
    """Issue 11: 0 unexpected failures at 2025-11-25 and at 2026-07-28."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=880,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    totals = json.loads(done.stdout.splitlines()[-1])
    assert {era: row["unexpected"] for era, row in totals.items()} == {
        "2025-11-25": 0,
        "2026-07-28": 0,
    }
    assert totals["2026-07-28"]["passed"] > 150


def test_a_failure_is_expected_only_where_the_rule_behind_it_is_proven() -> None:
    """Issue 11: no expected failure that is not explained."""
    good, bad = Outcome(2, ()), Outcome(1, ("check: it failed",))
    shipped = {"tools-call-image": bad, "tools-call-audio": bad, "ping": bad, "tools-list": good}
    let_go = {"shape": {"tools-call-image": good, "tools-call-audio": bad}}
    assert judge(shipped, let_go) == [  # type: ignore[arg-type]
        Judged("ping", "unexpected", 1, 1, "check: it failed"),
        Judged(
            "tools-call-audio",
            "unexpected",
            1,
            1,
            "also with the rule 'shape' let go: check: it failed",
        ),
        Judged("tools-call-image", "expected", 1, 1, "shape"),
        Judged("tools-list", "passed", 2, 0),
    ]
