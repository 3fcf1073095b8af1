"""Fusion and caps: identifiers first, several retrievers together, copies kept few."""

from __future__ import annotations

import random

import pytest

from rag.gists import Gist, gist_of, sketch_of
from rag.passage_records import StoredPassage
from rag.ranking import (
    COPIES_SHOWN,
    Placed,
    by_standing,
    cap_copies,
    fuse,
    places_of,
    slots,
)

WEIGHTS = {"dense": 1.5, "words": 1.0}


def passage(
    key: int,
    source: str,
    text: str,
    *,
    siblings: int = 1,
    resolved: bool = False,
    closed_at: float | None = None,
) -> StoredPassage:
    gist = gist_of(text)
    return StoredPassage(
        key,
        f"{source}#{key}",
        source,
        "",
        text,
        gist,
        sketch_of(gist),
        closed_at,
        resolved,
        siblings,
    )


def test_a_passage_that_both_retrievers_rank_first_scores_one() -> None:
    """Cormack et al. 2009: reciprocal rank fusion, here scaled to 1."""
    lists = {"dense": [(1, 0.9), (2, 0.8)], "words": [(1, 7.0), (3, 6.0)]}
    fused = fuse(lists, WEIGHTS)
    assert [each.key for each in fused] == [1, 2, 3]
    assert fused[0].score == pytest.approx(1.0)
    assert places_of(1, lists) == {"dense": Placed(1, 0.9), "words": Placed(1, 7.0)}
    assert places_of(3, lists) == {"words": Placed(2, 6.0)}


def test_a_passage_with_the_identifier_asked_for_comes_first() -> None:
    """Issue: an identifier query returns its record first."""
    fused = fuse({"dense": [(1, 0.9), (2, 0.8)]}, WEIGHTS, {2: 4.0})
    assert [each.key for each in fused] == [2, 1]


def test_a_resolved_and_recent_ticket_moves_up_but_not_past_an_identifier() -> None:
    """Issue: reranking by resolution quality and recency."""
    day = 86_400.0
    passages = {
        1: passage(1, "T1", "open"),
        2: passage(2, "T2", "solved long ago", resolved=True, closed_at=0.0),
        3: passage(3, "T3", "solved lately", resolved=True, closed_at=365 * day),
    }
    ranked = fuse({"dense": [(1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6)]}, WEIGHTS)
    raised = by_standing(ranked, passages)
    assert [each.key for each in raised] == [2, 3, 1]
    assert [each.standing for each in raised] == pytest.approx([0.04, 0.05, 0.0])
    named = fuse({"dense": [(1, 0.9), (2, 0.8), (3, 0.7)]}, WEIGHTS, {1: 4.0})
    assert by_standing(named, passages)[0].key == 1


def test_copies_under_other_numbers_do_not_fill_the_answer() -> None:
    """Issue: a planted flood of copies cannot fill the answer."""
    flood = [
        passage(key, f"T{key}", f"Port Gi0/{key} failed, card {key} was replaced")
        for key in range(50)
    ]
    other = passage(99, "T99", "Grandmaster lost satellite reception")
    assert cap_copies([*flood, other], 10) == [*flood[:COPIES_SHOWN], other]


def test_texts_are_copies_exactly_from_the_similarity_of_their_words() -> None:
    """Us: the sketch that spares most comparisons never changes what one would say."""
    chance = random.Random(6)
    vocabulary = [chr(97 + first) + chr(97 + second) for first in range(26) for second in range(26)]
    said = set()
    for _ in range(3_000):
        one = chance.sample(vocabulary, chance.randrange(0, 200))
        kept = chance.sample(one, round(len(one) * chance.uniform(0.7, 1.0)))
        other = kept + chance.sample(vocabulary, chance.randrange(0, 10))
        union = set(one) | set(other)
        similar = len(set(one) & set(other)) >= 0.8 * len(union)
        first, second = (gist_of(" ".join(words)) for words in (one, other))
        copies = Gist(first, sketch_of(first)).is_copy_of(Gist(second, sketch_of(second)))
        assert copies == similar
        said.add(copies)
    assert said == {True, False}


def test_one_source_does_not_fill_the_answer() -> None:
    """Issue: per-source cap; a long manual may speak more than once."""
    texts = ["power and batteries", "optical links", "routing sessions", "timing and clocks"]
    short = [passage(key, "T1", text, siblings=2) for key, text in enumerate(texts)]
    long = [passage(key, "manual.pdf", text, siblings=40) for key, text in enumerate(texts)]
    assert cap_copies(short, 10) == short[:1]
    assert cap_copies(long, 10) == long[:3]
    assert [slots(size) for size in (1, 7, 8, 16, 400)] == [1, 1, 2, 3, 3]
