"""A report as one HTML file: no script, no request, no markup from anybody but us.

The browser's own print gives the PDF; the style sheet knows paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from agents.plain_text import agent_shown, plain
from orchestrator.rendering.page_style import STYLE
from orchestrator.rendering.timeline_svg import timeline_svg
from orchestrator.rendering.topology_svg import topology_svg
from telecom.configuration import ConfigHunk
from telecom.evidence import Evidence
from telecom.report import ProvenanceStep, RootCause, RootCauseReport
from telecom.times import format_instant

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
TOP_ACTIONS = 3


def to_html(report: RootCauseReport) -> str:
    """Render the whole report; the first screen has headline, cause and the top actions."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_text(report.headline)}</title><style>{STYLE}</style></head>\n<body><main>"
        f"{''.join(_sections(report))}</main></body></html>\n"
    )


def _text(value: str) -> str:
    """A string as text: no markup, no control characters."""
    return escape(plain(value))


def _sections(report: RootCauseReport) -> Iterator[str]:
    yield _first_screen(report)
    drawings = [
        _card("What it reached", topology_svg(report)),
        _card("Over time (UTC)", timeline_svg(report)),
    ]
    if any(drawings):
        yield f'<div class="pair">{"".join(drawings)}</div>'
    yield _card("Causal chain", _list(_chain(report)))
    yield _card("Changes before onset", "".join(_changes(report)))
    yield _card("Seen before", "".join(_tickets(report)))
    yield _card(
        "Ruled out",
        _table(
            ("element", "explanation", "why not"),
            ((r.managed_object, r.hypothesis, r.why) for r in report.ruled_out),
        ),
    )
    yield _card(
        "Not looked at",
        _table(("what", "why", "rule"), ((g.what, g.why, g.rule or "") for g in report.gaps)),
    )
    yield _card("All next actions", _actions(report, None))
    yield _card(
        "Timeline",
        _table(
            ("time", "element", "what"),
            ((format_instant(e.time), e.managed_object, e.what) for e in report.timeline),
        ),
    )
    yield _card("What ran where, and what left the site", _provenance(report))
    yield _card("Evidence", "".join(_evidence(report)))


def _first_screen(report: RootCauseReport) -> str:
    causes = "".join(_cause(cause, report) for cause in report.root_causes)
    if not causes:
        causes = "<p>No cause is asserted: the evidence does not decide it.</p>"
    reached = len(report.blast_radius.managed_objects)
    services = ", ".join(map(_text, report.blast_radius.services[:6]))
    explained = sum(alarm.explained for alarm in report.alarms_explained)
    return (
        f'<p class="dim">{_text(report.incident_id)} '
        f'<span class="chip {report.status}">{report.status}</span></p>'
        f"<h1>{_text(report.headline)}</h1>"
        f'<div class="first"><section class="card"><h2>Cause</h2>{causes}'
        f'<p class="dim">{reached} elements in trouble'
        f"{f'; services: {services}' if services else ''}; "
        f"{explained} of {len(report.alarms_explained)} alarm groups explained</p></section>"
        f'<section class="card"><h2>Do next</h2>{_actions(report, TOP_ACTIONS)}</section></div>'
    )


def _cause(cause: RootCause, report: RootCauseReport) -> str:
    quotes = "".join(
        _quote(report.evidence[key]) for key in cause.evidence_ids[:2] if key in report.evidence
    )
    return (
        f'<div class="cause"><b>{_text(cause.managed_object)}</b>: '
        f"{_text(cause.specific_problem)} <small>({_text(cause.probable_cause)}, {cause.role})"
        f'</small><div class="bar"><i style="width:{cause.confidence * 100:.0f}%"></i></div>'
        f"<small>confidence {cause.confidence:.2f}: {_text(cause.confidence_basis)}</small>"
        f"{quotes}</div>"
    )


def _quote(item: Evidence) -> str:
    if item.quote is None:
        return ""
    lines = "\n".join(_text(line) for line in item.quote.splitlines()[:6])
    return f"<blockquote><small>{_text(item.locator)}</small><pre>{lines}</pre></blockquote>"


