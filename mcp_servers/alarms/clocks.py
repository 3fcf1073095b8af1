"""How far the clocks of elements are off: when a line says it was sent, against when it came.

Only live syslog tells: it is sent as it is written, so what is left after the network is the clock.
Files and deliveries of stored alarms say nothing about a clock.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from statistics import median

from telecom.alarm import Alarm
from telecom.schema import ProductModel

NOTEWORTHY_SECONDS = 30.0
"""Below that the network, a relay's buffer and whole-second timestamps explain it."""
FEWEST_LINES = 5
"""One line may have waited anywhere."""
_WEIGHT = 0.2
"""Of the newest batch: a clock that was set is believed after some batches."""


class ClockSkew(ProductModel):
    """An element whose clock is off."""

    device: str
    seconds: float
    """Positive: it runs ahead."""
    lines: int
    """How many it was told from."""


def note_clocks(connection: sqlite3.Connection, heard: Iterable[tuple[Alarm, float]]) -> None:
    """Learn from live lines.

    Args:
        connection: Of the alarm store, within a transaction.
        heard: Each line with the time it came, in seconds since 1970.
    """
    offsets: defaultdict[str, list[float]] = defaultdict(list)
    for alarm, received in heard:
        moment = alarm.alarm_raised_time
        if moment is not None and moment.timestamp() != received:
            offsets[alarm.device.lower()].append(moment.timestamp() - received)
    connection.executemany(
        "INSERT INTO clocks VALUES (?1, ?2, ?3) ON CONFLICT (device) DO UPDATE SET"
        " seconds = seconds + ?4 * (?2 - seconds), lines = lines + ?3",
        [(device, median(each), len(each), _WEIGHT) for device, each in offsets.items()],
    )


def skewed_clocks(connection: sqlite3.Connection) -> list[ClockSkew]:
    """Elements whose clock is off by more than can be explained, worst first."""
    rows = connection.execute(
        "SELECT device, seconds, lines FROM clocks WHERE lines >= ? AND abs(seconds) >= ?"
        " ORDER BY abs(seconds) DESC",
        (FEWEST_LINES, NOTEWORTHY_SECONDS),
    )
    return [
        ClockSkew(device=device, seconds=round(seconds, 1), lines=lines)
        for device, seconds, lines in rows
    ]
