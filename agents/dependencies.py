"""What an element depends on: providers by relation, and elements that paths run through."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from telecom.topology import Topology

DEPENDENCY = ("serves", "powers", "clocks", "hosts")


@dataclass(slots=True)
class Dependencies:
    """What an element depends on: providers by relation, and elements that paths run through."""

    topology: Topology
    _providers: dict[str, dict[str, int]] = field(default_factory=dict)
    _paths: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def of(self, device: str) -> Mapping[str, int]:
        """Providers of `device` (what serves, powers, clocks or hosts it), with their distance."""
        known = self._providers.get(device)
        if known is None:
            known = self._providers[device] = {}
            frontier, distance = [device], 0
            while frontier and distance < 4:
                distance += 1
                frontier = [
                    link.a.device
                    for near in frontier
                    for link in self.topology.links_of(near)
                    if link.relation in DEPENDENCY
                    and link.b.device == near
                    and link.a.device != device
                    and known.setdefault(link.a.device, distance) == distance
                ]
        return known

    def dependents(self, device: str) -> set[str]:
        """What depends on `device`, at most three relations away."""
        found: set[str] = set()
        frontier = [device]
        for _ in range(3):
            frontier = [
                link.b.device
                for near in frontier
                for link in self.topology.links_of(near)
                if link.relation in DEPENDENCY
                and link.a.device == near
                and link.b.device not in found
                and link.b.device != device
            ]
            found.update(frontier)
        return found

    def between(self, device: str, other: str) -> frozenset[str]:
        """The inner elements of the shortest paths that join two elements."""
        key = (device, other) if device < other else (other, device)
        if key not in self._paths:
            self._paths[key] = self._shortest(*key)
        return self._paths[key]

    def _shortest(self, start: str, goal: str) -> frozenset[str]:
        if start not in self.topology or goal not in self.topology:
            return frozenset()
        distance = {start: 0}
        parents: dict[str, list[str]] = defaultdict(list)
        queue = deque([start])
        while queue:
            near = queue.popleft()
            if near == goal or distance[near] >= 12:
                break
            for far in self.topology.neighbors(near, "connects"):
                if far not in distance:
                    distance[far] = distance[near] + 1
                    queue.append(far)
                if distance[far] == distance[near] + 1:
                    parents[far].append(near)
        inner: set[str] = set()
        frontier = [goal] if goal in distance else []
        while frontier:
            frontier = [p for node in frontier for p in parents[node] if p not in inner]
            inner.update(frontier)
        return frozenset(inner - {start, goal})