def _actions(report: RootCauseReport, limit: int | None) -> str:
    items = [
        f"{_text(action.action)} <small>{_text(action.why)}</small>"
        + ("" if action.read_only else ' <span class="probable">changes the network</span>')
        for action in report.next_actions[:limit]
    ]
    return _list(items, tag="ol") or ("<p>Nothing.</p>" if limit else "")


def _chain(report: RootCauseReport) -> Iterator[str]:
    for link in report.causal_chain:
        lag = "" if link.lag_seconds is None else f" <small>+{link.lag_seconds:g} s</small>"
        yield (
            f"<b>{_text(link.source)}</b> ({_text(link.condition)}) → "
            f"<b>{_text(link.target)}</b> ({_text(link.effect)}){lag}"
        )


def _changes(report: RootCauseReport) -> Iterator[str]:
    for change in report.changes_before_onset:
        why = "; ".join(map(_text, change.why))
        yield (
            f"<p><b>{_text(change.managed_object)}</b> {_text(format_instant(change.time))} by "
            f"{_text(change.author)} <small>commit {_text(change.commit[:12])}, suspicion "
            f"{change.score:.2f}: {why}</small></p><pre>{''.join(_hunks(change.hunks))}</pre>"
        )


def _hunks(hunks: Iterable[ConfigHunk]) -> Iterator[str]:
    for hunk in hunks:
        if hunk.block:
            yield f'<span class="dim">{_text(" / ".join(hunk.block))}</span>\n'
        for line in hunk.lines:
            style = "add" if line.sign == "+" else "cut"
            yield f'<span class="{style}">{_text(f"{line.sign} {line.text}")}</span>\n'


def _tickets(report: RootCauseReport) -> Iterator[str]:
    words = {True: "same cause", False: "another cause", None: ""}
    for ticket in report.similar_incidents:
        yield (
            f"<p><b>{_text(ticket.ticket_id)}</b> <small>similarity {ticket.score:.2f} "
            f"{words[ticket.agrees]}</small></p><blockquote>{_text(ticket.quote)}</blockquote>"
        )


def _provenance(report: RootCauseReport) -> str:
    return _table(
        ("step", "who", "tier", "tool", "tokens", "masked", "bytes", "USD", "ms", "decision"),
        (
            (
                step.step,
                agent_shown(step.agent),
                step.tier or "nowhere",
                step.tool or "",
                " → ".join(
                    str(n) for n in (step.tokens_before, step.tokens_after) if n is not None
                ),
                "" if step.masked is None else str(step.masked),
                "" if step.bytes_out is None else str(step.bytes_out),
                "" if step.cost_usd is None else f"{step.cost_usd:.4f}",
                "" if step.latency_ms is None else f"{step.latency_ms:.0f}",
                (step.decision_id or "")[:12],
            )
            for step in report.provenance
        ),
        numbers=range(4, 9),
    )


def _tokens(step: ProvenanceStep) -> str:
    counts = (step.tokens_before, step.tokens_after)
    return " → ".join(str(count) for count in counts if count is not None)


def _evidence(report: RootCauseReport) -> Iterator[str]:
    for key, item in report.evidence.items():
        shown = "(computed)" if item.quote is None else item.quote
        lines = "\n".join(_text(line) for line in shown.splitlines())
        digest = f" <small>sha256 {item.sha256[:16]}…</small>" if item.sha256 else ""
        yield (
            f"<details><summary>{_text(key)} <small>{_text(item.source)} {_text(item.locator)}"
            f"</small></summary><pre>{lines}</pre>{digest}</details>"
        )


def _card(title: str, body: str) -> str:
    """A section; nothing when it would be empty."""
    return f'<section class="card"><h2>{title}</h2>{body}</section>' if body else ""


def _list(items: Iterable[str], *, tag: str = "ul") -> str:
    body = "".join(f"<li>{item}</li>" for item in items)
    return f"<{tag}>{body}</{tag}>" if body else ""


def _table(
    headings: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, numbers: Iterable[int] = ()
) -> str:
    numeric = frozenset(numbers)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=n' if column in numeric else ''}>{_text(cell)}</td>"
            for column, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    head = "".join(f"<th>{heading}</th>" for heading in headings)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""
