"""What an element depends on: providers by relation, and elements that paths run through."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from telecom.alarm import OccurrenceKind
from telecom.topology import Topology

DEADLY = ("powers", "hosts")
"""Relations over which a dead provider takes its dependents along at once."""

_K = OccurrenceKind
LOSSES = frozenset(
    {
        _K.INTERFACE,
        _K.BGP_SESSION,
        _K.OSPF_ADJACENCY,
        _K.ISIS_ADJACENCY,
        _K.LDP_SESSION,
        _K.BFD_SESSION,
        _K.LACP,
        _K.TUNNEL,
        _K.HEARTBEAT,
        _K.SIGNALLING,
        _K.SERVICE,
    }
)
"""How the loss of an element shows."""
_USERS_NOTICE = frozenset({_K.SIGNALLING, _K.SERVICE, _K.THRESHOLD, _K.OTHER})
HANDED_ON: Mapping[str, frozenset[OccurrenceKind]] = {
    # Without power an element is gone; a battery that holds changes nothing.
    "powers": LOSSES,
    # A wrong clock makes phase errors and interference, never a lost link.
    "clocks": frozenset({_K.CLOCK, _K.SERVICE, _K.THRESHOLD}),
    # A function that fails its consumers shows in their signalling, their service, their counters.
    "serves": _USERS_NOTICE,
    # A broken host breaks its functions in any way that is not their own hardware.
    "hosts": LOSSES | _USERS_NOTICE | {_K.PROCESS, _K.RESTART, _K.RESOURCE},
}
"""Relation -> the kinds of trouble that a provider's fault makes at what depends on it."""


@dataclass(slots=True)
class Dependencies:
    """What an element depends on: providers by relation, and elements that paths run through."""

    topology: Topology
    _providers: dict[tuple[str, OccurrenceKind], dict[str, int]] = field(default_factory=dict)
    _paths: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    _taken: dict[str, frozenset[str]] = field(default_factory=dict)
    _hops: dict[str, dict[str, int]] = field(default_factory=dict)
    _next: dict[str, Iterable[str]] = field(default_factory=dict)
    _cut_off: dict[str, frozenset[str]] = field(default_factory=dict)
    _cuts: _Cuts | None = None

    def of(self, device: str, kind: OccurrenceKind) -> Mapping[str, int]:
        """Providers whose fault may show as trouble of `kind` at `device`, with their distance."""
        known = self._providers.get((device, kind))
        if known is None:
            known = self._providers[device, kind] = {}
            frontier, distance = [device], 0
            while frontier and distance < 4:
                distance += 1
                frontier = [
                    link.a.device
                    for near in frontier
                    for link in self.topology.links_of(near)
                    if kind in HANDED_ON.get(link.relation, ())
                    and link.b.device == near
                    and link.a.device != device
                    and known.setdefault(link.a.device, distance) == distance
                ]
        return known

    def servers_of(self, device: str) -> list[str]:
        """What serves an element directly."""
        return [
            link.a.device
            for link in self.topology.links_of(device)
            if link.relation == "serves" and link.b.device == device
        ]

    def fed_by(self, device: str) -> list[tuple[str, str]]:
        """What depends on an element directly, with the relation."""
        return [
            (link.b.device, link.relation)
            for link in self.topology.links_of(device)
            if link.relation in HANDED_ON and link.a.device == device
        ]

    def hops(self, device: str, other: str) -> int | None:
        """How many cables or hostings lie between two elements; None without a way."""
        known = self._hops.get(device)
        if known is None:
            known = self._hops[device] = {device: 0}
            queue = deque([device])
            while queue:
                near = queue.popleft()
                for far in self._joined(near):
                    if far not in known:
                        known[far] = known[near] + 1
                        queue.append(far)
        return known.get(other)

    def taken_along(self, device: str) -> frozenset[str]:
        """What is out of reach when an element dies: what it feeds, and what hangs behind those.

        An element without a second path loses everybody when the one element before it dies; an
        element on a ring does not.
        """
        known = self._taken.get(device)
        if known is None:
            dead = {device} | {
                link.b.device
                for link in self.topology.links_of(device)
                if link.relation in DEADLY and link.a.device == device
            }
            behind = {lost for name in dead for lost in self.cut_off_by(name)}
            known = self._taken[device] = frozenset((dead | behind) - {device})
        return known

    def cut_off_by(self, device: str) -> frozenset[str]:
        """What has no path to the larger part of the network without an element."""
        known = self._cut_off.get(device)
        if known is None:
            known = self._cut_off[device] = self._cut().without_node(device)
        return known

    def behind_link(self, device: str, far: str) -> frozenset[str]:
        """What has no path to the larger part of the network without one link."""
        return self._cut().without_link(device, far)

    def _cut(self) -> _Cuts:
        if self._cuts is None:
            self._cuts = _Cuts(self.topology)
        return self._cuts

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
            for far in self._joined(near):
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

    def _joined(self, device: str) -> Iterable[str]:
        """Neighbours by cable, and the host of a function or the functions of a host."""
        known = self._next.get(device)
        if known is None:
            known = self._next[device] = dict.fromkeys(
                link.other_end(device).device
                for link in self.topology.links_of(device)
                if link.relation in ("connects", "hosts")
            )
        return known


