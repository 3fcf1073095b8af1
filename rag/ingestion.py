"""Ingest: files to sources, sources to passages, passages to vectors; resumable at any moment.

First everything is read and committed to SQLite in small transactions, then what has no vector yet
is embedded in blocks: Chroma first, SQLite's note of it second. A kill between the two repeats one
block. Blocks follow the order of arrival, so an interrupted ingest ends with the same vectors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Literal

from rag import document_formats, ticket_exports
from rag.bulk_workers import BulkWorkers, NamedFile
from rag.ingest_counts import IngestCounts, Reject
from rag.passage_store import PassageStore
from rag.preparation import Prepared, prepared_ticket
from rag.ticket_exports import TicketRecord
from rag.vector_index import VectorIndex

BLOCK = 256
"""Passages embedded and committed together: at most this work is repeated after a kill."""
_SOURCES_PER_TRANSACTION = 200


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest is."""

    corpus: str
    phase: Literal["reading", "embedding", "indexing"]
    done: int
    total: int | None
    """None while it is not known."""
    seconds: float
    """Since the phase began: `done / seconds` is the rate."""


Watch = Callable[[IngestProgress], None]


@dataclass(slots=True)
class _Tally:
    read: int = 0
    added: int = 0
    corrected: int = 0
    unchanged: int = 0
    removed: int = 0
    rejects: list[Reject] = field(default_factory=list)

    def counts(self) -> IngestCounts:
        return IngestCounts(
            read=self.read,
            added=self.added,
            unchanged=self.unchanged,
            rejected=len(self.rejects),
            corrected=self.corrected,
            removed=self.removed,
            rejects=tuple(self.rejects),
        )


class Ingestion:
    """Brings files into a store and its index; one at a time."""

    def __init__(self, store: PassageStore, root: Path) -> None:
        self._store = store
        self._root = root

    def tickets(
        self,
        paths: Sequence[Path],
        workers: BulkWorkers,
        *,
        mapping: Mapping[str, str] | None = None,
        zone: tzinfo = UTC,
        watch: Watch | None = None,
    ) -> IngestCounts:
        """Bring the store in step with these exports; see `KnowledgeBase.ingest_tickets`."""
        files = _files(paths, ticket_exports.SUFFIXES)
        tally = _Tally()

        def read() -> Iterator[TicketRecord]:
            for record in workers.tickets(self._named(files), mapping, zone):
                if isinstance(record, Reject):
                    tally.read += 1
                    tally.rejects.append(record)
                else:
                    yield record

        # Of several versions in the same exports the last one counts.
        last = {record.ticket.ticket_id: (record.file, record.line) for record in read()}
        tally.read, tally.rejects = 0, []

        def current() -> Iterator[Prepared]:
            for record in read():
                tally.read += 1
                if last.get(record.ticket.ticket_id) == (record.file, record.line):
                    yield prepared_ticket(record)
                else:
                    tally.unchanged += 1

        self._store_all("tickets", current(), tally, watch, len(last))
        self._remove_absent("tickets", paths, set(last), files, tally)
        return tally.counts()

    def documents(
        self, paths: Sequence[Path], workers: BulkWorkers, *, watch: Watch | None = None
    ) -> IngestCounts:
        """Bring the store in step with these files; see `KnowledgeBase.ingest_documents`."""
        files = _files(paths, tuple(document_formats.READERS))
        tally = _Tally()
        present: set[str] = set()

        def current() -> Iterator[Prepared]:
            for read in workers.documents(self._named(files)):
                tally.read += 1
                if isinstance(read, Reject):
                    tally.rejects.append(read)
                else:
                    present.add(read[0].source)
                    yield read

        self._store_all("docs", current(), tally, watch, len(files))
        self._remove_absent("docs", paths, present, files, tally)
        return tally.counts()

    def embed_pending(
        self,
        index: VectorIndex,
        corpus: str,
        workers: BulkWorkers,
        watch: Watch | None = None,
    ) -> int:
        """Embed what has no vector yet and take out of the index what is gone.

        Returns:
            How many passages were embedded.
        """
        self.drop_doomed(index, corpus)
        _, _, total = self._store.counts(corpus)
        done, began = 0, time.monotonic()
        while wave := self._store.vectors.pending(corpus, workers.blocks_at_once * BLOCK):
            blocks = [wave[start : start + BLOCK] for start in range(0, len(wave), BLOCK)]
            texts = [[each.text for each in block] for block in blocks]
            for block, embedded in zip(blocks, workers.embed(texts), strict=True):
                keys = [each.key for each in block]
                index.upsert(corpus, keys, embedded)
                self._store.vectors.put(keys, embedded)
                done += len(block)
                if watch is not None:
                    seconds = time.monotonic() - began
                    watch(IngestProgress(corpus, "embedding", done, total, seconds))
        return done

    def drop_doomed(self, index: VectorIndex, corpus: str) -> None:
        """Take out of the index what is no longer in the store."""
        doomed = self._store.vectors.doomed(corpus)
        for start in range(0, len(doomed), BLOCK):
            block = doomed[start : start + BLOCK]
            index.delete(corpus, block)
            self._store.vectors.forget_doomed(block)

    def name_of(self, file: Path) -> str:
        """A file's path in the site directory, with `/`; its full path outside of it."""
        file = file.absolute()
        try:
            return file.relative_to(self._root).as_posix()
        except ValueError:
            return file.as_posix()

    def _named(self, files: Sequence[Path]) -> list[NamedFile]:
        return [(file, self.name_of(file)) for file in files]

    def _store_all(
        self,
        corpus: str,
        sources: Iterable[Prepared],
        tally: _Tally,
        watch: Watch | None,
        total: int,
    ) -> None:
        """Commit what is new or changed, a few sources at a time."""
        began = time.monotonic()
        changed: list[Prepared] = []
        for done, prepared in enumerate(sources, 1):
            record = prepared[0]
            known = self._store.digest_of(corpus, record.source)
            if known is not None and known[0] == record.digest:
                tally.unchanged += 1
            else:
                tally.added += 1
                tally.corrected += known is not None
            if known != (record.digest, record.file):  # a renamed file is noted, too
                changed.append(prepared)
            if len(changed) >= _SOURCES_PER_TRANSACTION:
                self._commit(changed)
                changed = []
            if watch is not None and done % _SOURCES_PER_TRANSACTION == 0:
                seconds = time.monotonic() - began
                watch(IngestProgress(corpus, "reading", done, total, seconds))
        self._commit(changed)

    def _commit(self, changed: list[Prepared]) -> None:
        if changed:
            with self._store.writing() as connection:
                for record, passages in changed:
                    self._store.put(connection, record, passages)

    def _remove_absent(
        self,
        corpus: str,
        paths: Sequence[Path],
        present: set[str],
        files: Sequence[Path],
        tally: _Tally,
    ) -> None:
        """Remove sources that came from these paths before and are not there any more.

        A file that could not be read as a whole keeps what it brought earlier.
        """
        unreadable = {reject.file for reject in tally.rejects if reject.line is None}
        spared = unreadable & {self.name_of(file) for file in files}
        gone = [
            source
            for path in paths
            for source, file in self._store.sources_of(corpus, self.name_of(path))
            if source not in present and file not in spared
        ]
        for start in range(0, len(gone), _SOURCES_PER_TRANSACTION):
            with self._store.writing() as connection:
                for source in gone[start : start + _SOURCES_PER_TRANSACTION]:
                    self._store.remove(connection, corpus, source)
        tally.removed += len(gone)


def _files(paths: Sequence[Path], suffixes: Sequence[str]) -> list[Path]:
    """The files given, and those under the folders given, in order of name."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            if file.is_file() and (file.suffix.lower() in suffixes or not path.is_dir()):
                found.setdefault(file)
    return list(found)
