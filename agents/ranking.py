"""Root-cause ranking: which element, if it were at fault, would account for what is seen?

Each element that symptoms point at, directly or through topology, is a hypothesis. It is scored by
reasons that a network engineer would give, each between -1 and 1 and each with its records:

    coverage   the share of the symptoms it would account for
    focus      those who complain about it complain about nothing else: victims have one bad
               neighbour, a culprit is every neighbour's only problem
    blame      devices say which end began: "notification received" blames the other end
    kind       it reports a defect of its own (hardware, power, process), not only a lost neighbour
    silence    its neighbours lost it and it says nothing at all
    change     its configuration changed shortly before, where it hurts
    timing     its trouble came first (clocks may differ by seconds, so this weighs little)
    history    its trouble is not a daily one

The score is the weighted sum; the weights are in `RankingWeights`, in one place.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp, sqrt

from agents.folding import FAULT_KINDS, Symptom, when
from agents.peers import Peers
from telecom.alarm import Alarm, OccurrenceKind
from telecom.configuration import ConfigChange
from telecom.topology import ManagedObject, Topology, port_key


@dataclass(frozen=True, slots=True)
class RankingWeights:
    """How much each reason counts."""

    coverage: float = 3.0
    focus: float = 2.0
    blame: float = 2.5
    kind: float = 2.0
    silence: float = 1.5
    change: float = 2.5
    timing: float = 1.0
    history: float = 0.5


@dataclass(frozen=True, slots=True)
class Argument:
    """One reason for or against a hypothesis, with the records that carry it."""

    name: str
    strength: float
    because: str
    alarms: tuple[Alarm, ...] = ()


@dataclass(slots=True)
class Hypothesis:
    """An element that may be at fault."""

    device: str
    arguments: list[Argument] = field(default_factory=list)
    score: float = 0.0
    explains: dict[int, float] = field(default_factory=dict)
    """Index of a symptom -> how well it is accounted for, 0 to 1."""
    own: list[Symptom] = field(default_factory=list)
    about: list[Symptom] = field(default_factory=list)
    """What others say about it."""
    change: ConfigChange | None = None

    def strength(self, name: str) -> float:
        """The strength of one reason; 0 where it does not apply."""
        return next((a.strength for a in self.arguments if a.name == name), 0.0)

    @property
    def onset(self) -> datetime | None:
        """When trouble at or with it was first seen."""
        direct = [symptom.began for symptom in (*self.own, *self.about)]
        return min(direct, default=None)


SKEW = timedelta(seconds=5)
"""Clocks of two elements may differ by this much."""

DEPENDENCY = ("serves", "powers", "clocks", "hosts")
_FRESH = timedelta(minutes=15)
_FAR = 99
_ADMIN = ("admin", "clear", "shutdown", "cease", "commit", "by user", "operator")


class Ranker:
    """Scores hypotheses over one set of symptoms."""

    def __init__(
        self,
        symptoms: Sequence[Symptom],
        topology: Topology,
        *,
        alarms: Sequence[Alarm],
        peers: Peers,
        changes: Sequence[ConfigChange] = (),
        before: Sequence[Alarm] = (),
        weights: RankingWeights | None = None,
    ) -> None:
        self._symptoms = symptoms
        self._topology = topology
        self._alarms = alarms
        self._peers = peers
        self._weights = weights or RankingWeights()
        self._changes = defaultdict(list)
        for change in changes:
            device = topology.canonical(change.managed_object).device
            self._changes[device].append(change)
        self._heard_before = {alarm.device for alarm in before}
        self._heard = {alarm.device for alarm in alarms}
        self._mass = _masses(symptoms)
        self._total = sum(self._mass) or 1.0
        self._onset = min((s.began for s in symptoms), default=None)
        self._upstream = _Upstream(topology)
        self._notes = defaultdict(list)
        for alarm in alarms:
            if alarm.occurrence and alarm.occurrence.kind is OccurrenceKind.CONFIGURATION:
                self._notes[alarm.device].append(alarm)

    def rank(self) -> list[Hypothesis]:
        """All hypotheses, best first; ties by name, so that the order never depends on chance."""
        hypotheses = [self._score(device) for device in self._suspects()]
        return sorted(hypotheses, key=lambda h: (-h.score, h.device))

    def _suspects(self) -> list[str]:
        found: dict[str, None] = {}
        for symptom in self._symptoms:
            found.setdefault(symptom.device)
            if symptom.peer is not None:
                found.setdefault(symptom.peer.device)
            for provider in self._upstream.of(symptom.device):
                found.setdefault(provider)
            if symptom.peer is not None:
                for device in self._upstream.between(symptom.device, symptom.peer.device):
                    found.setdefault(device)
        near = {other for device in list(found) for other in self._topology.neighbors(device)}
        for device in (*self._changes, *self._notes):
            if device in near:
                found.setdefault(device)
        return list(found)

    def _score(self, device: str) -> Hypothesis:
        hypothesis = Hypothesis(device)
        for index, symptom in enumerate(self._symptoms):
            share = self._accounts_for(device, symptom)
            if share > 0:
                hypothesis.explains[index] = share
            if symptom.device == device:
                hypothesis.own.append(symptom)
            elif symptom.peer is not None and symptom.peer.device == device:
                hypothesis.about.append(symptom)
        for argue in (
            self._coverage,
            self._focus,
            self._blame,
            self._kind,
            self._silence,
            self._change,
            self._timing,
            self._history,
        ):
            argument = argue(hypothesis)
            if argument is not None and argument.strength != 0:
                hypothesis.arguments.append(argument)
        hypothesis.score = sum(
            argument.strength * getattr(self._weights, argument.name)
            for argument in hypothesis.arguments
        )
        return hypothesis

    def _accounts_for(self, device: str, symptom: Symptom) -> float:
        """How well a fault of `device` would produce `symptom`."""
        peer = symptom.peer.device if symptom.peer is not None else None
        if symptom.device == device:
            return 0.6 if symptom.role == "failure" else 1.0
        if peer == device:
            return 1.0
        ways = [
            0.9**distance
            for distance in (self._upstream.of(symptom.device).get(device),)
            if distance
        ]
        if peer is None:
            ways.append(0.3 * (device in self._topology.neighbors(symptom.device)))
        else:
            ways.append(0.7 * (device in self._upstream.between(symptom.device, peer)))
            ways.append(0.8 * 0.9 ** self._upstream.of(peer).get(device, _FAR))
        return max(ways)

    def _coverage(self, h: Hypothesis) -> Argument:
        covered = sum(self._mass[index] * share for index, share in h.explains.items())
        strength = min(1.0, covered / self._total)
        return Argument(
            "coverage",
            strength,
            f"would account for {len(h.explains)} of {len(self._symptoms)} symptoms",
            _records(self._symptoms[index] for index in list(h.explains)[:3]),
        )

    def _focus(self, h: Hypothesis) -> Argument | None:
        """Of those who complain about it: how much of their trouble is about it."""
        complaints: dict[str, float] = defaultdict(float)
        for symptom in h.about:
            complaints[symptom.device] += 1.0
        if not complaints:
            return None
        totals: dict[str, float] = defaultdict(float)
        for symptom in self._symptoms:
            totals[symptom.device] += 1.0
        shares = [count / totals[device] for device, count in complaints.items()]
        crowd = 1.0 - exp(-len(shares) / 1.5)
        return Argument(
            "focus",
            crowd * sum(shares) / len(shares),
            f"{len(shares)} neighbours complain about it, and {sum(shares) / len(shares):.0%} of "
            "their trouble is about it",
            _records(h.about[:3]),
        )

    def _blame(self, h: Hypothesis) -> Argument | None:
        """Who began, in the devices' own words."""
        against: list[Alarm] = []
        cleared = 0
        for symptom in h.own:
            for alarm in symptom.alarms:
                initiator = alarm.occurrence.initiator if alarm.occurrence else None
                if initiator == "local":
                    against.append(alarm)
                elif initiator == "remote" and symptom.peer is not None:
                    cleared += 1
        for symptom in h.about:
            for alarm in symptom.alarms:
                initiator = alarm.occurrence.initiator if alarm.occurrence else None
                if initiator == "remote":
                    against.append(alarm)
                elif initiator == "local":
                    cleared += 1
        votes = len(against) + cleared
        if votes == 0:
            return None
        strength = (len(against) - cleared) / votes * (1.0 - exp(-votes / 2.0))
        return Argument(
            "blame",
            strength,
            f"{len(against)} of {votes} records that say which end began say it was this one",
            tuple(sorted(against, key=when)[:3]),
        )

    def _kind(self, h: Hypothesis) -> Argument | None:
        """A defect that the element reports of itself, near the onset and not chronic."""
        best: Argument | None = None
        for symptom in h.own:
            strength = _defect(symptom)
            if symptom.chronic:
                strength *= 0.2
            if self._onset is not None and symptom.began - self._onset > timedelta(minutes=5):
                strength *= 0.5
            if strength > (best.strength if best else 0.0):
                best = Argument(
                    "kind",
                    strength,
                    f"reports {symptom.kind.value.replace('_', ' ')} trouble of its own",
                    tuple(symptom.alarms[:1]),
                )
        return best

    def _silence(self, h: Hypothesis) -> Argument | None:
        """Lost by its neighbours, and not a word from it."""
        if h.device in self._heard or h.device not in self._topology:
            return None
        losers = {symptom.device for symptom in h.about} | {
            symptom.device
            for symptom in self._symptoms
            if symptom.peer is None and h.device in self._topology.neighbors(symptom.device)
        }
        if not h.about or not losers:
            return None
        strength = (1.0 if h.device in self._heard_before else 0.7) * (1 - exp(-len(losers) / 1.5))
        return Argument(
            "silence",
            strength,
            f"{len(losers)} neighbours lost it and it says nothing",
            _records(h.about[:3]),
        )

    def _change(self, h: Hypothesis) -> Argument | None:
        """The most telling change before the trouble with it began."""
        onset = h.onset or self._onset
        if onset is None:
            return None
        best: Argument | None = None
        for change in self._changes.get(h.device, ()):
            if change.time > onset + timedelta(seconds=60):
                continue
            age = onset - change.time
            freshness = 1.0 if age <= _FRESH else 0.9 * exp(-age / timedelta(hours=6))
            where = 1.0 if self._touches(change, h) else 0.6
            strength = change.score * freshness * where
            if strength > (best.strength if best else 0.0):
                h.change = change
                best = Argument("change", strength, _change_words(change, age))
        for alarm in self._notes.get(h.device, ()):
            age = onset - when(alarm)
            if timedelta(0) - SKEW <= age <= _FRESH and (best is None or best.strength < 0.3):
                best = Argument(
                    "change",
                    0.3,
                    f"its configuration was changed {_minutes(age)} before",
                    (alarm,),
                )
        return best

    def _touches(self, change: ConfigChange, h: Hypothesis) -> bool:
        """Whether a change names a port or neighbour that symptoms at the element name."""
        named = {ManagedObject.parse(item) for item in change.touches}
        ports = {port_key(item.port) for item in named if item.port}
        others = {item.device.lower() for item in named}
        for symptom in (*h.own, *h.about):
            if symptom.port and port_key(symptom.port) in ports:
                return True
            if symptom.about.lower() in others:
                return True
            if symptom.peer is not None and symptom.peer.device.lower() in others - {
                h.device.lower()
            }:
                return True
        return False

    def _timing(self, h: Hypothesis) -> Argument | None:
        onset = h.onset
        if onset is None or self._onset is None:
            return None
        late = max(timedelta(0), onset - self._onset - SKEW)
        strength = exp(-late / timedelta(seconds=60))
        word = "first" if late == timedelta(0) else f"{late.total_seconds():.0f} s after the first"
        return Argument("timing", strength, f"its trouble came {word}")

    def _history(self, h: Hypothesis) -> Argument | None:
        if not h.own or not all(symptom.chronic for symptom in h.own) or h.about:
            return None
        return Argument("history", -1.0, "its trouble comes and goes every day")


