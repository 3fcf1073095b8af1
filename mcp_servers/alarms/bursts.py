"""The newest burst of alarms: what "the current incident" means when nobody names a window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

MINUTE = 60.0
_SPAN = 5
"""Minutes that are counted together, and minutes of quiet that end a burst: a storm pauses while
hold timers run (180 s for BGP, RFC 4271)."""
_LOUD = 4.0
"""How many times the usual count five minutes must reach."""
_SHARE_OF_PEAK = 0.1
"""A blip after a storm is its tail, not a new incident, until it reaches this share of the peak."""
_FEWEST = 5
_LONGEST = 360
"""Minutes; what lasts longer is a state of the network, not a burst."""
_BEFORE = 5
_AFTER = 2
"""Minutes of margin; more before, because causes speak before their effects are loud."""


def newest_burst(times: Sequence[float]) -> tuple[float, float] | None:
    """Find the newest burst in a series of alarm times.

    Args:
        times: Seconds, in any order.

    Returns:
        First and last second of the burst with some margin; None without times. In a series
        without a level to stand out from, it is the newest stretch without a long gap.
    """
    if not times:
        return None
    minutes = Counter(int(moment // MINUTE) for moment in times)
    counts: Counter[int] = Counter()
    for minute, count in minutes.items():
        for later in range(minute, minute + _SPAN):
            counts[later] += count
    span = max(counts) - min(counts) + 1
    threshold = max(_FEWEST, _LOUD * _median(counts, span), _SHARE_OF_PEAK * max(counts.values()))
    # A minute belongs to a burst when one of the five-minute spans that hold it is loud.
    loud = sorted(
        minute
        for minute in minutes
        if any(counts[later] >= threshold for later in range(minute, minute + _SPAN))
    )
    first, last = _newest_run(loud or sorted(minutes))
    return (first - _BEFORE) * MINUTE, (last + 1 + _AFTER) * MINUTE


def _median(counts: Counter[int], span: int) -> float:
    """Median over the whole span, empty minutes included."""
    ordered = sorted(counts.values())
    middle = span // 2 - (span - len(ordered))
    return float(ordered[middle]) if middle >= 0 else 0.0


def _newest_run(minutes: Sequence[int]) -> tuple[int, int]:
    first = last = minutes[-1]
    for minute in reversed(minutes):
        if first - minute > _SPAN or last - minute >= _LONGEST:
            break
        first = minute
    return first, last
