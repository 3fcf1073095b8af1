"""Postings: which passages hold a word and how often, read from FTS5 once and kept in memory.

FTS5's own `bm25()` costs a microsecond for every posting. Read as one string and scored by numpy,
the same postings cost a fifth the first time and next to nothing while the store is unchanged.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.passage_store import PassageStore

Keys = NDArray[np.int64]
Scores = NDArray[np.float64]
Read = TypeVar("Read")

K1, B = 1.2, 0.75
"""BM25's constants, as FTS5 has them."""
_NONE: Keys = np.empty(0, dtype=np.int64)
_KEPT = 2_000_000
"""Postings kept in memory, 16 bytes each."""


@dataclass(frozen=True, slots=True)
class _Term:
    """The passages that hold one stem, and what it adds to the score of each."""

    keys: Keys
    weights: Scores


@dataclass(frozen=True, slots=True)
class _Lengths:
    """Words of the passages of a corpus."""

    words: Scores
    """By key; 0 where there is no such passage."""
    passages: int
    average: float


class Postings:
    """Postings and passage lengths of a store; safe across threads."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._generation = -1
        self._frequencies: dict[Hashable, int] = {}
        self._lengths: dict[Hashable, _Lengths] = {}
        self._terms: OrderedDict[Hashable, _Term] = OrderedDict()
        self._size = 0

    def frequency(self, corpus: str, stem: str, at_most: int) -> int:
        """How often a stem occurs in a corpus, counted no further than `at_most`."""
        return self._remembered(
            self._frequencies,
            (corpus, stem),
            lambda: self._store.count_postings(corpus, stem, at_most),
        )

    def bm25(self, corpus: str, stems: Sequence[str]) -> tuple[Keys, Scores]:
        """Every passage that holds one of the stems, in order of key, with its BM25 score."""
        terms = [self._term(corpus, stem) for stem in stems]
        keys, places = np.unique(np.concatenate([term.keys for term in terms]), return_inverse=True)
        weights = np.concatenate([term.weights for term in terms])
        return keys, np.bincount(places, weights, len(keys)).astype(np.float64, copy=False)

    def _term(self, corpus: str, stem: str) -> _Term:
        return self._remembered(self._terms, (corpus, stem), lambda: self._read(corpus, stem))

    def _remembered(
        self, memory: dict[Hashable, Read], key: Hashable, read: Callable[[], Read]
    ) -> Read:
        """What was read since the store was last written to, read now where it was not."""
        with self._lock:
            if self._generation != self._store.generation:
                self._generation = self._store.generation
                for each in (self._frequencies, self._lengths, self._terms):
                    each.clear()
                self._size = 0
            generation = self._generation
            known = memory.get(key)
        if known is not None:
            return known
        found = read()
        with self._lock:
            if generation == self._generation and key not in memory:
                memory[key] = found
                self._make_room(found)
        return found

    def _make_room(self, added: object) -> None:
        if isinstance(added, _Term):
            self._size += len(added.keys)
            while self._size > _KEPT and len(self._terms) > 1:
                _, oldest = self._terms.popitem(last=False)
                self._size -= len(oldest.keys)

    def _read(self, corpus: str, stem: str) -> _Term:
        listed = self._store.postings(corpus, stem)
        occurrences = np.fromstring(listed, dtype=np.int64, sep=",") if listed else _NONE
        keys, counts = np.unique(occurrences, return_counts=True)
        lengths = self._remembered(self._lengths, corpus, lambda: self._read_lengths(corpus))
        return _Term(keys, _weights(keys, counts.astype(np.float64), lengths))

    def _read_lengths(self, corpus: str) -> _Lengths:
        rows = np.array(self._store.lengths(corpus), dtype=np.int64).reshape(-1, 2)
        words = np.zeros(int(rows[:, 0].max(initial=0)) + 1)
        words[rows[:, 0]] = rows[:, 1]
        return _Lengths(words, len(rows), max(1.0, float(rows[:, 1].sum()) / max(1, len(rows))))


def _weights(keys: Keys, counts: Scores, lengths: _Lengths) -> Scores:
    """What a stem adds to the score of each passage that holds it so many times."""
    holders = len(keys)
    idf = max(1e-6, math.log((lengths.passages - holders + 0.5) / (holders + 0.5)))
    # A passage that an ingest added in between counts as one of average length.
    known = keys < len(lengths.words)
    words = np.where(known, lengths.words[np.where(known, keys, 0)], lengths.average)
    saturation = K1 * (1 - B + B * words / lengths.average)
    weights: Scores = idf * counts * (K1 + 1) / (counts + saturation)
    return weights
