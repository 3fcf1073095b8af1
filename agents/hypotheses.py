"""A hypothesis: one element that may be at fault, and the arguments for and against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agents.folding import Symptom
from telecom.alarm import Alarm
from telecom.configuration import ConfigChange

SKEW = timedelta(seconds=5)
"""Clocks of two elements may differ by this much."""


@dataclass(frozen=True, slots=True)
class RankingWeights:
    """How much each reason counts, in units of log-odds.

    Set by maximum likelihood on generated incidents (`docs/root-cause.md`), each bound to the sign
    that its meaning has; only `blame`, which they hardly ever hold, is as real router logs need it.
    The chance that an element is the cause is its exponentiated score over
    the sum of all of them and of `nothing`.
    """

    coverage: float = 4.6
    focus: float = 3.0
    blame: float = 2.5
    kind: float = 3.6
    silence: float = 0.6
    change: float = 6.3
    timing: float = 3.0
    history: float = 0.5
    eclipse: float = 1.2
    behind: float = 3.2
    victim: float = 2.3
    prediction: float = 1.7
    nothing: float = 6.3
    """The score that a cause must beat: that of "no single element accounts for this"."""


DEFAULT_WEIGHTS = RankingWeights()


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
    probability: float = 0.0
    """Against all other hypotheses and against none of them, 0 to 1."""
    same_fault: str | None = None
    """The other end of the link that both ends report lost: naming either names the fault."""
    apart_from: frozenset[str] = frozenset()
    """Other likely elements, where neither hands on what the other one is known by."""
    explains: dict[int, float] = field(default_factory=dict)
    """Index of a symptom -> how well it is accounted for, 0 to 1."""
    own: list[Symptom] = field(default_factory=list)
    about: list[Symptom] = field(default_factory=list)
    """What others say about it."""
    change: ConfigChange | None = None
    consequence: float = 0.0
    """How far it accounts for more than itself, 0 to 1: mere trouble of its own is a herring."""

    def strength(self, name: str) -> float:
        """The strength of one reason; 0 where it does not apply."""
        return next((a.strength for a in self.arguments if a.name == name), 0.0)

    @property
    def evidence(self) -> float:
        """The strongest reason that does not rest on what neighbours lost."""
        own = max(self.strength(name) for name in ("blame", "kind", "change"))
        return max(own, 0.25 * self.strength("silence"))

    @property
    def onset(self) -> datetime | None:
        """When trouble at or with it was first seen."""
        direct = [symptom.began for symptom in (*self.own, *self.about)]
        return min(direct, default=None)


def records_of(symptoms: Iterable[Symptom]) -> tuple[Alarm, ...]:
    """The first record of each symptom."""
    return tuple(symptom.alarms[0] for symptom in symptoms)
