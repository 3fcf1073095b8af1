"""A full disk: a clean error, and the store stays readable."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rag.bulk_workers import ThisProcess
from rag.embedding import OnnxEmbedder
from rag.ingestion import Ingestion
from rag.knowledge_base import KnowledgeBase
from rag.passage_store import PassageStore
from telecom.errors import SiteDirectoryError
from tests.heavy import heavy

ROOM_BYTES = 24 * 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM_BYTES}", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs root that may mount a file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@heavy
@pytest.mark.parametrize("left_bytes", [100_000, 900_000])
def test_wherever_the_space_ends_the_error_says_so_and_searches_go_on(
    site: Path,
    small_disk: Path,
    embedder: OnnxEmbedder,
    write_tickets: Callable[[Path, list[dict[str, Any]]], Path],
    left_bytes: int,
) -> None:
    """Issue 6: disk full: clean error, store readable; with space again it goes on."""
    with KnowledgeBase.open(small_disk / "store", embedder, root=site) as base:
        base.ingest_tickets(site / "tickets")
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * max(0, shutil.disk_usage(small_disk).free - left_bytes))
    tickets = [
        {"ticket_id": f"N{number}", "title": f"Fan {number}", "description": "word " * 60}
        for number in range(600)
    ]
    write_tickets(site / "tickets" / "fans.jsonl", tickets)
    with KnowledgeBase.open(small_disk / "store", embedder, root=site) as base:
        with pytest.raises(SiteDirectoryError, match="no space left"):
            base.ingest_tickets(site / "tickets")
        assert base.search("optical power")[0].source == "INC0004"
    ballast.unlink()
    with KnowledgeBase.open(small_disk / "store", embedder, root=site) as base:
        base.ingest_tickets(site / "tickets")
        health = base.health()
        assert (health.problem, health.corpora["tickets"].pending) == (None, 0)
        assert health.corpora["tickets"].sources == 605


def test_a_transaction_that_the_disk_has_no_room_for_leaves_nothing_behind(
    site: Path,
    tmp_path: Path,
    embedder: OnnxEmbedder,
    write_tickets: Callable[[Path, list[dict[str, Any]]], Path],
) -> None:
    """Issue 6: disk full: clean error, store readable; without a file system of our own."""
    reader = ThisProcess(embedder)
    with closing(PassageStore(tmp_path / "passages.sqlite")) as store:
        ingestion = Ingestion(store, site)
        ingestion.tickets([site / "tickets"], reader)
        with store.writing() as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + 5}")
        tickets = [
            {"ticket_id": f"N{number}", "title": f"Fan {number}", "description": "word " * 300}
            for number in range(100)
        ]
        write_tickets(site / "tickets" / "fans.jsonl", tickets)
        with pytest.raises(SiteDirectoryError, match="no space left"):
            ingestion.tickets([site / "tickets"], reader)
        assert store.counts("tickets")[0] == 5
        assert store.body_of("tickets", "INC0004") is not None
        with store.writing() as connection:
            connection.execute("PRAGMA max_page_count = 1073741823")
        assert ingestion.tickets([site / "tickets"], reader).added == 100
