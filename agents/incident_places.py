"""`IncidentPlaces`: at and beside which elements open incidents are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from agents.tracked_incidents import TrackedAlarm
from telecom.topology import Topology

_CROWD = 32
"""Neighbours of an element above which sharing it says nothing: a reflector, a manager."""


class IncidentPlaces:
    """Numbers of open incidents by element; as long as the site's topology holds."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._at: defaultdict[str, set[int]] = defaultdict(set)
        """Element -> open incidents that have an alarm of it."""
        self._near: defaultdict[str, dict[int, float]] = defaultdict(dict)
        """Element -> open incidents at a neighbour of it, with the latest time there."""
        self._neighbors: dict[str, tuple[str, ...]] = {}

    def at(self, device: str) -> Iterable[int]:
        """Incidents that have an alarm of an element."""
        return self._at.get(device, ())

    def near(self, device: str) -> Iterable[tuple[int, float]]:
        """Incidents at a neighbour of an element, with the latest time there."""
        return self._near.get(device, {}).items()

    def sharing_a_neighbor(self, device: str) -> Iterator[tuple[int, float]]:
        """Incidents at an element that has a neighbour in common with this one."""
        for neighbor in self._neighbors_of(device):
            if len(self._neighbors_of(neighbor)) <= _CROWD:
                yield from self.near(neighbor)

    def add(self, device: str, number: int) -> None:
        """An incident has an alarm of an element."""
        self._at[device].add(number)

    def mark(self, number: int, device: str, time: float) -> None:
        """Let the neighbours of an element know of trouble there."""
        for neighbor in self._neighbors_of(device):
            near = self._near[neighbor]
            if time > near.get(number, float("-inf")):
                near[number] = time

    def unmark(self, number: int, device: str) -> None:
        """Take an element out of an incident, and the incident from its neighbours' sight."""
        self._at[device].discard(number)
        for neighbor in self._neighbors_of(device):
            self._near[neighbor].pop(number, None)

    def parts(self, alarms: list[TrackedAlarm]) -> list[list[TrackedAlarm]]:
        """Group alarms by elements that are joined or share a neighbour, oldest part first."""
        by_device: defaultdict[str, list[TrackedAlarm]] = defaultdict(list)
        for alarm in alarms:
            by_device[alarm.device].append(alarm)
        # In order of the alarms throughout: a rebuilt store must tell the same story.
        left, parts = dict.fromkeys(by_device), list[list[TrackedAlarm]]()
        while left:
            part, reached = list[TrackedAlarm](), [next(iter(left))]
            del left[reached[0]]
            for device in reached:
                part += by_device[device]
                around = dict.fromkeys(self._neighbors_of(device))
                for neighbor in self._neighbors_of(device):
                    if len(self._neighbors_of(neighbor)) <= _CROWD:
                        around |= dict.fromkeys(self._neighbors_of(neighbor))
                joined = [name for name in around if name in left]
                for name in joined:
                    del left[name]
                reached += joined
            parts.append(part)
        return sorted(parts, key=lambda part: min(alarm.raised for alarm in part))

    def _neighbors_of(self, device: str) -> tuple[str, ...]:
        known = self._neighbors.get(device)
        if known is None:
            known = self._neighbors[device] = tuple(self._topology.neighbors(device))
        return known
