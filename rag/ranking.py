"""Ranking: several ranked lists become one, and copies cannot fill it. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rag.gists import Gist
from rag.passage_records import StoredPassage

RRF_K = 60
"""Cormack, Clarke and Buettcher, SIGIR 2009."""

COPIES_SHOWN = 2
"""How many near-identical passages an answer may hold."""
_RESOLVED_GAINS, _NEWEST_GAINS = 0.03, 0.02
_HALF_LIFE_SECONDS = 365 * 86_400.0
_PASSAGES_PER_SLOT = 8
_MOST_SLOTS = 3


class Fused(NamedTuple):
    """A passage after fusion."""

    key: int
    score: float
    """0 to 1, where 1 is first in every list; `by_standing` may add a few hundredths."""
    required: float
    """What the identifiers of the query that it holds are worth; decides before the score."""
    standing: float = 0.0
    """Share of its score that `by_standing` added."""


def fuse(
    lists: Mapping[str, Sequence[tuple[int, float]]],
    weights: Mapping[str, float],
    required: Mapping[int, float] | None = None,
) -> list[Fused]:
    """Weighted reciprocal rank fusion; passages that hold required identifiers come first.

    Args:
        lists: Name of a retriever -> its passages with their scores, best first.
        weights: What each list counts.
        required: Passage -> worth of the identifiers it holds.
    """
    scores: dict[int, float] = {}
    best = sum(weights[name] for name in lists) / (RRF_K + 1) or 1.0
    for name, ranked in lists.items():
        weight = weights[name] / best
        for rank, (key, _) in enumerate(ranked, RRF_K + 1):
            scores[key] = scores.get(key, 0.0) + weight / rank
    required = required or {}
    order = sorted((-required.get(key, 0.0), -score, key) for key, score in scores.items())
    return [Fused(key, -score, -worth) for worth, score, key in order]


class Placed(NamedTuple):
    """A passage in one ranked list."""

    rank: int
    """1 is best."""
    score: float
    """In the list's own unit: cosine, BM25, inverse document frequency."""


def places_of(key: int, lists: Mapping[str, Sequence[tuple[int, float]]]) -> dict[str, Placed]:
    """Where each retriever has a passage; retrievers that have not are left out."""
    return {
        name: Placed(rank, score)
        for name, ranked in lists.items()
        for rank, (each, score) in enumerate(ranked, 1)
        if each == key
    }


def by_standing(ranked: Sequence[Fused], passages: Mapping[int, StoredPassage]) -> list[Fused]:
    """Order the head of a ranking again: resolved and recent tickets move up a few places.

    A resolved ticket gains 3 % of its score and the newest one 2 %, falling by half every year
    before it: a place or two in one list, never past a required identifier. What is not among the
    passages is left out.
    """
    closed = [each.closed_at for each in passages.values() if each.closed_at is not None]
    newest = max(closed, default=0.0)
    raised = []
    for key, score, worth, _ in ranked:
        passage = passages.get(key)
        if passage is None:
            continue
        share = _RESOLVED_GAINS * passage.resolved
        if passage.closed_at is not None:
            share += _NEWEST_GAINS * 0.5 ** ((newest - passage.closed_at) / _HALF_LIFE_SECONDS)
        raised.append((-worth, -score * (1.0 + share), key, share))
    return [Fused(key, -score, -worth, share) for worth, score, key, share in sorted(raised)]


def slots(siblings: int) -> int:
    """How many passages of one source an answer may hold: one, for long documents up to three."""
    return min(_MOST_SLOTS, 1 + siblings // _PASSAGES_PER_SLOT)


def cap_copies(passages: Iterable[StoredPassage], limit: int) -> list[StoredPassage]:
    """The first `limit` passages that are not one copy or one of their source too many."""
    taken: list[StoredPassage] = []
    gists: list[Gist] = []
    of_source: dict[str, int] = {}
    for passage in passages:
        if len(taken) == limit:
            break
        before = of_source.get(passage.source, 0)
        if before >= slots(passage.siblings):
            continue
        gist = Gist(passage.gist, passage.sketch)
        if sum(map(gist.is_copy_of, gists)) >= COPIES_SHOWN:
            continue
        taken.append(passage)
        gists.append(gist)
        of_source[passage.source] = before + 1
    return taken
