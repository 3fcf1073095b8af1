"""Times of calls that other work on the machine disturbs alike, and rows of the table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = dict[str, Any]


def row(
    name: str,
    value: float,
    unit: str,
    *,
    ratio: float | None = None,
    limit: str | None = None,
    ok: bool | None = None,
) -> Row:
    return {"name": name, "value": value, "unit": unit, "ratio": ratio, "limit": limit, "ok": ok}


def best_ms(
    actions: Mapping[str, Callable[[Any], object]], items: Sequence[Any], *, rounds: int = 6
) -> dict[str, list[float]]:
    """For each action the best milliseconds of each item, all actions in turns (any items)."""
    best = {name: [float("inf")] * len(items) for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            for place, item in enumerate(items):
                began = time.perf_counter()
                action(item)
                taken = (time.perf_counter() - began) * 1000
                best[name][place] = min(best[name][place], taken)
    return best
