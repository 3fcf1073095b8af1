"""The knowledge base of a site: past tickets and documents, searched where they are.

`KnowledgeBase` is the one door. Methods are synchronous and safe to call from several threads;
ingest runs one at a time while searches go on. One process owns a store.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from types import TracebackType

from rag.bulk_workers import BulkWorkers, ThisProcess
from rag.embedding import Embedder
from rag.filters import SearchFilters
from rag.health import CorpusHealth, KnowledgeBaseHealth, probe
from rag.index_keeper import IndexKeeper
from rag.ingest_counts import IngestCounts
from rag.ingestion import Ingestion, Watch
from rag.passage_store import PassageStore
from rag.precedents import find_precedents
from rag.ranking import places_of
from rag.retrieval import CORPORA, Corpus, Hit, Mode, Ranking, Retrieval
from rag.similarity import IncidentSignature, weigh
from rag.vector_index import ChromaServer, VectorIndex
from telecom.errors import (
    InvalidArgumentError,
    KnowledgeBaseEmptyError,
    RecordNotFoundError,
    SettingsError,
    SiteDirectoryError,
    StoreDamagedError,
    StoreOwnedError,
)
from telecom.ticket import Citation, SimilarIncidents, Ticket

LARGEST_LIMIT = 50
LONGEST_QUERY = 4_000
"""Characters; what is longer is cut."""
KNOWLEDGE_FOLDER, PASSAGES_FILE = "knowledge", "passages.sqlite"
"""Where a site's store keeps it: a folder, and in it SQLite's half."""
_LOCK = "lock"
_RETRIEVERS = {
    "dense": ("by meaning", "cosine"),
    "words": ("by words", "BM25"),
    "identifiers": ("by identifiers", "worth"),
}
"""What a retriever is called in an explanation, and its unit."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a passage stands where it does in an answer."""

    citation: Citation
    ranks: Mapping[str, int]
    """`dense`, `words`, `identifiers` -> its rank there."""
    scores: Mapping[str, float]
    """The same retrievers -> cosine, BM25, worth of the identifiers."""
    identifiers: tuple[str, ...]
    """Identifiers of the query that it had to hold to come first; empty when none was asked."""
    standing: float = 0.0
    """What a cause, a close note and a recent end add to its score."""

    @property
    def why(self) -> str:
        """The same in words."""
        parts = [
            f"{_RETRIEVERS[name][0]} rank {rank} ({_RETRIEVERS[name][1]} {self.scores[name]:.4g})"
            for name, rank in self.ranks.items()
        ]
        if self.identifiers:
            held = "holds" if "identifiers" in self.ranks else "does not hold"
            parts.append(f"{held} what was asked for by name: {', '.join(self.identifiers)}")
        if self.standing:
            parts.append(f"resolved or recent: +{self.standing:.1%}")
        return "; ".join(parts)


