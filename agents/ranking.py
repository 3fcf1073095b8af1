"""Root-cause ranking: which element, if it were at fault, would account for what is seen?

Each element that symptoms point at, directly or through topology, is a hypothesis. It is scored by
reasons that a network engineer would give, each between -1 and 1 and each with its records:

    coverage    the share of the symptoms it would account for
    focus       those who complain about it complain about nothing else: victims have one bad
                neighbour, a culprit is every neighbour's only problem
    blame       devices say which end began: "notification received" blames the other end
    kind        it reports a defect of its own (hardware, power, process), with consequences
    silence     its neighbours lost it and it says nothing at all
    change      its configuration changed shortly before trouble began within the change's reach
    timing      its trouble, or its change, came first
    prediction  if it is dead, what hangs on it must be out of reach
    history     its trouble is a daily one
    eclipse     a neighbour with stronger evidence accounts for the same trouble
    behind      the only way to it was lost below the layer that complains about it
    victim      it only measures trouble, or complains about others

The score is the weighted sum (`RankingWeights`); against all other scores and that of "no single
cause" it becomes a probability.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import exp, sqrt

from agents.change_impact import ChangeImpact
from agents.dependencies import HANDED_ON, LOSSES, Dependencies
from agents.folding import FAULT_KINDS, Symptom, by_hand, when
from agents.hypotheses import DEFAULT_WEIGHTS, SKEW, Argument, Hypothesis, RankingWeights
from telecom.alarm import Alarm, OccurrenceKind
from telecom.configuration import ConfigChange
from telecom.topology import ManagedObject, Topology, port_key

_OF_A_PROVIDER = {"fault": 1.0, "error": 0.9, "failure": 0.25}
"""How much trouble of its own says of an element whose dependents are in trouble, too."""
_MOST = 0.5
_FULL_SUSPICION = 0.6
"""Score of a change that is as suspicious as one gets by its own lines alone."""
_K = OccurrenceKind
_NOT_NOISE = 0.25
"""Weight from which a symptom says something of the one element that has it."""
_LINK_KINDS = frozenset({OccurrenceKind.INTERFACE, OccurrenceKind.OPTICS, OccurrenceKind.LACP})
_LOWER_LAYERS = _LINK_KINDS | {
    OccurrenceKind.BFD_SESSION,
    OccurrenceKind.ISIS_ADJACENCY,
    OccurrenceKind.OSPF_ADJACENCY,
}
"""What is lost here takes every session above along."""
_LINGERS = timedelta(minutes=3)
"""What a defect leads to shows at most this long after it is over: BGP's hold timer is 180 s."""
_TOO_LATE = 0.2
_FAR_LIKELIER = 5.0
"""Times as likely as nothing, from which two independent faults are believed at once."""
_LITTLE = 0.3
"""Share up to which one cause does not account for what another is known by."""
_FAR = 99
_COMPARED = 12
_A_CONSEQUENCE = 0.1
"""Share of all trouble from which an element accounts for more than its own lamp."""


