"""What AI functions cost at every volume and compression, and how long calls take."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nicegui import ui

from orchestrator.assessments.assessing import edge_cost, samples_of_state, token_price
from orchestrator.console.charts import chart, lines, spans
from orchestrator.console.controls import choice, number
from orchestrator.console.safe_text import heading, words
from orchestrator.console.tables import Cell, table
from orchestrator.console.token_volume import TokenVolume, measured_volume
from placement.cost import (
    ARTICLE_FUNCTION,
    ARTICLE_PRICE,
    AiFunction,
    CostAssessment,
    TokenPrice,
    assess_cost,
    hourly_cost,
)
from placement.cost_chart import compressions
from placement.latency import LatencyAssessment, Percentiles, assess_latency
from placement.policy import Policy

if TYPE_CHECKING:
    from orchestrator.console.registration import Console

_ARTICLE = "article"
_POINTS = 20
_MOST = 1e9


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the curve is drawn for."""

    events_per_hour: float = ARTICLE_FUNCTION.events_per_hour
    tokens_per_event: float = ARTICLE_FUNCTION.tokens_per_event
    model: str = _ARTICLE
    edge_usd_per_hour: float = 0.0

    @property
    def function(self) -> AiFunction:
        """As the cost model takes it."""
        return ARTICLE_FUNCTION.model_copy(
            update={
                "name": "alarm events",
                "events_per_hour": self.events_per_hour,
                "tokens_per_event": self.tokens_per_event,
            }
        )


def register(console: Console) -> None:
    """Cost and latency, for who plans capacity."""

    @console.page_for("/costs", title="Cost and latency", nav="l")
    async def costs() -> None:
        desk = console.desk
        policy = desk.services.policy
        heading("What does it cost, and how long does it take?")
        _CostCurve(policy, await measured_volume(desk.service.state))
        samples = await asyncio.to_thread(samples_of_state, desk.settings.state_address)
        _latency(assess_latency(samples, policy.catalogue), policy)


class _CostCurve:
    """One page's curve."""

    def __init__(self, policy: Policy, measured: TokenVolume) -> None:
        self._policy = policy
        self._measured = measured
        self._asked = _Asked(edge_usd_per_hour=edge_cost(policy, ()))
        with ui.element("section").classes("explorer"):
            with ui.element("form").classes("card fields") as form:
                form.props["aria-label"] = "What is counted"
                form.on("submit", js_handler="(e) => e.preventDefault()")
                self._controls()
            self._answer = ui.element("div").classes("card").props("aria-live=polite")
        self._show()

    def _controls(self) -> None:
        asked = self._asked
        number("Events an hour", asked.events_per_hour, self._number("events_per_hour"))
        number("Tokens an event", asked.tokens_per_event, self._number("tokens_per_event"))
        models = {_ARTICLE: "the article's, $2.60 a million"} | {
            name: f"{name}, ${entry.price.input:g} in, ${entry.price.output:g} out"
            for name, entry in self._policy.catalogue.models.items()
        }
        choice("Price of", models, asked.model, lambda value: self._set(model=value))
        number(
            "The edge costs",
            asked.edge_usd_per_hour,
            self._number("edge_usd_per_hour"),
            hint="USD an hour",
        )
        words(_measured_in_words(self._measured), classes="dim")

    def _number(self, name: str) -> Any:  # a handler for one of the three fields
        def told(value: str) -> None:
            try:
                amount = float(value)
            except ValueError:
                return
            if 0 <= amount <= _MOST:
                self._set(**{name: amount})

        return told

    def _set(self, **keys: Any) -> None:  # the question's own fields
        self._asked = replace(self._asked, **keys)
        self._show()

    def _show(self) -> None:
        asked, price = self._asked, self._price()
        measured = self._measured.compression
        assessment = assess_cost(
            (asked.function,),
            price,
            edge_usd_per_hour=asked.edge_usd_per_hour,
            measured_compression=measured,
        )
        self._answer.clear()
        with self._answer:
            words(f"{assessment.statement[0].upper()}{assessment.statement[1:]}", classes="title")
            chart(
                cost_curve(asked.function, price, measured, asked.edge_usd_per_hour),
                says=assessment.statement,
            )
            table(
                "USD an hour at this volume",
                ("compression", "input tokens an hour", "USD an hour"),
                _at_this_volume(assessment),
                numbers=(1, 2),
            )
            words(f"Price: {price.source}, {price.date}.", classes="dim")

    def _price(self) -> TokenPrice:
        entry = self._policy.catalogue.models.get(self._asked.model)
        return ARTICLE_PRICE if entry is None else token_price(entry)


