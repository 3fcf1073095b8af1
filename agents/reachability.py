"""Reasons that rest on who can still be reached: silence, what hangs behind, what must be dark."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from math import exp

from agents.explaining import LOWER_LAYERS, Explainer
from agents.hypotheses import SKEW, Argument, Hypothesis, records_of
from telecom.alarm import OccurrenceKind


class Reachability:
    """Argues about elements that were lost, over one set of symptoms."""

    def __init__(self, explainer: Explainer) -> None:
        """Note who lost whom below the sessions, and who reports that power is gone."""
        self._explainer = explainer
        self._surroundings = explainer.surroundings
        self._upstream = self._surroundings.upstream
        self._topology = self._surroundings.topology
        self._powerless: set[str] = set()
        self._losers: dict[str, None] = {}
        """Elements with trouble that names no other end."""
        self._lost_by: dict[str, set[str]] = defaultdict(set)
        for symptom in explainer.symptoms:
            if symptom.kind is OccurrenceKind.POWER:
                self._powerless.add(symptom.device)
            if symptom.peer is None:
                self._losers.setdefault(symptom.device)
            if symptom.peer is not None and symptom.kind in LOWER_LAYERS:
                self._lost_by[symptom.peer.device].add(symptom.device)
            elif symptom.kind is OccurrenceKind.HEARTBEAT:
                self._lost_by[symptom.device].add("")

    def silence(self, h: Hypothesis) -> Argument | None:
        """Lost by its neighbours, and not a word from it."""
        onset, heard = h.onset, self._surroundings.last_heard.get(h.device)
        if onset is None or not h.about or h.device not in self._topology:
            return None
        if (heard is not None and heard > onset + SKEW) or _saw_a_link_go(h):
            return None
        losers = {symptom.device for symptom in h.about} | {
            name for name in self._losers if self._topology.are_joined(name, h.device)
        }
        strength = (1.0 if heard is not None else 0.7) * (1 - exp(-len(losers) / 1.5))
        strength *= self._neighbors_alive(h.device, onset)
        return Argument(
            "silence",
            strength,
            f"{len(losers)} neighbour{'s' * (len(losers) > 1)} lost it and it says nothing",
            records_of(h.about[:3]),
        )

    def behind(self, h: Hypothesis) -> Argument | None:
        """Whether the only way to it was lost below the layer that complains about it.

        A session over a link that is down says nothing about its far end (the layers of X.200):
        what hangs behind a lost element or link is a victim.
        """
        if h.device in self._surroundings.restarts:
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

    def prediction(self, h: Hypothesis) -> Argument | None:
        """If it were out of reach, so would be all that hangs behind it: is it?"""
        taken = self._upstream.taken_along(h.device)
        if not taken or not (h.device in self._powerless or self._is_silent(h)):
            return None
        share = self._explainer.taken_share(h.device)
        return Argument(
            "prediction",
            2.0 * share - 1.0,
            f"{share:.0%} of the {len(taken)} elements that hang on it are in trouble",
        )

    def _is_silent(self, h: Hypothesis) -> bool:
        """Whether others lost it and it has not said a word since."""
        onset, heard = h.onset, self._surroundings.last_heard.get(h.device)
        if onset is None or h.device not in self._lost_by or _saw_a_link_go(h):
            return False
        return heard is None or heard <= onset + SKEW

    def _neighbors_alive(self, device: str, onset: datetime) -> float:
        """Share of an element's neighbours that still speak: with none, it may only be cut off."""
        last_heard = self._surroundings.last_heard
        near = [n for n in self._topology.neighbors(device, "connects") if n in last_heard]
        alive = sum(1 for neighbor in near if last_heard[neighbor] > onset - SKEW)
        return alive / len(near) if near else 0.5


def _saw_a_link_go(h: Hypothesis) -> bool:
    """Whether it reports the loss itself: the dead do not."""
    return any(s.kind in LOWER_LAYERS and not s.chronic for s in h.own)
