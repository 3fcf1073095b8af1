"""Retrieval: quality beside plain BM25 and plain MiniLM, speed beside the bare engines.

Real data comes from the folder `TIERWISE_DATA` (default `../shared/data` beside the repository);
without it the quality rows are left out. `TIERWISE_BENCH_PASSAGES` sets the size of the store whose
search times are measured (default 20,000).
"""

from __future__ import annotations

import csv
import html
import os
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np

from rag.embedding import Embedder, OnnxEmbedder, TorchEmbedder, Vectors
from rag.evaluation import Qrels, evaluate, read_qrels
from rag.filters import SearchFilters
from rag.ingestion import _prepared_ticket
from rag.knowledge_base import KnowledgeBase
from rag.model_artifact import ensure_artifact
from rag.retrieval import Mode
from rag.ticket_exports import TicketRecord
from telecom.ticket import Ticket

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TIERWISE_DATA", REPOSITORY.parent / "shared" / "data"))
PASSAGES = int(os.environ.get("TIERWISE_BENCH_PASSAGES", "20000"))
HNSW_MS = 0.55
"""hnswlib alone on 100,000 such vectors: added to the embedding time as the bare lower bound."""
NOISE = 0.01

Row = dict[str, Any]


@dataclass(frozen=True)
class Collection:
    """A public test collection: documents, queries, judgements."""

    name: str
    documents: Mapping[str, str]
    queries: Mapping[str, str]
    qrels: Qrels


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
    rows += search_rows(int8)
    rows += [ingest_row(int8, words, limit) for words, limit in ((20, 0.7), (92, 0.9))]
    fp32 = TorchEmbedder()
    rows += engine_rows(int8, fp32)
    for collection in collections():
        rows += quality_rows(collection, int8, fp32)
    return rows


def row(
    name: str,
    value: float,
    unit: str,
    *,
    ratio: float | None = None,
    limit: str | None = None,
    ok: bool | None = None,
) -> Row:
    return {"name": name, "value": value, "unit": unit, "ratio": ratio, "limit": limit, "ok": ok}


def engine_rows(int8: Embedder, fp32: Embedder) -> list[Row]:
    """Throughput at two lengths and the time of one query, int8 over fp32 in the same run."""
    rows = []
    for label, words, count in (("60 tokens", 20, 128), ("250 tokens", 92, 64)):
        texts = prose(words, count)
        fast, slow = (throughput(each, texts) for each in (int8, fp32))
        rows.append(
            row(
                f"embedding, {label}",
                fast,
                "texts/s",
                ratio=fast / slow,
                limit="ratio >= 2.5 to fp32",
                ok=fast / slow >= 2.5,
            )
        )
    queries = prose(9, 60)
    fast_ms = p50_ms(lambda text: int8.embed([text]), queries)
    slow_ms = p50_ms(lambda text: fp32.embed([text]), queries)
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


def quality_rows(collection: Collection, int8: Embedder, fp32: Embedder) -> list[Row]:
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
    return rows


def ingest_row(embedder: Embedder, words: int, limit: float) -> Row:
    """Ingest of documents of one passage each, against embedding the same passages alone."""
    texts = prose(words, 512 if words < 50 else 256, seed=words)
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        (site / "docs").mkdir()
        for number, text in enumerate(texts):
            (site / "docs" / f"{number}.txt").write_text(text)
        with KnowledgeBase.open(site / "store", embedder) as base:
            pure = throughput(embedder, texts)
            began = time.perf_counter()
            base.ingest_documents(site / "docs")
            seconds = time.perf_counter() - began
            rate = base.health().corpora["docs"].passages / seconds
    return row(
        f"ingest, passages of about {60 if words < 50 else 250} tokens",
        rate,
        "passages/s",
        ratio=rate / pure,
        limit=f"ratio >= {limit} to embedding alone",
        ok=rate / pure >= limit,
    )


def search_rows(embedder: OnnxEmbedder) -> list[Row]:
    """Search times over a store of many tickets with made-up vectors."""
    queries = prose(9, 100, seed=5)
    with (
        tempfile.TemporaryDirectory() as folder,
        KnowledgeBase.open(Path(folder) / "store", embedder) as base,
    ):
        fill(base, PASSAGES)
        bare = p50_ms(lambda text: embedder.embed([text]), queries) + HNSW_MS
        timed = {
            "dense": (lambda text: base.search(text, mode="dense"), 1.5),
            "as shipped": (base.search, 2.0),
        }
        rows = []
        for name, (search, limit) in timed.items():
            taken = p50_ms(search, queries)
            rows.append(
                row(
                    f"search {name}, {PASSAGES:,} passages, p50",
                    taken,
                    "ms",
                    ratio=taken / bare,
                    limit=f"ratio <= {limit} to query embedding + hnswlib",
                    ok=taken / bare <= limit,
                )
            )
        shipped = taken
        lexical = p95_ms(lambda text: base.search(text, mode="lexical"), queries)
        rows.append(row("search lexical, p95", lexical, "ms", limit="<= 5", ok=lexical <= 5))
        quarter = SearchFilters(severities=("MAJOR",))
        filtered = p50_ms(lambda text: base.search(text, filters=quarter), queries)
        rows.append(
            row(
                "search filtered to a quarter, p50",
                filtered,
                "ms",
                ratio=filtered / shipped,
                limit="ratio <= 2 to unfiltered",
                ok=filtered / shipped <= 2,
            )
        )
        few = SearchFilters(managed_objects=("pe7",))
        narrow = p50_ms(lambda text: base.search(text, filters=few), queries)
        rows.append(
            row("search filtered to 0.5 %, p50", narrow, "ms", limit="<= 50", ok=narrow <= 50)
        )
    return rows


