"""What the artifact costs and gains beside the weights it was made of, measured side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rag.embedding import Embedder
from rag.evaluation import Qrels, evaluate

_ROUNDS = 3
_SPEED_TEXTS, _QUERIES = 64, 12


@dataclass(frozen=True, slots=True)
class ModelMeasurements:
    """One engine's speed and retrieval quality."""

    texts_per_second: float
    """The best of three rounds."""
    query_ms: float
    """Median of the best times of single short texts."""
    ndcg: float
    """nDCG@10 of plain cosine search over the texts given."""


@dataclass(frozen=True, slots=True)
class KnownItems:
    """Texts to search, questions to ask, and what each question should find."""

    texts: Mapping[str, str]
    queries: Mapping[str, str]
    qrels: Qrels


def compare(
    engines: Mapping[str, Embedder],
    items: KnownItems,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, ModelMeasurements]:
    """Measure engines in turns, so that other work on the machine disturbs all of them alike."""
    texts = list(items.texts.values())[:_SPEED_TEXTS]
    queries = [" ".join(text.split()[:9]) for text in list(items.queries.values())[:_QUERIES]]
    bulk = {name: float("inf") for name in engines}
    single = {name: [float("inf")] * len(queries) for name in engines}
    for round_number in range(_ROUNDS):
        for name, engine in engines.items():
            tell(f"measuring {name}, round {round_number + 1} of {_ROUNDS}")
            bulk[name] = min(bulk[name], _seconds(engine, texts))
            single[name] = [
                min(best, _seconds(engine, [query]))
                for best, query in zip(single[name], queries, strict=True)
            ]
    return {
        name: ModelMeasurements(
            texts_per_second=len(texts) / bulk[name],
            query_ms=1000 * median(single[name]),
            ndcg=_ndcg(engine, items),
        )
        for name, engine in engines.items()
    }


def _seconds(engine: Embedder, texts: Sequence[str]) -> float:
    began = time.perf_counter()
    engine.embed(texts)
    return time.perf_counter() - began


def _ndcg(engine: Embedder, items: KnownItems) -> float:
    names = list(items.texts)
    vectors = engine.embed(list(items.texts.values()))

    def search(text: str) -> list[str]:
        order = (-(vectors @ engine.embed([text])[0])).argsort(kind="stable")[:10]
        return [names[place] for place in order]

    return evaluate(search, items.queries, items.qrels).ndcg.mean
