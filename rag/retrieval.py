"""Retrieval: identifiers, words and meaning, each switchable, fused, capped and explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.embedding import Embedder, Vectors
from rag.filters import SearchFilters
from rag.lexical import LexicalSearch
from rag.passage_store import PassageStore, StoredPassage
from rag.ranking import Candidate, Fused, cap_copies, fuse
from rag.vector_index import VectorIndex
from telecom.errors import StoreDamagedError

Corpus = Literal["tickets", "docs"]
CORPORA: tuple[Corpus, ...] = ("tickets", "docs")
Mode = Literal["hybrid", "lexical", "dense"]

DENSE_WEIGHT = 1.5
"""Against 1 for words; measured between 1.5 and 2 best over five public collections."""
_DEPTH_PER_RESULT, _SHALLOWEST = 5, 50
_DEEPEST = 4_000
"""How far a flood of copies is dug through."""
_FILTERED_REACH = 200
_PER_RESULT_FILTERED = 2
"""With a filter so many candidates per result are enough: the caps seldom drop more."""
_ASKED_FOR = 5
"""A query with more identifiers than this is a pasted text: they rank, but none is required."""
_EXACT_SCAN = 6_000
"""If no more passages than this pass a filter, their vectors are compared one by one."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that answers, and why it stands where it does."""

    passage: StoredPassage
    fused: Fused
    identifiers: tuple[str, ...]
    """The query's identifiers that had to be matched."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """An answer with everything needed to explain it."""

    hits: tuple[Hit, ...]
    passed_over: dict[int, str]
    """Keys that the caps left out, with the reason."""
    words: tuple[str, ...]
    """What was scored by BM25; the most frequent words may have been dropped."""
    identifiers: tuple[str, ...]
    degraded: str | None
    """Why the dense half did not take part though it was asked for."""


class Retrieval:
    """Answers queries over a store and its index; safe across threads."""

    def __init__(
        self,
        store: PassageStore,
        index: Callable[[], VectorIndex | None],
        embedder: Embedder,
        mark_damaged: Callable[[StoreDamagedError], None],
    ) -> None:
        self._store = store
        self._index = index
        self._embedder = embedder
        self._mark_damaged = mark_damaged
        self.lexical = LexicalSearch(store)

    def rank(
        self,
        query: str,
        corpus: Corpus,
        limit: int,
        *,
        filters: SearchFilters | None = None,
        mode: Mode = "hybrid",
        require: bool = True,
    ) -> Ranking:
        """Rank the passages of a corpus; see `KnowledgeBase.search`."""
        if filters is not None and not filters.restricts:
            filters = None
        wanted = _Question(query, corpus, limit, filters, require)
        lexically = mode != "dense" or self._index() is None
        words = self.lexical.words(query, corpus) if lexically else []
        worth = self.lexical.identifiers(query, corpus) if lexically else {}
        vector = self._embedder.embed([query]) if mode != "lexical" else None
        depth = max(_SHALLOWEST, _DEPTH_PER_RESULT * limit)
        while True:
            lists, degraded = self._lists(wanted, words, worth, vector, depth)
            ranking = self._select(wanted, lists, words, worth, degraded)
            saturated = any(len(ranked) >= depth for ranked in lists.values())
            if len(ranking.hits) >= limit or not saturated or depth >= _DEEPEST:
                return ranking
            depth = min(_DEEPEST, depth * 4)

    def _lists(
        self,
        wanted: _Question,
        words: Sequence[str],
        worth: dict[str, float],
        vector: Vectors | None,
        depth: int,
    ) -> tuple[dict[str, list[tuple[int, float]]], str | None]:
        """One ranked list for each retriever that takes part."""
        lists: dict[str, list[tuple[int, float]]] = {}
        degraded = None
        if vector is not None:
            try:
                lists["dense"] = self._dense(wanted, vector, depth)
            except StoreDamagedError as exc:
                self._mark_damaged(exc)
                degraded = str(exc)
        if worth:
            lists["identifiers"] = self.lexical.by_identifiers(
                worth, wanted.corpus, depth, wanted.filters
            )
        if words:
            lists["words"] = self.lexical.by_words(
                list(words), wanted.corpus, depth, wanted.filters
            )
        return lists, degraded

    def _dense(self, wanted: _Question, vector: Vectors, depth: int) -> list[tuple[int, float]]:
        """Nearest passages by cosine.

        A filter is applied to what the index gives, and answered exactly from SQLite when it lets
        so little pass that the index would have to be asked for half of what it has.
        """
        index = self._index()
        if index is None:
            raise StoreDamagedError("the vector index is not available")
        reach = depth if wanted.filters is None else _FILTERED_REACH
        while True:
            (found,) = index.nearest(wanted.corpus, vector, reach)
            keys = self._store.keys_of(wanted.corpus, [each for each, _ in found], wanted.filters)
            ranked = [(keys[each], cosine) for each, cosine in found if each in keys]
            enough = len(ranked) >= min(depth, _PER_RESULT_FILTERED * wanted.limit)
            if wanted.filters is None or enough or len(found) < reach:
                return ranked[:depth]
            if reach > _FILTERED_REACH:
                exact = self._store.vectors_for(wanted.corpus, wanted.filters, _EXACT_SCAN)
                if exact is not None:
                    return _nearest(*exact, vector, depth)
            if reach >= _DEEPEST:
                return ranked
            reach = min(_DEEPEST, reach * 4)

    def _select(
        self,
        wanted: _Question,
        lists: dict[str, list[tuple[int, float]]],
        words: Sequence[str],
        worth: dict[str, float],
        degraded: str | None,
    ) -> Ranking:
        """Fuse, load and cap."""
        weights = {"dense": DENSE_WEIGHT, "words": 1.0, "identifiers": 1.0}
        must = wanted.require and 0 < len(worth) <= _ASKED_FOR
        found = {key for ranked in lists.values() for key, _ in ranked} if must else ()
        required = self.lexical.worth_held(worth, wanted.corpus, list(found)) if must else {}
        fused = fuse(lists, weights, required)
        window = fused[: 2 * wanted.limit]
        hits, passed = self._capped(window, wanted.limit)
        if len(hits) < wanted.limit and len(fused) > len(window):
            hits, passed = self._capped(fused, wanted.limit)
        identifiers = tuple(worth) if must else ()
        return Ranking(
            hits=tuple(Hit(passage, place, identifiers) for passage, place in hits),
            passed_over=passed,
            words=tuple(words),
            identifiers=identifiers,
            degraded=degraded,
        )

    def _capped(
        self, fused: Sequence[Fused], limit: int
    ) -> tuple[list[tuple[StoredPassage, Fused]], dict[int, str]]:
        passages = self._store.load([each.key for each in fused])
        places = {each.key: each for each in fused}
        taken, passed = cap_copies(
            (
                Candidate(passage.key, passage.source, passage.siblings, passage.gist)
                for each in fused
                if (passage := passages.get(each.key)) is not None
            ),
            limit,
        )
        return [(passages[key], places[key]) for key in taken], passed


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked, as every retriever needs it."""

    query: str
    corpus: Corpus
    limit: int
    filters: SearchFilters | None
    require: bool
    """Whether identifiers of the query must be matched."""


def _nearest(
    keys: Sequence[int], vectors: Vectors, vector: Vectors, depth: int
) -> list[tuple[int, float]]:
    if not keys:
        return []
    cosines = vectors @ vector[0]
    order = (-cosines).argsort(kind="stable")[:depth]
    return [(keys[place], float(cosines[place])) for place in order]
