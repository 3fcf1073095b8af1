"""Tables for people of the four steps; the page-ready reports are `placement.reports`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from orchestrator.rendering.terminal import table, text, two_lines
from placement.assessment import TierAssessment
from placement.cost import CostAssessment, HourlyCost
from placement.latency import LatencyAssessment, Percentiles
from placement.table import PhaseRow
from placement.what_if import WhatIf


def print_latency(assessment: LatencyAssessment, console: Console) -> None:
    """Step two: percentiles per tier and tool, and what they say about the catalogue."""
    console.print(
        table(
            "Measured, in milliseconds (P50 / P95 / P99)",
            ("tier", "tool", "calls", "first token", "round trip"),
            (
                (
                    row.tier,
                    row.tool or "bare round trip",
                    str(row.round_trip_ms.samples),
                    _three(row.ttft_ms),
                    _three(row.round_trip_ms),
                )
                for row in assessment.rows
            ),
        )
    )
    if assessment.updates:
        console.print(
            table(
                "The catalogue's round trips",
                ("tier", "stated P95", "measured P95", "proposed P95", "why"),
                (
                    (
                        update.tier,
                        "unknown" if update.stated is None else f"{update.stated.p95:g}",
                        f"{update.measured.p95:.3g}",
                        "as it is" if update.proposed is None else f"{update.proposed.p95:.3g}",
                        update.why,
                    )
                    for update in assessment.updates
                ),
            )
        )
    console.print(
        text(f"assumed, not measured: {', '.join(assessment.assumed) or 'nothing'}"), soft_wrap=True
    )


def print_cost(
    assessment: CostAssessment,
    by_model: Sequence[tuple[str, Sequence[HourlyCost]]],
    console: Console,
) -> None:
    """Step three: USD per hour for each function, then the same work at every model's price."""
    labels = [f"{cost.label} ({cost.compression:.0%})" for cost in assessment.totals]
    console.print(
        table(
            "USD per hour",
            ("function", *labels),
            [
                *((one.name, *_dollars(one.costs)) for one in assessment.functions),
                ("all", *_dollars(assessment.totals)),
            ],
        )
    )
    if by_model:
        console.print(
            table(
                "All functions at the price of each model",
                ("model", *labels),
                ((name, *_dollars(totals)) for name, totals in by_model),
            )
        )
    price = assessment.price
    console.print(
        text(
            f"price: ${price.input:g} in, ${price.output:g} out per million tokens "
            f"({price.source}, {price.date})"
        ),
        soft_wrap=True,
    )


def print_tiers(assessment: TierAssessment, rows: Sequence[PhaseRow], console: Console) -> None:
    """Step four: the recommendations, the operator's placement table, what is needed first."""
    console.print(
        table(
            "Where each function should run",
            ("function", "tier", "obligations", "why"),
            (
                (
                    item.function,
                    item.recommended,
                    ", ".join(item.obligations),
                    "\n".join(item.reasons[:2]),
                )
                for item in assessment.recommendations
            ),
        )
    )
    print_placement_table(rows, console)
    console.print(
        text(
            f"{assessment.edge_share:.0%} of the functions go on premises; "
            f"readiness gap {assessment.readiness_gap:.0%}"
        ),
        soft_wrap=True,
    )
    for title, items in (
        ("before the edge", assessment.needed_first),
        ("to close", assessment.gaps),
    ):
        for item in items:
            console.print(text(f"{title}: {item}"), soft_wrap=True)


def print_placement_table(rows: Sequence[PhaseRow], console: Console) -> None:
    """The ten phases with the placements that the policy computed."""
    console.print(
        table(
            "Placement by life-cycle phase",
            ("phase, services", "primary tier, edge condition", "goes to"),
            (
                (
                    two_lines(row.phase.value, ", ".join(row.services)),
                    two_lines(row.primary_tier, row.edge_condition),
                    _goes_to(row),
                )
                for row in rows
            ),
        )
    )


def _goes_to(row: PhaseRow) -> Text:
    """Where the policy put each part of a phase, or the phase under each edge condition."""
    parts = len(row.placements) > 1
    placed = row.placements if parts else row.edge_placements
    lines = [
        text(
            f"{label}: {each.tiers}" if (label := each.part if parts else each.when) else each.tiers
        )
        for each in placed
    ]
    return Text("\n").join(lines)


def print_what_if(outcome: WhatIf, console: Console) -> None:
    """What would move, be refused, cost more or be slower."""
    console.print(
        table(
            "What if" + (f": {', '.join(outcome.settings)}" if outcome.settings else ""),
            ("workload", "effect", "before", "after", "$/h", "ms", "rule"),
            (
                (
                    row.workload,
                    row.effect,
                    row.tier_before or "nowhere",
                    row.tier_after or "nowhere",
                    _change(row.cost_change_usd_per_hour),
                    _change(row.rtt_change_ms),
                    row.rule or "",
                )
                for row in outcome.rows
            ),
        )
    )
    console.print(
        f"{outcome.moved} move, {outcome.refused} refused, {outcome.placed} newly placed, "
        f"{outcome.costlier} costlier, {outcome.slower} slower"
    )


def _dollars(costs: Iterable[HourlyCost]) -> tuple[str, ...]:
    return tuple(f"${cost.cost_usd:,.2f}" for cost in costs)


def _three(found: Percentiles | None) -> str:
    return "" if found is None else f"{found.p50:.3g} / {found.p95:.3g} / {found.p99:.3g}"


def _change(amount: float | None) -> str:
    return "" if not amount else f"{amount:+g}"