@dataclass(slots=True)
class _Upstream:
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


def _masses(symptoms: Sequence[Symptom]) -> list[float]:
    """Weight of each symptom: chronic ones little, and a loud element only as its square root."""
    per_device: dict[str, int] = defaultdict(int)
    for symptom in symptoms:
        per_device[symptom.device] += 1
    return [
        (0.1 if symptom.chronic else 1.0) / sqrt(per_device[symptom.device]) for symptom in symptoms
    ]


def _defect(symptom: Symptom) -> float:
    """How much a symptom is a defect of the element itself rather than of a neighbour."""
    if symptom.kind in FAULT_KINDS:
        return 1.0
    if symptom.kind is OccurrenceKind.CONFIGURATION:
        return 0.6
    if any(by_hand(alarm) for alarm in symptom.alarms[:5]):
        return 0.5
    if symptom.kind is OccurrenceKind.INTERFACE:
        return 0.3
    return 0.1 if symptom.peer is None else 0.0


def by_hand(alarm: Alarm) -> bool:
    """Whether a record's own words say that somebody did it, at this end."""
    occurrence = alarm.occurrence
    if occurrence is None or occurrence.reason is None or occurrence.initiator == "remote":
        return False
    return any(word in occurrence.reason.lower() for word in _ADMIN)


def _records(symptoms: Iterable[Symptom]) -> tuple[Alarm, ...]:
    return tuple(symptom.alarms[0] for symptom in symptoms)


def _change_words(change: ConfigChange, age: timedelta) -> str:
    first = change.why[0] if change.why else "its configuration was changed"
    return f"{first}, {_minutes(age)} before"


def _minutes(age: timedelta) -> str:
    minutes = age.total_seconds() / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
