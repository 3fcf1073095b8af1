"""`Explainer`: how well a fault of one element would account for each symptom.

Symptoms do not weigh the same (`masses_of`), and a storm repeats a few of them over and over: the
share that a fault has in each is worked out once for all symptoms that are alike to it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import sqrt

from agents.change_impact import ChangeImpact
from agents.dependencies import HANDED_ON, LOSSES
from agents.folding import FAULT_KINDS, Symptom
from agents.hypotheses import Hypothesis
from agents.surroundings import Surroundings
from telecom.alarm import OccurrenceKind
from telecom.topology import port_key

LINK_KINDS = frozenset({OccurrenceKind.INTERFACE, OccurrenceKind.OPTICS, OccurrenceKind.LACP})
LOWER_LAYERS = LINK_KINDS | {
    OccurrenceKind.BFD_SESSION,
    OccurrenceKind.ISIS_ADJACENCY,
    OccurrenceKind.OSPF_ADJACENCY,
}
"""What is lost here takes every session above along."""
MOST = 0.5

_K = OccurrenceKind
_NOT_NOISE = 0.25
"""Weight from which a symptom says something of the one element that has it."""
_LINGERS = timedelta(minutes=3)
"""What a defect leads to shows at most this long after it is over: BGP's hold timer is 180 s."""
_TOO_LATE = 0.2
_FAR = 99
_A_CONSEQUENCE = 0.1
"""Share of all trouble from which an element accounts for more than its own lamp."""


