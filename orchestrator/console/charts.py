"""Charts: drawn by the ECharts that is served with the page, as SVG in the page's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by colour-blind readers (Okabe and Ito)."""
_QUIET = "#8792a2"
"""Lines and grid, on light and on dark."""

Options = dict[str, Any]  # ECharts reads any JSON


def chart(options: Options, *, says: str) -> ui.echart:
    """Put a chart on the page.

    Args:
        options: As ECharts reads them.
        says: What somebody who cannot see it is told.
    """
    drawn = ui.echart({"animation": False, **options}, renderer="svg").classes("chart")
    drawn.props["role"] = "img"
    drawn.props["aria-label"] = says
    return drawn


def lines(
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    *,
    x_name: str,
    y_name: str,
    level: tuple[str, float] | None = None,
) -> Options:
    """Lines over numbers.

    Args:
        series: Name -> points.
        x_name: What runs along.
        y_name: What runs up.
        level: A dashed horizontal line with its name.
    """
    drawn: list[Options] = [
        {
            "name": name,
            "type": "line",
            "showSymbol": False,
            "data": [list(point) for point in points],
            "lineStyle": {"width": 2.5},
            "emphasis": {"focus": "series"},
        }
        for name, points in series
    ]
    if level is not None and drawn:
        name, height = level
        drawn[0]["markLine"] = {
            "symbol": "none",
            "silent": True,
            "lineStyle": {"type": "dashed", "color": _QUIET, "width": 1.5},
            "label": {"formatter": name, "position": "insideStartTop"},
            "data": [{"yAxis": height}],
        }
    return {
        "color": list(COLOURS),
        "grid": {"left": 12, "right": 24, "top": 56, "bottom": 34, "containLabel": True},
        "legend": {"top": 4, "left": 0, "icon": "roundRect", "itemHeight": 4},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {"type": "value", "name": x_name, **_axis(), "nameGap": 26},
        "yAxis": {"type": "value", "name": y_name, **_axis(), "nameLocation": "end"},
        "series": drawn,
    }


def spans(rows: Sequence[tuple[str, float, float, float]], *, x_name: str) -> Options:
    """Percentiles as a bar to P50, P95 and P99, a row each; a logarithmic axis."""
    parts = (("P50", 1), ("P95", 2), ("P99", 3))
    return {
        "color": list(COLOURS[1:4]),
        "grid": {"left": 12, "right": 24, "top": 40, "bottom": 30, "containLabel": True},
        "legend": {"top": 4, "left": 0, "icon": "circle", "itemHeight": 9},
        "tooltip": {"trigger": "axis", "confine": True, "axisPointer": {"type": "shadow"}},
        "xAxis": {"type": "log", "name": x_name, **_axis(), "nameGap": 24},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [row[0] for row in rows],
            "axisTick": {"show": False},
            "axisLine": {"lineStyle": {"color": _QUIET}},
        },
        "series": [
            {
                "name": name,
                "type": "scatter",
                "symbolSize": 12,
                "data": [[max(row[column], 0.01), row[0]] for row in rows],
            }
            for name, column in parts
        ],
    }


def _axis() -> Options:
    return {
        "nameLocation": "middle",
        "axisLine": {"show": True, "lineStyle": {"color": _QUIET}},
        "splitLine": {"lineStyle": {"color": _QUIET, "opacity": 0.25}},
    }
