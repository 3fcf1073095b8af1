"""The verdict: how many independent causes the evidence supports, and when it supports none.

The leader is asserted when it is more likely than everything else together, "no single cause"
included. What it leaves unexplained is then ranked on its own: a further cause is asserted when
that remainder is much, and points at somebody as surely. Two causes at one time are each other's
rivals, so they may also be asserted together: when they share nearly all likelihood, and each
accounts for much that the other does not. Anything less is "insufficient", which is an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from agents.folding import Symptom, is_trouble
from agents.hypotheses import SKEW, Hypothesis
from telecom.alarm import Alarm

VerdictKind = Literal["single", "multiple", "recovered", "none", "insufficient"]

Rank = Callable[[Sequence[Symptom]], list[Hypothesis]]
"""Ranks what may have caused symptoms, best first."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is asserted, and what a reader should know about it."""

    kind: VerdictKind
    asserted: tuple[Hypothesis, ...]
    ranked: tuple[Hypothesis, ...] = ()
    """Every hypothesis over all symptoms, best first."""
    notes: tuple[str, ...] = ()


LIKELY_FROM = 0.55
"""Probability from which a cause is asserted: more likely than all else together."""
AMID_ROUTINE_FROM = 0.9
"""The same where most symptoms are those of every day: what is left may well be chance."""
MOSTLY = 2 / 3
SMALL_PART, LARGE_PART = 0.25, 0.5
"""Coverage of a leader, and of another centre of trouble, at which the leader is beside the point.
"""
TOGETHER_FROM = 0.9
"""Probability of several causes together from which they are asserted though none is likely alone.
"""
FURTHER_FROM = 0.75
"""The same for a further cause: two independent faults at one time are rare."""
CONFIRMED_FROM = 0.15
"""The same in what is left for one that the ranking of the whole has as a cause of its own.

Its share of the incident may be small, and then no cause of it looks likely on its own; by chance
alone hardly any element gets this far.
"""
MUCH_LEFT = 0.08
"""Share of all trouble that must be left unexplained before a further cause is looked for."""
MAX_CAUSES = 4


def judge(rank: Rank, burst: Sequence[Symptom], alarms: Sequence[Alarm]) -> Verdict:
    """Decide what the ranking supports.

    Args:
        rank: Ranks hypotheses over symptoms.
        burst: The symptoms of the incident.
        alarms: All records of the window, in time order.
    """
    ranked = tuple(rank(burst))
    planned = sum(1 for alarm in alarms if alarm.planned_outage_indicator)
    trouble = [alarm for alarm in alarms if is_trouble(alarm)]
    if not burst or all(symptom.chronic for symptom in burst):
        why = "nothing but what happens every day" if burst else "no trouble in this window"
        return Verdict("none", (), ranked, (why,))
    if planned and planned * 2 >= len(trouble):
        why = f"{planned} records belong to a planned outage"
        return Verdict("none", (), ranked, (why,))
    asserted = _asserted(rank, ranked, burst)
    notes = _notes(burst)
    if not asserted:
        return Verdict("insufficient", (), ranked, notes)
    if len(asserted) > 1:
        return Verdict("multiple", asserted, ranked, notes)
    explained = [burst[index] for index in asserted[0].explains]
    if all(symptom.ended is not None for symptom in explained):
        return Verdict("recovered", asserted, ranked, notes)
    return Verdict("single", asserted, ranked, notes)


def _asserted(
    rank: Rank, ranked: Sequence[Hypothesis], burst: Sequence[Symptom]
) -> tuple[Hypothesis, ...]:
    """The leader and each further cause of what is left over, if that is likely."""
    routine = sum(symptom.chronic for symptom in burst) >= MOSTLY * len(burst)
    if not ranked or _beside_the_point(ranked, burst):
        return ()
    likely = ranked[0].probability >= (AMID_ROUTINE_FROM if routine else LIKELY_FROM)
    if not likely and routine:
        return ()
    asserted = _with_further(rank, ranked, burst)
    if likely or (len(asserted) > 1 and _together(asserted, ranked) >= TOGETHER_FROM):
        return asserted
    return ()


