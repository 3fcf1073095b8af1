"""How commands speak: results on stdout, everything else on stderr."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from telecom.identifiers.sanitizing import sanitize_text

if TYPE_CHECKING:
    from mcp_servers.ownership.store_owner import Progress


def print_json(document: Any) -> None:
    """Print one JSON document (any JSON, hence Any)."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def print_json_line(document: Any) -> None:
    """Print one line of JSON Lines (any JSON, hence Any)."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


def say(text: str) -> None:
    """Tell a person something that is no result."""
    sys.stderr.write(text + "\n")


def print_text(text: str) -> None:
    """Print text as it is, without markup."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # What a device or a stranger wrote must not drive the terminal.
        table.add_row(*("" if cell is None else Text(sanitize_text(str(cell))) for cell in row))
    console = Console()
    console.print(table)
    console.print()


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show progress on stderr while something runs; silent where stderr is no terminal."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    class RateColumn(ProgressColumn):
        """How many in a second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f}/s")

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}  # rich's task ids by phrase

        def show(phrase: str, done: int, total: int) -> None:
            if phrase not in tasks:
                tasks[phrase] = bar.add_task(phrase)
            bar.update(tasks[phrase], completed=done, total=total)

        yield show