def fill(base: KnowledgeBase, passages: int) -> None:
    """Tickets of two passages each, with clustered vectors instead of embedded ones."""
    chance, generator = random.Random(1), np.random.default_rng(1)
    texts = prose(60, passages // 2, seed=2)
    prepared = [
        _prepared_ticket(
            TicketRecord(
                Ticket(
                    ticket_id=f"INC{number:07}",
                    title=" ".join(text.split()[:6]),
                    description=" ".join(text.split()[6:40]),
                    managed_object=f"pe{chance.randrange(200)}",
                    severity=chance.choice(("CRITICAL", "MAJOR", "MINOR", "WARNING")),
                    close_note=" ".join(text.split()[40:]),
                ),
                {},
                "tickets/all.jsonl",
                number + 1,
            )
        )
        for number, text in enumerate(texts)
    ]
    for start in range(0, len(prepared), 1000):
        base._ingestion._commit(prepared[start : start + 1000])
    centres = generator.normal(size=(500, 384))
    assert base._index is not None
    while block := base._passages.pending("tickets", 500):
        near = centres[generator.integers(0, 500, len(block))]
        vectors = (near + 0.7 * generator.normal(size=near.shape)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        base._index.upsert("tickets", [each.id for each in block], vectors)
        base._passages.put_vectors([each.key for each in block], vectors)


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


def collections() -> list[Collection]:
    """The public collections that are present."""
    found = []
    if (DATA / "cranfield_ir").is_dir():
        found.append(cranfield(DATA / "cranfield_ir"))
    if (DATA / "mm_telcobench").is_dir():
        found.append(telcobench(DATA / "mm_telcobench"))
    return found


def cranfield(folder: Path) -> Collection:
    """Cranfield 1400 with the queries that come with the data; every judged document counts."""
    raw = (folder / "cran.all.1400.xml").read_text()
    entries = re.findall(r"<docno>(\d+)</docno>.*?<text>(.*?)</text>", raw, re.DOTALL)
    queries = re.findall(
        r"<num>(\d+)</num>\s*<title>(.*?)</title>", (folder / "cran.qry.xml").read_text(), re.DOTALL
    )
    judged = read_qrels((folder / "cranqrel.trec.txt").read_text())
    return Collection(
        "Cranfield",
        {name: html.unescape(text).strip() for name, text in entries if text.strip()},
        {number: text.strip() for number, text in queries},
        {number: dict.fromkeys(sources, 1.0) for number, sources in judged.items()},
    )


def telcobench(folder: Path) -> Collection:
    """Telecom questions; each is to find its own answer among all."""
    pairs: list[tuple[str, str]] = []
    for path, answer in (
        ("Long_Telecom_Question_Answering/LONG_TelcoBench.csv", "Candidate Answer 1"),
        ("Long_Telecom_Blog_Question_Answering/Telecom_blog_long_bench.csv", "Answer"),
    ):
        with (folder / path).open(encoding="utf-8-sig", newline="") as lines:
            pairs += [(cells["Question"], cells[answer]) for cells in csv.DictReader(lines)][:400]
    numbered = [(str(number), *pair) for number, pair in enumerate(pairs)]
    return Collection(
        "MM-TelcoBench",
        {number: answer for number, _, answer in numbered},
        {number: question for number, question, _ in numbered},
        {number: {number: 1.0} for number, _, _ in numbered},
    )


def prose(words: int, count: int, *, seed: int = 0) -> list[str]:
    """Texts of operations vocabulary with the word frequencies of prose."""
    chance = random.Random(seed)
    stems = (
        "link port card fan power cell slice tunnel session route clock fibre alarm site core ring "
        "loss delay path rate mode unit rack cable laser queue peer timer table field"
    ).split()
    vocabulary = stems + [one + other for one in stems for other in stems if one != other]
    vocabulary += ["".join(chance.sample(stems, 3)) for _ in range(8_000)]
    weights = [1 / (rank + 5) for rank in range(len(vocabulary))]
    drawn = chance.choices(vocabulary, weights, k=words * count)
    return [" ".join(drawn[at : at + words]) for at in range(0, words * count, words)]


def throughput(embedder: Embedder, texts: Sequence[str]) -> float:
    """Texts per second: the best of three passes, so that other work on the machine counts less."""
    embedder.embed(texts[:16])
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        embedder.embed(texts)
        seconds.append(time.perf_counter() - began)
    return len(texts) / min(seconds)


def p50_ms(action: Callable[[str], object], texts: Sequence[str]) -> float:
    """Median milliseconds of one call, after a warm-up."""
    return median(durations_ms(action, texts))


def p95_ms(action: Callable[[str], object], texts: Sequence[str]) -> float:
    """95th percentile of the milliseconds of one call, after a warm-up."""
    return quantiles(durations_ms(action, texts), n=20)[-1]


def durations_ms(action: Callable[[str], object], texts: Sequence[str]) -> list[float]:
    """Milliseconds of each call, after a warm-up."""
    for text in texts[:10]:
        action(text)
    taken = []
    for text in texts:
        began = time.perf_counter()
        action(text)
        taken.append((time.perf_counter() - began) * 1000)
    return taken