def _with_further(
    rank: Rank, ranked: Sequence[Hypothesis], burst: Sequence[Symptom]
) -> tuple[Hypothesis, ...]:
    """The leader, then whoever accounts for what is left, as long as much is left."""
    asserted = [ranked[0]]
    explained = _explained(ranked[0], burst)
    while len(asserted) < MAX_CAUSES:
        left = [index for index in range(len(burst)) if index not in explained]
        if _weight(burst, left) < MUCH_LEFT * _weight(burst, range(len(burst))):
            break
        further = _further(rank([burst[index] for index in left]), asserted, ranked)
        if further is None:
            break
        further.explains = {left[index]: share for index, share in further.explains.items()}
        asserted.append(further)
        explained |= _explained(further, burst)
    return tuple(asserted)


def _together(asserted: Sequence[Hypothesis], ranked: Sequence[Hypothesis]) -> float:
    """How likely it is that one of several causes leads, over all symptoms."""
    devices = {h.device for h in asserted}
    return sum(h.probability for h in ranked if h.device in devices)


def _beside_the_point(ranked: Sequence[Hypothesis], burst: Sequence[Symptom]) -> bool:
    """Whether most of the trouble has its centre elsewhere, and nothing decisive is known of it.

    A disk that fills up is a true fault; it does not answer why a site is dark.
    """
    leader = ranked[0]
    if leader.strength("coverage") >= SMALL_PART:
        return False
    return any(
        other.strength("coverage") >= LARGE_PART
        and _overlap(leader, other, burst) < 0.5
        and other.probability < leader.probability / 5
        for other in ranked[1:]
    )


def _overlap(one: Hypothesis, other: Hypothesis, burst: Sequence[Symptom]) -> float:
    """The share of what one accounts for that the other accounts for as well."""
    own = shared = 0.0
    for index, share in one.explains.items():
        weight = _weight(burst, (index,))
        own += weight * share
        shared += weight * min(share, other.explains.get(index, 0.0))
    return shared / own if own else 0.0


def _further(
    left: Sequence[Hypothesis], asserted: Sequence[Hypothesis], ranked: Sequence[Hypothesis]
) -> Hypothesis | None:
    """The leader over what is left of those not named already, if it is likely.

    What is left is little of the incident, and so it may look less sure there than it is: where the
    ranking of the whole says the same of it, beside what is asserted, the two views confirm it.
    """
    named = {h.device for h in asserted} | {h.same_fault for h in asserted}
    leader = next((h for h in left if h.device not in named), None)
    if leader is None:
        return None
    if leader is left[0] and leader.probability >= FURTHER_FROM:
        return leader
    whole = next((h for h in ranked if h.device == leader.device), None)
    if whole is None or not {h.device for h in asserted} <= whole.apart_from:
        return None
    if whole.probability < FURTHER_FROM or leader.probability < CONFIRMED_FROM:
        return None
    leader.probability = whole.probability
    return leader


def _explained(h: Hypothesis, burst: Sequence[Symptom]) -> set[int]:
    """The symptoms that a cause accounts for, given when its own trouble began."""
    onset = h.onset
    return {
        index
        for index, share in h.explains.items()
        if share >= 0.3 and (onset is None or burst[index].began >= onset - SKEW)
    }


def _weight(burst: Sequence[Symptom], indexes: Iterable[int]) -> float:
    return sum(0.1 if burst[i].chronic else burst[i].unusual for i in indexes)


def _notes(burst: Sequence[Symptom]) -> tuple[str, ...]:
    open_now = sum(1 for symptom in burst if symptom.ended is None)
    flapping = sum(1 for symptom in burst if symptom.flaps >= 2)
    notes = [f"{open_now} of {len(burst)} symptoms are still open at the end of the window"]
    if flapping:
        notes.append(f"{flapping} symptoms came and went at least twice")
    return tuple(notes)