class _Cuts:
    """Which elements and links the rest of the network hangs on (Tarjan's low-link numbers).

    Source: Hopcroft and Tarjan, Efficient algorithms for graph manipulation, CACM 16(6), 1973.
    """

    def __init__(self, topology: Topology) -> None:
        self._order: list[str] = []
        self._number: dict[str, int] = {}
        self._low: dict[str, int] = {}
        self._last: dict[str, int] = {}
        """Number of the last element in the subtree of an element."""
        self._children: dict[str, list[str]] = defaultdict(list)
        self._parent: dict[str, str | None] = {}
        self._span: dict[str, tuple[int, int]] = {}
        """First and last number of the connected part that an element is in."""
        self._links: dict[str, list[str]] = {
            device: [
                link.other_end(device).device
                for link in topology.links_of(device)
                if link.relation == "connects" and link.a.device != link.b.device
            ]
            for device in topology.devices
        }
        for device in topology.devices:
            if device not in self._number:
                self._search(device)

    def _search(self, root: str) -> None:
        first = len(self._order)
        self._enter(root, None)
        stack = [(root, iter(self._links[root]))]
        skipped: set[str] = set()
        while stack:
            device, left = stack[-1]
            for far in left:
                if far not in self._number:
                    self._enter(far, device)
                    self._children[device].append(far)
                    stack.append((far, iter(self._links[far])))
                    break
                if far == self._parent[device] and device not in skipped:
                    skipped.add(device)  # a second cable to the parent is a second path
                else:
                    self._low[device] = min(self._low[device], self._number[far])
            else:
                stack.pop()
                self._last[device] = len(self._order) - 1
                if stack:
                    above = stack[-1][0]
                    self._low[above] = min(self._low[above], self._low[device])
        span = (first, len(self._order) - 1)
        for device in self._order[first:]:
            self._span[device] = span

    def _enter(self, device: str, parent: str | None) -> None:
        self._number[device] = self._low[device] = len(self._order)
        self._parent[device] = parent
        self._order.append(device)

    def without_node(self, device: str) -> frozenset[str]:
        if device not in self._number:
            return frozenset()
        parts = [
            set(self._subtree(child))
            for child in self._children[device]
            if self._low[child] >= self._number[device]
        ]
        first, last = self._span[device]
        rest = set(self._order[first : last + 1]) - {device}
        parts.append(rest - set().union(*parts))
        return self._all_but_largest(parts)

    def without_link(self, device: str, far: str) -> frozenset[str]:
        if self._parent.get(far) == device:
            below = far
        elif self._parent.get(device) == far:
            below = device
        else:
            return frozenset()
        if self._low[below] != self._number[below]:
            return frozenset()
        first, last = self._span[below]
        part = set(self._subtree(below))
        return self._all_but_largest([part, set(self._order[first : last + 1]) - part])

    def _subtree(self, device: str) -> list[str]:
        return self._order[self._number[device] : self._last[device] + 1]

    @staticmethod
    def _all_but_largest(parts: list[set[str]]) -> frozenset[str]:
        parts.sort(key=len)
        return frozenset().union(*parts[:-1])
