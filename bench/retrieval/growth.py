"""Search times over a store that grows, beside embedding the query and asking a bare index."""

from __future__ import annotations

import importlib
import os
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

from bench.retrieval.made_up import NAMED, MadeUpTickets, planted, prose
from bench.retrieval.measuring import Row, best_ms, row
from rag.embedding import Embedder, OnnxEmbedder, Vectors
from rag.filters import SearchFilters
from rag.knowledge_base import KnowledgeBase

HNSW_MS = 0.55
"""hnswlib alone on 100,000 such vectors: added to the embedding time as the bare lower bound."""
_ROUNDS = 12
"""A search wakes several threads: its undisturbed time takes more tries to see than a call's."""


def growth_rows(embedder: OnnxEmbedder, sizes: Sequence[int]) -> list[Row]:
    """Search times over a store of tickets that grows, at each size."""
    rows: list[Row] = []
    bare = BareIndex(embedder, max(sizes)) if find_spec("hnswlib") else None
    with (
        tempfile.TemporaryDirectory() as folder,
        KnowledgeBase.open(Path(folder) / "store", embedder) as base,
    ):
        for before, passages in pairwise((0, *sizes)):
            export = Path(folder) / f"to-{passages}.jsonl"
            export.touch()
            tickets = MadeUpTickets(before, passages, seen=bare.add if bare else None)
            began = time.perf_counter()
            base.ingest_tickets(export, workers=tickets)
            rows.append(row(f"filling, to {passages:,} passages", time.perf_counter() - began, "s"))
            rows += search_rows(base, embedder, passages, bare)
    return rows


def search_rows(
    base: KnowledgeBase, embedder: Embedder, passages: int, index: BareIndex | None
) -> list[Row]:
    """Search times, beside embedding the query and asking a bare index."""
    queries = prose(9, 60, seed=5)
    quarter = SearchFilters(severities=("MAJOR",))
    few = SearchFilters(managed_objects=("pe7",))
    taken = best_ms(
        {
            "bare": index.search if index else lambda text: embedder.embed([text]),
            "dense": lambda text: base.search(text, mode="dense"),
            "hybrid": base.search,
            "lexical": lambda text: base.search(text, mode="lexical"),
            "quarter": lambda text: base.search(text, filters=quarter),
            "few": lambda text: base.search(text, filters=few),
        },
        queries,
        rounds=_ROUNDS,
    )
    found = found_first(base)
    p50 = {name: median(times) for name, times in taken.items()}
    bare_ms = p50["bare"] + (0.0 if index else HNSW_MS)
    lexical = quantiles(taken["lexical"], n=20)[-1]
    label = f"{passages:,} passages"
    rows = [
        row(
            f"search {name}, {label}, p50",
            p50[mode],
            "ms",
            ratio=p50[mode] / bare_ms,
            limit=f"ratio <= {limit} to query embedding + hnswlib",
            ok=p50[mode] / bare_ms <= limit,
        )
        for name, mode, limit in (("dense", "dense", 1.5), ("as shipped", "hybrid", 2.0))
    ]
    return [
        *rows,
        row(f"search as shipped, {label}, p95", quantiles(taken["hybrid"], n=20)[-1], "ms"),
        row(f"search lexical, {label}, p95", lexical, "ms", limit="<= 5", ok=lexical <= 5),
        row(
            f"search filtered to a quarter, {label}, p50",
            p50["quarter"],
            "ms",
            ratio=p50["quarter"] / p50["hybrid"],
            limit="ratio <= 2 to unfiltered",
            ok=p50["quarter"] <= 2 * p50["hybrid"],
        ),
        row(
            f"search filtered to 0.5 %, {label}, p50",
            p50["few"],
            "ms",
            limit="<= 50",
            ok=p50["few"] <= 50,
        ),
        row(
            f"identifiers found first, {label}",
            found,
            "of 100",
            limit="100",
            ok=found == 100,
        ),
        row(f"memory, {label}", resident_mb(), "MB"),
    ]


class BareIndex:
    """hnswlib over the same vectors, and nothing beside it."""

    def __init__(self, embedder: Embedder, most: int) -> None:
        hnswlib = importlib.import_module("hnswlib")
        self._embedder = embedder
        self._index = hnswlib.Index("cosine", 384)
        self._index.init_index(most, ef_construction=100, M=16)
        self._index.set_ef(100)

    def add(self, vectors: Vectors) -> None:
        """Take in vectors."""
        self._index.add_items(vectors)

    def search(self, text: str) -> object:
        """Embed a query and ask for its nearest."""
        return self._index.knn_query(self._embedder.embed([text]), k=10, num_threads=1)


def found_first(base: KnowledgeBase) -> int:
    """How many of 100 questions with an exact identifier have its ticket first."""
    return sum(
        base.search(f"what was done about {planted(number)[0]} and the link")[0].source
        == f"INC{number:07}"
        for number in range(NAMED)
    )


def resident_mb() -> float:
    """Memory of this process, where the system tells."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return float("nan")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
