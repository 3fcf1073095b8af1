"""What followed a configuration change: when it was made, how far it reaches, what began after it.

Most incidents follow a change, and most changes are followed by nothing. What tells them apart is
that trouble begins soon after the change and not before it, above all where the change reaches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, sqrt

from agents.dependencies import Dependencies
from agents.folding import Symptom, by_hand, when
from agents.hypotheses import SKEW
from telecom.alarm import Alarm, OccurrenceKind
from telecom.configuration import ConfigChange
from telecom.topology import ManagedObject, port_key

NOTABLE = 0.3
"""Score from which a change is worth a hypothesis of its own."""
_AFTERMATH = timedelta(minutes=4)
"""Trouble that a change makes shows within this: the longest usual timer is BGP's 180 s."""
_SOON = timedelta(minutes=20)
"""Measurements report a period of five to fifteen minutes; trouble that is measured shows late."""
_RECORDED_LATE = timedelta(minutes=60)
"""A configuration repository polls at least hourly."""


_WIDE, _PER_HOP = 0.5, 0.85
"""How surely a change to what is routed through an element hurts a victim, less with each hop."""
_ROUTED = frozenset(
    {
        OccurrenceKind.THRESHOLD,
        OccurrenceKind.SERVICE,
        OccurrenceKind.SIGNALLING,
        OccurrenceKind.BGP_SESSION,
        OccurrenceKind.TUNNEL,
    }
)
"""How lost or misled traffic shows; a policy takes no link and no hardware down."""
_TRIFLE = 0.05
"""Share of all trouble below which nothing has followed a change."""
_MUCH = 0.2
"""Share of all trouble from which a change is followed by enough of it."""
_BULK = 0.15
"""Share of what followed that marks its beginning: one stray record does not."""


@dataclass(frozen=True, slots=True)
class _Reach:
    """Whom a change can hurt."""

    device: str
    ports: frozenset[str]
    """The touched ports."""
    far: frozenset[str]
    """At the other ends of the touched ports."""
    near: frozenset[str]
    """Those, their neighbours and what hangs behind."""
    wide: bool
    """Whether it also touches what is not a port."""


def _early(lags: list[tuple[float, float]]) -> float:
    """The lag in seconds by which the first part of what followed had begun."""
    lags.sort()
    total = sum(mass for _, mass in lags)
    seen = 0.0
    for lag, mass in lags:
        seen += mass
        if seen >= _BULK * total:
            return lag
    return 0.0