class Explainer:
    """Symptoms, what each weighs, and what a fault of an element has to do with them."""

    def __init__(
        self,
        symptoms: Sequence[Symptom],
        surroundings: Surroundings,
        *,
        incident: Sequence[Symptom] | None = None,
    ) -> None:
        """Index the symptoms.

        Args:
            symptoms: What is to be accounted for.
            surroundings: Of their window.
            incident: All symptoms of the incident, where `symptoms` are what is left of it: what is
                much is measured against the whole.
        """
        self.symptoms = symptoms
        self.surroundings = surroundings
        self.mass = masses_of(symptoms)
        self.total = sum(self.mass if incident is None else masses_of(incident)) or 1.0
        self.count_of = Counter(symptom.device for symptom in symptoms)
        """Symptoms of each element."""
        self._topology, self._upstream = surroundings.topology, surroundings.upstream
        self._involved = {s.device for s in symptoms if not s.chronic}
        self._involved |= {s.peer.device for s in symptoms if s.peer is not None}
        self._dark = {s.peer.device for s in symptoms if s.peer and s.kind in LOSSES}
        self._dark |= {s.device for s in symptoms if s.kind in (_K.HEARTBEAT, _K.SERVICE)}
        self._troubles: dict[str, set[OccurrenceKind]] = defaultdict(set)
        self._ends: dict[str, list[Symptom]] = defaultdict(list)
        for symptom, mass in zip(symptoms, self.mass, strict=True):
            if mass >= _NOT_NOISE:
                self._troubles[symptom.device].add(symptom.kind)
                if symptom.peer is not None:
                    self._troubles[symptom.peer.device].add(symptom.kind)
            if symptom.kind in FAULT_KINDS or symptom.kind in LINK_KINDS:
                self._ends[symptom.device].append(symptom)
        self._alike: dict[tuple[str, str | None, OccurrenceKind, str], int] = {}
        """What tells symptoms apart for the fault of an element, numbered."""
        self._number = [
            self._alike.setdefault((s.device, _peer_of(s), s.kind, s.role), len(self._alike))
            for s in symptoms
        ]
        self._hit: dict[str, float] = {}
        self._taken: dict[str, float] = {}
        self.bad_ports = {
            (s.device, port_key(s.port)) for s in symptoms if s.port and s.kind in LINK_KINDS
        }
        """Ports of links that are reported down, as (element, `port_key`)."""
        self.impact = ChangeImpact(
            surroundings.changes, symptoms, self.mass, surroundings.alarms, surroundings.upstream
        )
        """What followed each configuration change."""

    def propose(self, device: str) -> Hypothesis:
        """What an element would account for, what it says and what others say about it."""
        hypothesis = Hypothesis(device)
        own = others = 0.0
        over = self._defects_over(device)
        shares = [self._share(device, *alike) for alike in self._alike]
        changed = bool(self.impact.changes.get(device))
        for index, symptom in enumerate(self.symptoms):
            share, certain = shares[self._number[index]]
            if changed and not certain:
                share = max(share, self.impact.accounts_for(device, symptom))
            if over is not None and symptom.began > over and symptom.device != device:
                share *= _TOO_LATE
            if share > 0:
                hypothesis.explains[index] = share
            if symptom.device == device:
                hypothesis.own.append(symptom)
                own += self.mass[index] * share
            else:
                others += self.mass[index] * share
                # A full port says nothing of whoever is at its other end.
                loaded = symptom.kind is _K.THRESHOLD and symptom.port is not None
                if symptom.peer is not None and symptom.peer.device == device and not loaded:
                    hypothesis.about.append(symptom)
        alone = own / self.total >= MOST
        hypothesis.consequence = 1.0 if alone else min(1.0, others / self.total / _A_CONSEQUENCE)
        return hypothesis

    def _defects_over(self, device: str) -> datetime | None:
        """When the last defect of an element was over, consequences included; None if it is not."""
        ends = [symptom.ended for symptom in self._ends.get(device, ())]
        if not ends or self.impact.changes.get(device):
            return None
        over = [end for end in ends if end is not None]
        return max(over) + _LINGERS if len(over) == len(ends) else None

    def _share(
        self, device: str, victim: str, peer: str | None, kind: OccurrenceKind, role: str
    ) -> tuple[float, bool]:
        """How well a fault would produce a symptom, 0 to 1, and whether no change adds to that.

        The shares were set on generated incidents: certain for what it says itself or others say
        of it, less for each step away, and for dependents as far as most of them are hit.
        """
        if victim == device:
            return 0.4 if role == "failure" else 1.0, True
        if peer == device:
            return 1.0, True
        if kind in LOSSES:
            taken = self._upstream.taken_along(device)
            if victim in taken or peer in taken:
                return max(0.2, 0.9 * self.taken_share(device)), True
        hit = self.hit_share(device)
        best = hit * 0.9 ** self._upstream.of(victim, kind).get(device, _FAR)
        if peer is None:
            best = max(best, 0.3 * self._topology.are_joined(victim, device))
            if role == "failure" and device in self._involved:
                best = max(best, 0.4 * self._on_the_way(device, victim))
        else:
            if device in self._upstream.between(victim, peer):
                best = max(best, 0.7 if device in self._involved else 0.3)
            best = max(best, hit * 0.8 * 0.9 ** self._upstream.of(peer, kind).get(device, _FAR))
            best = max(best, 0.4 * self._topology.are_joined(peer, device))
        return best, False

    def _on_the_way(self, device: str, victim: str) -> bool:
        """Whether an element is on a path from a victim to what serves it."""
        return any(
            device in self._upstream.between(victim, server)
            for server in self._upstream.servers_of(victim)
        )

    def taken_share(self, device: str) -> float:
        """Of what an element's death would take along: the share that is in trouble or lost."""
        known = self._taken.get(device)
        if known is None:
            taken = self._upstream.taken_along(device)
            hit = sum(1 for name in taken if name in self._dark)
            known = self._taken[device] = hit / len(taken) if taken else 0.0
        return known

    def hit_share(self, device: str) -> float:
        """Of what depends on an element: the share in trouble that it could have caused.

        A broken provider hits most of its dependents, a healthy one a few by chance.
        """
        known = self._hit.get(device)
        if known is None:
            fed = self._upstream.fed_by(device)
            hit = sum(
                1 for name, relation in fed if self._troubles.get(name, set()) & HANDED_ON[relation]
            )
            known = self._hit[device] = hit / len(fed) if fed else 0.0
        return known


def masses_of(symptoms: Sequence[Symptom]) -> list[float]:
    """Weight of each symptom: chronic ones little, and a loud element only as its square root."""
    per_device = Counter(symptom.device for symptom in symptoms)
    return [
        (0.1 if symptom.chronic else symptom.unusual) / sqrt(per_device[symptom.device])
        for symptom in symptoms
    ]


def _peer_of(symptom: Symptom) -> str | None:
    return None if symptom.peer is None else symptom.peer.device