def cost_curve(
    function: AiFunction, price: TokenPrice, measured: float | None, edge_usd_per_hour: float
) -> dict[str, Any]:
    """USD an hour over events an hour, a line for each compression (for ECharts, hence Any)."""
    most = max(function.events_per_hour * 2, 1.0)
    volumes = [most * step / _POINTS for step in range(_POINTS + 1)]
    series = [
        (name, [(round(at, 2), _cost(function, price, at, share)) for at in volumes])
        for name, share in compressions(measured)
    ]
    level = (f"edge ${edge_usd_per_hour:,.2f}", edge_usd_per_hour) if edge_usd_per_hour else None
    return lines(series, x_name="events an hour", y_name="USD an hour", level=level)


def _cost(function: AiFunction, price: TokenPrice, events: float, share: float) -> float:
    at_volume = function.model_copy(update={"events_per_hour": events})
    return round(hourly_cost(at_volume, price, share).cost_usd, 4)


def _at_this_volume(assessment: CostAssessment) -> Sequence[tuple[str | Cell, ...]]:
    return [
        (
            Cell(f"{cost.compression:.0%}", cost.label),
            f"{cost.input_tokens:,.0f}",
            f"${cost.cost_usd:,.2f}",
        )
        for cost in assessment.totals
    ]


def _measured_in_words(volume: TokenVolume) -> str:
    share = volume.compression
    if share is None:
        return "Compression was not measured yet: the first investigation does."
    return (
        f"Measured here: {volume.investigations} investigations read "
        f"{volume.raw_tokens:,} tokens and sent {volume.sent_tokens:,} ({share:.0%} stayed)."
    )


def _latency(assessment: LatencyAssessment, policy: Policy) -> None:
    with ui.element("section").classes("card"):
        heading("How long calls take", 2)
        if assessment.rows:
            rows = [
                (f"{row.tier}, {row.tool or 'round trip'}", *_three(row.round_trip_ms))
                for row in assessment.rows
            ]
            drawn = chart(
                spans(rows, x_name="milliseconds, logarithmic"),
                says="Round trips: percentiles per tier and tool, as in the table below",
            )
            drawn.style(f"height:{80 + 34 * len(rows)}px")
        table(
            "Measured by this console's investigations, in milliseconds",
            ("tier", "tool", "calls", "P50", "P95", "P99", "first token P50"),
            (
                (
                    row.tier,
                    row.tool or "bare round trip",
                    f"{row.round_trip_ms.samples:,}",
                    *(f"{value:,.0f}" for value in _three(row.round_trip_ms)),
                    "" if row.ttft_ms is None else f"{row.ttft_ms.p50:,.0f}",
                )
                for row in assessment.rows
            ),
            numbers=(2, 3, 4, 5, 6),
            empty="Nothing was measured yet: the first investigation does.",
        )
        tiers = {**policy.catalogue.tiers, **policy.catalogue.model_endpoints}
        table(
            "What the catalogue states of each tier's round trip, in milliseconds",
            ("tier", "P50", "P95", "P99", "basis"),
            (
                (tier_id, f"{trip.p50:g}", f"{trip.p95:g}", f"{trip.p99:g}", trip.basis)
                for tier_id, entry in tiers.items()
                if (trip := entry.rtt_ms) is not None
            ),
            numbers=(1, 2, 3),
        )


def _three(found: Percentiles) -> tuple[float, float, float]:
    return (found.p50, found.p95, found.p99)
