"""The vector index of a store: opened, put right, built anew, and done without when it fails.

Everything in it can be made again from SQLite, so damage is noted and said, never raised at a
search.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from rag.ingestion import BLOCK, Ingestion, IngestProgress, Watch
from rag.passage_store import PassageStore
from rag.retrieval import CORPORA
from rag.vector_index import ChromaServer, VectorIndex
from telecom.errors import StoreDamagedError

VECTOR_FOLDERS = "chroma-*"
_SMALL_REPAIR = 4 * BLOCK
"""Up to so many missing or surplus vectors are put right on opening; more needs a rebuild."""
_RECONNECT_SECONDS = 30.0
"""How often a Chroma server that does not answer is tried again."""


class IndexKeeper:
    """Keeps one index in step with a store; all but `index` and `damage` needs the ingest lock."""

    def __init__(
        self,
        folder: Path,
        store: PassageStore,
        ingestion: Ingestion,
        server: ChromaServer | None,
    ) -> None:
        self.index: VectorIndex | None = None
        """None while it does not work."""
        self.damage: str | None = None
        """Why it does not work, and what puts it right."""
        self._folder = folder
        self._store = store
        self._ingestion = ingestion
        self._server = server
        self._opened_at = 0.0

    @property
    def may_be_back(self) -> bool:
        """Whether it is on a server that was away and has not been tried for a while."""
        return (
            self.index is None
            and self._server is not None
            and time.monotonic() - self._opened_at >= _RECONNECT_SECONDS
        )

    def open(self) -> None:
        """Open the index and put right what a killed process left; damage is noted, not raised."""
        self._opened_at = time.monotonic()
        number = self._store.vectors.index_number()
        place = self._place(number)
        known = {corpus: self._embedded(corpus) for corpus in CORPORA}
        if isinstance(place, Path) and any(known.values()) and not place.is_dir():
            self.damage = f"the vector index {place} is missing; the next ingest builds it anew"
            return
        try:
            index = VectorIndex(place, CORPORA, number)
            for corpus, count in known.items():
                self._reconcile(index, corpus, count)
        except StoreDamagedError as exc:
            self.note_damage(exc)
        else:
            self.index, self.damage = index, None

    def working(self, watch: Watch | None = None) -> VectorIndex:
        """The index, built anew if it does not work.

        Raises:
            StoreDamagedError: The new one does not work either.
        """
        if self.index is None and self._server is not None:
            self.open()  # a server that was away has kept what it had
        return self.index or self.rebuild(watch)

    def rebuild(self, watch: Watch | None = None) -> VectorIndex:
        """Make the index anew from the vectors that SQLite keeps.

        Raises:
            StoreDamagedError: The new one does not work either.
        """
        self.close()
        # Under a new name: Chroma holds on to a folder for the life of the process.
        number = self._store.vectors.index_number() + 1
        folder = self._folder_of(number)
        shutil.rmtree(folder, ignore_errors=True)
        index = VectorIndex(self._place(number), CORPORA, number)
        for corpus in CORPORA:
            self._fill(index, corpus, watch)
            self._store.vectors.forget_doomed(self._store.vectors.doomed(corpus))
        self._store.vectors.set_index_number(number)
        index.drop_others()
        for other in self._folder.glob(VECTOR_FOLDERS):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        self.index, self.damage = index, None
        return index

    def note_damage(self, error: StoreDamagedError) -> None:
        """Go on without the index, and know why."""
        self.damage = str(error)
        self.index = None

    def close(self) -> None:
        """Let go of the index."""
        if self.index is not None:
            self.index.close()
            self.index = None

    def _folder_of(self, number: int) -> Path:
        return self._folder / VECTOR_FOLDERS.replace("*", str(number))

    def _place(self, number: int) -> Path | ChromaServer:
        return self._server or self._folder_of(number)

    def _embedded(self, corpus: str) -> int:
        _, passages, pending = self._store.counts(corpus)
        return passages - pending

    def _reconcile(self, index: VectorIndex, corpus: str, known: int) -> None:
        self._ingestion.drop_doomed(index, corpus)
        if index.count(corpus) == known:
            return
        indexed = set(index.keys(corpus))
        expected = self._store.vectors.keys(corpus)
        surplus, missing = indexed - expected, expected - indexed
        if len(surplus) + len(missing) > _SMALL_REPAIR:
            raise StoreDamagedError(
                f"the vector index lacks {len(missing)} {corpus} passages and has {len(surplus)} "
                "too many; the next ingest builds it anew"
            )
        if surplus:
            index.delete(corpus, sorted(surplus))
        if missing:
            for keys, vectors in self._store.vectors.blocks(corpus, BLOCK):
                wanted = [place for place, each in enumerate(keys) if each in missing]
                if wanted:
                    index.upsert(corpus, [keys[place] for place in wanted], vectors[wanted])

    def _fill(self, index: VectorIndex, corpus: str, watch: Watch | None) -> None:
        done, total, began = 0, self._embedded(corpus), time.monotonic()
        for keys, vectors in self._store.vectors.blocks(corpus, BLOCK):
            index.upsert(corpus, keys, vectors)
            done += len(keys)
            if watch is not None:
                seconds = time.monotonic() - began
                watch(IngestProgress(corpus, "indexing", done, total, seconds))