class KnowledgeBase:
    """Ingests, searches and cites a site's tickets and documents."""

    def __init__(
        self,
        store: Path,
        embedder: Embedder,
        root: Path,
        lock: int,
        server: ChromaServer | None = None,
    ) -> None:
        """Use `open`."""
        self._folder = store / KNOWLEDGE_FOLDER
        self._embedder = embedder
        self._lock = lock
        self._ingesting = threading.Lock()
        self._passages = PassageStore(self._folder / PASSAGES_FILE)
        self._ingestion = Ingestion(self._passages, root)
        self._here = ThisProcess(embedder)
        self._index = IndexKeeper(self._folder, self._passages, self._ingestion, server)
        self._retrieval = Retrieval(
            self._passages, self._reach_index, embedder, self._index.note_damage
        )

    @classmethod
    def open(
        cls,
        store: Path,
        embedder: Embedder,
        *,
        root: Path | None = None,
        server: ChromaServer | None = None,
    ) -> KnowledgeBase:
        """Open the knowledge base in a site's `store/`, or begin one.

        A damaged or missing vector index does not keep it from opening: see `health`.

        Args:
            store: The site's store.
            embedder: Makes the vectors; it must be the one that made those already there.
            root: The site directory, to which the names of files are relative; the store's parent.
            server: A Chroma server that keeps the vectors; None keeps them in the store. Without it
                searches go on by words, and try it again every half minute.

        Raises:
            StoreOwnedError: Another process, or another instance in this one, has it open.
            StoreDamagedError: The passages cannot be read.
            SettingsError: The vectors were made by another model or engine; names both.
        """
        folder = store / KNOWLEDGE_FOLDER
        lock = _take_lock(folder)
        try:
            base = cls(store, embedder, (root or store.parent).absolute(), lock, server)
        except BaseException:
            os.close(lock)
            raise
        try:
            base._check_stamp()
            base._index.open()
        except BaseException:
            base.close()
            raise
        return base

    @staticmethod
    def erase(store: Path) -> None:
        """Remove the knowledge base from a store, so that the next ingest builds it anew.

        Raises:
            StoreOwnedError: It is open somewhere.
        """
        folder = store / KNOWLEDGE_FOLDER
        lock = _take_lock(folder)
        try:
            shutil.rmtree(folder)
        finally:
            os.close(lock)

    def __enter__(self) -> KnowledgeBase:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the store back; an ingest in another thread is waited for."""
        with self._ingesting:
            self._index.close()
            self._retrieval.close()
            self._passages.close()
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def ingest_tickets(
        self,
        *paths: Path,
        mapping: Mapping[str, str] | None = None,
        zone: tzinfo = UTC,
        watch: Watch | None = None,
        workers: BulkWorkers | None = None,
    ) -> IngestCounts:
        """Bring the knowledge base in step with ticket exports.

        New and corrected tickets are taken in, tickets that these paths brought earlier and no
        longer hold are removed, everything else stays. May be stopped at any moment and repeated.

        Args:
            paths: `.jsonl`, `.json` and `.csv` files, or folders of them.
            mapping: Our column -> the export's column; what it leaves out is guessed.
            zone: For times that carry none.
            watch: Told the progress, from this thread.
            workers: Who reads and embeds; None is this process.

        Raises:
            SiteDirectoryError: A path does not exist, or the disk is full.
        """
        _require(paths)
        with self._ingesting:
            counts = self._ingestion.tickets(
                paths, workers or self._here, mapping=mapping, zone=zone, watch=watch
            )
            self._embed("tickets", watch, workers)
        return counts

    def ingest_documents(
        self, *paths: Path, watch: Watch | None = None, workers: BulkWorkers | None = None
    ) -> IngestCounts:
        """Bring the knowledge base in step with documents; as `ingest_tickets`.

        Args:
            paths: Markdown, text, HTML, PDF and DOCX files, or folders of them.
            watch: Told the progress, from this thread.
            workers: Who reads and embeds; None is this process.

        Raises:
            SiteDirectoryError: A path does not exist, or the disk is full.
        """
        _require(paths)
        with self._ingesting:
            counts = self._ingestion.documents(paths, workers or self._here, watch=watch)
            self._embed("docs", watch, workers)
        return counts

    def search(
        self,
        query: str,
        *,
        corpus: Corpus = "tickets",
        limit: int = 10,
        filters: SearchFilters | None = None,
        mode: Mode = "hybrid",
    ) -> list[Citation]:
        """Rank the passages of past tickets, or of documents, by how well they answer `query`.

        Passages that hold an identifier of the query (ticket id, interface, error code) come
        first. At most one passage of a ticket, three of a long document, two of near copies.

        Args:
            query: Free text, alarm words or an identifier; cut at 4,000 characters.
            corpus: `tickets` or `docs`.
            limit: 1 to 50.
            filters: Which tickets or documents to look at.
            mode: `hybrid`, or one half alone. Without a working vector index every mode is lexical.

        Returns:
            Best first; possibly empty.

        Raises:
            InvalidArgumentError: An empty query, or a limit out of range.
            KnowledgeBaseEmptyError: Nothing of this corpus has been ingested.
        """
        ranking = self._rank(query, corpus, limit, filters, mode)
        return [_citation(hit, corpus) for hit in ranking.hits]

    def explain(
        self,
        query: str,
        *,
        corpus: Corpus = "tickets",
        limit: int = 10,
        filters: SearchFilters | None = None,
        mode: Mode = "hybrid",
    ) -> list[Explanation]:
        """The answer of `search`, with where each retriever ranked each passage."""
        ranking = self._rank(query, corpus, limit, filters, mode)
        return [
            Explanation(
                citation=_citation(hit, corpus),
                ranks={name: place.rank for name, place in places.items()},
                scores={name: round(place.score, 4) for name, place in places.items()},
                identifiers=tuple(ranking.identifiers),
                standing=hit.fused.standing,
            )
            for hit in ranking.hits
            for places in [places_of(hit.fused.key, ranking.lists)]
        ]

    def similar(self, signature: IncidentSignature, limit: int = 5) -> SimilarIncidents:
        """Find closed tickets like an incident, and how far they agree on its cause.

        Raises:
            InvalidArgumentError: No symptom and no cause given, or a limit out of range.
            KnowledgeBaseEmptyError: No ticket has been ingested.
        """
        if not signature.text:
            raise InvalidArgumentError(
                "symptoms", "symptoms must hold at least one alarm text or symptom in words"
            )
        self._check("tickets", limit)
        self._refuse_empty("tickets")
        precedents = find_precedents(
            self._passages, self._retrieval, self._embedder, signature, limit
        )
        return weigh(signature, precedents, limit)

    def get_ticket(self, ticket_id: str) -> Ticket:
        """Read one ticket.

        Raises:
            RecordNotFoundError: No such ticket.
        """
        body = self._passages.body_of("tickets", ticket_id.strip())
        if body is None:
            raise RecordNotFoundError(
                "ticket", ticket_id, hint="`search_tickets` finds tickets by words or objects"
            )
        return Ticket.model_validate_json(body)

    def documents(self) -> dict[str, str]:
        """Every document's path in the site directory -> its title, in order of path."""
        return dict(self._passages.titles("docs"))

    def read_document(self, name: str) -> list[tuple[str, str]]:
        """A document's passages in order, as ids and texts.

        Args:
            name: The document's path in the site directory, or the id of the passage to begin with.

        Raises:
            RecordNotFoundError: No such document or passage.
        """
        passages = self._passages.texts_from("docs", name)
        if not passages:
            raise RecordNotFoundError(
                "document", name, hint="`search_documents` finds documents by words"
            )
        return passages

    def health(self) -> KnowledgeBaseHealth:
        """Ask vectors for their own nearest neighbour, and count what is still to be done."""
        corpora: dict[str, CorpusHealth] = {}
        for corpus in CORPORA:
            sources, passages, pending = self._passages.counts(corpus)
            probed = found = 0
            index = self._reach_index()
            if index is not None:
                try:
                    probed, found = probe(self._passages, index, corpus)
                except StoreDamagedError as exc:
                    self._index.note_damage(exc)
            corpora[corpus] = CorpusHealth(sources, passages, pending, probed, found)
        lost = sum(each.probed - each.found for each in corpora.values())
        problem = self._index.damage
        if problem is None and lost:
            problem = (
                f"{lost} of the vectors asked for are not found; "
                "`tierwise-site knowledge rebuild` builds the index anew"
            )
        return KnowledgeBaseHealth(dense=problem is None, problem=problem, corpora=corpora)

    def causes(self) -> dict[str, str]:
        """Ticket id -> cause, of every ticket that names one."""
        return self._passages.causes()

    def rebuild_index(self, watch: Watch | None = None) -> None:
        """Make the vector index anew from the vectors that SQLite keeps; nothing is embedded twice.

        Raises:
            StoreDamagedError: The new index does not work either.
        """
        with self._ingesting:
            self._index.rebuild(watch)
            for corpus in CORPORA:
                self._embed(corpus, watch)

    @property
    def degraded(self) -> str | None:
        """Why searches are lexical only; None while both halves work."""
        return self._index.damage

    def _reach_index(self) -> VectorIndex | None:
        """The index for a search; a server that was away is tried again unless an ingest runs."""
        if self._index.may_be_back and self._ingesting.acquire(blocking=False):
            try:
                self._index.open()
            finally:
                self._ingesting.release()
        return self._index.index

    def _rank(
        self, query: str, corpus: Corpus, limit: int, filters: SearchFilters | None, mode: Mode
    ) -> Ranking:
        if not query.strip():
            raise InvalidArgumentError("query", "query must hold at least one word, got none")
        self._check(corpus, limit)
        query = query[:LONGEST_QUERY].encode(errors="replace").decode()
        ranking = self._retrieval.rank(query, corpus, limit, filters=filters, mode=mode)
        if not ranking.hits:
            self._refuse_empty(corpus)
        return ranking

    def _check(self, corpus: Corpus, limit: int) -> None:
        if corpus not in CORPORA:
            raise InvalidArgumentError(
                "corpus", f"corpus must be 'tickets' or 'docs', got {corpus!r}"
            )
        if not 1 <= limit <= LARGEST_LIMIT:
            raise InvalidArgumentError("limit", f"limit must be 1 to {LARGEST_LIMIT}, got {limit}")

    def _refuse_empty(self, corpus: Corpus) -> None:
        if self._passages.is_empty(corpus):
            raise KnowledgeBaseEmptyError("tickets" if corpus == "tickets" else "documents")

    def _check_stamp(self) -> None:
        made_by = self._passages.vectors.stamp()
        if made_by is None:
            self._passages.vectors.set_stamp(self._embedder.stamp)
        elif made_by != self._embedder.stamp:
            raise SettingsError(
                f"the vectors in {self._folder} were made by {made_by}, this process embeds with "
                f"{self._embedder.stamp}; set `embedding` in site.yaml back, or let "
                "`tierwise-site ingest --rebuild` embed everything anew"
            )

    def _embed(
        self, corpus: Corpus, watch: Watch | None, workers: BulkWorkers | None = None
    ) -> None:
        index = self._index.working(watch)
        self._ingestion.embed_pending(index, corpus, workers or self._here, watch)


def _citation(hit: Hit, corpus: Corpus) -> Citation:
    return Citation(
        id=hit.passage.id,
        score=round(hit.fused.score + hit.fused.required, 6),
        text=hit.passage.text,
        source=hit.passage.source,
        locator=hit.passage.locator,
        corpus=corpus,
    )


def _require(paths: Sequence[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise SiteDirectoryError(f"{path} does not exist; give files or folders to ingest")


def _take_lock(folder: Path) -> int:
    """Lock a knowledge base: two owners would lose vectors without a word from Chroma."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise SiteDirectoryError(f"{folder} cannot be used as a store: {exc.strerror}") from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        owner = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise StoreOwnedError(str(folder), int(owner) if owner.isdigit() else None) from exc
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor
