"""Lexical search: BM25 over words, within a budget of postings, and exact identifier look-up."""

from __future__ import annotations

import math
import re
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rag.filters import SearchFilters, where_clause
from rag.identifier_terms import asked_identifiers, is_distinctive, without_identifiers
from rag.passage_store import PassageStore
from rag.postings import Keys, Postings, Scores
from rag.store_file import TOKENIZER

POSTINGS_BUDGET = 4_000
"""How many postings one query may score: what keeps BM25 within a few milliseconds at any size.

The rarest words are taken first, so what is dropped are the words that half the corpus has.
"""

_UBIQUITOUS = 2 * POSTINGS_BUDGET
"""Words are not told apart by frequency beyond this count."""

_HOLDERS = 1_000
"""So many passages are looked at for one identifier, the newest first; the best of a commoner one
come from the other retrievers and are recognised by `worth_held`."""

_STEMS_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class WordQuery:
    """Which words are scored, rarest first."""

    stems: tuple[str, ...]
    together: tuple[str, ...] = ()
    """Words, not stems: where every stem is too common, a passage must hold all of these."""


class LexicalSearch:
    """Words and identifiers over a `PassageStore`; safe across threads."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store
        self._postings = Postings(store)
        self._lock = threading.Lock()
        self._tokenizer = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._tokenizer.executescript(
            f"CREATE VIRTUAL TABLE words USING fts5(text, tokenize='{TOKENIZER}');"
            "CREATE VIRTUAL TABLE stems USING fts5vocab(words, 'instance');"
        )
        self._stems: dict[str, str] = {}

    def close(self) -> None:
        """Let go of what is held in memory."""
        self._tokenizer.close()

    def words(self, query: str, corpus: str) -> WordQuery:
        """The words of a query that are worth scoring, one per stem."""
        known = [
            _Known(frequency, stem, word)
            for stem, word in self._by_stem(without_identifiers(query)).items()
            if (frequency := self._postings.frequency(corpus, stem, _UBIQUITOUS)) > 0
        ]
        return _affordable(sorted(known, key=lambda each: (each[0], -len(each.word), each.word)))

    def identifiers(self, query: str, corpus: str) -> dict[str, float]:
        """The identifiers of a query that are known here, with what a match of each is worth.

        Distinctive by shape, or the name of a ticket or managed object. Worth is the inverse
        document frequency.
        """
        worth: dict[str, float] = {}
        with self._store.reading() as connection:
            (passages,) = connection.execute("SELECT max(passage_key) FROM passages").fetchone()
            for term in asked_identifiers(query):
                holders = connection.execute(
                    "SELECT own FROM mentions WHERE term = ? AND corpus = ? LIMIT ?",
                    (term, corpus, _HOLDERS),
                ).fetchall()
                if holders and (holders[0][0] or is_distinctive(term)):
                    worth[term] = math.log(1.0 + passages / len(holders))
        return worth

    def by_words(
        self, words: WordQuery, corpus: str, limit: int, filters: SearchFilters | None = None
    ) -> list[tuple[int, float]]:
        """Keys and BM25 scores of the passages that match, best first."""
        if words.together:
            keys, scores = self._holding_all(words.together, corpus)
        elif words.stems:
            keys, scores = self._postings.bm25(corpus, words.stems)
        else:
            return []
        if filters is None:
            return _pairs(keys, scores, _best(scores, limit))
        return self._passing(keys, scores, limit, filters)

    def _holding_all(self, words: Sequence[str], corpus: str) -> tuple[Keys, Scores]:
        """The newest passages that hold all of some common words, in order of key, with BM25."""
        table = f"words_{corpus}"
        match = " AND ".join(f'"{word}"' for word in words)
        with self._store.reading() as connection:
            rows = connection.execute(
                f"SELECT rowid, -bm25({table}) FROM {table} WHERE {table} MATCH ? "  # noqa: S608
                "ORDER BY rowid DESC LIMIT ?",
                (match, POSTINGS_BUDGET),
            ).fetchall()
        rows.reverse()
        return (
            np.array([key for key, _ in rows], dtype=np.int64),
            np.array([score for _, score in rows], dtype=np.float64),
        )

    def _passing(
        self, keys: Keys, scores: Scores, limit: int, filters: SearchFilters
    ) -> list[tuple[int, float]]:
        """The best of some passages that pass a filter, best first."""
        order = _best(scores, len(scores))
        passed: list[tuple[int, float]] = []
        start, size = 0, 2 * limit
        while start < len(order) and len(passed) < limit:
            block = _pairs(keys, scores, order[start : start + size])
            start, size = start + size, 4 * size
            passing = self._store.passing([key for key, _ in block], filters)
            passed += [each for each in block if each[0] in passing]
        return passed[:limit]

    def by_identifiers(
        self,
        worth: dict[str, float],
        corpus: str,
        limit: int,
        filters: SearchFilters | None = None,
    ) -> list[tuple[int, float]]:
        """Keys of the passages that hold the identifiers, by what they hold is worth.

        A source's own id or managed object counts twice: the ticket itself comes before another
        that mentions it. Among equals the newest is first.
        """
        clause, arguments = where_clause(filters)
        statement = (
            "SELECT m.passage_key, m.own FROM mentions m CROSS JOIN passages p "  # noqa: S608
            "USING (passage_key) CROSS JOIN sources s USING (source_key) "
            f"WHERE m.term = ? AND m.corpus = ? AND {clause} "
            "ORDER BY m.own DESC, m.passage_key DESC LIMIT ?"
        )
        held: dict[int, float] = {}
        with self._store.reading() as connection:
            for term, value in worth.items():
                for key, own in connection.execute(statement, (term, corpus, *arguments, _HOLDERS)):
                    held[key] = held.get(key, 0.0) + value * (1.0 + own)
        return sorted(held.items(), key=lambda pair: (-pair[1], -pair[0]))[:limit]

    def worth_held(
        self, worth: dict[str, float], corpus: str, keys: Sequence[int]
    ) -> dict[int, float]:
        """Which of some passages hold the identifiers, and what that is worth."""
        if not worth or not keys:
            return {}
        held: dict[int, float] = {}
        marks = ",".join("?" * len(keys))
        with self._store.reading() as connection:
            for term, value in worth.items():
                for key, own in connection.execute(
                    "SELECT passage_key, own FROM mentions WHERE term = ? AND corpus = ? "  # noqa: S608
                    f"AND own IN (0, 1) AND passage_key IN ({marks})",
                    (term, corpus, *keys),
                ):
                    held[key] = held.get(key, 0.0) + value * (1.0 + own)
        return held

    def _by_stem(self, text: str) -> dict[str, str]:
        """The words of a text by their stems, as the index's tokenizer makes them."""
        words = dict.fromkeys(re.findall(r"[^\W_]+", text.lower()))
        with self._lock:
            if len(self._stems) > _STEMS_KEPT:
                self._stems.clear()
            unknown = [word for word in words if word not in self._stems]
            if unknown:
                self._tokenizer.execute("DELETE FROM words")
                self._tokenizer.executemany(
                    "INSERT INTO words (rowid, text) VALUES (?, ?)", enumerate(unknown)
                )
                found = self._tokenizer.execute(
                    "SELECT doc, term FROM stems ORDER BY doc, offset DESC"
                )
                self._stems |= dict.fromkeys(unknown, "")
                self._stems |= {unknown[row]: term for row, term in found.fetchall()}
            stems: dict[str, str] = {}
            for word in words:
                stems.setdefault(self._stems[word], word)
        stems.pop("", None)
        return stems


def _best(scores: Scores, most: int) -> Keys:
    """Places of the highest scores, best first; of equals the first comes first."""
    if most >= len(scores):
        return np.argsort(-scores, kind="stable")
    # A query meets thousands of passages and shows a few: only those are sorted.
    places = np.flatnonzero(scores >= np.partition(scores, -most)[-most])
    return places[np.argsort(-scores[places], kind="stable")][:most]


def _pairs(keys: Keys, scores: Scores, places: Keys) -> list[tuple[int, float]]:
    return list(zip(keys[places].tolist(), scores[places].tolist(), strict=True))


class _Known(NamedTuple):
    """A word that the corpus has."""

    frequency: int
    stem: str
    word: str


def _affordable(known: list[_Known]) -> WordQuery:
    """As many of the rarest words as the budget of postings allows.

    Where not one does, a passage has to hold the two rarest together.
    """
    chosen: list[str] = []
    postings = 0
    for each in known:
        postings += each.frequency
        if postings > POSTINGS_BUDGET:
            break
        chosen.append(each.stem)
    if chosen:
        return WordQuery(tuple(chosen))
    return WordQuery((), together=tuple(each.word for each in known[:2]))
