"""What followed a configuration change: when it was made, how far it reaches, what began after it.

Most incidents follow a change, and most changes are followed by nothing. What tells them apart is
that trouble begins soon after the change and not before it, above all where the change reaches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import exp

from agents.folding import Symptom, by_hand, when
from agents.hypotheses import SKEW, Hypothesis
from telecom.alarm import Alarm, OccurrenceKind
from telecom.configuration import ConfigChange
from telecom.topology import ManagedObject, Topology, port_key

NOTABLE = 0.3
"""Score from which a change is worth a hypothesis of its own."""
_AFTERMATH = timedelta(minutes=4)
"""Trouble that a change makes shows within this: the longest usual timer is BGP's 180 s."""
_SOON = timedelta(minutes=10)
"""Measurements report a period of five to fifteen minutes; trouble that is measured shows late."""
_RECORDED_LATE = timedelta(minutes=60)
"""A configuration repository polls at least hourly."""


class ChangeImpact:
    """The changes before and during an incident, against its symptoms."""

    def __init__(
        self,
        changes: Iterable[ConfigChange],
        symptoms: Sequence[Symptom],
        masses: Sequence[float],
        alarms: Iterable[Alarm],
        topology: Topology,
    ) -> None:
        """Index changes and what the devices' own logs say of configuration.

        Args:
            changes: From the configuration repository, scored.
            symptoms: Of the incident, oldest first.
            masses: Weight of each symptom.
            alarms: Records of the window.
            topology: Spells the elements, and says what a port leads to.
        """
        self._symptoms = symptoms
        self._masses = masses
        self._total = sum(masses) or 1.0
        self._topology = topology
        self.changes: Mapping[str, list[ConfigChange]] = defaultdict(list)
        for change in changes:
            self.changes[topology.canonical(change.managed_object).device].append(change)
        self.notes: Mapping[str, list[Alarm]] = defaultdict(list)
        for alarm in alarms:
            if alarm.occurrence and alarm.occurrence.kind is OccurrenceKind.CONFIGURATION:
                self.notes[alarm.device].append(alarm)
        self._after: dict[datetime, float] = {}
        self._reaches: dict[tuple[str, str], frozenset[str]] = {}
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

    def _reach(self, change: ConfigChange) -> frozenset[str]:
        """Elements that a change to a port can touch: the far end and what hangs on it."""
        key = (change.commit, change.managed_object)
        known = self._reaches.get(key)
        if known is None:
            device = self._topology.canonical(change.managed_object).device
            reach: set[str] = set()
            for item in map(ManagedObject.parse, change.touches):
                for end in self._topology.far_ends(item):
                    reach |= {end.device, *self._topology.neighbors(end.device)}
            known = self._reaches[key] = frozenset(reach - {device})
        return known

    def followed(self, change: ConfigChange) -> float:
        """How well the trouble within a change's reach, or all of it, follows the change."""
        made = self.made(change)[0]
        reach = self._reach(change)
        before = after = 0.0
        first: datetime | None = None
        for symptom, mass in zip(self._symptoms, self._masses, strict=True):
            peer = symptom.peer.device if symptom.peer is not None else None
            if symptom.device not in reach and peer not in reach:
                continue
            if symptom.began >= made - SKEW:
                after += mass
                first = first or symptom.began
            else:
                before += mass
        near = 0.0
        if first is not None and after / self._total >= 0.05:
            near = after / (after + before) * exp(-max(timedelta(0), first - made) / _SOON)
        return max(near, self.aftermath(made))

    def accounts_for(self, device: str, symptom: Symptom) -> float:
        """Trouble that began after a notable change: most where the change reaches."""
        best = 0.0
        for change in self.changes.get(device, ()):
            if change.score < NOTABLE or symptom.began < (made := self.made(change)[0]) - SKEW:
                continue
            reach = self._reach(change)
            peer = symptom.peer.device if symptom.peer is not None else None
            if symptom.device in reach or peer in reach:
                best = max(best, 0.8 * self.followed(change))
            elif symptom.began - made <= _AFTERMATH:
                best = max(best, 0.4 * self.aftermath(made))
        return best

    def touches(self, change: ConfigChange, h: Hypothesis) -> bool:
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

    def shut_by_hand(self, device: str, port: str) -> bool:
        """Whether a change to a port, or its own log, says that somebody did it there."""
        for change in self.changes.get(device, ()):
            if change.score >= NOTABLE and any(
                item.port is not None and port_key(item.port) == port
                for item in map(ManagedObject.parse, change.touches)
            ):
                return True
        return (device, port) in self._shut_ports
