"""Write and check a fleet: `python -m deploy.fleet FLEET --out FOLDER`.

Without arguments the example fleet is written to build/fleet. Exit code 1 when a file of the fleet,
a schema or a policy is broken. Without a renderer the output is written, not rendered, and the
reason is printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from deploy.fleet.applicationset import application_name, application_set_errors
from deploy.fleet.checking import check_sites
from deploy.fleet.definition import Fleet, FleetError, FleetSite, read_fleet
from deploy.fleet.output import write_output
from deploy.fleet.rehearsal import Rehearsal, read_applications, rehearse
from deploy.kubernetes.rendering import find_renderer

EXAMPLE = Path(__file__).with_name("example")
_SHOWN = 20


def main(arguments: list[str] | None = None) -> int:
    """Write the output, render every site of it, print what it is and how long that took."""
    asked = _arguments(arguments)
    output = Console(width=None if sys.stdout.isatty() else 120)
    started = time.perf_counter()
    try:
        fleet, sites = read_fleet(asked.fleet)
    except FleetError as exc:
        output.print(str(exc), style="red", highlight=False)
        return 1
    before = {each.name: each.content for each in read_applications(asked.out)}
    write_output(fleet, sites, asked.out)
    written = time.perf_counter()
    applied = yaml.safe_load((asked.out / "applicationset.yaml").read_text(encoding="utf-8"))
    problems = application_set_errors(applied)
    steps = applied["spec"]["strategy"]["rollingSync"]["steps"]
    told = rehearse(steps, read_applications(asked.out), before)
    output.print(_waves(fleet, sites, told))
    output.print(
        f"{asked.out}: {len(sites)} sites, release {fleet.release}, read and written in "
        f"{written - started:.1f} s\n"
        f"committed, it reaches {len(sites) - len(told.untouched)} sites; "
        f"{len(told.untouched)} stay as they are",
        highlight=False,
    )
    renderer = find_renderer()
    if renderer is None:
        output.print("not rendered: no kubectl and no kustomize on this machine")
    else:
        notes = Console(stderr=True)
        with Progress(console=notes, disable=not notes.is_terminal) as bar:
            task = bar.add_task("rendering", total=len(sites))
            checked = check_sites(
                sites, asked.out, renderer, tell=lambda done: bar.update(task, completed=done)
            )
        problems += checked.problems
        output.print(
            f"rendered and checked: {checked.resources} resources of {checked.sites} sites in "
            f"{time.perf_counter() - written:.1f} s",
            highlight=False,
        )
    for problem in problems[:_SHOWN]:
        output.print(problem, style="red", highlight=False)
    if len(problems) > _SHOWN:
        output.print(f"and {len(problems) - _SHOWN} more problems", style="red")
    return 1 if problems else 0


def _waves(fleet: Fleet, sites: Sequence[FleetSite], told: Rehearsal) -> Table:
    """The waves in order: how many sites each has, how many change, and in how many rounds."""
    table = Table("wave", "sites", "change", "at once", "rounds", "tiers")
    for wave in fleet.waves:
        names = {application_name(site) for site in sites if site.wave == wave.name}
        rounds = [names.intersection(each) for each in told.rounds]
        tiers = Counter(site.tier for site in sites if site.wave == wave.name)
        table.add_row(
            wave.name,
            str(len(names)),
            str(sum(map(len, rounds))),
            wave.at_once,
            str(sum(map(bool, rounds))),
            ", ".join(f"{count} {tier}" for tier, count in sorted(tiers.items())),
        )
    return table


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.fleet",
        description="Write a fleet of sites as a GitOps repository, and check what it renders to.",
        epilog="Example: python -m deploy.fleet my-fleet --out ../tierwise-fleet",
    )
    parser.add_argument(
        "fleet", nargs="?", type=Path, default=EXAMPLE, help="folder with fleet.yaml and sites/"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("build/fleet"), help="what is committed; kept up to date"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
