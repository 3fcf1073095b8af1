"""Engines are measured on the same texts, in turns."""

from __future__ import annotations

from rag.embedding import OnnxEmbedder
from rag.model_comparison import KnownItems, compare


def test_a_comparison_measures_each_engine_on_the_same_texts(embedder: OnnxEmbedder) -> None:
    """Issue 6: size, speed, cosine and retrieval loss in a table."""
    items = KnownItems(
        texts={"a": "fan tray failed", "b": "fibre cut by excavator"},
        queries={"1": "the fan is broken", "2": "the fibre was cut"},
        qrels={"1": {"a": 1.0}, "2": {"b": 1.0}},
    )
    measured = compare({"one": embedder, "two": embedder}, items)
    assert measured["one"].ndcg == measured["two"].ndcg == 1.0
    assert all(each.texts_per_second > 0 < each.query_ms for each in measured.values())
