"""Charts of cost against events per hour and compression: SVG for pages, text for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from placement.cost import FLOOR, TARGET, AiFunction, TokenPrice, hourly_cost

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 130, 30, 50
# Distinguishable for colour-blind readers (Okabe and Ito).
_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7")
_STEPS = 5


def compressions(measured: float | None = None) -> tuple[tuple[str, float], ...]:
    """The lines of a chart: raw, floor, target and, if there is one, the measured compression."""
    lines = (("raw", 0.0), ("60 % floor", FLOOR), ("90 % target", TARGET))
    return lines if measured is None else (*lines, (f"{measured:.0%} measured", measured))


def cost_chart_svg(
    function: AiFunction,
    price: TokenPrice,
    *,
    measured: float | None = None,
    edge_usd_per_hour: float | None = None,
) -> str:
    """Draw USD per hour over events per hour, up to twice the function's own volume."""
    most_events = max(function.events_per_hour * 2, 1.0)
    most_cost = max(_cost(function, price, most_events, 0.0), edge_usd_per_hour or 0.0, 0.01)
    right, floor = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def x(events: float) -> float:
        return _LEFT + (right - _LEFT) * events / most_events

    def y(cost: float) -> float:
        return floor - (floor - _TOP) * cost / most_cost

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(function.name)}: cost by volume and compression</title>",
        f'<path d="M{_LEFT} {_TOP}V{floor}H{right}" fill="none" stroke="#333"/>',
    ]
    for step in range(_STEPS + 1):
        events, cost = most_events * step / _STEPS, most_cost * step / _STEPS
        parts.append(
            f'<text x="{x(events):.1f}" y="{floor + 18}" text-anchor="middle">'
            f"{_count(events)}</text>"
        )
        parts.append(
            f'<text x="{_LEFT - 6}" y="{y(cost) + 4:.1f}" text-anchor="end">${cost:,.2f}</text>'
        )
    parts.append(
        f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 10}" text-anchor="middle">'
        "events per hour</text>"
    )
    for colour, (label, compression) in zip(_COLOURS, compressions(measured), strict=False):
        end = _cost(function, price, most_events, compression)
        parts.append(
            f'<path d="M{x(0):.1f} {y(_cost(function, price, 0, compression)):.1f}'
            f'L{x(most_events):.1f} {y(end):.1f}" stroke="{colour}" stroke-width="2" fill="none"/>'
        )
        parts.append(
            f'<text x="{right + 6}" y="{y(end) + 4:.1f}" fill="{colour}">{escape(label)}</text>'
        )
    if edge_usd_per_hour is not None:
        level = y(edge_usd_per_hour)
        parts.append(
            f'<path d="M{_LEFT} {level:.1f}H{right}" stroke="#333" stroke-dasharray="4 3"/>'
            f'<text x="{_LEFT + 6}" y="{level - 4:.1f}">edge capacity</text>'
        )
    return "\n".join([*parts, "</svg>"])


def cost_chart_text(
    function: AiFunction,
    price: TokenPrice,
    *,
    measured: float | None = None,
    volumes: Sequence[float] | None = None,
    width: int = 40,
) -> str:
    """Draw bars of USD per hour: a block for each volume, in it a bar for each compression."""
    own = function.events_per_hour or 1.0
    levels = volumes or (own / 2, own, own * 2)
    most = max((_cost(function, price, events, 0.0) for events in levels), default=0.0) or 1.0
    lines = []
    for events in levels:
        lines.append(f"{_count(events)} events/h")
        for label, compression in compressions(measured):
            cost = _cost(function, price, events, compression)
            bar = "█" * max(1, round(width * cost / most)) if cost > 0 else ""
            lines.append(f"  {label:<13} {bar:<{width}} ${cost:,.2f}/h")
    return "\n".join(lines)


def _count(events: float) -> str:
    """Whole events; of a few an hour their fraction, too."""
    return f"{events:,.0f}" if events >= 10 or events == 0 else f"{events:.2g}"


def _cost(function: AiFunction, price: TokenPrice, events: float, compression: float) -> float:
    at_volume = function.model_copy(update={"events_per_hour": events})
    return hourly_cost(at_volume, price, compression).cost_usd
