"""Fusion and caps: identifiers first, several retrievers together, copies kept few."""

from __future__ import annotations

import pytest

from rag.ranking import COPIES_SHOWN, Candidate, cap_copies, fuse, gist_of, slots

WEIGHTS = {"dense": 1.5, "words": 1.0}


def test_a_passage_that_both_retrievers_rank_first_scores_one() -> None:
    """Cormack et al. 2009: reciprocal rank fusion, here scaled to 1."""
    fused = fuse({"dense": [(1, 0.9), (2, 0.8)], "words": [(1, 7.0), (3, 6.0)]}, WEIGHTS)
    assert [each.key for each in fused] == [1, 2, 3]
    assert fused[0].score == pytest.approx(1.0)
    assert {name: place.rank for name, place in fused[0].places.items()} == {"dense": 1, "words": 1}


def test_a_passage_with_the_identifier_asked_for_comes_first() -> None:
    """Issue: an identifier query returns its record first."""
    fused = fuse({"dense": [(1, 0.9), (2, 0.8)]}, WEIGHTS, {2: 4.0})
    assert [each.key for each in fused] == [2, 1]


def test_copies_under_other_numbers_do_not_fill_the_answer() -> None:
    """Issue: a planted flood of copies cannot fill the answer."""
    flood = [
        Candidate(key, f"T{key}", 1, gist_of(f"Port Gi0/{key} failed, card {key} was replaced"))
        for key in range(50)
    ]
    other = Candidate(99, "T99", 1, "Grandmaster lost satellite reception")
    taken, passed = cap_copies([*flood, other], 10)
    assert taken == [*range(COPIES_SHOWN), 99]
    assert passed[40] == "says the same as T0"


def test_one_source_does_not_fill_the_answer() -> None:
    """Issue: per-source cap; a long manual may speak more than once."""
    texts = ["power and batteries", "optical links", "routing sessions", "timing and clocks"]
    short = [Candidate(key, "T1", 2, text) for key, text in enumerate(texts)]
    long = [Candidate(key, "manual.pdf", 40, text) for key, text in enumerate(texts)]
    assert cap_copies(short, 10)[0] == [0]
    assert cap_copies(long, 10)[0] == [0, 1, 2]
    assert [slots(size) for size in (1, 7, 8, 16, 400)] == [1, 1, 2, 3, 3]
