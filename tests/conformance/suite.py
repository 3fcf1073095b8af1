"""Running the conformance suite, and judging what it found.

What fails as shipped must be on the list below with the rule that makes it fail, and must pass once
that rule, and no other, is let go. Everything else that fails is unexpected, and so is an entry of
the list that does not fail any more.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.conformance.fixture_server import Rule
from tests.conformance.npm_tools import NpmTools

Era = Literal["2025-11-25", "2026-07-28"]
ERAS: tuple[Era, ...] = ("2025-11-25", "2026-07-28")

LISTED: Mapping[str, Rule] = {
    "tools-call-image": "shape",
    "tools-call-audio": "shape",
    "tools-call-embedded-resource": "shape",
    "tools-call-mixed-content": "shape",
    "resources-read-binary": "shape",
    "prompts-get-with-image": "shape",
    "completion-complete": "methods",
    "logging-set-level": "methods",
    "resources-subscribe": "methods",
    "resources-unsubscribe": "methods",
    "tools-call-with-logging": "conversation",
    "tools-call-sampling": "conversation",
    "tools-call-elicitation": "conversation",
    "elicitation-sep1034-defaults": "conversation",
    "elicitation-sep1330-enums": "conversation",
    "server-stateless": "conversation",
    "input-required-result-basic-elicitation": "conversation",
    "input-required-result-basic-sampling": "conversation",
    "input-required-result-basic-list-roots": "conversation",
    "input-required-result-request-state": "conversation",
    "input-required-result-multiple-input-requests": "conversation",
    "input-required-result-multi-round": "conversation",
    "input-required-result-non-tool-request": "conversation",
    "input-required-result-result-type": "conversation",
    "input-required-result-tampered-state": "conversation",
    "input-required-result-capability-check": "conversation",
}
"""Scenarios that a server of ours does not pass as shipped, and the rule behind it."""

NO_SITE_CLIENT = {
    "auth/": "the site client shows a token from a file; it takes part in no OAuth flow",
    "elicitation-": "the site client answers no question of a server",
    "sep-2322-": "the site client answers no question of a server",
    "json-schema-2020-12-preservation": "the site client passes no tool's schema on to anybody",
}
"""Scenarios of the client suite that test what our client does not do, and why it does not."""

_SUITE_SECONDS = 300
_FOLDER = re.compile(r"(?:server-)?(?P<scenario>.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Checks of one scenario."""

    passed: int
    failed: tuple[str, ...]
    """What did not hold, one line each."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One scenario on the sheet."""

    scenario: str
    verdict: Literal["passed", "expected", "unexpected"]
    passed: int
    failed: int
    why: str = ""


def run_server_suite(tools: NpmTools, url: str, era: Era) -> dict[str, Outcome]:
    """Run every scenario that applies to an era against a server."""
    return _run(tools, ["server", "--url", url, "--suite", "all", "--spec-version", era])


def run_client_suite(tools: NpmTools, command: str, era: Era) -> dict[str, Outcome]:
    """Run the scenarios of an era against our client, without those it takes no part in."""
    listed = tools.run("conformance", ["list"], timeout_s=60).stdout
    section = listed.split("Client scenarios", 1)[1].split("\n\n", 1)[0]
    outcomes: dict[str, Outcome] = {}
    for name, eras in re.findall(r"^  - (\S+) \[(.+)\]$", section, re.MULTILINE):
        if era not in eras.split(",") or name.startswith(tuple(NO_SITE_CLIENT)):
            continue
        outcomes |= _run(
            tools,
            ["client", "--command", command, "--scenario", name, "--spec-version", era],
            scenario=name,
        )
    return outcomes


def _run(
    tools: NpmTools, arguments: list[str], *, scenario: str | None = None
) -> dict[str, Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        tools.run("conformance", [*arguments, "-o", folder], timeout_s=_SUITE_SECONDS)
        outcomes = {}
        for file in Path(folder).rglob("checks.json"):
            match = _FOLDER.fullmatch(file.parent.name)
            name = scenario or (match["scenario"] if match else file.parent.name)
            outcomes[name] = _outcome(json.loads(file.read_text()))
        return outcomes


def _outcome(checks: list[dict[str, str]]) -> Outcome:
    return Outcome(
        passed=sum(check["status"] == "SUCCESS" for check in checks),
        failed=tuple(
            f"{check['id']}: {check.get('errorMessage', '')}"
            for check in checks
            if check["status"] == "FAILURE"
        ),
    )


def judge(
    shipped: Mapping[str, Outcome], let_go: Mapping[Rule, Mapping[str, Outcome]]
) -> list[Judged]:
    """Say of every scenario whether it passed, failed for a stated reason, or failed.

    Args:
        shipped: What the server does as it is.
        let_go: What it does with one rule let go.
    """
    return [_judge(name, outcome, let_go) for name, outcome in sorted(shipped.items())]


def _judge(name: str, outcome: Outcome, let_go: Mapping[Rule, Mapping[str, Outcome]]) -> Judged:
    counts = outcome.passed, len(outcome.failed)
    rule = LISTED.get(name)
    if not outcome.failed:
        return Judged(name, "passed", *counts)
    if rule is None:
        return Judged(name, "unexpected", *counts, "; ".join(outcome.failed))
    without = let_go[rule].get(name)
    if without is None or without.failed or not without.passed:
        why = "; ".join(without.failed) if without else "it did not run"
        return Judged(name, "unexpected", *counts, f"also with the rule {rule!r} let go: {why}")
    return Judged(name, "expected", *counts, rule)


def judge_plain(outcomes: Mapping[str, Outcome]) -> list[Judged]:
    """Judge where no failure is expected."""
    return [
        Judged(
            name,
            "unexpected" if outcome.failed else "passed",
            outcome.passed,
            len(outcome.failed),
            "; ".join(outcome.failed),
        )
        for name, outcome in outcomes.items()
    ]
