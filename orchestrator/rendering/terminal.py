"""A report for a person at a terminal: the answer first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from orchestrator.rendering.plain_text import plain
from telecom.configuration import ConfigHunk
from telecom.report import CausalLink, ProvenanceStep, RootCauseReport
from telecom.times import format_instant

_STATUS_STYLE = {"confirmed": "bold green", "probable": "bold yellow", "inconclusive": "bold cyan"}
_TIMELINE_ROWS = 20
_HUNK_LINES = 12


def print_report(report: RootCauseReport, console: Console) -> None:
    """Print a report: first screen, then tables, timeline, causal chain and what left the site."""
    for part in _parts(report):
        console.print(part)


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
        yield _table(
            "Ruled out",
            ("managed object", "hypothesis", "why"),
            ((item.managed_object, item.hypothesis, item.why) for item in report.ruled_out),
        )
    if report.root_causes:
        yield _evidence(report)
    if report.gaps:
        yield _table(
            "Not looked at",
            ("what", "why", "rule"),
            ((gap.what, gap.why, gap.rule or "") for gap in report.gaps),
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
    return _table(
        "Timeline" + (f" (first {len(shown)} of {len(report.timeline)})" if more else ""),
        ("time", "managed object", "what"),
        ((format_instant(entry.time), entry.managed_object, entry.what) for entry in shown),
    )


def _changes(report: RootCauseReport) -> Table:
    table = _empty("Changes before onset", ("score", "managed object", "when, who", "lines"))
    for change in report.changes_before_onset:
        table.add_row(
            text(f"{change.score:.2f}"),
            text(change.managed_object),
            text(f"{format_instant(change.time)} {change.author}"),
            _hunks(change.hunks),
        )
    return table


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
    agrees = {True: "yes", False: "no", None: ""}
    return _table(
        "Similar incidents",
        ("ticket", "score", "same cause", "close note"),
        (
            (item.ticket_id, f"{item.score:.2f}", agrees[item.agrees], item.quote)
            for item in report.similar_incidents
        ),
    )


def _evidence(report: RootCauseReport) -> Table:
    ids = dict.fromkeys(key for cause in report.root_causes for key in cause.evidence_ids)
    return _table(
        "Evidence for the cause",
        ("id", "where", "quote"),
        (
            (key, report.evidence[key].locator, report.evidence[key].quote or "(computed)")
            for key in ids
            if key in report.evidence
        ),
    )


def what_left(steps: Iterable[ProvenanceStep]) -> Table:
    """What left the site, step by step, and under which decision."""
    return _table(
        "What ran where, and what left the site",
        ("step", "tier", "tool", "tokens", "masked", "bytes", "cost", "ms", "decision"),
        (
            (
                f"{step.step}: {step.agent}",
                step.tier or "nowhere",
                step.tool or "",
                _arrow(step.tokens_before, step.tokens_after),
                _known(step.masked),
                _known(step.bytes_out),
                "" if step.cost_usd is None else f"${step.cost_usd:.4f}",
                "" if step.latency_ms is None else f"{step.latency_ms:.0f}",
                (step.decision_id or "")[:12],
            )
            for step in steps
        ),
    )


def _arrow(before: int | None, after: int | None) -> str:
    return " -> ".join(str(count) for count in (before, after) if count is not None)


def _known(count: int | None) -> str:
    return "" if count is None else str(count)


def _empty(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    table = _empty(title, columns)
    for row in rows:
        table.add_row(*(text(cell) for cell in row))
    return table
