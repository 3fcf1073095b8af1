"""The embedding engine beside sentence-transformers, and an ingest beside embedding alone."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.retrieval.made_up import prose
from bench.retrieval.measuring import Row, best_ms, row
from rag.embedding import Embedder
from rag.knowledge_base import KnowledgeBase


def engine_rows(int8: Embedder, fp32: Embedder) -> list[Row]:
    """Throughput at two lengths and the time of one query, int8 over fp32 in turns."""
    rows = []
    for label, words, count in (("60 tokens", 20, 128), ("250 tokens", 92, 64)):
        texts = prose(words, count)
        best = best_ms(
            {"int8": int8.embed, "fp32": fp32.embed},
            [texts],
            rounds=8,
        )
        ratio = best["fp32"][0] / best["int8"][0]
        rows.append(
            row(
                f"embedding, {label}",
                1000 * count / best["int8"][0],
                "texts/s",
                ratio=ratio,
                limit="ratio >= 2.5 to fp32",
                ok=ratio >= 2.5,
            )
        )
    best = best_ms(
        {"int8": lambda text: int8.embed([text]), "fp32": lambda text: fp32.embed([text])},
        prose(9, 40),
    )
    fast_ms, slow_ms = median(best["int8"]), median(best["fp32"])
    rows.append(
        row(
            "embedding of a query, p50",
            fast_ms,
            "ms",
            ratio=fast_ms / slow_ms,
            limit="ratio <= 0.5 to fp32",
            ok=fast_ms / slow_ms <= 0.5,
        )
    )
    return rows


def ingest_row(embedder: Embedder, words: int, limit: float) -> Row:
    """Ingest of documents of one passage each, against embedding the same passages alone."""
    texts = prose(words, 512 if words < 50 else 256, seed=words)
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        (site / "docs").mkdir()
        for number, text in enumerate(texts):
            (site / "docs" / f"{number}.txt").write_text(text)
        rates, pure = [], []
        for attempt in range(3):  # in turns, the best of each
            with KnowledgeBase.open(site / f"store{attempt}", embedder, root=site) as base:
                pure.append(throughput(embedder, texts))
                began = time.perf_counter()
                base.ingest_documents(site / "docs")
                seconds = time.perf_counter() - began
                rates.append(base.health().corpora["docs"].passages / seconds)
    rate, alone = max(rates), max(pure)
    return row(
        f"ingest, passages of about {60 if words < 50 else 250} tokens",
        rate,
        "passages/s",
        ratio=rate / alone,
        limit=f"ratio >= {limit} to embedding alone",
        ok=rate / alone >= limit,
    )


def throughput(embedder: Embedder, texts: Sequence[str]) -> float:
    """Texts per second of one pass, after a warm-up."""
    embedder.embed(texts[:16])
    began = time.perf_counter()
    embedder.embed(texts)
    return len(texts) / (time.perf_counter() - began)
