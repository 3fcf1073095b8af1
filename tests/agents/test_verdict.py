"""The verdict: when a second cause is asserted beside the first, and when it is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agents.folding import Symptom
from agents.hypotheses import Argument, Hypothesis
from agents.verdict import judge
from telecom.alarm import OccurrenceKind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def symptom(device: str) -> Symptom:
    """One trouble of an element."""
    return Symptom(device, OccurrenceKind.HARDWARE, "fault", device, None, None, [], NOON)


def suspect(device: str, probability: float, *explains: int, apart_from: str = "") -> Hypothesis:
    """An element that accounts for some symptoms."""
    return Hypothesis(
        device,
        arguments=[Argument("coverage", 0.5, "half of it")],
        score=10 * probability,
        probability=probability,
        explains=dict.fromkeys(explains, 1.0),
        apart_from=frozenset(apart_from.split()),
    )


@pytest.mark.parametrize(
    ("whole", "apart_from", "left", "named"),
    [
        (0.85, "upf1", 0.2, ("upf1", "agg1")),  # two views say the same
        (0.85, "upf1", 0.1, ("upf1",)),  # what is left does not
        (0.85, "", 0.6, ("upf1",)),  # they may be rivals
        (0.5, "upf1", 0.6, ("upf1",)),  # the whole does not
        (0.0, "", 0.8, ("upf1", "agg1")),  # what is left is sure by itself
    ],
)
def test_a_further_cause_is_sure_of_what_is_left_or_carried_by_two_views(
    whole: float, apart_from: str, left: float, named: tuple[str, ...]
) -> None:
    """Issue 8, families with two causes: nobody is convicted for being nearby."""
    burst = [symptom("upf1"), symptom("agg1")]

    def rank(found: object) -> list[Hypothesis]:
        if len(list(found)) == len(burst):
            return [
                suspect("upf1", 0.95, 0),
                suspect("agg1", whole, 1, apart_from=apart_from),
            ]
        return [suspect("agg1", left, 0)]

    verdict = judge(rank, burst, [])
    assert tuple(h.device for h in verdict.asserted) == named


def test_who_is_named_already_does_not_hide_the_next_cause() -> None:
    """Issue 8, families with two causes: the first one may lead in what is left as well."""
    burst = [symptom("upf1"), symptom("agg1")]

    def rank(found: object) -> list[Hypothesis]:
        if len(list(found)) == len(burst):
            return [suspect("upf1", 0.95, 0), suspect("agg1", 0.9, 1, apart_from="upf1")]
        return [suspect("upf1", 0.7, 0), suspect("agg1", 0.25, 0)]

    verdict = judge(rank, burst, [])
    assert [(h.device, h.probability) for h in verdict.asserted] == [("upf1", 0.95), ("agg1", 0.9)]
