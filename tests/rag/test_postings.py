"""Words are scored from postings kept in memory exactly as FTS5 would score them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rag.filters import SearchFilters
from rag.knowledge_base import KnowledgeBase
from rag.lexical import LexicalSearch
from tests.rag.stored import passages_in


@pytest.mark.usefixtures("base")
def test_scores_follow_fts5(site: Path) -> None:
    """Us: BM25 as SQLite's, but for passages whose length the two count a little differently."""
    with (
        passages_in(site / "store") as passages,
        closing(LexicalSearch(passages)) as lexical,
        passages.reading() as connection,
    ):
        words = lexical.words("interface uplink power restored", "tickets")
        ours = dict(lexical.by_words(words, "tickets", 50))
        theirs = dict(
            connection.execute(
                "SELECT rowid, -bm25(words_tickets) FROM words_tickets WHERE words_tickets MATCH "
                "'interface OR uplink OR power OR restored'"
            ).fetchall()
        )
    assert ours.keys() == theirs.keys()
    assert ours == pytest.approx(theirs, rel=0.05)


def test_what_an_ingest_changed_is_scored_anew(
    base: KnowledgeBase, site: Path, write_tickets: Callable[[Path, list[dict[str, Any]]], Path]
) -> None:
    """Us: postings in memory never outlive a write."""
    assert base.search("zymurgy", mode="lexical") == []
    write_tickets(site / "tickets" / "new.jsonl", [{"ticket_id": "Z1", "title": "zymurgy"}])
    base.ingest_tickets(site / "tickets")
    assert [hit.source for hit in base.search("zymurgy", mode="lexical")] == ["Z1"]
    (site / "tickets" / "new.jsonl").unlink()
    base.ingest_tickets(site / "tickets")
    assert base.search("zymurgy", mode="lexical") == []


def test_filters_hold_for_words_alone(base: KnowledgeBase) -> None:
    """Issue 6: metadata filters, in every mode."""
    found = base.search("power", mode="lexical", filters=SearchFilters(severities=("MINOR",)))
    assert {hit.source for hit in found} == {"INC0004"}
