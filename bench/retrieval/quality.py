"""How well public collections are answered, beside plain BM25 and plain MiniLM."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.retrieval.collections import Collection
from bench.retrieval.measuring import Row, row
from rag.embedding import Embedder, Vectors
from rag.evaluation import evaluate
from rag.knowledge_base import KnowledgeBase
from rag.retrieval import Mode

NOISE = 0.01
WORTH_IT = 0.02
"""Below this a gain of nDCG@10 is noise."""


@dataclass(frozen=True)
class Quality:
    """How well a collection was answered."""

    rows: list[Row]
    gain: float
    """nDCG@10 of the shipped default over the better single retriever."""


def quality_rows(collection: Collection, int8: Embedder, fp32: Embedder) -> Quality:
    """nDCG@10 of the shipped default beside each plain retriever."""
    names = list(collection.documents)
    texts = list(collection.documents.values())
    plain = {
        "plain BM25": plain_bm25(collection.documents),
        "plain MiniLM fp32": plain_dense(fp32, names, texts),
        "plain MiniLM int8": plain_dense(int8, names, texts),
    }
    scores = {
        name: evaluate(search, collection.queries, collection.qrels).ndcg.mean
        for name, search in plain.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        (site / "docs").mkdir()
        for name, text in collection.documents.items():
            (site / "docs" / f"{name}.txt").write_text(text)
        with KnowledgeBase.open(site / "store", int8) as base:
            base.ingest_documents(site / "docs")

            def ours(mode: Mode) -> Callable[[str], list[str]]:
                return lambda text: [
                    Path(hit.source).stem for hit in base.search(text, corpus="docs", mode=mode)
                ]

            for mode in ("lexical", "dense", "hybrid"):
                scores[mode] = evaluate(ours(mode), collection.queries, collection.qrels).ndcg.mean
    best = max(
        scores["plain BM25"], scores["plain MiniLM fp32"], scores["lexical"], scores["dense"]
    )
    loss = scores["plain MiniLM fp32"] - scores["plain MiniLM int8"]
    rows = [
        row(f"{collection.name}: nDCG@10 {name}", score, "")
        for name, score in scores.items()
        if name != "hybrid"
    ]
    rows.append(
        row(
            f"{collection.name}: nDCG@10 as shipped (hybrid)",
            scores["hybrid"],
            "",
            ratio=scores["hybrid"] / best,
            limit=f">= best single - {NOISE}",
            ok=scores["hybrid"] >= best - NOISE,
        )
    )
    rows.append(
        row(
            f"{collection.name}: nDCG@10 lost by int8",
            loss,
            "",
            limit=f"<= {NOISE}",
            ok=loss <= NOISE,
        )
    )
    return Quality(rows, scores["hybrid"] - best)


def plain_bm25(documents: Mapping[str, str]) -> Callable[[str], list[str]]:
    """FTS5 with the Porter stemmer over whole documents, every word of the query."""
    database = sqlite3.connect(":memory:")
    database.execute(
        "CREATE VIRTUAL TABLE d USING fts5(n UNINDEXED, t, tokenize='porter unicode61')"
    )
    database.executemany("INSERT INTO d VALUES (?, ?)", documents.items())

    def search(text: str) -> list[str]:
        match = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", text))
        found = database.execute("SELECT n FROM d WHERE d MATCH ? ORDER BY rank LIMIT 10", (match,))
        return [name for (name,) in found]

    return search


def plain_dense(
    embedder: Embedder, names: Sequence[str], texts: Sequence[str]
) -> Callable[[str], list[str]]:
    """Exact cosine over whole documents, cut where the model cuts."""
    vectors: Vectors = embedder.embed(texts)

    def search(text: str) -> list[str]:
        order = np.argsort(-(vectors @ embedder.embed([text])[0]), kind="stable")[:10]
        return [names[place] for place in order]

    return search
