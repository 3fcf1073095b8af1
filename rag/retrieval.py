"""Retrieval: identifiers, words and meaning, each switchable, fused, capped and explained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rag.embedding import Embedder, Vectors
from rag.filters import SearchFilters
from rag.lexical import LexicalSearch
from rag.passage_records import StoredPassage
from rag.passage_store import PassageStore
from rag.ranking import Fused, by_standing, cap_copies, fuse
from rag.vector_index import SEARCH_BREADTH, VectorIndex
from telecom.errors import StoreDamagedError

Corpus = Literal["tickets", "docs"]
CORPORA: tuple[Corpus, ...] = ("tickets", "docs")
Mode = Literal["hybrid", "lexical", "dense"]
Ranked = list[tuple[int, float]]
"""Passages with a retriever's score, best first."""

_WEIGHTS = {"dense": 1.5, "words": 1.0, "identifiers": 1.0}
"""Dense 1.5 to 2 against words is best over five public collections."""
_HEAD = 2
"""Passages looked at for each one wanted, before all that were found are."""
_SPARE = 10
_DEPTH_PER_RESULT, _SHALLOWEST = 5, 50
_DEEPEST = 4_000
"""How far a flood of copies is dug through."""
_FILTERED_REACH = 4
"""How many times deeper the index is asked where a filter drops some of what it gives."""
_RARE_SHARE = 0.02
_ASKED_FOR = 5
"""A query with more identifiers than this is a pasted text: they rank, but none is required."""
_EXACT_SCAN = 6_000
"""If no more passages than this pass a filter, their vectors are compared one by one."""


class Hit(NamedTuple):
    """A passage that answers, and how it was ranked."""

    passage: StoredPassage
    fused: Fused


@dataclass(frozen=True, slots=True)
class Ranking:
    """An answer with everything needed to explain it."""

    hits: Sequence[Hit]
    lists: Mapping[str, Ranked]
    """`dense`, `words`, `identifiers` -> what this retriever found."""
    identifiers: Sequence[str]
    """The query's identifiers that had to be matched."""


@dataclass(frozen=True, slots=True)
class _Words:
    """What the lexical half makes of a question."""

    worth: dict[str, float]
    lists: dict[str, Ranked]


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
        self._beside = ThreadPoolExecutor(4, thread_name_prefix="lexical")

    def close(self) -> None:
        """Let go of threads and memory."""
        self._beside.shutdown()
        self.lexical.close()

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
        alone = mode == "dense" and self._index() is not None
        depths = _depths(wanted, mode, alone=alone)
        depth = next(depths)
        vector, half = None, _Words({}, {})
        if alone:
            vector = self._embedder.embed([query])
        elif mode == "lexical" or self._index() is None:
            half = self._by_words(wanted, depth)
        else:  # SQLite works while the embedding model does
            words = self._beside.submit(self._by_words, wanted, depth)
            vector = self._embedder.embed([query])
            half = words.result()
        while True:
            lists = dict(half.lists)
            more = any(len(ranked) >= depth for ranked in lists.values())
            if vector is not None:
                try:
                    lists["dense"], deeper = self._dense(wanted, vector, depth)
                except StoreDamagedError as exc:
                    self._mark_damaged(exc)
                    vector, half = None, self._by_words(wanted, depth)
                    continue
                more = more or deeper
            ranking = self._select(wanted, lists, half.worth)
            if len(ranking.hits) >= limit or not more or depth >= _DEEPEST:
                return ranking
            depth = next(depths)
            half = self._by_words(wanted, depth) if half.lists else half

    def _by_words(self, wanted: _Question, depth: int) -> _Words:
        """The lexical half: passages that hold the question's identifiers, and its words."""
        lexical, corpus = self.lexical, wanted.corpus
        worth = lexical.identifiers(wanted.query, corpus)
        words = lexical.words(wanted.query, corpus)
        lists = {
            "identifiers": lexical.by_identifiers(worth, corpus, depth, wanted.filters),
            "words": lexical.by_words(words, corpus, depth, wanted.filters),
        }
        return _Words(worth, {name: ranked for name, ranked in lists.items() if ranked})

    def _dense(self, wanted: _Question, vector: Vectors, depth: int) -> tuple[Ranked, bool]:
        """Nearest passages by cosine, and whether there are more.

        A filter is applied to what the index gives; where it lets little pass, the passages that
        do are compared one by one.
        """
        index = self._index()
        if index is None:
            raise StoreDamagedError("the vector index is not available")
        reach = depth if wanted.filters is None else min(_DEEPEST, depth * _FILTERED_REACH)
        while True:
            (found,) = index.nearest(wanted.corpus, vector, reach)
            more = len(found) >= reach
            if wanted.filters is None:
                return found, more
            passing = self._store.passing([key for key, _ in found], wanted.filters)
            ranked = [each for each in found if each[0] in passing]
            if len(ranked) >= wanted.limit or not more:
                return ranked[:depth], more
            if len(ranked) < _RARE_SHARE * reach:
                exact = self._store.vectors.passing(wanted.corpus, wanted.filters, _EXACT_SCAN)
                if exact is not None:
                    return _nearest(*exact, vector, depth), len(exact[0]) > depth
            if reach >= _DEEPEST:
                return ranked, False
            reach = min(_DEEPEST, reach * 4)

    def _select(
        self, wanted: _Question, lists: dict[str, Ranked], worth: dict[str, float]
    ) -> Ranking:
        """Fuse, load and cap."""
        must = wanted.require and 0 < len(worth) <= _ASKED_FOR
        found = {key for ranked in lists.values() for key, _ in ranked} if must else ()
        required = self.lexical.worth_held(worth, wanted.corpus, list(found)) if must else {}
        fused = fuse(lists, _WEIGHTS, required)
        hits = self._capped(fused[: _HEAD * wanted.limit], wanted.limit)
        if len(hits) < wanted.limit < len(fused):
            hits = self._capped(fused, wanted.limit)
        return Ranking(hits, lists, tuple(worth) if must else ())

    def _capped(self, fused: Sequence[Fused], limit: int) -> list[Hit]:
        passages = self._store.load([each.key for each in fused])
        places = {each.key: each for each in by_standing(fused, passages)}
        taken = cap_copies((passages[key] for key in places), limit)
        return [Hit(passage, places[passage.key]) for passage in taken]


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked, as every retriever needs it."""

    query: str
    corpus: Corpus
    limit: int
    filters: SearchFilters | None
    require: bool
    """Whether identifiers of the query must be matched."""


def _depths(wanted: _Question, mode: Mode, *, alone: bool) -> Iterator[int]:
    """How many passages a retriever is asked for, try after try, up to the deepest.

    Several retrievers are asked deeply at once, since what they agree on may stand low in each.
    """
    depth = _HEAD * wanted.limit
    if alone and wanted.filters is None and depth + _SPARE <= SEARCH_BREADTH:
        yield depth  # what is looked at first: each one more costs the index time
    depth += _SPARE
    if mode == "hybrid":
        depth = max(_SHALLOWEST, _DEPTH_PER_RESULT * wanted.limit)
    while depth < _DEEPEST:
        yield depth
        depth *= 4
    yield _DEEPEST


def _nearest(keys: Sequence[int], vectors: Vectors, vector: Vectors, depth: int) -> Ranked:
    if not keys:
        return []
    cosines = vectors @ vector[0]
    order = (-cosines).argsort(kind="stable")[:depth]
    return [(keys[place], float(cosines[place])) for place in order]
