"""Who reads and embeds in an ingest: this process, or machines beside it.

Whoever does it runs the same readers and the same embedder over the same blocks, so the store ends
up the same; the owner of the store alone writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Protocol

from rag import ticket_exports
from rag.embedding import Embedder, Vectors
from rag.ingest_counts import Reject
from rag.preparation import Prepared, prepared_document
from rag.ticket_exports import TicketRecord
from telecom.errors import InvalidArgumentError

NamedFile = tuple[Path, str]
"""A file, and its path in the site directory."""


class BulkWorkers(Protocol):
    """Reads files and embeds blocks of texts; answers come in the order of what was asked."""

    @property
    def blocks_at_once(self) -> int:
        """How many blocks it wants to have at a time."""
        ...

    def tickets(
        self, files: Sequence[NamedFile], mapping: Mapping[str, str] | None, zone: tzinfo
    ) -> Iterator[TicketRecord | Reject]:
        """Read ticket exports; see `ticket_exports.read_tickets`."""
        ...

    def documents(self, files: Sequence[NamedFile]) -> Iterator[Prepared | Reject]:
        """Read documents, one answer for each."""
        ...

    def embed(self, blocks: Sequence[list[str]]) -> Iterator[Vectors]:
        """Embed each block as one list: grouped in another way, vectors would differ a little."""
        ...


class ThisProcess:
    """Reads and embeds where it is called."""

    blocks_at_once = 1

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def tickets(
        self, files: Sequence[NamedFile], mapping: Mapping[str, str] | None, zone: tzinfo
    ) -> Iterator[TicketRecord | Reject]:
        """Read ticket exports, record by record."""
        for file, name in files:
            yield from ticket_exports.read_tickets(file, name=name, mapping=mapping, zone=zone)

    def documents(self, files: Sequence[NamedFile]) -> Iterator[Prepared | Reject]:
        """Read documents, one by one."""
        for file, name in files:
            yield document_or_reject(file, name)

    def embed(self, blocks: Sequence[list[str]]) -> Iterator[Vectors]:
        """Embed block by block."""
        return map(self._embedder.embed, blocks)


def document_or_reject(file: Path, name: str) -> Prepared | Reject:
    """A document as the store takes it, or why it cannot be read."""
    try:
        return prepared_document(file, name)
    except InvalidArgumentError as exc:
        return Reject(name, None, str(exc))
