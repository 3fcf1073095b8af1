"""A report as Markdown, for tickets, mail and hand-over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agents.plain_text import agent_shown, code_span, markdown
from telecom.report import ReportedChange, RootCauseReport
from telecom.times import format_instant


def to_markdown(report: RootCauseReport) -> str:
    """Render the whole report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: RootCauseReport) -> Iterator[str]:
    yield f"# {markdown(report.headline)}"
    yield ""
    yield f"Incident {markdown(report.incident_id)}, status **{report.status}**."
    yield ""
    for cause in report.root_causes:
        yield (
            f"- **{markdown(cause.managed_object)}**: {markdown(cause.specific_problem)} "
            f"({cause.role}, confidence {cause.confidence:.2f}: {markdown(cause.confidence_basis)})"
        )
        for key in cause.evidence_ids:
            if key in report.evidence:
                item = report.evidence[key]
                quote = "(computed)" if item.quote is None else code_span(item.quote)
                yield f"  - {markdown(key)}, {markdown(item.locator)}: {quote}"
    yield from _section(
        "Next actions",
        (
            f"{number}. {markdown(action.action)}"
            + ("" if action.read_only else " **(changes the network)**")
            for number, action in enumerate(report.next_actions, start=1)
        ),
    )
    yield from _section(
        "Causal chain",
        (
            f"- {markdown(link.source)} ({markdown(link.condition)}) → {markdown(link.target)} "
            f"({markdown(link.effect)})"
            for link in report.causal_chain
        ),
    )
    yield from _table(
        "Timeline",
        ("time", "managed object", "what"),
        ((format_instant(item.time), item.managed_object, item.what) for item in report.timeline),
    )
    yield from _section("Changes before onset", _changes(report.changes_before_onset))
    yield from _section(
        "Similar incidents",
        (
            f"- {markdown(item.ticket_id)} ({item.score:.2f}): {code_span(item.quote)}"
            for item in report.similar_incidents
        ),
    )
    yield from _table(
        "Ruled out",
        ("managed object", "hypothesis", "why"),
        ((item.managed_object, item.hypothesis, item.why) for item in report.ruled_out),
    )
    yield from _table(
        "Not looked at",
        ("what", "why", "rule"),
        ((gap.what, gap.why, gap.rule or "") for gap in report.gaps),
    )
    yield from _table(
        "What ran where, and what left the site",
        ("step", "agent", "tier", "tool", "tokens", "masked", "bytes", "decision"),
        (
            (
                step.step,
                agent_shown(step.agent),
                step.tier or "nowhere",
                step.tool or "",
                " -> ".join(
                    str(n) for n in (step.tokens_before, step.tokens_after) if n is not None
                ),
                "" if step.masked is None else str(step.masked),
                "" if step.bytes_out is None else str(step.bytes_out),
                step.decision_id or "",
            )
            for step in report.provenance
        ),
    )


def _changes(changes: Iterable[ReportedChange]) -> Iterator[str]:
    for change in changes:
        yield (
            f"- {markdown(change.managed_object)}, {format_instant(change.time)}, "
            f"{markdown(change.author)}, commit {markdown(change.commit[:12])} "
            f"(score {change.score:.2f})"
        )
        for hunk in change.hunks:
            for line in hunk.lines:
                yield f"  - {code_span(f'{line.sign} {line.text}')}"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    content = list(lines)
    if content:
        yield from ("", f"## {title}", "", *content)


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    body = ["| " + " | ".join(markdown(cell) for cell in row) + " |" for row in rows]
    if body:
        head = "| " + " | ".join(columns) + " |"
        yield from _section(title, (head, "|" + " --- |" * len(columns), *body))