class Ranker:
    """Scores hypotheses over one set of symptoms."""

    def __init__(
        self,
        symptoms: Sequence[Symptom],
        topology: Topology,
        *,
        alarms: Sequence[Alarm],
        changes: Sequence[ConfigChange] = (),
        before: Sequence[Alarm] = (),
        weights: RankingWeights = DEFAULT_WEIGHTS,
        incident: Sequence[Symptom] | None = None,
    ) -> None:
        """Prepare to rank.

        Args:
            symptoms: What is to be accounted for.
            topology: Of the site.
            alarms: Records of the window.
            changes: Configuration changes up to its end.
            before: Records ahead of it.
            weights: How much each reason counts.
            incident: All symptoms of the incident, where `symptoms` are what is left of it: what is
                much is measured against the whole.
        """
        self._symptoms = symptoms
        self._topology = topology
        self._weights = weights
        self._last_heard = {
            alarm.device: when(alarm) for alarm in (*before, *alarms) if _speaks(alarm)
        }
        self._mass = _masses(symptoms)
        self._total = sum(self._mass if incident is None else _masses(incident)) or 1.0
        self._involved = {s.device for s in symptoms if not s.chronic}
        self._involved |= {s.peer.device for s in symptoms if s.peer is not None}
        self._dark = {s.peer.device for s in symptoms if s.peer and s.kind in LOSSES}
        self._dark |= {s.device for s in symptoms if s.kind in (_K.HEARTBEAT, _K.SERVICE)}
        self._troubles: dict[str, set[OccurrenceKind]] = defaultdict(set)
        for symptom, mass in zip(symptoms, self._mass, strict=True):
            if mass >= _NOT_NOISE:
                self._troubles[symptom.device].add(symptom.kind)
                if symptom.peer is not None:
                    self._troubles[symptom.peer.device].add(symptom.kind)
        self._by_device: dict[str, list[Symptom]] = defaultdict(list)
        for symptom in symptoms:
            self._by_device[symptom.device].append(symptom)
        self._hit: dict[str, float] = {}
        self._taken: dict[str, float] = {}
        self._bad_ports = {
            (s.device, port_key(s.port)) for s in symptoms if s.port and s.kind in _LINK_KINDS
        }
        self._upstream = Dependencies(topology)
        self._impact = ChangeImpact(changes, symptoms, self._mass, alarms, self._upstream)
        self._restarts: dict[str, Alarm] = {}
        for alarm in alarms:
            if alarm.occurrence and alarm.occurrence.kind is OccurrenceKind.RESTART:
                self._restarts.setdefault(alarm.device, alarm)
        self._powerless = {s.device for s in symptoms if s.kind is _K.POWER}
        self._lost_by: dict[str, set[str]] = defaultdict(set)
        for symptom in symptoms:
            if symptom.peer is not None and symptom.kind in _LOWER_LAYERS:
                self._lost_by[symptom.peer.device].add(symptom.device)
            elif symptom.kind is _K.HEARTBEAT:
                self._lost_by[symptom.device].add("")

    def rank(self) -> list[Hypothesis]:
        """All hypotheses, best first; ties by name, so that the order never depends on chance."""
        hypotheses = [self._score(device) for device in self._suspects()]
        hypotheses.sort(key=lambda h: (-h.score, h.device))
        for hypothesis in hypotheses[:_COMPARED]:
            eclipse = self._eclipse(hypothesis, hypotheses[:_COMPARED])
            if eclipse is not None:
                hypothesis.arguments.append(eclipse)
                hypothesis.score += eclipse.strength * self._weights.eclipse
        self._weigh(hypotheses)
        return sorted(hypotheses, key=lambda h: (-h.score, h.device))

    def _weigh(self, hypotheses: Sequence[Hypothesis]) -> None:
        """Turn scores into probabilities; both ends of one lost link share theirs.

        Two that are both far likelier than nothing and account for different trouble are no rivals:
        they may both be true.

        Source: conditional logit (McFadden, Conditional logit analysis of qualitative choice
        behavior, 1974), with "none of them" among the choices.
        """
        top = max((h.score for h in hypotheses), default=0.0)
        top = max(top, self._weights.nothing)
        odds = {h.device: exp(h.score - top) for h in hypotheses}
        nothing = exp(self._weights.nothing - top)
        total = sum(odds.values()) + nothing
        strong = [h for h in hypotheses if odds[h.device] >= _FAR_LIKELIER * nothing]
        partners: dict[str, float] = {}
        """Element -> the best odds of the far end of a link whose loss is said of both."""
        for h in hypotheses:
            h.same_fault = self._other_end(h)
            if h.same_fault is not None:
                for one, other in ((h.device, h.same_fault), (h.same_fault, h.device)):
                    partners[one] = max(partners.get(one, 0.0), odds.get(other, 0.0))
        for h in hypotheses:
            own = odds[h.device] + partners.get(h.device, 0.0)
            if h in strong:
                h.apart_from = frozenset(o.device for o in strong if self._apart(h, o))
            apart = sum(odds[device] for device in h.apart_from)
            h.probability = min(1.0, own / (total - apart))

    def _apart(self, h: Hypothesis, other: Hypothesis) -> bool:
        """Whether neither hands on what the other one is known by."""
        if other.device in (h.device, h.same_fault):
            return False
        ours, theirs = self._known_by(h), self._known_by(other)
        return (
            bool(ours and theirs)
            and _mean(other.explains, ours) < _LITTLE
            and _mean(h.explains, theirs) < _LITTLE
        )

    def _known_by(self, h: Hypothesis) -> list[int]:
        """The symptoms that show it by itself: its own defects, its links; else what it explains.

        An element that is known by its change alone is known by what followed that.
        """
        own = [
            index
            for index, s in enumerate(self._symptoms)
            if (s.device == h.device and (s.kind in FAULT_KINDS or s.kind in _LOWER_LAYERS))
            or (s.peer is not None and s.peer.device == h.device and s.kind in _LOWER_LAYERS)
        ]
        return own or [index for index, share in h.explains.items() if share >= _LITTLE]

    def _other_end(self, h: Hypothesis) -> str | None:
        """The far end of the one link whose loss is all that is said here below the sessions.

        A link has two ends, and often only one of them can still be heard.
        """
        ends = {
            s.peer.device
            for s in h.own
            if s.peer is not None and s.kind in _LOWER_LAYERS and not s.chronic
        }
        ends |= {s.device for s in h.about if s.kind in _LOWER_LAYERS and not s.chronic}
        return next(iter(ends)) if len(ends) == 1 else None

    def _eclipse(self, h: Hypothesis, others: Sequence[Hypothesis]) -> Argument | None:
        """A neighbour with better evidence that accounts for most of the same trouble."""
        near = set(self._topology.neighbors(h.device))
        total = sum(self._mass[index] * share for index, share in h.explains.items()) or 1.0
        best: Argument | None = None
        for other in others:
            if other.device not in near or other.evidence <= max(h.evidence, 0.3):
                continue
            ahead = 1.0 - h.evidence / other.evidence
            shared = sum(
                self._mass[index] * min(share, other.explains.get(index, 0.0))
                for index, share in h.explains.items()
            )
            strength = -ahead * shared / total
            if shared / total >= _MOST and strength < (best.strength if best else 0.0):
                best = Argument(
                    "eclipse",
                    strength,
                    f"{other.device} next to it accounts for {shared / total:.0%} of the same "
                    "and has the stronger evidence",
                )
        return best

    def _suspects(self) -> list[str]:
        found: dict[str, None] = {}
        for symptom in self._symptoms:
            found.setdefault(symptom.device)
            if symptom.peer is not None:
                found.setdefault(symptom.peer.device)
            for provider in self._upstream.of(symptom.device, symptom.kind):
                found.setdefault(provider)
            if symptom.peer is not None:
                for device in self._upstream.between(symptom.device, symptom.peer.device):
                    found.setdefault(device)
        found.update(dict.fromkeys(self._impact.notable))
        near = {other for device in list(found) for other in self._topology.neighbors(device)}
        found.update(dict.fromkeys(device for device in self._impact.notes if device in near))
        return list(found)

    def _score(self, device: str) -> Hypothesis:
        """Put one element up as a hypothesis and argue it."""
        hypothesis = self._propose(device)
        for argue in (
            self._change,
            self._timing,
            self._coverage,
            self._focus,
            self._blame,
            self._kind,
            self._silence,
            self._history,
            self._behind,
            self._victim,
            self._prediction,
        ):
            argument = argue(hypothesis)
            if argument is not None and argument.strength != 0:
                hypothesis.arguments.append(argument)
        hypothesis.score = sum(
            argument.strength * getattr(self._weights, argument.name)
            for argument in hypothesis.arguments
        )
        return hypothesis

    def _propose(self, device: str) -> Hypothesis:
        """What an element would account for, what it says and what others say about it."""
        hypothesis = Hypothesis(device)
        own = others = 0.0
        over = self._defects_over(device)
        for index, symptom in enumerate(self._symptoms):
            share = self._accounts_for(device, symptom)
            if over is not None and symptom.began > over and symptom.device != device:
                share *= _TOO_LATE
            if share > 0:
                hypothesis.explains[index] = share
            if symptom.device == device:
                hypothesis.own.append(symptom)
                own += self._mass[index] * share
            else:
                others += self._mass[index] * share
                # A full port says nothing of whoever is at its other end.
                loaded = symptom.kind is _K.THRESHOLD and symptom.port is not None
                if symptom.peer is not None and symptom.peer.device == device and not loaded:
                    hypothesis.about.append(symptom)
        alone = own / self._total >= _MOST
        hypothesis.consequence = 1.0 if alone else min(1.0, others / self._total / _A_CONSEQUENCE)
        return hypothesis

    def _defects_over(self, device: str) -> datetime | None:
        """When the last defect of an element was over, consequences included; None if it is not."""
        ends = [
            s.ended
            for s in self._by_device[device]
            if s.kind in FAULT_KINDS or s.kind in _LINK_KINDS
        ]
        if not ends or self._impact.changes.get(device):
            return None
        over = [end for end in ends if end is not None]
        return max(over) + _LINGERS if len(over) == len(ends) else None

    def _accounts_for(self, device: str, symptom: Symptom) -> float:
        """How well a fault of `device` would produce `symptom`, 0 to 1.

        The shares were set on generated incidents: certain for what it says itself or others say
        of it, less for each step away, and for dependents as far as most of them are hit.
        """
        peer = symptom.peer.device if symptom.peer is not None else None
        if symptom.device == device:
            return 0.4 if symptom.role == "failure" else 1.0
        if peer == device:
            return 1.0
        if symptom.kind in LOSSES:
            taken = self._upstream.taken_along(device)
            if symptom.device in taken or peer in taken:
                return max(0.2, 0.9 * self._taken_share(device))
        hit = self._hit_share(device)
        ways = [hit * 0.9 ** self._upstream.of(symptom.device, symptom.kind).get(device, _FAR)]
        if peer is None:
            ways.append(0.3 * self._topology.are_joined(symptom.device, device))
            if symptom.role == "failure" and device in self._involved:
                ways.append(0.4 * self._on_the_way(device, symptom.device))
        else:
            on_path = device in self._upstream.between(symptom.device, peer)
            ways.append(on_path * (0.7 if device in self._involved else 0.3))
            ways.append(hit * 0.8 * 0.9 ** self._upstream.of(peer, symptom.kind).get(device, _FAR))
            ways.append(0.4 * self._topology.are_joined(peer, device))
        ways.append(self._impact.accounts_for(device, symptom))
        return max(ways)

    def _on_the_way(self, device: str, victim: str) -> bool:
        """Whether an element is on a path from a victim to what serves it."""
        return any(
            device in self._upstream.between(victim, server)
            for server in self._upstream.servers_of(victim)
        )

    def _taken_share(self, device: str) -> float:
        """Of what an element's death would take along: the share that is in trouble or lost."""
        known = self._taken.get(device)
        if known is None:
            taken = self._upstream.taken_along(device)
            hit = sum(1 for name in taken if name in self._dark)
            known = self._taken[device] = hit / len(taken) if taken else 0.0
        return known

    def _hit_share(self, device: str) -> float:
        """Of what depends on an element: the share in trouble that it could have caused.

        A broken provider hits most of its dependents, a healthy one a few by chance.
        """
        known = self._hit.get(device)
        if known is None:
            fed = self._upstream.fed_by(device)
            hit = sum(1 for name, relation in fed if self._troubles[name] & HANDED_ON[relation])
            known = self._hit[device] = hit / len(fed) if fed else 0.0
        return known

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
        """A defect that the element reports of itself, with consequences and not chronic."""
        provides = self._hit_share(h.device) >= _MOST
        later = h.strength("timing")
        goes_on: bool | None = None
        best: Argument | None = None
        restart = self._restarts.get(h.device)
        if restart is not None and h.about:
            best = Argument("kind", h.consequence, "says that it restarted", (restart,))
        for symptom in h.own:
            if symptom.kind is OccurrenceKind.HEARTBEAT:
                continue  # said of it, not by it
            strength = _defect(symptom)
            if provides and symptom.peer is None:
                strength = max(strength, _OF_A_PROVIDER[symptom.role] * max(0.0, later) ** 2)
            if symptom.port is not None and self._far_end_agrees(symptom):
                strength = max(strength, 0.6)
            strength *= h.consequence * (0.2 if symptom.chronic else 1.0)
            if symptom.ended is not None:
                goes_on = self._goes_on(h) if goes_on is None else goes_on
                strength *= 0.5 if goes_on else 1.0
            if strength > (best.strength if best else 0.0):
                best = Argument(
                    "kind",
                    strength,
                    f"reports {symptom.kind.value.replace('_', ' ')} trouble of its own",
                    tuple(symptom.alarms[:1]),
                )
        return best

    def _goes_on(self, h: Hypothesis) -> bool:
        """Whether most of what it would account for is not over: then what is over is not it."""
        total = over = 0.0
        for index, share in h.explains.items():
            mass = self._mass[index] * share
            total += mass
            over += mass * (self._symptoms[index].ended is not None)
        return over < total / 2

    def _behind(self, h: Hypothesis) -> Argument | None:
        """Whether the only way to it was lost below the layer that complains about it.

        A session over a link that is down says nothing about its far end (the layers of X.200):
        what hangs behind a lost element or link is a victim.
        """
        if h.device in self._restarts:
            return None
        before = [
            name
            for name, witnesses in self._lost_by.items()
            if name != h.device
            and h.device in (behind := self._upstream.cut_off_by(name))
            and not witnesses <= behind
        ]
        if not before:
            return None
        return Argument("behind", -1.0, f"it hangs behind {min(before)}, which was lost as well")

    def _victim(self, h: Hypothesis) -> Argument | None:
        """It only measures trouble, or complains about others, and nobody complains about it."""
        if not h.own or h.about:
            return None
        if not all(s.role == "failure" or s.kind is _K.SIGNALLING for s in h.own):
            return None
        return Argument("victim", -1.0, "it only measures trouble, and reports none of its own")

    def _prediction(self, h: Hypothesis) -> Argument | None:
        """If it were out of reach, so would be all that hangs behind it: is it?"""
        taken = self._upstream.taken_along(h.device)
        if not taken or not (h.device in self._powerless or self._is_silent(h)):
            return None
        share = self._taken_share(h.device)
        return Argument(
            "prediction",
            2.0 * share - 1.0,
            f"{share:.0%} of the {len(taken)} elements that hang on it are in trouble",
        )

    def _far_end_agrees(self, symptom: Symptom) -> bool:
        """Whether both ends of one link report it down, which neither end's fall would do."""
        if symptom.kind not in _LINK_KINDS:
            return False
        for end in self._topology.far_ends(ManagedObject(symptom.device, symptom.port)):
            port = port_key(end.port or "")
            if (end.device, port) in self._bad_ports and not self._impact.shut_by_hand(
                end.device, port
            ):
                return True
        return False

    def _silence(self, h: Hypothesis) -> Argument | None:
        """Lost by its neighbours, and not a word from it."""
        onset, heard = h.onset, self._last_heard.get(h.device)
        if onset is None or h.device not in self._topology:
            return None
        if (heard is not None and heard > onset + SKEW) or self._saw_a_link_go(h):
            return None
        losers = {symptom.device for symptom in h.about} | {
            symptom.device
            for symptom in self._symptoms
            if symptom.peer is None and h.device in self._topology.neighbors(symptom.device)
        }
        if not h.about or not losers:
            return None
        strength = (1.0 if heard is not None else 0.7) * (1 - exp(-len(losers) / 1.5))
        strength *= self._neighbors_alive(h.device, onset)
        return Argument(
            "silence",
            strength,
            f"{len(losers)} neighbours lost it and it says nothing",
            _records(h.about[:3]),
        )

    def _saw_a_link_go(self, h: Hypothesis) -> bool:
        """Whether it reports the loss itself: the dead do not."""
        return any(s.kind in _LOWER_LAYERS and not s.chronic for s in h.own)

    def _is_silent(self, h: Hypothesis) -> bool:
        """Whether others lost it and it has not said a word since."""
        onset, heard = h.onset, self._last_heard.get(h.device)
        if onset is None or h.device not in self._lost_by or self._saw_a_link_go(h):
            return False
        return heard is None or heard <= onset + SKEW

    def _neighbors_alive(self, device: str, onset: datetime) -> float:
        """Share of an element's neighbours that still speak: with none, it may only be cut off."""
        near = [n for n in self._topology.neighbors(device, "connects") if n in self._last_heard]
        alive = sum(1 for neighbor in near if self._last_heard[neighbor] > onset - SKEW)
        return alive / len(near) if near else 0.5

    def _change(self, h: Hypothesis) -> Argument | None:
        """The suspicious change that most trouble within its reach followed."""
        best: Argument | None = None
        for change in self._impact.changes.get(h.device, ()):
            made, note = self._impact.made(change)
            followed = self._impact.followed(change)
            strength = min(1.0, change.score / _FULL_SUSPICION) * followed
            if h.onset is not None and made > h.onset + SKEW:
                continue
            if strength > (best.strength if best else 0.0):
                h.change = change
                best = Argument(
                    "change", strength, _change_words(change, followed), (note,) if note else ()
                )
        for note in self._impact.notes.get(h.device, ()):
            strength = 0.5 * self._impact.aftermath(when(note))
            if strength > (best.strength if best else 0.0) and not self._impact.changes.get(
                h.device
            ):
                words = "its log says that its configuration was changed just before"
                best = Argument("change", strength, words, (note,))
        return best

    def _timing(self, h: Hypothesis) -> Argument | None:
        """How much of what it would account for began after its own trouble did."""
        onset = h.onset
        if onset is None and h.change is not None:
            onset = self._impact.made(h.change)[0]
        if onset is None or not h.explains:
            return None
        total = later = 0.0
        for index, share in h.explains.items():
            mass = self._mass[index] * share
            total += mass
            later += mass * (self._symptoms[index].began >= onset - SKEW)
        strength = (2.0 * later / total - 1.0) * h.consequence
        return Argument("timing", strength, f"{later / total:.0%} of that began after it did")

    def _history(self, h: Hypothesis) -> Argument | None:
        if not h.own or not all(symptom.chronic for symptom in h.own) or h.about:
            return None
        return Argument("history", -1.0, "its trouble comes and goes every day")


def _masses(symptoms: Sequence[Symptom]) -> list[float]:
    """Weight of each symptom: chronic ones little, and a loud element only as its square root."""
    per_device: dict[str, int] = defaultdict(int)
    for symptom in symptoms:
        per_device[symptom.device] += 1
    return [
        (0.1 if symptom.chronic else symptom.unusual) / sqrt(per_device[symptom.device])
        for symptom in symptoms
    ]


def _mean(shares: Mapping[int, float], indexes: Sequence[int]) -> float:
    return sum(shares.get(index, 0.0) for index in indexes) / len(indexes)


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


def _speaks(alarm: Alarm) -> bool:
    """Whether a record comes from the element itself; a lost heartbeat is said of it."""
    return alarm.occurrence is None or alarm.occurrence.kind is not OccurrenceKind.HEARTBEAT


def _records(symptoms: Iterable[Symptom]) -> tuple[Alarm, ...]:
    return tuple(symptom.alarms[0] for symptom in symptoms)


def _change_words(change: ConfigChange, followed: float) -> str:
    first = change.why[0] if change.why else "its configuration was changed"
    return f"{first}, and {'much' if followed >= 0.5 else 'some'} trouble began right after"
