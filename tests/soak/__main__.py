"""`make soak`: the kill soak on SQLite and on PostgreSQL, and an outage of ten minutes.

The last line is the counts as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.local_postgresql import fresh_database, local_postgresql, why_not
from tests.soak.killing import Outcome, soak
from tests.soak.outage import Return, outage

FIRST_WITHIN_S = 10.0
"""From the return of a line to the first incident that waited for it."""


def main() -> int:
    """Run what was asked for; 1 when something was lost or done twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--incidents", type=int, default=1000, help="for each state")
    parser.add_argument("--kills", type=int, default=100, help="for each state")
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most, for each state")
    parser.add_argument("--state", choices=("sqlite", "postgresql", "both", "none"), default="both")
    parser.add_argument("--seed", type=int, default=9)
    parser.add_argument("--outage", type=int, default=500, help="incidents in it; 0 leaves it out")
    parser.add_argument("--outage-seconds", type=float, default=600)
    asked = parser.parse_args()
    notes = Console(stderr=True)
    outcomes: dict[str, Outcome] = {}
    if asked.state in {"sqlite", "both"}:
        with tempfile.TemporaryDirectory(prefix="tw-soak-") as folder:
            state = str(Path(folder) / "state.sqlite")
            outcomes["SQLite"] = _run("SQLite", Path(folder), state, asked, notes)
            _print("SQLite", outcomes["SQLite"])
    if asked.state in {"postgresql", "both"}:
        if reason := why_not():
            notes.print(f"PostgreSQL: skipped, {reason}")
        else:
            with (
                tempfile.TemporaryDirectory(prefix="tw-soak-") as folder,
                local_postgresql(durable=True) as server,
                fresh_database(server, "soak") as state,
            ):
                outcomes["PostgreSQL"] = _run("PostgreSQL", Path(folder), state, asked, notes)
                _print("PostgreSQL", outcomes["PostgreSQL"])
    after = _outage(asked, notes) if asked.outage else None
    total = {
        key: sum(asdict(outcome)[key] for outcome in outcomes.values()) for key in Outcome.__slots__
    }
    in_time = after is None or (after.first_start_s <= FIRST_WITHIN_S and not after.out_of_order)
    if after is not None:
        for key in ("incidents", "lost", "doubled"):
            total[key] += asdict(after)[key]
    print(json.dumps(total))
    done = outcomes or asked.state == "none"
    return 0 if done and in_time and not total["lost"] and not total["doubled"] else 1


def _outage(asked: argparse.Namespace, notes: Console) -> Return:
    """The outage, and what came of the incidents that waited for its end, as a table."""
    with (
        tempfile.TemporaryDirectory(prefix="tw-soak-") as folder,
        Progress(console=notes) as bars,
    ):
        bar = bars.add_task("outage", total=asked.outage)
        came = asyncio.run(
            outage(
                Path(folder),
                state=str(Path(folder) / "state.sqlite"),
                incidents=asked.outage,
                seconds=asked.outage_seconds,
                progress=lambda done: bars.update(bar, completed=done),
            )
        )
    table = Table("outage, SQLite", "")
    for key, value in asdict(came).items():
        table.add_row(key.replace("_", " "), str(value))
    Console().print(table)
    return came


def _run(name: str, folder: Path, state: str, asked: argparse.Namespace, notes: Console) -> Outcome:
    with Progress(console=notes) as bars:
        bar = bars.add_task(name, total=asked.incidents)

        def show(done: int, killed: int) -> None:
            bars.update(bar, completed=done, description=f"{name}, {killed} kills")

        return asyncio.run(
            soak(
                folder,
                state=state,
                incidents=asked.incidents,
                kills=asked.kills,
                seed=asked.seed,
                seconds=asked.minutes * 60,
                progress=show,
            )
        )


def _print(name: str, outcome: Outcome) -> None:
    """A state's counts as soon as they are known: the other state takes as long again."""
    table = Table("state", *(key.replace("_", " ") for key in Outcome.__slots__))
    table.add_row(name, *(str(value) for value in asdict(outcome).values()))
    Console().print(table)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
