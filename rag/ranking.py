"""Ranking: several ranked lists become one, and copies cannot fill it. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

RRF_K = 60
"""Cormack, Clarke and Buettcher, SIGIR 2009."""

NEAR_DUPLICATE = 0.8
"""Jaccard similarity of word sets from which two passages count as copies of each other."""
COPIES_SHOWN = 2
"""How many near-identical passages an answer may hold."""
_RESOLVED_GAINS, _NEWEST_GAINS = 0.03, 0.02
_HALF_LIFE_SECONDS = 365 * 86_400.0
_PASSAGES_PER_SLOT = 8
_MOST_SLOTS = 3


class Placed(NamedTuple):
    """A passage in one ranked list."""

    rank: int
    """1 is best."""
    score: float
    """In the list's own unit: cosine, BM25, inverse document frequency."""


class Fused(NamedTuple):
    """A passage after fusion, with where each retriever had it."""

    key: int
    score: float
    """0 to 1, where 1 is first in every list; `by_standing` may add a few hundredths."""
    places: Mapping[str, Placed]
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
    places: dict[int, dict[str, Placed]] = {}
    scores: dict[int, float] = {}
    best = sum(weights[name] for name in lists) / (RRF_K + 1) or 1.0
    for name, ranked in lists.items():
        weight = weights[name] / best
        for rank, (key, score) in enumerate(ranked, 1):
            places.setdefault(key, {})[name] = Placed(rank, score)
            scores[key] = scores.get(key, 0.0) + weight / (RRF_K + rank)
    required = required or {}
    order = sorted(scores, key=lambda key: (-required.get(key, 0.0), -scores[key], key))
    return [Fused(key, scores[key], places[key], required.get(key, 0.0)) for key in order]


class Standing(NamedTuple):
    """What a past ticket is worth as a precedent, whatever was asked."""

    resolved: bool
    """It has a cause or a close note."""
    closed_at: float | None
    """Seconds since the epoch."""


def by_standing(ranked: Sequence[Fused], standings: Mapping[int, Standing]) -> list[Fused]:
    """Order the head of a ranking again: resolved and recent tickets move up a few places.

    A resolved ticket gains 3 % of its score and the newest one 2 %, falling by half every year
    before it: a place or two in one list, never past a required identifier.
    """
    closed = [each.closed_at for each in standings.values() if each.closed_at is not None]
    newest = max(closed, default=0.0)

    def raised(place: Fused) -> Fused:
        standing = standings.get(place.key)
        if standing is None:
            return place
        share = _RESOLVED_GAINS * standing.resolved
        if standing.closed_at is not None:
            share += _NEWEST_GAINS * 0.5 ** ((newest - standing.closed_at) / _HALF_LIFE_SECONDS)
        return place._replace(score=place.score * (1.0 + share), standing=share)

    return sorted(map(raised, ranked), key=lambda each: (-each.required, -each.score, each.key))


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the caps look at."""

    key: int
    source: str
    siblings: int
    """How many passages the source has."""
    gist: str
    """From `gist_of`: what is compared when copies are looked for."""


def slots(siblings: int) -> int:
    """How many passages of one source an answer may hold: one, for long documents up to three."""
    return min(_MOST_SLOTS, 1 + siblings // _PASSAGES_PER_SLOT)


def cap_copies(candidates: Iterable[Candidate], limit: int) -> tuple[list[int], dict[int, str]]:
    """Take the first `limit` candidates that are not one copy or one source too many.

    Returns:
        Keys taken, in order, and for those passed over the reason.
    """
    taken: list[tuple[Candidate, frozenset[str]]] = []
    of_source: dict[str, int] = {}
    passed: dict[int, str] = {}
    for candidate in candidates:
        if len(taken) == limit:
            break
        if of_source.get(candidate.source, 0) >= slots(candidate.siblings):
            passed[candidate.key] = f"{candidate.source} is already there"
            continue
        words = frozenset(candidate.gist.split())
        copies = [other for other, known in taken if _alike(words, known)]
        if len(copies) >= COPIES_SHOWN:
            passed[candidate.key] = f"says the same as {copies[0].source}"
            continue
        taken.append((candidate, words))
        of_source[candidate.source] = of_source.get(candidate.source, 0) + 1
    return [candidate.key for candidate, _ in taken], passed


def gist_of(text: str) -> str:
    """The words of a text, each once: numbers left out, since copies with other ids are copies."""
    return " ".join(sorted(set(re.findall(r"[^\W\d_]{2,}", text.lower()))))


def _alike(words: frozenset[str], known: frozenset[str]) -> bool:
    """Whether the Jaccard similarity of two word sets makes them copies."""
    if min(len(words), len(known)) < NEAR_DUPLICATE * max(len(words), len(known)):
        return False
    shared = len(words & known)
    return shared >= NEAR_DUPLICATE * (len(words) + len(known) - shared)
