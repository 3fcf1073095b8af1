"""Lexical search: BM25 over words, within a budget of postings, and exact identifier look-up."""

from __future__ import annotations

import math
import re
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from rag.filters import SearchFilters, where_clause
from rag.identifier_terms import asked_identifiers, is_distinctive, without_identifiers
from rag.passage_store import TOKENIZER, PassageStore

POSTINGS_BUDGET = 3_000
"""How many postings one query may score: what keeps BM25 within a few milliseconds at any size.

The rarest words are taken first, so what is dropped are the words that half the corpus has.
"""

_UBIQUITOUS = 20_000
"""Words are not told apart by frequency beyond this count."""

_HOLDERS = 1_000
"""So many passages are looked at for one identifier, the newest first; the best of a commoner one
come from the other retrievers and are recognised by `worth_held`."""


@dataclass(frozen=True, slots=True)
class WordQuery:
    """Which words are scored, rarest first."""

    words: tuple[str, ...]
    together: bool = False
    """Whether a passage must hold all of them."""


class LexicalSearch:
    """Words and identifiers over a `PassageStore`; safe across threads."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._stemmer = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._stemmer.executescript(
            f"CREATE VIRTUAL TABLE words USING fts5(text, tokenize='{TOKENIZER}');"
            "CREATE VIRTUAL TABLE stems USING fts5vocab(words, 'instance');"
        )
        self._frequencies: dict[tuple[str, str], int] = {}
        self._version = -1

    def close(self) -> None:
        """Let go of what is held in memory."""
        self._stemmer.close()

    def words(self, query: str, corpus: str) -> WordQuery:
        """The words of a query that are worth scoring, one per stem."""
        known = [
            (frequency, word)
            for word in self._one_per_stem(without_identifiers(query))
            if (frequency := self._frequency(corpus, word)) > 0
        ]
        return _affordable(sorted(known, key=lambda each: (each[0], -len(each[1]), each[1])))

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
        if not words.words:
            return []
        clause, arguments = where_clause(filters)
        match = (" AND " if words.together else " OR ").join(f'"{word}"' for word in words.words)
        table = f"words_{corpus}"
        ranked = f"SELECT {table}.rowid, bm25({table}) AS score FROM {table}"  # noqa: S608
        if clause == "1":
            statement = f"{ranked} WHERE {table} MATCH ? ORDER BY score LIMIT ?"
        else:
            statement = (
                f"{ranked} CROSS JOIN passages p ON p.passage_key = {table}.rowid "
                f"CROSS JOIN sources s USING (source_key) "
                f"WHERE {table} MATCH ? AND {clause} ORDER BY score LIMIT ?"
            )
        with self._store.reading() as connection:
            rows = connection.execute(statement, (match, *arguments, limit)).fetchall()
        return [(key, -score) for key, score in rows]

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

    def _one_per_stem(self, text: str) -> list[str]:
        """The words of a text without inflected repetitions, as the index's tokenizer sees them."""
        words = list(dict.fromkeys(re.findall(r"\w+", text.lower())))
        with self._lock:
            self._stemmer.execute("DELETE FROM words")
            self._stemmer.executemany(
                "INSERT INTO words (rowid, text) VALUES (?, ?)", enumerate(words)
            )
            found = self._stemmer.execute("SELECT term, min(doc) FROM stems GROUP BY term")
            return [words[row] for _, row in found.fetchall()]

    def _frequency(self, corpus: str, word: str) -> int:
        """How many passages have a word, counted no further than is needed to call it common.

        Kept until the store has been written to.
        """
        with self._store.reading() as connection:
            version = self._store.generation
            if self._version != version:
                self._frequencies, self._version = {}, version
            known = self._frequencies.get((corpus, word))
            if known is None:
                table = f"words_{corpus}"
                (known,) = connection.execute(
                    f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT ?)",  # noqa: S608
                    (f'"{word}"', _UBIQUITOUS),
                ).fetchone()
                self._frequencies[corpus, word] = known
        return known


def _affordable(known: list[tuple[int, str]]) -> WordQuery:
    """As many of the rarest words as the budget of postings allows.

    Where not one does, a passage has to hold the two rarest together.
    """
    chosen: list[str] = []
    postings = 0
    for frequency, word in known:
        postings += frequency
        if postings > POSTINGS_BUDGET:
            break
        chosen.append(word)
    if chosen:
        return WordQuery(tuple(chosen))
    return WordQuery(tuple(word for _, word in known[:2]), together=True)
