"""Vectors as SQLite keeps them: what is embedded, what is still to be, and what made them.

A passage is either in `pending`, still to be embedded, or in `vectors` and in the vector index; a
key in `doomed` is still to be taken out of the index. So a process that dies at any moment leaves
behind exactly the list of what is left to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rag.embedding import EmbeddingStamp, Vectors
from rag.filters import SearchFilters, where_clause
from rag.store_file import StoreFile


@dataclass(frozen=True, slots=True)
class Pending:
    """A passage that has to be embedded."""

    key: int
    text: str
    """What the embedding model reads."""


class KeptVectors:
    """The vectors of a store's passages, by key."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def stamp(self) -> EmbeddingStamp | None:
        """What made the vectors; None before the first one."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'embedding'").fetchone()
        return None if row is None else EmbeddingStamp(**json.loads(row[0]))

    def set_stamp(self, stamp: EmbeddingStamp) -> None:
        """Note what makes the vectors."""
        value = {name: getattr(stamp, name) for name in EmbeddingStamp.__slots__}
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('embedding', ?)", (json.dumps(value),)
            )

    def index_number(self) -> int:
        """Which vector index belongs to this store: they are numbered from 1."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'index'").fetchone()
        return 1 if row is None else int(row[0])

    def set_index_number(self, number: int) -> None:
        """Note which vector index belongs to this store."""
        with self._file.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('index', ?)", (str(number),))

    def keys(self, corpus: str) -> set[int]:
        """Keys of the passages that have a vector."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT passage_key FROM passages JOIN vectors USING (passage_key) "
                "WHERE corpus = ?",
                (corpus,),
            )
            return {row[0] for row in rows}

    def pending(self, corpus: str, limit: int) -> list[Pending]:
        """The first passages, in the order they came, that have no vector yet."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT q.passage_key, p.context, p.text FROM pending q "
                "CROSS JOIN passages p USING (passage_key) WHERE q.corpus = ? "
                "ORDER BY q.passage_key LIMIT ?",
                (corpus, limit),
            ).fetchall()
        return [
            Pending(key, f"{context}\n{text}" if context else text) for key, context, text in rows
        ]

    def put(self, keys: Sequence[int], vectors: Vectors) -> None:
        """Note that these passages are embedded and in the index.

        A passage that was removed in the meantime is skipped.
        """
        with self._file.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO vectors SELECT ?1, ?2 WHERE EXISTS "
                "(SELECT 1 FROM passages WHERE passage_key = ?1)",
                [
                    (key, vector.tobytes())
                    for key, vector in zip(keys, vectors.astype("<f4"), strict=True)
                ],
            )
            connection.executemany(
                "DELETE FROM pending WHERE passage_key = ?", [(key,) for key in keys]
            )

    def blocks(self, corpus: str, block: int) -> Iterator[tuple[list[int], Vectors]]:
        """Keys and vectors of a corpus, block by block."""
        after = 0
        while True:
            with self._file.reading() as connection:
                rows = connection.execute(
                    "SELECT passage_key, vector FROM passages JOIN vectors USING (passage_key) "
                    "WHERE corpus = ? AND passage_key > ? ORDER BY passage_key LIMIT ?",
                    (corpus, after, block),
                ).fetchall()
            if not rows:
                return
            after = rows[-1][0]
            yield [row[0] for row in rows], _matrix([row[1] for row in rows])

    def passing(
        self, corpus: str, filters: SearchFilters, limit: int
    ) -> tuple[list[int], Vectors] | None:
        """Keys and vectors of the passages that pass a filter; None when more than `limit` do."""
        clause, arguments = where_clause(filters)
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT p.passage_key, v.vector FROM sources s CROSS JOIN passages p "  # noqa: S608
                "USING (source_key) CROSS JOIN vectors v USING (passage_key) "
                f"WHERE s.corpus = ? AND {clause} LIMIT ?",
                (corpus, *arguments, limit + 1),
            ).fetchall()
        if len(rows) > limit:
            return None
        return [row[0] for row in rows], _matrix([row[1] for row in rows])

    def of(self, keys: Sequence[int]) -> dict[int, Vectors]:
        """Vectors by key, each of shape (dimension,); passages without one are left out."""
        marks = ",".join("?" * len(keys))
        with self._file.reading() as connection:
            rows = connection.execute(
                f"SELECT passage_key, vector FROM vectors WHERE passage_key IN ({marks})",  # noqa: S608
                tuple(keys),
            ).fetchall()
        return {key: np.frombuffer(blob, dtype="<f4") for key, blob in rows}

    def sample(self, corpus: str, size: int) -> tuple[list[int], Vectors]:
        """Up to `size` keys with their vectors, spread evenly over the corpus."""
        with self._file.reading() as connection:
            low, high = connection.execute(
                "SELECT min(passage_key), max(passage_key) FROM passages WHERE corpus = ?",
                (corpus,),
            ).fetchone()
            if low is None:
                return [], _matrix([])
            step = max(1, (high - low) // size)
            rows = {
                row[0]: row[1]
                for start in range(low, high + 1, step)
                for row in connection.execute(
                    "SELECT passage_key, vector FROM passages JOIN vectors USING (passage_key) "
                    "WHERE corpus = ? AND passage_key >= ? ORDER BY passage_key LIMIT 1",
                    (corpus, start),
                )
            }
        return list(rows), _matrix(list(rows.values()))

    def doomed(self, corpus: str) -> list[int]:
        """Keys still to be taken out of the index."""
        with self._file.reading() as connection:
            rows = connection.execute("SELECT passage_key FROM doomed WHERE corpus = ?", (corpus,))
            return [row[0] for row in rows]

    def forget_doomed(self, keys: Sequence[int]) -> None:
        """Note that these passages are out of the index."""
        with self._file.writing() as connection:
            connection.executemany(
                "DELETE FROM doomed WHERE passage_key = ?", [(each,) for each in keys]
            )


def _matrix(blobs: Sequence[bytes]) -> Vectors:
    if not blobs:
        return np.empty((0, 0), dtype=np.float32)
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), -1)
