"""One embedder for all tests of the knowledge base, and a small site to ingest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.embedding import OnnxEmbedder
from rag.knowledge_base import KnowledgeBase
from rag.model_artifact import ensure_artifact
from telecom.errors import MissingExtraError

TICKETS: list[dict[str, Any]] = [
    {
        "ticket_id": "INC0001",
        "title": "BGP session flapping on leaf1",
        "description": "BGP neighbor 10.0.12.1 on leaf1 went down and up every three minutes.",
        "managed_object": "leaf1:HundredGigE0/0/0/1",
        "severity": "MAJOR",
        "status": "closed",
        "opened_at": "2026-01-05T08:00:00Z",
        "closed_at": "2026-01-05T11:00:00Z",
        "cause": "MTU mismatch",
        "close_note": "MTU was 1500 on one side and 9000 on the other. Set 9000 on both ends.",
    },
    {
        "ticket_id": "INC0002",
        "title": "OSPF adjacency stuck in exstart on leaf2",
        "description": "Adjacency between leaf2 and spine1 never reached full after the upgrade.",
        "managed_object": "leaf2:HundredGigE0/0/0/3",
        "severity": "MAJOR",
        "status": "closed",
        "opened_at": "2026-02-01T08:00:00Z",
        "closed_at": "2026-02-01T10:00:00Z",
        "cause": "mtu mismatch after upgrade",
        "close_note": "The upgrade reset the interface MTU. Restored 9000, adjacency came up.",
    },
    {
        "ticket_id": "INC0003",
        "title": "Site power failure at tower T-114",
        "description": "Mains lost, batteries drained, all cells of the tower out of service.",
        "managed_object": "gnb114",
        "severity": "CRITICAL",
        "status": "closed",
        "opened_at": "2026-02-10T01:00:00Z",
        "closed_at": "2026-02-10T06:30:00Z",
        "cause": "mains outage",
        "close_note": "Diesel generator delivered, utility restored mains at 06:10.",
    },
    {
        "ticket_id": "INC0004",
        "title": "Optical power low on the uplink of agg1",
        "description": "Receive power fell by 6 dB after the patch panel was moved.",
        "managed_object": "agg1:Te0/1/0/4",
        "severity": "MINOR",
        "status": "closed",
        "opened_at": "2026-03-02T12:00:00Z",
        "closed_at": "2026-03-02T15:00:00Z",
        "cause": "dirty connector",
        "close_note": "Cleaned the connector, power back to -3 dBm.",
    },
    {
        "ticket_id": "INC0005",
        "title": "Subscribers cannot register, AMF rejects",
        "description": "SCTP association between gNB and AMF lost; duplicate of INC0003 suspected.",
        "managed_object": "amf1",
        "severity": "CRITICAL",
        "status": "open",
        "opened_at": "2026-03-20T12:00:00Z",
    },
]

RUNBOOK = """---
vendor: Examplecom
---
# Interface runbook

Read this before touching an interface.

## CRC errors

Clean the optics, then replace the patch cord. Error code `LINK-3-CRC` points here.

## MTU problems

A mismatch shows as sessions that come up and die when large packets are sent. Compare both ends.
"""


@pytest.fixture(scope="session")
def embedder() -> OnnxEmbedder:
    """The shipped int8 artifact, built on first use (about 15 s, once for this user)."""
    try:
        return OnnxEmbedder(ensure_artifact())
    except MissingExtraError as exc:
        pytest.skip(str(exc))


@pytest.fixture
def write_tickets() -> Callable[[Path, list[dict[str, Any]]], Path]:
    """Write tickets as JSON Lines."""

    def write(file: Path, tickets: list[dict[str, Any]]) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(ticket) + "\n" for ticket in tickets))
        return file

    return write


@pytest.fixture
def site(tmp_path: Path, write_tickets: Callable[[Path, list[dict[str, Any]]], Path]) -> Path:
    """A site directory with five tickets and one runbook."""
    write_tickets(tmp_path / "tickets" / "2026.jsonl", TICKETS)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "interfaces.md").write_text(RUNBOOK)
    return tmp_path


@pytest.fixture
def base(site: Path, embedder: OnnxEmbedder) -> Iterator[KnowledgeBase]:
    """The knowledge base of `site`, ingested."""
    with KnowledgeBase.open(site / "store", embedder) as base:
        base.ingest_tickets(site / "tickets")
        base.ingest_documents(site / "docs")
        yield base
