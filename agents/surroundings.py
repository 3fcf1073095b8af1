"""`Surroundings`: what ranking knows of a window whichever of its symptoms it is asked about.

One verdict ranks several times: the whole incident, then what each asserted cause leaves
unexplained. What does not depend on the symptoms is looked up once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.dependencies import Dependencies
from agents.folding import when
from telecom.alarm import Alarm, OccurrenceKind
from telecom.configuration import ConfigChange
from telecom.topology import Topology


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The network, the records and the changes that a window lies in."""

    topology: Topology
    upstream: Dependencies
    """What depends on what in that topology."""
    alarms: Sequence[Alarm]
    """Records of the window, in time order."""
    changes: Sequence[ConfigChange]
    """Configuration changes up to its end."""
    last_heard: Mapping[str, datetime]
    """Element -> when it last said something itself."""
    restarts: Mapping[str, Alarm]
    """Element -> the first record that says it restarted."""

    @classmethod
    def of(
        cls,
        topology: Topology,
        alarms: Sequence[Alarm],
        *,
        before: Sequence[Alarm] = (),
        changes: Sequence[ConfigChange] = (),
    ) -> Surroundings:
        """Look up what every ranking of a window needs.

        Args:
            topology: Of the site.
            alarms: Records of the window, in time order.
            before: Records ahead of it, in time order.
            changes: Configuration changes up to its end.
        """
        last_heard = {}
        restarts: dict[str, Alarm] = {}
        for alarm in before:
            if _speaks(alarm):
                last_heard[alarm.device] = when(alarm)
        for alarm in alarms:
            if _speaks(alarm):
                last_heard[alarm.device] = when(alarm)
            if alarm.occurrence and alarm.occurrence.kind is OccurrenceKind.RESTART:
                restarts.setdefault(alarm.device, alarm)
        return cls(topology, Dependencies(topology), alarms, changes, last_heard, restarts)


def _speaks(alarm: Alarm) -> bool:
    """Whether a record comes from the element itself; a lost heartbeat is said of it."""
    return alarm.occurrence is None or alarm.occurrence.kind is not OccurrenceKind.HEARTBEAT
