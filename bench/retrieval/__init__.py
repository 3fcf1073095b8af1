"""Retrieval: quality beside plain BM25 and plain MiniLM, speed beside the bare engines.

Real data comes from the folder `TIERWISE_DATA` (default `../shared/data` beside the repository);
without it the quality rows are left out. `TIERWISE_BENCH_PASSAGES` names the sizes at which search
times are measured (default 20000; the growth curve is `20000,100000,300000`): one store grows from
each to the next, with clustered vectors instead of embedded ones. With `hnswlib` installed the bare
index is measured in the same run, else its time on 100,000 vectors is taken from a quiet machine.
Times of one call are the best of some rounds for each query, all candidates in turns, so that other
work on the machine disturbs them alike.
"""

from __future__ import annotations

import os

from bench.retrieval.collections import collections
from bench.retrieval.engines import engine_rows, ingest_row
from bench.retrieval.growth import growth_rows
from bench.retrieval.measuring import Row, row
from bench.retrieval.quality import WORTH_IT, quality_rows
from rag.embedding import OnnxEmbedder, TorchEmbedder
from rag.model_artifact import ensure_artifact

SIZES = sorted(map(int, os.environ.get("TIERWISE_BENCH_PASSAGES", "20000").split(",")))


def run() -> list[Row]:
    """Measure the artifact, quality, ingest and search."""
    artifact = ensure_artifact(tell=lambda phase: None)
    int8 = OnnxEmbedder(artifact)
    megabytes = artifact.model_bytes / 1e6
    cosine = artifact.cosine_minimum
    rows = [
        row("int8 artifact", megabytes, "MB", limit="<= 25", ok=megabytes <= 25),
        row("int8 cosine to fp32, minimum", cosine, "", limit=">= 0.98", ok=cosine >= 0.98),
    ]
    # Before torch is loaded: its idle threads would be measured, too.
    rows += growth_rows(int8, SIZES)
    rows += [ingest_row(int8, words, limit) for words, limit in ((20, 0.7), (92, 0.9))]
    fp32 = TorchEmbedder()
    rows += engine_rows(int8, fp32)
    measured = [quality_rows(collection, int8, fp32) for collection in collections()]
    rows += [each for quality in measured for each in quality.rows]
    if measured:
        gain = max(quality.gain for quality in measured)
        rows.append(
            row(
                "nDCG@10 won by fusion, best collection",
                gain,
                "",
                limit=f"> {WORTH_IT}, else ship the better single retriever",
                ok=gain > WORTH_IT,
            )
        )
    return rows
