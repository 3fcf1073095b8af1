"""The newest burst of alarms: what "the current incident" means when nobody names a window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

BIN_SECONDS = 300.0
_MERGE_BINS = 3
"""Bins of quiet that do not end a burst: a storm pauses while hold timers run."""
_LOUD = 4.0
"""How many times the usual level a bin must reach."""
_SHARE_OF_PEAK = 0.1
"""A blip after a storm is its tail, not a new incident, until it reaches this share of the peak."""
_FEWEST = 5
_LONGEST_BINS = 72
"""Six hours: what lasts longer is a state of the network, not a burst."""


def newest_burst(times: Sequence[float]) -> tuple[float, float] | None:
    """Find the newest burst in a series of alarm times.

    Args:
        times: Seconds, ascending.

    Returns:
        First and last second of the burst, one bin of margin on either side; None without times.
        In a series without a level to stand out from, it is the newest stretch without a long gap.
    """
    if not times:
        return None
    bins = Counter(int(moment // BIN_SECONDS) for moment in times)
    newest, oldest = max(bins), min(bins)
    threshold = max(
        _FEWEST, _LOUD * _median(bins, newest - oldest + 1), _SHARE_OF_PEAK * max(bins.values())
    )
    loud = sorted(number for number, count in bins.items() if count >= threshold)
    run = _newest_run(loud or sorted(bins))
    return (run[0] - 1) * BIN_SECONDS, (run[1] + 2) * BIN_SECONDS


def _median(bins: Counter[int], span: int) -> float:
    """Median count over the whole span, empty bins included."""
    counts = sorted(bins.values())
    middle = span // 2 - (span - len(counts))
    return float(counts[middle]) if middle >= 0 else 0.0


def _newest_run(numbers: Sequence[int]) -> tuple[int, int]:
    last = first = numbers[-1]
    for number in reversed(numbers):
        if first - number > _MERGE_BINS or last - number >= _LONGEST_BINS:
            break
        first = number
    return first, last
