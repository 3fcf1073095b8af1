"""Ingest on Ray Data: the same readers and embedder, the same store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcp_servers.commands.site import ingest
from rag.embedding import OnnxEmbedder, Vectors, open_embedder
from rag.knowledge_base import KnowledgeBase
from rag.ray_workers import RayWorkers
from rag.retrieval import CORPORA
from telecom.errors import InvalidArgumentError, MissingExtraError
from tests.rag.stored import ids_and_vectors, passages_in

TICKETS = 350
needs_ray = pytest.mark.skipif(
    find_spec("ray") is None, reason="Ray is not installed: pip install 'tierwise[scale]'"
)


class OwnerGoneError(Exception):
    """The owner of the store is gone."""


class GoneAfterOneBlock(RayWorkers):
    """Workers whose owner dies after it has stored one block."""

    def embed(self, blocks: Sequence[list[str]]) -> Iterator[Vectors]:
        """One block, and no more."""
        answers = super().embed(blocks)
        yield next(answers)
        raise OwnerGoneError


def content_of(store: Path) -> dict[str, tuple[list[str], Any]]:
    """Ids and vectors of each corpus, in order of arrival."""
    with passages_in(store) as passages:
        return {corpus: ids_and_vectors(passages, corpus) for corpus in CORPORA}


def ingest_all(base: KnowledgeBase, site: Path, workers: RayWorkers | None) -> tuple[Any, Any]:
    """Take in both corpora."""
    return (
        base.ingest_tickets(site / "tickets", workers=workers),
        base.ingest_documents(site / "docs", workers=workers),
    )


@pytest.fixture
def many(site: Path, write_tickets: Callable[[Path, list[dict[str, Any]]], Path]) -> Path:
    """A site with some blocks of passages, and a document and a line that cannot be read."""
    tickets = [
        {
            "ticket_id": f"INC9{number:05}",
            "title": f"Link {number} flapping",
            "description": f"Interface {number} of leaf{number % 7} went down and came back.",
            "close_note": f"Replaced patch cord {number}; errors stopped.",
        }
        for number in range(TICKETS)
    ]
    exported = write_tickets(site / "tickets" / "many.jsonl", tickets)
    with exported.open("a") as file:
        file.write("no json\n")
    (site / "docs" / "broken.pdf").write_bytes(b"no pdf")
    return site


@needs_ray
@pytest.mark.timeout(900)  # a cluster takes its time to start
@pytest.mark.filterwarnings("ignore")  # Ray's own, of which each version has others
def test_ray_ends_with_the_store_of_the_embedded_path_also_after_a_restart(
    many: Path, tmp_path: Path, embedder: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 6: `ingest --engine ray`, restartable, same ids and vectors as the embedded path."""
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "300")
    with KnowledgeBase.open(tmp_path / "here", embedder, root=many) as base:
        counts = ingest_all(base, many, None)
    expected = content_of(tmp_path / "here")
    opener = partial(open_embedder, models=embedder.artifact.folder.parent)
    with (
        KnowledgeBase.open(tmp_path / "ray", embedder, root=many) as base,
        RayWorkers(opener, embedder.stamp) as workers,
    ):
        dying = GoneAfterOneBlock(opener, embedder.stamp)
        with pytest.raises(OwnerGoneError):
            base.ingest_tickets(many / "tickets", workers=dying)
        assert 0 < base.health().corpora["tickets"].pending < 2 * TICKETS
        again = ingest_all(base, many, workers)
        assert base.health().problem is None
    found = content_of(tmp_path / "ray")
    assert again[1] == counts[1]
    assert again[0].rejects == counts[0].rejects
    for corpus in CORPORA:
        assert found[corpus][0] == expected[corpus][0]
        assert np.array_equal(found[corpus][1], expected[corpus][1])


def test_without_ray_the_extra_is_named(
    embedder: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STYLE, errors: the message says what would work."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"tierwise\[scale\]"):
        RayWorkers(open_embedder, embedder.stamp)


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    """INTERFACES: wrong usage names what is known."""
    with pytest.raises(InvalidArgumentError, match="process or ray"):
        ingest(tmp_path, engine="spark")
