"""kill -9 at any moment of an ingest: nothing lost, nothing double, the same store in the end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.embedding import OnnxEmbedder
from rag.knowledge_base import KnowledgeBase
from rag.retrieval import CORPORA
from tests.rag.stored import ids_and_vectors, index_in, passages_in

IN_CI = "CI" in os.environ
TICKETS = int(os.environ.get("TIERWISE_KILL_TICKETS", "2000" if IN_CI else "200"))
KILLS = int(os.environ.get("TIERWISE_KILLS", "20" if IN_CI else "2"))
LAST_LINE = TICKETS // 200 + 4
"""Of progress: two before anything is read, one for each 200 tickets, two while embedding."""
_WORDS = (
    "link fibre card session neighbor router upgrade power battery clock optics loss delay cell "
    "tower configuration rollback reset replaced cleaned restored customer service alarm flapping"
).split()

INGEST = """
import sys
from pathlib import Path
from rag.embedding import OnnxEmbedder
from rag.knowledge_base import KnowledgeBase
from rag.model_artifact import find_artifact
models, site = map(Path, sys.argv[1:])
embedder = OnnxEmbedder(find_artifact(models))
def watch(progress):
    print(progress.phase, progress.done, flush=True)
print("opening", flush=True)
with KnowledgeBase.open(site / "store", embedder) as base:
    print("ingesting", flush=True)
    base.ingest_tickets(site / "tickets", watch=watch)
print("finished", flush=True)
"""


def content_of(site: Path, embedder: OnnxEmbedder) -> tuple[list[str], np.ndarray[Any, Any], int]:
    """Ids and vectors as SQLite has them, and how many the index finds again."""
    with KnowledgeBase.open(site / "store", embedder) as base:
        health = base.health()
        assert health.problem is None
        assert [health.corpora[corpus].pending for corpus in CORPORA] == [0, 0]
    with passages_in(site / "store") as passages, index_in(site / "store") as index:
        ids, matrix = ids_and_vectors(passages, "tickets")
        assert set(index.keys("tickets")) == passages.vectors.keys("tickets")
        nearest = index.nearest("tickets", matrix, 3)
        return ids, matrix, sum(answer[0][1] > 0.9999 for answer in nearest)


def run(site: Path, embedder: OnnxEmbedder, kill_after: int | None) -> bool:
    """Ingest in a process of its own; killed after that many lines of progress. Did it finish?"""
    command = [sys.executable, "-c", INGEST, str(embedder.artifact.folder.parent), str(site)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout, 1):
            if line.strip() == "finished":
                break
            if number == kill_after:
                process.send_signal(signal.SIGKILL)
        return process.wait() == 0


@pytest.mark.timeout(900)  # a process for each kill; its length depends on the machine
def test_an_ingest_killed_again_and_again_ends_with_the_same_store(
    tmp_path: Path,
    embedder: OnnxEmbedder,
    write_tickets: Callable[[Path, list[dict[str, Any]]], Path],
) -> None:
    """Issue: kill -9 at random moments, then resume: the same ids, counts and vectors."""
    chance = random.Random(7)
    tickets = [
        {
            "ticket_id": f"INC{number:06}",
            "title": " ".join(chance.choices(_WORDS, k=4)),
            "description": " ".join(chance.choices(_WORDS, k=chance.randint(5, 25))),
            "close_note": " ".join(chance.choices(_WORDS, k=chance.randint(5, 15))),
        }
        for number in range(TICKETS)
    ]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for site in (killed, whole):
        write_tickets(site / "tickets" / "all.jsonl", tickets)
    moments = [chance.randint(1, LAST_LINE) for _ in range(KILLS)]
    finished = [run(killed, embedder, moment) for moment in moments]
    assert not all(finished), "no process was killed while it worked"
    assert run(killed, embedder, None)
    assert run(whole, embedder, None)
    ids, vectors, found = content_of(killed, embedder)
    same_ids, same_vectors, same_found = content_of(whole, embedder)
    assert ids == same_ids
    assert np.array_equal(vectors, same_vectors)
    assert found == same_found == len(ids) == 2 * TICKETS
