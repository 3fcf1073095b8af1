"""The Chroma half of the knowledge base: keys of passages and vectors, nothing else.

One collection per corpus, cosine space, vectors always passed in: Chroma's own embedding function
would try to download a model. Everything here can be made again from `PassageStore`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import chromadb
from chromadb.config import Settings
from chromadb.errors import ChromaError

from rag.embedding import Vectors
from telecom.errors import StoreDamagedError

_SPACE: dict[str, Any] = {"hnsw": {"space": "cosine"}}
_CHROMA_FAILS_WITH = (
    ChromaError,
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    AttributeError,  # from closing a client that never opened
)
T = TypeVar("T")


class VectorIndex:
    """Nearest neighbours by cosine; safe across threads, for one process per folder."""

    def __init__(self, folder: Path, corpora: Sequence[str]) -> None:
        """Open or create the collections.

        Raises:
            StoreDamagedError: The folder holds something Chroma cannot open.
        """
        self._folder = folder

        def open_collections() -> dict[str, Any]:
            self._client = chromadb.PersistentClient(
                path=str(folder), settings=Settings(anonymized_telemetry=False)
            )
            return {
                corpus: self._client.get_or_create_collection(
                    corpus, configuration=_SPACE, embedding_function=None
                )
                for corpus in corpora
            }

        self._collections = self._call(open_collections)

    def close(self) -> None:
        """Let go of the folder."""
        self._client.close()

    def count(self, corpus: str) -> int:
        """How many vectors a corpus has."""
        return self._call(lambda: int(self._collections[corpus].count()))

    def upsert(self, corpus: str, keys: Sequence[int], vectors: Vectors) -> None:
        """Add vectors, or replace those of the same keys; durable when it returns."""
        self._call(
            lambda: self._collections[corpus].upsert(ids=list(map(str, keys)), embeddings=vectors)
        )

    def delete(self, corpus: str, keys: Sequence[int]) -> None:
        """Remove vectors; keys without one are ignored."""
        self._call(lambda: self._collections[corpus].delete(ids=list(map(str, keys))))

    def keys(self, corpus: str) -> list[int]:
        """Every key of a corpus."""
        return self._call(lambda: list(map(int, self._collections[corpus].get(include=[])["ids"])))

    def nearest(self, corpus: str, vectors: Vectors, limit: int) -> list[list[tuple[int, float]]]:
        """For each row the keys nearest to it with their cosine, best first."""

        def query() -> list[list[tuple[int, float]]]:
            answer = self._collections[corpus].query(
                query_embeddings=vectors, n_results=limit, include=["distances"]
            )
            return [
                [(int(each), 1.0 - distance) for each, distance in zip(ids, distances, strict=True)]
                for ids, distances in zip(answer["ids"], answer["distances"], strict=True)
            ]

        return self._call(query)

    def _call(self, action: Callable[[], T]) -> T:
        """Run a call into Chroma; whatever its native half throws means the index is unusable."""
        try:
            return action()
        except _CHROMA_FAILS_WITH as exc:
            raise StoreDamagedError(
                f"the vector index in {self._folder} does not work ({type(exc).__name__}); "
                "`tierwise-site knowledge rebuild` builds it anew"
            ) from exc
        except BaseException as exc:
            # A panic in Chroma's native half is no Exception and has no importable name.
            if type(exc).__name__ != "PanicException":
                raise
            raise StoreDamagedError(
                f"the vector index in {self._folder} is damaged; "
                "`tierwise-site knowledge rebuild` builds it anew"
            ) from exc
