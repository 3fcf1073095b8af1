"""The elements of an incident on a map: the cause in the middle, distance as rings around it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from nicegui.element import Element

from agents.findings import AlarmSummary
from agents.plain_text import plain
from telecom.report import RootCauseReport
from telecom.topology import ManagedObject

Standing = Literal["cause", "symptom", "silent", "unknown"]
"""Asserted as the cause; in alarm; expected to speak and did not; nothing is known of it."""
STANDINGS: Mapping[Standing, str] = {
    "cause": "cause",
    "symptom": "in alarm",
    "silent": "silent",
    "unknown": "nothing known",
}
_RING = 120.0
"""Distance between rings."""
_LEAST_ARC = 26.0
"""Distance between two elements of a ring."""


@dataclass(frozen=True, slots=True)
class MapNode:
    """One element and where it stands."""

    name: str
    standing: Standing
    serves: bool
    """Whether it is a service that the incident reached."""
    alarms: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class MapLink:
    """Two elements that are joined, or of which one made the other fail."""

    source: str
    target: str
    causal: bool


@dataclass(frozen=True, slots=True)
class IncidentMap:
    """What is drawn."""

    nodes: tuple[MapNode, ...]
    links: tuple[MapLink, ...]


def incident_map(report: RootCauseReport, summaries: Sequence[AlarmSummary]) -> IncidentMap:
    """Place every element that the findings name."""
    causal = dict.fromkeys(
        (_device(link.source), _device(link.target)) for link in report.causal_chain
    )
    joined = dict.fromkeys(
        (_device(link.source), _device(link.target))
        for summary in summaries
        for link in summary.topology
    )
    pairs = [pair for pair in dict.fromkeys((*causal, *joined)) if pair[0] != pair[1]]
    alarms = _alarms(report, summaries)
    causes = list(dict.fromkeys(_device(cause.managed_object) for cause in report.root_causes))
    silent = [name for name in _silent(summaries) if name not in alarms]
    names = dict.fromkeys((*causes, *chain.from_iterable(pairs), *alarms, *silent))
    services = set(map(_device, report.blast_radius.services))
    places = _places(list(names), causes, pairs)
    return IncidentMap(
        nodes=tuple(
            MapNode(
                name=name,
                standing=_standing(name, causes, alarms, silent),
                serves=name in services,
                alarms=alarms.get(name, 0),
                x=round(places[name][0], 1),
                y=round(places[name][1], 1),
            )
            for name in names
        ),
        links=tuple(MapLink(a, b, causal=(a, b) in causal) for a, b in pairs),
    )


def _alarms(report: RootCauseReport, summaries: Sequence[AlarmSummary]) -> dict[str, int]:
    """Element -> its alarms; what the report names as reached counts without a number."""
    counts: dict[str, int] = dict.fromkeys(map(_device, report.blast_radius.managed_objects), 0)
    for summary in summaries:
        for group in summary.groups:
            name = _device(group.managed_object)
            counts[name] = counts.get(name, 0) + group.count
    return counts


def _silent(summaries: Sequence[AlarmSummary]) -> list[str]:
    """Elements that their neighbours lost and that say nothing."""
    return [
        _device(candidate.managed_object)
        for summary in summaries
        for candidate in summary.root_cause_candidates
        if any(reason.name == "silence" and reason.strength > 0 for reason in candidate.reasons)
    ]


def _standing(
    name: str, causes: Sequence[str], alarms: Mapping[str, int], silent: Sequence[str]
) -> Standing:
    if name in causes:
        return "cause"
    if name in alarms:
        return "symptom"
    return "silent" if name in silent else "unknown"


def _places(
    names: Sequence[str], causes: Sequence[str], pairs: Iterable[tuple[str, str]]
) -> dict[str, tuple[float, float]]:
    """Rings by distance from the causes; a branch keeps to its own sector.

    What nothing joins to a cause stands on the outermost ring. The same findings always give the
    same map, so that it does not move under an engineer's eyes.
    """
    neighbors: dict[str, dict[str, None]] = {name: {} for name in names}
    for a, b in pairs:
        neighbors[a][b] = neighbors[b][a] = None
    roots = list(causes) or sorted(names, key=lambda n: -len(neighbors[n]))[:1]
    children, depth = _tree(roots, neighbors)
    apart = [name for name in names if name not in depth]
    leaves = _leaves(roots, children)
    places: dict[str, tuple[float, float]] = {}
    total = sum(leaves[root] for root in roots)
    widest = max(depth.values(), default=0)
    ring = max(_RING, total * _LEAST_ARC / (2 * math.pi) / max(1, widest))
    begin = -math.pi / 2
    waiting: list[tuple[str, float, float]] = []
    for root in roots:
        share = 2 * math.pi * leaves[root] / total
        waiting.append((root, begin, share))
        begin += share
    while waiting:
        name, start, share = waiting.pop()
        alone = depth[name] == 0 and len(roots) == 1
        radius = 0.0 if alone else ring * (depth[name] + (0.5 if len(roots) > 1 else 0.0))
        middle = start + share / 2
        places[name] = (radius * math.cos(middle), radius * math.sin(middle))
        room = sum(leaves[child] for child in children[name])
        for child in children[name]:
            part = share * leaves[child] / room
            waiting.append((child, start, part))
            start += part
    outer = max(ring * (widest + 1.2), len(apart) * _LEAST_ARC / (2 * math.pi))
    for number, name in enumerate(apart):
        angle = 2 * math.pi * number / len(apart) - math.pi / 2
        places[name] = (outer * math.cos(angle), outer * math.sin(angle))
    return places


def _tree(
    roots: Sequence[str], neighbors: Mapping[str, Mapping[str, None]]
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Breadth first from the roots: children of each element, and how far it is."""
    depth = dict.fromkeys(roots, 0)
    children: dict[str, list[str]] = {}
    queue = list(roots)
    for name in queue:
        children[name] = [other for other in neighbors[name] if other not in depth]
        depth.update(dict.fromkeys(children[name], depth[name] + 1))
        queue += children[name]
    return children, depth


def _leaves(roots: Sequence[str], children: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many ends each branch has: what room it needs."""
    order = list(roots)
    for name in order:
        order += children[name]
    leaves: dict[str, int] = {}
    for name in reversed(order):
        leaves[name] = sum(leaves[child] for child in children[name]) or 1
    return leaves


def _device(name: str) -> str:
    return ManagedObject.parse(name).device


class TopologyMap(Element, component="assets/topology_map.js"):
    """The map on a page; emits `element` with the name of what is clicked."""

    def __init__(self, drawn: IncidentMap) -> None:
        super().__init__()
        self.show(drawn)

    def show(self, drawn: IncidentMap) -> None:
        """Draw this map."""
        index = {node.name: number for number, node in enumerate(drawn.nodes)}
        self._props["nodes"] = [_as_json(node) for node in drawn.nodes]
        self._props["links"] = [
            [index[link.source], index[link.target], int(link.causal)] for link in drawn.links
        ]
        self.update()


def _as_json(node: MapNode) -> dict[str, Any]:
    says = STANDINGS[node.standing] + (f", {node.alarms} alarms" if node.alarms else "")
    return {
        "name": plain(node.name),
        "is": node.standing,
        "serves": node.serves,
        "says": says + (", a service" if node.serves else ""),
        "x": node.x,
        "y": node.y,
    }
