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

import csv
import html
import importlib
import os
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np

from rag.embedding import Embedder, OnnxEmbedder, TorchEmbedder, Vectors
from rag.evaluation import Qrels, evaluate, read_qrels
from rag.filters import SearchFilters
from rag.knowledge_base import KnowledgeBase
from rag.model_artifact import ensure_artifact
from rag.preparation import Prepared, prepared_ticket
from rag.retrieval import Mode
from rag.ticket_exports import TicketRecord
from telecom.ticket import Ticket

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TIERWISE_DATA", REPOSITORY.parent / "shared" / "data"))
SIZES = sorted(map(int, os.environ.get("TIERWISE_BENCH_PASSAGES", "20000").split(",")))
HNSW_MS = 0.55
"""hnswlib alone on 100,000 such vectors: added to the embedding time as the bare lower bound."""
NOISE = 0.01
WORTH_IT = 0.02
"""Below this a gain of nDCG@10 is noise."""

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


@dataclass(frozen=True)
class Quality:
    """How well a collection was answered."""

    rows: list[Row]
    gain: float
    """nDCG@10 of the shipped default over the better single retriever."""


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


def growth_rows(embedder: OnnxEmbedder, sizes: Sequence[int]) -> list[Row]:
    """Search times over a store of tickets that grows, at each size."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        KnowledgeBase.open(Path(folder) / "store", embedder) as base,
    ):
        bare = BareIndex(embedder, max(sizes)) if find_spec("hnswlib") else None
        before = 0
        for passages in sizes:
            began = time.perf_counter()
            for vectors in fill(base, before, passages):
                if bare is not None:
                    bare.add(vectors)
            before = passages
            rows += search_rows(base, embedder, passages, bare)
            rows.append(row(f"filling, to {passages:,} passages", time.perf_counter() - began, "s"))
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


NAMED = 100


def planted(number: int) -> tuple[str, str]:
    """An identifier that only one ticket has, and where it stands: its id, a port or a code."""
    kind = number % 3
    if kind == 0:
        return f"INC{number:07}", ""
    name = f"TenGigE0/{number}/1/{number % 7}" if kind == 1 else f"OPT-4-RXLOW{4000 + number}"
    return name, f" seen on {name}"


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


def fill(base: KnowledgeBase, before: int, passages: int) -> Iterator[Vectors]:
    """Add tickets of two passages each, from so many passages to so many.

    Yields:
        Their vectors, block by block: clustered ones instead of embedded ones.
    """
    chance, generator = random.Random(before), np.random.default_rng(before)
    for start in range(before // 2, passages // 2, 1000):
        texts = prose(60, min(1000, passages // 2 - start), seed=start)
        base._ingestion._commit(
            [ticket(number, text, chance) for number, text in enumerate(texts, start)]
        )
    centres = np.random.default_rng(1).normal(size=(500, 384))
    assert base._index.index is not None
    while block := base._passages.vectors.pending("tickets", 500):
        near = centres[generator.integers(0, 500, len(block))]
        vectors = (near + 0.7 * generator.normal(size=near.shape)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        keys = [each.key for each in block]
        base._index.index.upsert("tickets", keys, vectors)
        base._passages.vectors.put(keys, vectors)
        yield vectors


def ticket(number: int, text: str, chance: random.Random) -> Prepared:
    """A ticket made of a text, with an identifier of its own if it is one of the first."""
    words = text.split()
    return prepared_ticket(
        TicketRecord(
            Ticket(
                ticket_id=f"INC{number:07}",
                title=" ".join(words[:6]),
                description=" ".join(words[6:40]) + (planted(number)[1] if number < NAMED else ""),
                managed_object=f"pe{chance.randrange(200)}",
                severity=chance.choice(("CRITICAL", "MAJOR", "MINOR", "WARNING")),
                close_note=" ".join(words[40:]),
            ),
            {},
            "tickets/all.jsonl",
            number + 1,
        )
    )


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
    vocabulary, weights = _vocabulary()
    drawn = random.Random(seed).choices(vocabulary, cum_weights=weights, k=words * count)
    return [" ".join(drawn[at : at + words]) for at in range(0, words * count, words)]


@cache
def _vocabulary() -> tuple[list[str], list[float]]:
    """Words, with the sums of their weights."""
    chance = random.Random(0)
    stems = (
        "link port card fan power cell slice tunnel session route clock fibre alarm site core ring "
        "loss delay path rate mode unit rack cable laser queue peer timer table field"
    ).split()
    vocabulary = stems + [one + other for one in stems for other in stems if one != other]
    vocabulary += ["".join(chance.sample(stems, 3)) for _ in range(8_000)]
    return vocabulary, list(accumulate(1 / (rank + 5) for rank in range(len(vocabulary))))


def throughput(embedder: Embedder, texts: Sequence[str]) -> float:
    """Texts per second of one pass, after a warm-up."""
    embedder.embed(texts[:16])
    began = time.perf_counter()
    embedder.embed(texts)
    return len(texts) / (time.perf_counter() - began)


def best_ms(
    actions: Mapping[str, Callable[[Any], object]], items: Sequence[Any], *, rounds: int = 6
) -> dict[str, list[float]]:
    """For each action the best milliseconds of each item, all actions in turns (any items)."""
    best = {name: [float("inf")] * len(items) for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            for place, item in enumerate(items):
                began = time.perf_counter()
                action(item)
                taken = (time.perf_counter() - began) * 1000
                best[name][place] = min(best[name][place], taken)
    return best
