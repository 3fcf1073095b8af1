"""A report for a person at a terminal: the answer first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from agents.plain_text import agent_shown, plain
from telecom.configuration import ConfigHunk
from telecom.report import CausalLink, ProvenanceStep, RootCauseReport

_STATUS_STYLE = {"confirmed": "bold green", "probable": "bold yellow", "inconclusive": "bold cyan"}
_TIMELINE_ROWS = 20
_HUNK_LINES = 12
_ID_LENGTH = 22


def print_report(report: RootCauseReport, console: Console) -> None:
    """Print a report: first screen, then tables, timeline, causal chain and what left the site."""
    for part in _parts(report):
        console.print(part)
        console.print()


def text(value: str, style: str = "") -> Text:
    """A string as it is: no markup, no control characters."""
    return Text(plain(value), style=style)


def _parts(report: RootCauseReport) -> Iterator[RenderableType]:
    yield _first_screen(report)
    if report.causal_chain:
        yield _causal_tree(report.causal_chain)
    if report.timeline:
        yield _timeline(report)
    if report.changes_before_onset:
        yield _changes(report)
    if report.similar_incidents:
        yield _tickets(report)
    if report.ruled_out:
        yield table(
            "Ruled out",
            ("explanation", "why"),
            (
                (two_lines(item.managed_object, item.hypothesis), item.why)
                for item in report.ruled_out
            ),
        )
    if report.root_causes:
        yield _evidence(report)
    if report.gaps:
        yield table(
            "Not looked at",
            ("what", "why"),
            ((two_lines(gap.what, gap.rule or ""), gap.why) for gap in report.gaps),
        )
    yield what_left(report.provenance)


def _first_screen(report: RootCauseReport) -> RenderableType:
    lines: list[Text] = [text(report.headline, "bold")]
    for cause in report.root_causes:
        lines.append(
            Text.assemble(
                ("cause  ", "dim"),
                text(cause.managed_object, "bold red"),
                ": ",
                text(cause.specific_problem),
                text(f" ({cause.role})", "dim"),
            )
        )
        lines.append(
            Text.assemble(
                ("basis  ", "dim"), f"{cause.confidence:.2f}, ", text(cause.confidence_basis, "dim")
            )
        )
    for number, action in enumerate(report.next_actions[:3], start=1):
        mark = "" if action.read_only else "  (changes the network)"
        lines.append(
            Text.assemble((f"  {number}.   ", "dim"), text(action.action), (mark, "yellow"))
        )
    title = Text.assemble(
        text(report.incident_id), "  ", text(report.status, _STATUS_STYLE[report.status])
    )
    return Panel(Group(*lines), title=title, title_align="left")


def _causal_tree(links: Iterable[CausalLink]) -> Tree:
    """The chain as a tree; a link whose source is already drawn hangs under it."""
    root = Tree(Text("Causal chain", "bold"))
    drawn: dict[str, Tree] = {}
    for link in links:
        at = drawn.get(link.source)
        if at is None:
            at = drawn[link.source] = root.add(
                Text.assemble(text(link.source, "bold"), ": ", text(link.condition))
            )
        lag = "" if link.lag_seconds is None else f" (+{link.lag_seconds:g} s)"
        drawn.setdefault(
            link.target,
            at.add(Text.assemble(text(link.target, "bold"), ": ", text(link.effect), (lag, "dim"))),
        )
    return root


def _timeline(report: RootCauseReport) -> Table:
    shown = report.timeline[:_TIMELINE_ROWS]
    more = len(report.timeline) - len(shown)
    date, clocks = _clocks([entry.time for entry in shown])
    notes = [*date, *([f"first {len(shown)} of {len(report.timeline)}"] if more else [])]
    return table(
        f"Timeline ({', '.join(notes)})",
        ("time", "managed object", "what"),
        (
            (clock, entry.managed_object, entry.what)
            for clock, entry in zip(clocks, shown, strict=True)
        ),
    )


def _clocks(times: Sequence[datetime]) -> tuple[list[str], list[str]]:
    """Say the date once: over the table when all is of one day, else where it changes."""
    moments = [moment.astimezone(UTC) for moment in times]
    clocks = [f"{moment:%H:%M:%S}" for moment in moments]
    days = [moment.date() for moment in moments]
    if len(set(days)) == 1:
        return [f"{days[0]}, UTC"], clocks
    before = [None, *days[:-1]]
    return ["UTC"], [
        clock if day == last else f"{day} {clock}"
        for clock, day, last in zip(clocks, days, before, strict=True)
    ]


def _changes(report: RootCauseReport) -> Table:
    changes = report.changes_before_onset
    date, clocks = _clocks([change.time for change in changes])
    return table(
        f"Changes before onset ({', '.join(date)})",
        ("score", "managed object", "when, who", "lines"),
        (
            (
                f"{change.score:.2f}",
                change.managed_object,
                two_lines(clock, change.author),
                _hunks(change.hunks),
            )
            for clock, change in zip(clocks, changes, strict=True)
        ),
    )


def _hunks(hunks: Iterable[ConfigHunk]) -> Text:
    lines: list[Text] = []
    for hunk in hunks:
        if hunk.block:
            lines.append(text(" / ".join(hunk.block), "dim"))
        lines.extend(
            text(f"{line.sign} {line.text}", "green" if line.sign == "+" else "red")
            for line in hunk.lines
        )
    left_out = len(lines) - _HUNK_LINES
    shown = lines[:_HUNK_LINES]
    if left_out > 0:
        shown.append(Text(f"... {left_out} more", "dim"))
    return Text("\n").join(shown)


def _tickets(report: RootCauseReport) -> Table:
    agrees = {True: "same cause", False: "another cause", None: ""}
    return table(
        "Similar incidents",
        ("ticket", "score", "close note"),
        (
            (
                two_lines(item.ticket_id, agrees[item.agrees]),
                f"{item.score:.2f}",
                item.quote,
            )
            for item in report.similar_incidents
        ),
    )


def _evidence(report: RootCauseReport) -> RenderableType:
    """Quotations under their places: a table would leave them too little room."""
    ids = dict.fromkeys(key for cause in report.root_causes for key in cause.evidence_ids)
    lines: list[RenderableType] = [Text("Evidence for the cause", "bold")]
    for key in ids:
        if key in report.evidence:
            item = report.evidence[key]
            place = Text.assemble(text(item.locator), "  ", text(shortened(key), "dim"))
            lines.append(Padding(place, (0, 0, 0, 1)))
            quote = "(computed)" if item.quote is None else item.quote
            said = Text("\n").join(text(line, "italic") for line in quote.splitlines())
            lines.append(Padding(said, (0, 0, 0, 4)))
    return Group(*lines)


def what_left(steps: Sequence[ProvenanceStep]) -> Table:
    """What left the site, step by step; the decisions' ids are in the report's other forms."""
    priced = any(step.cost_usd for step in steps)
    columns = ["step", "tier", "tokens", "masked", "bytes", "ms", *(["cost"] if priced else [])]
    rows: list[list[str | Text]] = []
    for step in steps:
        row: list[str | Text] = [
            two_lines(step.step, ": ".join(filter(None, (agent_shown(step.agent), step.tool)))),
            step.tier or "nowhere",
            _arrow(step.tokens_before, step.tokens_after),
            _known(step.masked),
            _known(step.bytes_out),
            "" if step.latency_ms is None else f"{step.latency_ms:.0f}",
        ]
        if priced:
            row.append("" if step.cost_usd is None else f"${step.cost_usd:.4f}")
        rows.append(row)
    return table(
        "What ran where, and what left the site",
        columns,
        rows,
        numbers=("tokens", "masked", "bytes", "ms", "cost"),
    )


def _arrow(before: int | None, after: int | None) -> str:
    return " -> ".join(str(count) for count in (before, after) if count is not None)


def _known(count: int | None) -> str:
    return "" if count is None else str(count)


def shortened(key: str) -> str:
    """A long id without its end: enough to find it again in the whole report."""
    return key if len(key) <= _ID_LENGTH else f"{key[: _ID_LENGTH - 1]}…"


def two_lines(first: str, second: str) -> Text:
    """A cell with what matters over what explains it; the second line may be empty."""
    lines = [text(first), *([text(second, "dim")] if second else [])]
    return Text("\n").join(lines)


def table(
    title: str,
    columns: Iterable[str],
    rows: Iterable[Iterable[str | Text]],
    *,
    numbers: Iterable[str] = (),
) -> Table:
    """A table that leaves the room to the words: few lines, no markup, no control characters.

    Args:
        title: Over the table.
        columns: Headings.
        rows: Cells.
        numbers: Headings of the columns that are aligned to the right and never broken.
    """
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    numeric = frozenset(numbers)
    for column in columns:
        if column in numeric:
            made.add_column(column, justify="right", no_wrap=True)
        else:
            made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else text(cell) for cell in row))
    return made
