"""A report as a document for paper: everything in it, evidence last."""

from __future__ import annotations

from collections.abc import Iterator

from agents.plain_text import agent_shown
from orchestrator.rendering.document import Block, Grid, Heading, Items, Paragraph, Quote, filled
from telecom.report import ProvenanceStep, RootCauseReport
from telecom.times import format_instant


def report_document(report: RootCauseReport) -> tuple[Block, ...]:
    """The report from headline to evidence."""
    return tuple(_blocks(report))


def _blocks(report: RootCauseReport) -> Iterator[Block]:
    yield Heading(report.headline, 1)
    yield Paragraph(f"{report.incident_id}, {report.status}", quiet=True)
    yield from filled("Cause", _causes(report))
    yield from filled(
        "Do next",
        (
            Items(
                tuple(
                    f"{action.action} ({action.why})"
                    + ("" if action.read_only else "; changes the network")
                    for action in report.next_actions
                ),
                boxes=True,
            ),
        ),
    )
    yield from filled("What it reached", (Items(tuple(_reached(report))),))
    yield from filled(
        "Causal chain",
        (
            Items(
                tuple(
                    f"{link.source} ({link.condition}) → {link.target} ({link.effect})"
                    + ("" if link.lag_seconds is None else f", +{link.lag_seconds:g} s")
                    for link in report.causal_chain
                )
            ),
        ),
    )
    yield from filled("Changes before onset", _changes(report))
    yield from filled(
        "Seen before",
        (
            Quote(ticket.quote, f"{ticket.ticket_id}, similarity {ticket.score:.2f}")
            for ticket in report.similar_incidents
        ),
    )
    yield from filled(
        "Ruled out",
        (
            Grid(
                ("element", "explanation", "why not"),
                tuple((r.managed_object, r.hypothesis, r.why) for r in report.ruled_out),
            ),
        ),
    )
    yield from filled(
        "Not looked at",
        (
            Grid(
                ("what", "why", "rule"),
                tuple((gap.what, gap.why, gap.rule or "") for gap in report.gaps),
            ),
        ),
    )
    yield from filled(
        "Timeline (UTC)",
        (
            Grid(
                ("time", "element", "what"),
                tuple((format_instant(e.time), e.managed_object, e.what) for e in report.timeline),
            ),
        ),
    )
    yield from filled(
        "What ran where, and what left the site",
        (
            Grid(
                ("step", "who", "tier", "tokens", "masked", "bytes", "decision"),
                tuple(map(_step, report.provenance)),
            ),
        ),
    )
    yield from filled(
        "Evidence",
        (
            Quote(item.quote or "(computed)", f"{key}: {item.source}, {item.locator}")
            for key, item in report.evidence.items()
        ),
    )


def _causes(report: RootCauseReport) -> Iterator[Block]:
    if not report.root_causes:
        yield Paragraph("No cause is asserted: the evidence does not decide it.")
    for cause in report.root_causes:
        yield Paragraph(
            f"{cause.managed_object}: {cause.specific_problem} ({cause.probable_cause}, "
            f"{cause.role})"
        )
        yield Paragraph(f"confidence {cause.confidence:.2f}: {cause.confidence_basis}", quiet=True)


def _reached(report: RootCauseReport) -> Iterator[str]:
    reached = report.blast_radius
    if reached.managed_objects:
        yield f"{len(reached.managed_objects)} elements: {', '.join(reached.managed_objects)}"
    if reached.services:
        yield f"services: {', '.join(reached.services)}"


def _changes(report: RootCauseReport) -> Iterator[Block]:
    for change in report.changes_before_onset:
        lines = "\n".join(
            f"{line.sign} {line.text}" for hunk in change.hunks for line in hunk.lines
        )
        yield Quote(
            lines,
            f"{change.managed_object}, {format_instant(change.time)} by {change.author}, "
            f"suspicion {change.score:.2f}: {'; '.join(change.why)}",
        )


def _step(step: ProvenanceStep) -> tuple[str, ...]:
    tokens = (step.tokens_before, step.tokens_after)
    return (
        step.step,
        agent_shown(step.agent),
        step.tier or "nowhere",
        " → ".join(str(count) for count in tokens if count is not None),
        "" if step.masked is None else str(step.masked),
        "" if step.bytes_out is None else str(step.bytes_out),
        (step.decision_id or "")[:12],
    )
