"""Page-ready Markdown of the table and the four steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from placement.assessment import DataAssessment, TierAssessment
from placement.cost import CostAssessment
from placement.latency import LatencyAssessment, Percentiles
from placement.table import PhaseRow
from placement.what_if import WhatIf

_NOTHING = "none"


def table_report(rows: Sequence[PhaseRow]) -> str:
    """The placement table of an operator."""
    return _page(
        "Placement by life-cycle phase",
        _table(
            ("phase", "primary tier", "when at the edge", "edge placement", "services"),
            (
                (
                    row.title,
                    row.primary_tier,
                    row.edge_condition,
                    "; ".join(
                        f"{placement.when}: {placement.tiers}" for placement in row.edge_placements
                    ),
                    ", ".join(row.services),
                )
                for row in rows
            ),
        ),
    )


def data_report(assessment: DataAssessment) -> str:
    """Step one: sources, classes and owners."""
    return _page(
        "Step 1: classify the data",
        f"> {assessment.notice}",
        _table(
            ("source", "records", "class", "residency", "identifiers", "owner", "review", "why"),
            (
                (
                    source.finding.source,
                    f"{source.finding.records:,}",
                    source.proposed_class,
                    source.residency,
                    ", ".join(
                        f"{kind} {count}"
                        for kind, count in sorted(source.finding.identifiers.items())
                    )
                    or _NOTHING,
                    source.finding.owner or "**missing**",
                    str(source.finding.review_on or _NOTHING),
                    source.why,
                )
                for source in assessment.sources
            ),
        ),
        f"Bound: {len(assessment.bound)}. Free: {len(assessment.free)}. "
        f"Grey area, for legal review: {len(assessment.grey)}.",
    )


def latency_report(assessment: LatencyAssessment) -> str:
    """Step two: percentiles, and what they change in the catalogue."""
    return _page(
        "Step 2: measure the latency",
        _table(
            ("tier", "tool", "calls", "first token P50/P95/P99 ms", "round trip P50/P95/P99 ms"),
            (
                (
                    row.tier,
                    row.tool or "probe",
                    str(row.round_trip_ms.samples),
                    _three(row.ttft_ms),
                    _three(row.round_trip_ms),
                )
                for row in assessment.rows
            ),
        ),
        _table(
            ("tier", "stated P95 ms", "measured P95 ms", "catalogue"),
            (
                (
                    update.tier,
                    "unknown" if update.stated is None else f"{update.stated.p95:g}",
                    f"{update.measured.p95:g}",
                    update.why if update.setting is None else f"`{update.setting}` ({update.why})",
                )
                for update in assessment.updates
            ),
        ),
        f"Still assumed, not measured: {', '.join(assessment.assumed) or _NOTHING}.",
    )


def cost_report(assessment: CostAssessment) -> str:
    """Step three: cost by function and compression."""
    labels = [f"{cost.label} ({cost.compression:.0%})" for cost in assessment.totals]
    rows = [
        (function.name, *(f"${cost.cost_usd:,.2f}" for cost in function.costs))
        for function in assessment.functions
    ]
    total = ("**all**", *(f"**${cost.cost_usd:,.2f}**" for cost in assessment.totals))
    price = assessment.price
    return _page(
        "Step 3: the cost of cloud inference, per hour",
        _table(("function", *labels), [*rows, total]),
        f"Prices: ${price.input:g} in, ${price.output:g} out per million tokens "
        f"({price.source}, {price.date}). Edge capacity: "
        f"${assessment.edge_usd_per_hour:,.2f} an hour.",
        f"**{assessment.statement}**",
    )


def tiers_report(assessment: TierAssessment) -> str:
    """Step four: the recommendation per function, and what it needs first."""
    return _page(
        "Step 4: choose the tiers",
        _table(
            ("function", "tier", "obligations", "alternatives", "why"),
            (
                (
                    item.function,
                    item.recommended,
                    ", ".join(item.obligations) or _NOTHING,
                    ", ".join(item.alternatives) or _NOTHING,
                    "<br>".join(item.reasons),
                )
                for item in assessment.recommendations
            ),
        ),
        f"{assessment.edge_share:.0%} of the functions go on premises; "
        f"readiness gap {assessment.readiness_gap:.0%}.",
        _list("Needed before the edge", assessment.needed_first),
        _list("Gaps to close", assessment.gaps),
    )


def what_if_report(outcome: WhatIf) -> str:
    """What another catalogue would have done with past decisions."""
    return _page(
        "What if",
        _list("Settings", [f"`{setting}`" for setting in outcome.settings]),
        _table(
            ("workload", "effect", "before", "after", "$/h", "round trip ms", "why"),
            (
                (
                    row.workload,
                    row.effect,
                    row.tier_before or _NOTHING,
                    row.tier_after or _NOTHING,
                    _change(row.cost_change_usd_per_hour),
                    _change(row.rtt_change_ms),
                    row.rule or "",
                )
                for row in outcome.rows
            ),
        ),
        f"{outcome.moved} would move, {outcome.refused} be refused, {outcome.placed} newly be "
        f"placed, {outcome.costlier} cost more, {outcome.slower} be slower.",
    )


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", *(part for part in parts if part)]) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    if not body:
        return ""
    lines = [heads, ["---"] * len(heads), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list(title: str, items: Sequence[str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {item}" for item in items)]) if items else ""


def _three(found: Percentiles | None) -> str:
    return _NOTHING if found is None else f"{found.p50:g} / {found.p95:g} / {found.p99:g}"


def _change(amount: float | None) -> str:
    return "" if amount is None else f"{amount:+g}"
