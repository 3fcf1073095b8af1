"""Health of the knowledge base: does the index find what was put into it?

Chroma's counts are right even when its graph has lost vectors, so vectors are asked for themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag.passage_store import PassageStore
from rag.vector_index import VectorIndex

_SAMPLE = 32
_NEIGHBOURS = 5
_SAME = 1.0 - 1e-4
"""Cosine from which a neighbour is the same vector: copies may stand before the one asked for."""


@dataclass(frozen=True, slots=True)
class CorpusHealth:
    """The state of one corpus."""

    sources: int
    """Tickets or documents."""
    passages: int
    pending: int
    """Passages that are not embedded yet: found by words only."""
    probed: int
    found: int
    """How many of the probed vectors are their own nearest neighbour."""


@dataclass(frozen=True, slots=True)
class KnowledgeBaseHealth:
    """Whether both halves work; the lexical half does as long as the knowledge base is open."""

    dense: bool
    problem: str | None
    """What is wrong and what puts it right."""
    corpora: Mapping[str, CorpusHealth]


def probe(store: PassageStore, index: VectorIndex, corpus: str) -> tuple[int, int]:
    """Ask a sample of vectors for themselves; returns how many were asked for and found.

    Raises:
        StoreDamagedError: The index does not answer at all.
    """
    keys, vectors = store.vectors.sample(corpus, _SAMPLE)
    if not keys:
        return 0, 0
    answers = index.nearest(corpus, vectors, _NEIGHBOURS)
    found = sum(
        any(neighbour == each or cosine >= _SAME for neighbour, cosine in answer)
        for each, answer in zip(keys, answers, strict=True)
    )
    return len(keys), found
