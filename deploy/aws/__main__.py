"""Synthesise, lint, hold to the rules, price: `python -m deploy.aws [--write]`.

Needs no account, no credentials and no npm. Without node the published templates are checked as
they are. Exit code 1 when a linter or a rule finds something, or the published templates are not
what the stacks say.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.aws.costs import PRICES, estimate, totals, write_guide
from deploy.aws.policies import RULES, violations
from deploy.aws.synthesis import (
    TEMPLATES,
    Template,
    fresh_templates,
    published_templates,
    why_not,
    write_templates,
)

REGIONS = ("us-east-1", "eu-central-1")
"""Regions whose resource types the linter asks for."""


class Report:
    """A row for each step: what it took and what came of it."""

    def __init__(self) -> None:
        self.notes = Console(stderr=True)
        self.table = Table("step", "seconds", "result")
        self.failed = False

    def row(self, name: str, started: float, result: str, *, failed: bool = False) -> None:
        """Add a row."""
        self.table.add_row(name, f"{time.monotonic() - started:.1f}", result)
        self.failed = self.failed or failed


def main() -> int:
    """Do every step that this machine can do; prints one table."""
    parser = argparse.ArgumentParser(prog="python -m deploy.aws", description=__doc__)
    parser.add_argument("--write", action="store_true", help="Publish what was synthesised.")
    parser.add_argument("--site", type=Path, help="Rules of the Gateway by this site's policy.")
    parser.add_argument("--out", type=Path, help="Write there, not beside the stacks.")
    asked = parser.parse_args()
    if asked.site is not None and asked.out is None:
        parser.error("--site needs --out: the published templates follow the shipped policy")
    report = Report()
    folder, templates = _synthesise(report, asked.write, asked.site, asked.out)
    _lint(report, folder)
    _hold_to_the_rules(report, templates)
    _price(report, templates, write=asked.write and asked.out is None)
    Console(width=None if sys.stdout.isatty() else 140).print(report.table)
    return 1 if report.failed else 0


def _synthesise(
    report: Report, write: bool, site: Path | None, out: Path | None
) -> tuple[Path, dict[str, Template]]:
    """Make the templates; where that cannot be done, take the published ones."""
    started = time.monotonic()
    reason = why_not()
    if reason is not None:
        report.row("synthesis", started, f"skipped: {reason}", failed=write or out is not None)
        return TEMPLATES, published_templates()
    report.notes.print("[dim]synthesis (half a minute)[/dim]")
    fresh = fresh_templates(site)
    resources = sum(len(template["Resources"]) for template in fresh.values())
    report.row("synthesis", started, f"{len(fresh)} stacks, {resources} resources")
    if out is not None or write:
        folder = out or TEMPLATES
        write_templates(fresh, folder)
        report.row("written", started, str(folder))
        return folder, fresh
    started = time.monotonic()
    published = published_templates()
    differ = [name for name in fresh if fresh[name] != published.get(name)]
    words = f"{', '.join(differ)}: run `python -m deploy.aws --write`" if differ else "equal"
    report.row("published templates", started, words, failed=bool(differ))
    return TEMPLATES, fresh


def _lint(report: Report, folder: Path) -> None:
    started = time.monotonic()
    files = sorted(str(file) for file in folder.glob("*.yaml"))
    linter = Path(sys.executable).with_name("cfn-lint")
    ran = subprocess.run(
        [linter, "--regions", *REGIONS, "--", *files], capture_output=True, text=True, check=False
    )
    words = ran.stdout.strip() or ran.stderr.strip() or "clean"
    report.row("cfn-lint", started, words, failed=ran.returncode != 0)


def _hold_to_the_rules(report: Report, templates: dict[str, Template]) -> None:
    started = time.monotonic()
    found = violations(templates)
    words = "\n".join(found) or f"{len(RULES)} rules kept"
    report.row("rules", started, words, failed=bool(found))


def _price(report: Report, templates: dict[str, Template], *, write: bool) -> None:
    started = time.monotonic()
    costs = estimate(templates, PRICES)
    by_stack = totals(costs)
    if write:
        write_guide(costs, PRICES)
    words = ", ".join(
        f"{name.removeprefix('tierwise-')} {usd:,.0f}" for name, usd in by_stack.items()
    )
    report.row("USD a month", started, f"{words} (verify in your account)")


if __name__ == "__main__":
    sys.exit(main())
