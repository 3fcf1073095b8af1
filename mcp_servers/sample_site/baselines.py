"""The two naive ways to name a culprit, which the sample incidents must not reward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from telecom.alarm import PerceivedSeverity

_NO_TROUBLE = frozenset({PerceivedSeverity.INDETERMINATE, PerceivedSeverity.CLEARED})


class TimedAlarm(Protocol):
    """What a baseline looks at; `telecom.alarm.Alarm` has it."""

    @property
    def device(self) -> str:
        """The element."""

    @property
    def alarm_raised_time(self) -> datetime | None:
        """When."""

    @property
    def perceived_severity(self) -> PerceivedSeverity:
        """How bad."""


def rank_by_most_alarms(alarms: Iterable[TimedAlarm]) -> list[str]:
    """Rank elements by how many alarms they raise; ties by name."""
    counts = Counter(a.device for a in alarms if a.perceived_severity not in _NO_TROUBLE)
    return sorted(counts, key=lambda device: (-counts[device], device))


def rank_by_first_alarm(alarms: Iterable[TimedAlarm]) -> list[str]:
    """Rank elements by when they raise their first alarm; ties by name."""
    first: dict[str, datetime] = {}
    for alarm in alarms:
        time = alarm.alarm_raised_time
        if time is None or alarm.perceived_severity in _NO_TROUBLE:
            continue
        first[alarm.device] = min(time, first.get(alarm.device, time))
    return sorted(first, key=lambda device: (first[device], device))
