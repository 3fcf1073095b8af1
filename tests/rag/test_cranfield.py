"""Fusion earns its place on a public collection."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.embedding import OnnxEmbedder
from rag.evaluation import evaluate, read_qrels
from rag.knowledge_base import KnowledgeBase
from rag.retrieval import Mode

QUERIES = 40
"""Enough to see a broken retriever, few enough for every run; the whole set is in the bench."""


@pytest.mark.skipif(
    not os.environ.get("CI"), reason="embeds a collection: set CI, or `make bench ARGS=retrieval`"
)
def test_the_default_is_better_than_either_half_on_cranfield(
    shared_data: Callable[[str], Path], tmp_path: Path, embedder: OnnxEmbedder
) -> None:
    """Issue: Cranfield, the shipped default against each single retriever."""
    folder = shared_data("cranfield_ir")
    raw = (folder / "cran.all.1400.xml").read_text()
    judged = read_qrels((folder / "cranqrel.trec.txt").read_text())
    found = re.findall(
        r"<num>(\d+)</num>\s*<title>(.*?)</title>", (folder / "cran.qry.xml").read_text(), re.DOTALL
    )
    queries = dict(found[:QUERIES])
    wanted = {name for number in queries for name in judged[number]}
    (tmp_path / "docs").mkdir()
    for name, text in re.findall(r"<docno>(\d+)</docno>.*?<text>(.*?)</text>", raw, re.DOTALL):
        if text.strip() and (name in wanted or int(name) % 4 == 0):
            (tmp_path / "docs" / f"{name}.txt").write_text(html.unescape(text))
    qrels = {
        number: {f"docs/{name}.txt": 1.0 for name in names} for number, names in judged.items()
    }
    with KnowledgeBase.open(tmp_path / "store", embedder) as base:
        counts = base.ingest_documents(tmp_path / "docs")
        assert counts.rejected == 0

        def ndcg(mode: Mode) -> float:
            def search(text: str) -> list[str]:
                return [hit.source for hit in base.search(text, corpus="docs", mode=mode)]

            return evaluate(search, queries, qrels).ndcg.mean

        lexical, dense, hybrid = ndcg("lexical"), ndcg("dense"), ndcg("hybrid")
    assert min(lexical, dense) > 0.45
    assert hybrid > max(lexical, dense) - 0.01
