"""Evaluation of retrieval: nDCG@10, recall@k and MRR, each with a confidence interval.

Graded relevance as in TREC: gain = grade, discount = log2(rank + 1). Intervals are percentile
bootstraps over queries (95 %, seeded): a difference inside them is noise.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

import numpy as np

from rag.retrieval import Corpus, Mode
from telecom.ticket import Citation

Qrels = Mapping[str, Mapping[str, float]]
"""Query id -> source -> grade; a grade above 0 is relevant."""
Search = Callable[[str], Sequence[str]]
"""Query text -> sources, best first; repeated ones count once."""

_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over queries with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RetrievalScores:
    """How well one retriever did on one set of queries."""

    queries: int
    """How many had a relevant source at all; the others are left out."""
    ndcg: Measure
    """At 10."""
    recall: Measure
    """At `recall_at`."""
    mrr: Measure
    """Mean reciprocal rank of the first relevant source, over the first ten."""


def evaluate(
    search: Search, queries: Mapping[str, str], qrels: Qrels, *, recall_at: int = 10
) -> RetrievalScores:
    """Run every judged query and score the answers.

    Args:
        search: The retriever.
        queries: Query id -> text.
        qrels: The judgements; a query without a relevant source is left out.
        recall_at: Depth of recall; the retriever has to give that many.
    """
    return _scores(lambda _, text: search(text), queries, qrels, recall_at)


def _scores(
    search: Callable[[str, str], Sequence[str]],
    queries: Mapping[str, str],
    qrels: Qrels,
    recall_at: int,
) -> RetrievalScores:
    rows: list[tuple[float, float, float]] = []
    for query_id, text in queries.items():
        grades = {source: grade for source, grade in qrels.get(query_id, {}).items() if grade > 0}
        if grades:
            found = list(dict.fromkeys(search(query_id, text)))
            rows.append(
                (
                    ndcg(found, grades),
                    recall(found, grades, recall_at),
                    reciprocal_rank(found, grades),
                )
            )
    columns = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return RetrievalScores(len(rows), *(_with_interval(columns[:, column]) for column in range(3)))


class Searchable(Protocol):
    """The part of the knowledge base that is judged."""

    def search(
        self, query: str, *, corpus: Corpus = ..., limit: int = ..., mode: Mode = ...
    ) -> Sequence[Citation]:
        """Rank passages."""
        ...


def compare_modes(
    knowledge: Searchable,
    queries: Mapping[str, str],
    qrels: Qrels,
    *,
    corpus: Corpus,
    recall_at: int = 10,
    leave_out_itself: bool = False,
    watch: Callable[[Mode, int, int], None] | None = None,
) -> dict[Mode, RetrievalScores]:
    """Score each way of searching on the same queries.

    Args:
        knowledge: What is judged.
        queries: Query id -> text.
        qrels: The judgements; a source may be named by its path, its file name or its stem.
        corpus: `tickets` or `docs`.
        recall_at: Depth of recall, 1 to 50.
        leave_out_itself: Whether query ids are sources that must not find themselves.
        watch: Told which mode is at which query.
    """
    judged = {source for grades in qrels.values() for source in grades}
    depth = min(50, max(10, recall_at) + leave_out_itself)

    def search_in(mode: Mode) -> Callable[[str, str], list[str]]:
        asked = itertools.count(1)

        def search(query_id: str, text: str) -> list[str]:
            if watch is not None:
                watch(mode, next(asked), len(queries))
            hits = knowledge.search(text, corpus=corpus, limit=depth, mode=mode)
            names = (_as_judged(hit.source, judged) for hit in hits)
            return [name for name in names if not (leave_out_itself and name == query_id)]

        return search

    return {
        mode: _scores(search_in(mode), queries, qrels, recall_at)
        for mode in ("lexical", "dense", "hybrid")
    }


def _as_judged(source: str, judged: Container[str]) -> str:
    """The name under which the judgements know a source: its path, its file's name or its stem."""
    path = PurePosixPath(source)
    return next((name for name in (source, path.name, path.stem) if name in judged), source)


def ndcg(found: Sequence[str], grades: Mapping[str, float], depth: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `depth` sources."""
    ideal = _gain(sorted(grades.values(), reverse=True)[:depth])
    return _gain(grades.get(source, 0.0) for source in found[:depth]) / ideal if ideal else 0.0


def recall(found: Sequence[str], grades: Mapping[str, float], depth: int) -> float:
    """Share of the relevant sources among the first `depth`."""
    relevant = {source for source, grade in grades.items() if grade > 0}
    return len(relevant & set(found[:depth])) / len(relevant) if relevant else 0.0


def reciprocal_rank(found: Sequence[str], grades: Mapping[str, float], depth: int = 10) -> float:
    """One over the rank of the first relevant source; 0 when none is among the first `depth`."""
    ranks = (rank for rank, source in enumerate(found[:depth], 1) if grades.get(source, 0.0) > 0)
    return 1.0 / next(ranks, math.inf)


def read_qrels(text: str) -> dict[str, dict[str, float]]:
    """Read TREC judgements: `query 0 source grade`, one a line.

    Raises:
        ValueError: A line has another shape; names it.
    """
    qrels: dict[str, dict[str, float]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split()
        if not cells:
            continue
        try:
            query_id, _, source, grade = cells
            qrels.setdefault(query_id, {})[source] = float(grade)
        except ValueError as exc:
            raise ValueError(f"line {number} is not `query 0 source grade`: {line!r}") from exc
    return qrels


def _gain(grades: Iterable[float]) -> float:
    return sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades, 1))


def _with_interval(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Measure:
    if not len(values):
        return Measure(0.0, 0.0, 0.0)
    generator = np.random.default_rng(0)
    draws = generator.integers(0, len(values), size=(_RESAMPLES, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
    return Measure(float(values.mean()), float(low), float(high))
