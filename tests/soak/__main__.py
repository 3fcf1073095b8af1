"""`make soak`: the kill soak on SQLite and on PostgreSQL; the last line is the counts as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.local_postgresql import fresh_database, local_postgresql, why_not
from tests.soak.killing import Outcome, soak


def main() -> int:
    """Run what was asked for; 1 when something was lost or done twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--incidents", type=int, default=1000, help="for each state")
    parser.add_argument("--kills", type=int, default=100, help="for each state")
    parser.add_argument("--state", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--seed", type=int, default=9)
    asked = parser.parse_args()
    notes = Console(stderr=True)
    outcomes: dict[str, Outcome] = {}
    if asked.state != "postgresql":
        with tempfile.TemporaryDirectory(prefix="tw-soak-") as folder:
            state = str(Path(folder) / "state.sqlite")
            outcomes["SQLite"] = _run("SQLite", Path(folder), state, asked, notes)
    if asked.state != "sqlite":
        if reason := why_not():
            notes.print(f"PostgreSQL: skipped, {reason}")
        else:
            with (
                tempfile.TemporaryDirectory(prefix="tw-soak-") as folder,
                local_postgresql(durable=True) as server,
                fresh_database(server, "soak") as state,
            ):
                outcomes["PostgreSQL"] = _run("PostgreSQL", Path(folder), state, asked, notes)
    _print(outcomes)
    total = {
        key: sum(asdict(outcome)[key] for outcome in outcomes.values()) for key in Outcome.__slots__
    }
    print(json.dumps(total))
    return 1 if not outcomes or total["lost"] or total["doubled"] else 0


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
                progress=show,
            )
        )


def _print(outcomes: dict[str, Outcome]) -> None:
    table = Table("state", *(key.replace("_", " ") for key in Outcome.__slots__))
    for name, outcome in outcomes.items():
        table.add_row(name, *(str(value) for value in asdict(outcome).values()))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
