"""Run the benchmarks and print one table: `python -m bench [NAME ...]`.

A row is a figure with its limit. Exit code 1 when a row misses its limit.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import bench

HERE = Path(__file__).parent
VERSIONS = ("cedarpy", "chromadb", "langgraph", "mcp", "onnxruntime", "pydantic", "torch")


def main() -> int:
    """Run what was asked for, print the table, write results.json."""
    names = sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if m.name != "__main__")
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(names)}")
    parser.add_argument("--full", action="store_true", help="500 incidents instead of 60")
    arguments = parser.parse_args()
    asked = arguments.names
    if arguments.full:
        os.environ["TIERWISE_BENCH_FULL"] = "1"
    unknown = sorted(set(asked) - set(names))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(names)}")
    rows: list[dict[str, Any]] = []
    errors = Console(stderr=True)
    for name in asked or names:
        errors.print(f"[dim]running {name}[/dim]")
        rows += [{"bench": name, **row} for row in importlib.import_module(f"bench.{name}").run()]
    machine = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cores": _cores(),
        **{name: version(name) for name in VERSIONS},
    }
    (HERE / "results.json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=1))
    Console(width=None if sys.stdout.isatty() else 132).print(_table(rows))
    print("  ".join(f"{key} {value}" for key, value in machine.items()))
    return 1 if any(row.get("ok") is False for row in rows) else 0


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="tierwise benchmarks", title_justify="left")
    for heading in ("part", "figure", "value", "unit", "ratio", "limit", ""):
        table.add_column(heading, justify="right" if heading in {"value", "ratio"} else "left")
    for row in rows:
        ok = row.get("ok")
        table.add_row(
            row["bench"],
            row["name"],
            _number(row.get("value")),
            str(row.get("unit", "")),
            _number(row.get("ratio")),
            str(row.get("limit", "") if row.get("limit") is not None else ""),
            "" if ok is None else "[green]ok[/green]" if ok else "[red]missed[/red]",
        )
    return table


def _number(value: Any) -> str:
    return (
        f"{value:,.4g}" if isinstance(value, (int, float)) else "" if value is None else str(value)
    )


if __name__ == "__main__":
    sys.exit(main())
