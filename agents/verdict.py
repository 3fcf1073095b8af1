"""The verdict: how many independent causes the ranking supports, and when it supports none.

A leading score is not enough. A cause is asserted when something decisive speaks for it and it
accounts for most of the trouble; a second one when what the first leaves unexplained is much, is
joined to the second, and something decisive speaks for that, too. Anything less is "insufficient",
which is an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agents.folding import Symptom, is_trouble
from agents.hypotheses import SKEW, Hypothesis
from telecom.alarm import Alarm

VerdictKind = Literal["single", "multiple", "recovered", "none", "insufficient"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is asserted, and what a reader should know about it."""

    kind: VerdictKind
    asserted: tuple[Hypothesis, ...]
    notes: tuple[str, ...] = ()


ENOUGH_COVERAGE = 0.12
SECOND_COVERAGE = 0.2
"""Share of all symptoms that a further cause must account for beyond the causes before it."""
MAX_CAUSES = 4


def judge(
    ranked: Sequence[Hypothesis], burst: Sequence[Symptom], alarms: Sequence[Alarm]
) -> Verdict:
    """Decide what the ranking supports.

    Args:
        ranked: Hypotheses, best first.
        burst: The symptoms they were ranked on.
        alarms: All records of the window, in time order.
    """
    planned = sum(1 for alarm in alarms if alarm.planned_outage_indicator)
    trouble = [alarm for alarm in alarms if is_trouble(alarm)]
    if not burst or all(symptom.chronic for symptom in burst):
        why = "nothing but what happens every day" if burst else "no trouble in this window"
        return Verdict("none", (), (why,))
    if planned and planned * 2 >= len(trouble):
        return Verdict("none", (), (f"{planned} records belong to a planned outage",))
    asserted = _asserted(ranked, burst)
    notes = _notes(burst)
    if not asserted:
        return Verdict("insufficient", (), notes)
    if len(asserted) > 1:
        return Verdict("multiple", asserted, notes)
    if all(symptom.ended is not None for symptom in burst):
        return Verdict("recovered", asserted, notes)
    return Verdict("single", asserted, notes)


def _asserted(ranked: Sequence[Hypothesis], burst: Sequence[Symptom]) -> tuple[Hypothesis, ...]:
    """The leader if it is decisive, then each further cause that carries its own share."""
    if not ranked or not _decisive(ranked[0]) or _share(ranked[0], set()) < ENOUGH_COVERAGE:
        return ()
    asserted = [ranked[0]]
    explained = _explained(ranked[0], burst)
    while len(asserted) < MAX_CAUSES:
        further = [
            hypothesis
            for hypothesis in ranked
            if hypothesis not in asserted
            and _decisive(hypothesis)
            and hypothesis.strength("timing") >= 0.3
            and hypothesis.strength("eclipse") > -0.2
            and _share(hypothesis, explained) >= SECOND_COVERAGE
        ]
        if not further:
            break
        best = max(further, key=lambda h: (h.score, h.device))
        asserted.append(best)
        explained |= _explained(best, burst)
    return tuple(asserted)


def _decisive(h: Hypothesis) -> bool:
    """Whether something beyond coverage and timing speaks for it.

    Being everybody's only problem decides alone when nearly everything is explained by it; less
    than that is also how a victim at the end of one line looks.
    """
    return (
        h.strength("blame") >= 0.35
        or h.strength("kind") >= 0.5
        or h.strength("change") >= 0.3
        or (h.strength("silence") >= 0.4 and h.strength("focus") >= 0.4)
        or (h.strength("focus") >= 0.8 and h.strength("coverage") >= 0.5)
    )


def _explained(h: Hypothesis, burst: Sequence[Symptom]) -> set[int]:
    """The symptoms that a cause accounts for, given when its own trouble began."""
    onset = h.onset
    return {
        index
        for index, share in h.explains.items()
        if share >= 0.5 and (onset is None or burst[index].began >= onset - SKEW)
    }


def _share(h: Hypothesis, explained: set[int]) -> float:
    """The share of a hypothesis' own coverage that lies outside what is already explained."""
    coverage = h.strength("coverage")
    total = sum(h.explains.values())
    fresh = sum(share for index, share in h.explains.items() if index not in explained)
    return coverage * fresh / total if total else 0.0


def _notes(burst: Sequence[Symptom]) -> tuple[str, ...]:
    open_now = sum(1 for symptom in burst if symptom.ended is None)
    flapping = sum(1 for symptom in burst if symptom.flaps >= 2)
    notes = [f"{open_now} of {len(burst)} symptoms are still open at the end of the window"]
    if flapping:
        notes.append(f"{flapping} symptoms came and went at least twice")
    return tuple(notes)
