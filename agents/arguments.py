"""Reasons for and against an element, taken from what is said by it, of it, and changed at it."""

from __future__ import annotations

from collections import Counter
from math import exp

from agents.explaining import LINK_KINDS, MOST, Explainer
from agents.folding import FAULT_KINDS, Symptom, by_hand, when
from agents.hypotheses import SKEW, Argument, Hypothesis, records_of
from telecom.alarm import Alarm, OccurrenceKind
from telecom.configuration import ConfigChange
from telecom.topology import ManagedObject, port_key

_OF_A_PROVIDER = {"fault": 1.0, "error": 0.9, "failure": 0.25}
"""How much trouble of its own says of an element whose dependents are in trouble, too."""
_FULL_SUSPICION = 0.6
"""Score of a change that is as suspicious as one gets by its own lines alone."""


class Arguments:
    """Argues over one set of symptoms; a reason that does not apply is None."""

    def __init__(self, explainer: Explainer) -> None:
        """Argue over what `explainer` knows."""
        self._explainer = explainer
        self._symptoms = explainer.symptoms
        self._mass = explainer.mass
        self._impact = explainer.impact
        self._restarts = explainer.surroundings.restarts
        self._topology = explainer.surroundings.topology

    def coverage(self, h: Hypothesis) -> Argument:
        """The share of the symptoms it would account for."""
        covered = sum(self._mass[index] * share for index, share in h.explains.items())
        strength = min(1.0, covered / self._explainer.total)
        return Argument(
            "coverage",
            strength,
            f"would account for {len(h.explains)} of {len(self._symptoms)} symptoms",
            records_of(self._symptoms[index] for index in list(h.explains)[:3]),
        )

    def focus(self, h: Hypothesis) -> Argument | None:
        """Of those who complain about it: how much of their trouble is about it."""
        complaints = Counter(symptom.device for symptom in h.about)
        if not complaints:
            return None
        shares = [count / self._explainer.count_of[device] for device, count in complaints.items()]
        crowd = 1.0 - exp(-len(shares) / 1.5)
        who = "1 neighbour complains" if len(shares) == 1 else f"{len(shares)} neighbours complain"
        return Argument(
            "focus",
            crowd * sum(shares) / len(shares),
            f"{who} about it, and {sum(shares) / len(shares):.0%} of their trouble is about it",
            records_of(h.about[:3]),
        )

    def blame(self, h: Hypothesis) -> Argument | None:
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

    def kind(self, h: Hypothesis) -> Argument | None:
        """A defect that the element reports of itself, with consequences and not chronic."""
        provides = self._explainer.hit_share(h.device) >= MOST
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

    def _far_end_agrees(self, symptom: Symptom) -> bool:
        """Whether both ends of one link report it down, which neither end's fall would do."""
        if symptom.kind not in LINK_KINDS:
            return False
        for end in self._topology.far_ends(ManagedObject(symptom.device, symptom.port)):
            port = port_key(end.port or "")
            if (end.device, port) in self._explainer.bad_ports and not self._impact.shut_by_hand(
                end.device, port
            ):
                return True
        return False

    def change(self, h: Hypothesis) -> Argument | None:
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

    def timing(self, h: Hypothesis) -> Argument | None:
        """How much of what it would account for began after its own trouble did."""
        onset = h.onset
        if onset is None and h.change is not None:
            onset = self._impact.made(h.change)[0]
        if onset is None or not h.explains:
            return None
        begun = onset - SKEW
        total = later = 0.0
        for index, share in h.explains.items():
            mass = self._mass[index] * share
            total += mass
            later += mass * (self._symptoms[index].began >= begun)
        strength = (2.0 * later / total - 1.0) * h.consequence
        return Argument("timing", strength, f"{later / total:.0%} of that began after it did")

    def victim(self, h: Hypothesis) -> Argument | None:
        """It only measures trouble, or complains about others, and nobody complains about it."""
        if not h.own or h.about:
            return None
        if not all(s.role == "failure" or s.kind is OccurrenceKind.SIGNALLING for s in h.own):
            return None
        return Argument("victim", -1.0, "it only measures trouble, and reports none of its own")

    def history(self, h: Hypothesis) -> Argument | None:
        """Its trouble is a daily one."""
        if not h.own or not all(symptom.chronic for symptom in h.own) or h.about:
            return None
        return Argument("history", -1.0, "its trouble comes and goes every day")


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


def _change_words(change: ConfigChange, followed: float) -> str:
    first = change.why[0] if change.why else "its configuration was changed"
    return f"{first}, and {'much' if followed >= 0.5 else 'some'} trouble began right after"