class ChangeImpact:
    """The changes before and during an incident, against its symptoms."""

    def __init__(
        self,
        changes: Iterable[ConfigChange],
        symptoms: Sequence[Symptom],
        masses: Sequence[float],
        alarms: Iterable[Alarm],
        upstream: Dependencies,
    ) -> None:
        """Index changes and what the devices' own logs say of configuration.

        Args:
            changes: From the configuration repository, scored.
            symptoms: Of the incident, oldest first.
            masses: Weight of each symptom.
            alarms: Records of the window.
            upstream: Which ways and dependants there are, over a topology.
        """
        self._symptoms = symptoms
        self._masses = masses
        self._total = sum(masses) or 1.0
        self._topology = topology = upstream.topology
        self._upstream = upstream
        self.changes: Mapping[str, list[ConfigChange]] = defaultdict(list)
        for change in changes:
            self.changes[topology.canonical(change.managed_object).device].append(change)
        self.notes: Mapping[str, list[Alarm]] = defaultdict(list)
        for alarm in alarms:
            if alarm.occurrence and alarm.occurrence.kind is OccurrenceKind.CONFIGURATION:
                self.notes[alarm.device].append(alarm)
        self._after: dict[datetime, float] = {}
        self._reaches: dict[tuple[str, str], _Reach] = {}
        self._followed: dict[tuple[str, str], float] = {}
        self._unreachable = {s.device for s in symptoms if s.kind is OccurrenceKind.HEARTBEAT}
        self._shut_ports = {
            (s.device, port_key(s.port))
            for s in symptoms
            if s.port and any(by_hand(alarm) for alarm in s.alarms)
        }

    @property
    def notable(self) -> list[str]:
        """Elements with a change that is worth a hypothesis."""
        return [
            device
            for device, changes in self.changes.items()
            if any(change.score >= NOTABLE for change in changes)
        ]

    def made(self, change: ConfigChange) -> tuple[datetime, Alarm | None]:
        """When a change was made: a repository records it after the device's own log does."""
        device = self._topology.canonical(change.managed_object).device
        for note in reversed(self.notes.get(device, [])):
            if timedelta(0) <= change.time - when(note) <= _RECORDED_LATE:
                return when(note), note
        return change.time, None

    def aftermath(self, moment: datetime) -> float:
        """How much trouble began right after a moment, against what began right before it."""
        known = self._after.get(moment)
        if known is None:
            before = after = 0.0
            for symptom, mass in zip(self._symptoms, self._masses, strict=True):
                lag = symptom.began - moment
                if -SKEW <= lag <= _AFTERMATH:
                    after += mass
                elif -_AFTERMATH <= lag < -SKEW:
                    before += mass
            much = min(1.0, after / self._total / 0.3)
            known = self._after[moment] = much * after / (after + before) if after else 0.0
        return known

    def _reach(self, change: ConfigChange) -> _Reach:
        """Whom a change can hurt, by what it touches.

        A port leads to its far end, to what hangs behind that, and to traffic that crosses the
        link. Routing policy, sessions and the element as a whole concern whatever is routed here,
        which topology alone does not tell: everything, but less surely. A port that leads nowhere
        in the topology, such as a customer's, concerns nobody else.
        """
        key = (change.commit, change.managed_object)
        known = self._reaches.get(key)
        if known is None:
            device = self._topology.canonical(change.managed_object).device
            touched = [ManagedObject.parse(item) for item in change.touches]
            ports = [item for item in touched if item.port and item.device == device]
            far = {end.device for item in ports for end in self._topology.far_ends(item)}
            near = {n for end in far for n in self._topology.neighbors(end, "connects")}
            behind = {lost for end in far for lost in self._upstream.behind_link(device, end)}
            known = self._reaches[key] = _Reach(
                device,
                frozenset(port_key(item.port) for item in ports if item.port),
                frozenset(far),
                frozenset((far | near | behind) - {device}),
                wide=len(ports) < len(touched) or not touched,
            )
        return known

    def _reaches_symptom(self, reach: _Reach, symptom: Symptom) -> float:
        """How surely a change can have led to a symptom, 0 to 1."""
        peer = symptom.peer.device if symptom.peer is not None else None
        if symptom.device == reach.device:
            at_port = symptom.port is not None and port_key(symptom.port) in reach.ports
            return 0.9 if reach.wide or at_port or peer in reach.far else 0.2
        if peer == reach.device or {symptom.device, peer} & reach.near:
            return 0.85
        ends = [peer] if peer is not None else self._upstream.servers_of(symptom.device)
        for end in ends:
            way = self._upstream.between(symptom.device, end)
            if reach.device in way and (not reach.far or reach.far & {*way, symptom.device, end}):
                return 0.7
        # A policy misleads traffic; it does not take an element from its manager.
        lost = self._unreachable & {symptom.device, peer}
        if not reach.wide or symptom.kind not in _ROUTED or lost:
            return 0.0
        # Users' traffic goes on from what serves them.
        distances = (
            self._upstream.hops(reach.device, end)
            for end in (symptom.device, *self._upstream.servers_of(symptom.device))
        )
        nearest = min((hops for hops in distances if hops is not None), default=None)
        return 0.0 if nearest is None else _WIDE * _PER_HOP ** max(0, nearest - 1)

    def followed(self, change: ConfigChange) -> float:
        """How well the trouble within a change's reach follows it, 0 to 1.

        Much of it after the change, little before, and its bulk soon: what was broken by a change
        does not wait, though measurements take a period to show it.
        """
        known = self._followed.get((change.commit, change.managed_object))
        if known is None:
            known = self._follows(change)
            self._followed[change.commit, change.managed_object] = known
        return known

    def _follows(self, change: ConfigChange) -> float:
        made = self.made(change)[0]
        reach = self._reach(change)
        before = after = 0.0
        lags: list[tuple[float, float]] = []
        for symptom, mass in zip(self._symptoms, self._masses, strict=True):
            within = mass * self._reaches_symptom(reach, symptom)
            if symptom.began < made - SKEW:
                before += within
            elif within:
                after += within
                lags.append((max(0.0, (symptom.began - made).total_seconds()), within))
        if after / self._total < _TRIFLE:
            return 0.0
        much = min(1.0, after / self._total / _MUCH)
        return much * after / (after + before) * exp(-_early(lags) / _SOON.total_seconds())

    def accounts_for(self, device: str, symptom: Symptom) -> float:
        """Trouble that began after a notable change, within its reach."""
        best = 0.0
        for change in self.changes.get(device, ()):
            if change.score < NOTABLE or symptom.began < self.made(change)[0] - SKEW:
                continue
            sure = self._reaches_symptom(self._reach(change), symptom)
            best = max(best, sure * sqrt(self.followed(change)))
        return best

    def shut_by_hand(self, device: str, port: str) -> bool:
        """Whether a change to a port, or its own log, says that somebody did it there."""
        for change in self.changes.get(device, ()):
            if change.score >= NOTABLE and any(
                item.port is not None and port_key(item.port) == port
                for item in map(ManagedObject.parse, change.touches)
            ):
                return True
        return (device, port) in self._shut_ports
