"""The Chroma half of the knowledge base: keys of passages and vectors, nothing else.

One collection per corpus, cosine space, vectors always passed in: Chroma's own embedding function
would try to download a model. Everything here can be made again from `PassageStore`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import chromadb
import httpx
from chromadb.config import Settings
from chromadb.errors import ChromaError

from rag.embedding import Vectors
from telecom.errors import SiteDirectoryError, StoreDamagedError

_SPACE: dict[str, Any] = {"hnsw": {"space": "cosine"}}
SEARCH_BREADTH = 100
"""Candidates that Chroma's search keeps in view; asked for more than so many, it looks wider."""
SERVER_SECONDS = 10.0
"""How long a Chroma server may take for one call."""
_LEAST_FREE_BYTES = 4 * 2**20
"""Chroma's files grow by some megabytes at a time, and its errors do not tell why."""
_CHROMA_FAILS_WITH = (
    ChromaError,
    httpx.HTTPError,
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    AttributeError,  # from closing a client that never opened
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChromaServer:
    """A Chroma server beside the data, shared by sites that each have their own collections."""

    url: str
    name: str
    """Begins the names of the collections: the site's id."""


class VectorIndex:
    """Nearest neighbours by cosine; safe across threads, for one process per index."""

    def __init__(self, place: Path | ChromaServer, corpora: Sequence[str], number: int) -> None:
        """Open or create the collections.

        Args:
            place: A folder for the embedded Chroma, or a server.
            corpora: One collection for each.
            number: Which index this is, where several share a server.

        Raises:
            StoreDamagedError: The folder holds something Chroma cannot open, or the server does not
                answer.
        """
        self._place = place
        self._number = number

        def open_collections() -> dict[str, Any]:
            self._client = _client(place)
            return {
                corpus: self._client.get_or_create_collection(
                    self._collection(corpus), configuration=_SPACE, embedding_function=None
                )
                for corpus in corpora
            }

        self._collections = self._call(open_collections)

    def _collection(self, corpus: str) -> str:
        if isinstance(self._place, Path):
            return corpus
        return f"{self._place.name}-{corpus}-{self._number}"

    def close(self) -> None:
        """Let go of the folder or the connection."""
        self._client.close()

    def drop_others(self) -> None:
        """Remove the collections of earlier indexes of the same name from a server."""
        if isinstance(self._place, Path):
            return
        earlier = re.compile(
            rf"{re.escape(self._place.name)}-({'|'.join(self._collections)})-(\d+)"
        )

        def drop() -> None:
            for each in self._client.list_collections():
                match = earlier.fullmatch(each.name)
                if match is not None and int(match[2]) != self._number:
                    self._client.delete_collection(each.name)

        self._call(drop)

    def count(self, corpus: str) -> int:
        """How many vectors a corpus has."""
        return self._call(lambda: int(self._collections[corpus].count()))

    def upsert(self, corpus: str, keys: Sequence[int], vectors: Vectors) -> None:
        """Add vectors, or replace those of the same keys; durable when it returns.

        Raises:
            SiteDirectoryError: The disk is full; what was there before is still found.
        """
        try:
            self._call(
                lambda: self._collections[corpus].upsert(
                    ids=list(map(str, keys)), embeddings=vectors
                )
            )
        except StoreDamagedError as exc:
            if not _is_full(self._place):
                raise
            raise SiteDirectoryError(
                f"no space left for {self._place}; free some and ingest again: "
                "it goes on where it stopped, and what is there stays searchable"
            ) from exc

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
            raise StoreDamagedError(self._problem(type(exc).__name__)) from exc
        except BaseException as exc:
            # A panic in Chroma's native half is no Exception and has no importable name.
            if type(exc).__name__ != "PanicException":
                raise
            raise StoreDamagedError(self._problem("a panic")) from exc

    def _problem(self, what: str) -> str:
        if isinstance(self._place, ChromaServer):
            return (
                f"the Chroma server at {self._place.url} does not serve ({what}); start it, or see "
                "`knowledge.chroma_url` in site.yaml"
            )
        if _is_full(self._place):
            return f"no space is left for the vector index in {self._place}; free some"
        return (
            f"the vector index in {self._place} does not work ({what}); "
            "`tierwise-site knowledge rebuild` builds it anew"
        )


def _is_full(place: Path | ChromaServer) -> bool:
    """Whether what Chroma could not do may well be for want of space on our own disk."""
    try:
        return isinstance(place, Path) and shutil.disk_usage(place).free < _LEAST_FREE_BYTES
    except OSError:
        return False


def _client(place: Path | ChromaServer) -> Any:
    """Chroma's client (its types are not ours to check, hence Any)."""
    settings = Settings(anonymized_telemetry=False)
    if isinstance(place, Path):
        return chromadb.PersistentClient(path=str(place), settings=settings)
    url = urlsplit(place.url)
    secure = url.scheme == "https"
    # Chroma's own client would wait for a silent server without an end, and has no setting for it.
    httpx.get(
        f"{place.url.rstrip('/')}/api/v2/heartbeat", timeout=SERVER_SECONDS
    ).raise_for_status()
    client = chromadb.HttpClient(
        host=url.hostname or "",
        port=url.port or (443 if secure else 80),
        ssl=secure,
        settings=settings,
    )
    client._server._session.timeout = httpx.Timeout(SERVER_SECONDS)
    return client
