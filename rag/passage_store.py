"""The SQLite half of the knowledge base: sources, passages, words, identifiers, vectors.

SQLite is the truth. A passage is either in `pending`, still to be embedded, or in `vectors` and in
the vector index; a key in `doomed` is still to be taken out of the index. So a process that dies
at any moment leaves behind exactly the list of what is left to do.
"""

from __future__ import annotations

import json
import queue
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from rag.embedding import EmbeddingStamp, Vectors
from rag.filters import SearchFilters, where_clause
from rag.passages import Passage
from telecom.errors import SiteDirectoryError, StoreDamagedError

SCHEMA_VERSION = 2
TOKENIZER = "porter unicode61 remove_diacritics 2"
_WORD = re.compile(r"[^\W_]+")
"""As the tokenizer takes text apart, for the length of a passage."""

_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sources (
    source_key INTEGER PRIMARY KEY AUTOINCREMENT,
    corpus TEXT NOT NULL,
    source TEXT NOT NULL,
    file TEXT NOT NULL,
    digest TEXT NOT NULL,
    title TEXT NOT NULL,
    attributes TEXT NOT NULL,
    managed_object TEXT,
    device TEXT,
    severity TEXT,
    opened_at REAL,
    closed_at REAL,
    resolved INTEGER NOT NULL,
    UNIQUE (corpus, source)
);
CREATE INDEX sources_by_file ON sources (corpus, file);
CREATE INDEX sources_by_device ON sources (corpus, device);
CREATE INDEX sources_by_time ON sources (corpus, opened_at);
CREATE TABLE contents (
    source_key INTEGER PRIMARY KEY REFERENCES sources ON DELETE CASCADE,
    body TEXT NOT NULL
);
CREATE TABLE passages (
    passage_key INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE,
    corpus TEXT NOT NULL,
    id TEXT NOT NULL,
    part TEXT NOT NULL,
    locator TEXT NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    context TEXT NOT NULL,
    text TEXT NOT NULL,
    gist TEXT NOT NULL,
    digest TEXT NOT NULL,
    words INTEGER NOT NULL,
    UNIQUE (corpus, id)
);
CREATE INDEX passages_by_length ON passages (corpus, passage_key, words);
CREATE INDEX passages_by_source ON passages (source_key);
CREATE TABLE vectors (
    passage_key INTEGER PRIMARY KEY REFERENCES passages ON DELETE CASCADE,
    vector BLOB NOT NULL
);
CREATE TABLE pending (
    passage_key INTEGER PRIMARY KEY REFERENCES passages ON DELETE CASCADE,
    corpus TEXT NOT NULL
);
CREATE TABLE mentions (
    term TEXT NOT NULL,
    corpus TEXT NOT NULL,
    own INTEGER NOT NULL,
    passage_key INTEGER NOT NULL REFERENCES passages ON DELETE CASCADE,
    PRIMARY KEY (term, corpus, own DESC, passage_key DESC)
) WITHOUT ROWID;
CREATE INDEX mentions_by_passage ON mentions (passage_key);
CREATE TABLE doomed (passage_key INTEGER PRIMARY KEY, corpus TEXT NOT NULL);
CREATE VIRTUAL TABLE words_tickets USING fts5(context, text, content='', tokenize='{TOKENIZER}');
CREATE VIRTUAL TABLE words_docs USING fts5(context, text, content='', tokenize='{TOKENIZER}');
CREATE VIRTUAL TABLE postings_tickets USING fts5vocab(words_tickets, instance);
CREATE VIRTUAL TABLE postings_docs USING fts5vocab(words_docs, instance);
"""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A ticket or document as it is stored."""

    corpus: str
    source: str
    """Ticket id, or the file's path in the site directory."""
    file: str
    digest: str
    title: str
    body: str
    """The ticket as JSON; empty for a document, whose file is its body."""
    attributes: Mapping[str, str]
    managed_object: str | None = None
    severity: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    resolved: bool = False


@dataclass(frozen=True, slots=True)
class PassageEntry:
    """A passage on its way into the store."""

    id: str
    passage: Passage
    gist: str
    """What it is compared by when copies are looked for."""
    terms: Sequence[tuple[str, bool]]
    """Its identifier terms, each with whether it names the source itself."""


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as retrieval needs it."""

    key: int
    id: str
    source: str
    locator: str
    text: str
    gist: str
    """What it is compared by when copies are looked for."""
    closed_at: float | None
    """Seconds since the epoch."""
    resolved: int
    """1 for a ticket with a cause or a close note."""
    siblings: int
    """How many passages its source has."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A passage that has to be embedded."""

    key: int
    text: str
    """What the embedding model reads."""


class PassageStore:
    """One SQLite file: one writer at a time, any number of readers, safe across threads."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.generation = 0
        """Counts the transactions of this process."""
        self._write_lock = threading.RLock()
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._connections: list[sqlite3.Connection] = []
        try:
            self._writer = self._connect()
            self._prepare()
        except sqlite3.Error as exc:
            self.close()
            raise StoreDamagedError(
                f"{file} cannot be read ({exc}); `tierwise-site ingest --rebuild` builds it anew "
                "from the site directory"
            ) from exc

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.file, timeout=30, isolation_level=None, check_same_thread=False
        )
        self._connections.append(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA mmap_size = 1073741824")
        return connection

    def _prepare(self) -> None:
        self._writer.execute("PRAGMA journal_mode = WAL")
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._writer.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif version != SCHEMA_VERSION:
            raise StoreDamagedError(
                f"{self.file} has layout {version}, this version reads {SCHEMA_VERSION}; "
                "`tierwise-site ingest --rebuild` builds it anew from the site directory"
            )

    def close(self) -> None:
        """Close every connection; the store may be opened again."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; rolled back when the block raises.

        Raises:
            SiteDirectoryError: The disk is full; nothing of this transaction is kept.
        """
        with self._write_lock:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.execute("COMMIT")
                self.generation += 1
            except sqlite3.OperationalError as exc:
                self._roll_back()
                if exc.sqlite_errorcode in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE):
                    raise SiteDirectoryError(
                        f"no space left for {self.file}; free some and ingest again: "
                        "it goes on where it stopped, and what is there stays searchable"
                    ) from exc
                raise
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees the last committed state; not for writing."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def stamp(self) -> EmbeddingStamp | None:
        """What made the vectors; None before the first one."""
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'embedding'").fetchone()
        return None if row is None else EmbeddingStamp(**json.loads(row[0]))

    def set_stamp(self, stamp: EmbeddingStamp) -> None:
        """Note what makes the vectors."""
        value = {name: getattr(stamp, name) for name in EmbeddingStamp.__slots__}
        with self.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('embedding', ?)", (json.dumps(value),)
            )

    def index_number(self) -> int:
        """Which vector index belongs to this store: they are numbered from 1."""
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'index'").fetchone()
        return 1 if row is None else int(row[0])

    def set_index_number(self, number: int) -> None:
        """Note which vector index belongs to this store."""
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('index', ?)", (str(number),))

    def digest_of(self, corpus: str, source: str) -> tuple[str, str] | None:
        """Digest and file of a source as stored."""
        with self.reading() as connection:
            row: tuple[str, str] | None = connection.execute(
                "SELECT digest, file FROM sources WHERE corpus = ? AND source = ?",
                (corpus, source),
            ).fetchone()
        return row

    def body_of(self, corpus: str, source: str) -> str | None:
        """A ticket's JSON; None for an unknown one."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT body FROM sources JOIN contents USING (source_key) "
                "WHERE corpus = ? AND source = ?",
                (corpus, source),
            ).fetchone()
        return None if row is None else str(row[0])

    def titles(self, corpus: str) -> list[tuple[str, str]]:
        """Every source with its title, in order of name."""
        with self.reading() as connection:
            return connection.execute(
                "SELECT source, title FROM sources WHERE corpus = ? ORDER BY source", (corpus,)
            ).fetchall()

    def texts_from(self, corpus: str, name: str) -> list[tuple[str, str]]:
        """Passages of a source with their ids, in order: all, or from the passage of that id on."""
        with self.reading() as connection:
            return connection.execute(
                "SELECT p.id, p.text FROM passages p JOIN sources s USING (source_key) "
                "LEFT JOIN passages f ON f.corpus = ?1 AND f.id = ?2 "
                "AND f.source_key = p.source_key WHERE p.corpus = ?1 AND "
                "(f.passage_key IS NOT NULL AND p.start >= f.start OR s.source = ?2) "
                "ORDER BY p.start, p.passage_key",
                (corpus, name),
            ).fetchall()

    def causes(self) -> dict[str, str]:
        """Ticket id -> cause, of every ticket that names one."""
        with self.reading() as connection:
            return dict(
                connection.execute(
                    "SELECT source, json_extract(body, '$.cause') AS cause FROM sources "
                    "JOIN contents USING (source_key) "
                    "WHERE corpus = 'tickets' AND cause IS NOT NULL"
                ).fetchall()
            )

    def sources_of(self, corpus: str, file: str) -> Iterator[tuple[str, str]]:
        """Sources that came from a file, or from any file under a folder, with that file."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT source, file FROM sources WHERE corpus = ? AND (file = ? OR "
                "substr(file, 1, ?) = ?)",
                (corpus, file, len(file) + 1, f"{file}/"),
            ).fetchall()
        yield from rows

    def counts(self, corpus: str) -> tuple[int, int, int]:
        """Sources, passages, and passages still to be embedded."""
        with self.reading() as connection:
            (sources,) = connection.execute(
                "SELECT count(*) FROM sources WHERE corpus = ?", (corpus,)
            ).fetchone()
            (passages,) = connection.execute(
                "SELECT count(*) FROM passages WHERE corpus = ?", (corpus,)
            ).fetchone()
            (pending,) = connection.execute(
                "SELECT count(*) FROM pending WHERE corpus = ?", (corpus,)
            ).fetchone()
        return sources, passages, pending

    def is_empty(self, corpus: str) -> bool:
        """Whether a corpus has no passage."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM passages WHERE corpus = ? LIMIT 1", (corpus,)
            ).fetchone()
        return row is None

    def embedded_keys(self, corpus: str) -> set[int]:
        """Keys of the passages that have a vector."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT passage_key FROM passages JOIN vectors USING (passage_key) "
                "WHERE corpus = ?",
                (corpus,),
            )
            return {row[0] for row in rows}

    def count_postings(self, corpus: str, stem: str, at_most: int) -> int:
        """How often a stem occurs, counted no further than `at_most`."""
        with self.reading() as connection:
            (count,) = connection.execute(
                f"SELECT count(*) FROM (SELECT 1 FROM postings_{corpus} WHERE term = ? LIMIT ?)",  # noqa: S608
                (stem, at_most),
            ).fetchone()
        return int(count)

    def postings(self, corpus: str, stem: str) -> str:
        """Keys of the passages that hold a stem, one for each occurrence, joined by commas."""
        with self.reading() as connection:
            (keys,) = connection.execute(
                f"SELECT group_concat(doc) FROM postings_{corpus} WHERE term = ?",  # noqa: S608
                (stem,),
            ).fetchone()
        return keys or ""

    def lengths(self, corpus: str) -> list[tuple[int, int]]:
        """Key and number of words of every passage."""
        with self.reading() as connection:
            return connection.execute(
                "SELECT passage_key, words FROM passages WHERE corpus = ?", (corpus,)
            ).fetchall()

    def put(
        self,
        connection: sqlite3.Connection,
        record: SourceRecord,
        entries: Sequence[PassageEntry],
    ) -> None:
        """Add a source, or replace its earlier version; unchanged passages keep their vectors.

        `connection` is from `writing`.
        """
        (source_key,) = connection.execute(
            "INSERT INTO sources (corpus, source, file, digest, title, "
            "attributes, managed_object, device, severity, opened_at, closed_at, resolved) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (corpus, source) DO UPDATE SET file = excluded.file, "
            "digest = excluded.digest, title = excluded.title, "
            "attributes = excluded.attributes, managed_object = excluded.managed_object, "
            "device = excluded.device, severity = excluded.severity, "
            "opened_at = excluded.opened_at, closed_at = excluded.closed_at, "
            "resolved = excluded.resolved RETURNING source_key",
            _source_row(record),
        ).fetchone()
        connection.execute(
            "INSERT OR REPLACE INTO contents VALUES (?, ?)", (source_key, record.body)
        )
        kept = self._drop_outdated(connection, record.corpus, source_key, entries)
        for entry in entries:
            key = kept.get(entry.id)
            if key is None:
                key = self._insert(connection, record.corpus, source_key, entry)
            else:  # same text, but what stands beside it may have changed
                connection.execute("DELETE FROM mentions WHERE passage_key = ?", (key,))
                connection.execute(
                    "UPDATE passages SET gist = ? WHERE passage_key = ?", (entry.gist, key)
                )
            connection.executemany(
                "INSERT INTO mentions VALUES (?, ?, ?, ?)",
                [(term, record.corpus, own, key) for term, own in entry.terms],
            )

    def _drop_outdated(
        self,
        connection: sqlite3.Connection,
        corpus: str,
        source_key: int,
        entries: Sequence[PassageEntry],
    ) -> dict[str, int]:
        """Remove a source's passages that are gone or changed; returns the others, id to key."""
        wanted = {entry.id: entry.passage for entry in entries}
        kept: dict[str, int] = {}
        for key, passage_id, digest, locator in connection.execute(
            "SELECT passage_key, id, digest, locator FROM passages WHERE source_key = ?",
            (source_key,),
        ).fetchall():
            passage = wanted.get(passage_id)
            if passage is not None and (passage.digest, passage.locator) == (digest, locator):
                kept[passage_id] = key
            else:
                self._delete(connection, corpus, key)
        return kept

    def _insert(
        self, connection: sqlite3.Connection, corpus: str, source_key: int, entry: PassageEntry
    ) -> int:
        passage = entry.passage
        cursor = connection.execute(
            "INSERT INTO passages (source_key, corpus, id, part, locator, start, stop, context, "
            "text, gist, digest, words) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                source_key,
                corpus,
                entry.id,
                passage.part,
                passage.locator,
                passage.start,
                passage.end,
                passage.context,
                passage.text,
                entry.gist,
                passage.digest,
                len(_WORD.findall(passage.embedded_text)),
            ),
        )
        key = cursor.lastrowid or 0
        connection.execute(
            f"INSERT INTO words_{corpus} (rowid, context, text) VALUES (?, ?, ?)",  # noqa: S608
            (key, passage.context, passage.text),
        )
        connection.execute("INSERT INTO pending VALUES (?, ?)", (key, corpus))
        return key

    def _delete(self, connection: sqlite3.Connection, corpus: str, key: int) -> None:
        context, text = connection.execute(
            "SELECT context, text FROM passages WHERE passage_key = ?", (key,)
        ).fetchone()
        connection.execute(
            f"INSERT INTO words_{corpus} (words_{corpus}, rowid, context, text) "  # noqa: S608
            "VALUES ('delete', ?, ?, ?)",
            (key, context, text),
        )
        connection.execute("DELETE FROM passages WHERE passage_key = ?", (key,))
        connection.execute("INSERT INTO doomed VALUES (?, ?)", (key, corpus))

    def remove(self, connection: sqlite3.Connection, corpus: str, source: str) -> None:
        """Remove a source with everything it brought."""
        row = connection.execute(
            "SELECT source_key FROM sources WHERE corpus = ? AND source = ?", (corpus, source)
        ).fetchone()
        if row is None:
            return
        self._drop_outdated(connection, corpus, row[0], ())
        connection.execute("DELETE FROM sources WHERE source_key = ?", row)

    def pending(self, corpus: str, limit: int) -> list[Pending]:
        """The first passages, in the order they came, that have no vector yet."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT q.passage_key, p.context, p.text FROM pending q "
                "CROSS JOIN passages p USING (passage_key) WHERE q.corpus = ? "
                "ORDER BY q.passage_key LIMIT ?",
                (corpus, limit),
            ).fetchall()
        return [
            Pending(key, f"{context}\n{text}" if context else text) for key, context, text in rows
        ]

    def put_vectors(self, keys: Sequence[int], vectors: Vectors) -> None:
        """Note that these passages are embedded and in the index.

        A passage that was removed in the meantime is skipped.
        """
        with self.writing() as connection:
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

    def all_vectors(self, corpus: str, block: int) -> Iterator[tuple[list[int], Vectors]]:
        """Keys and vectors of a corpus, block by block."""
        after = 0
        while True:
            with self.reading() as connection:
                rows = connection.execute(
                    "SELECT passage_key, vector FROM passages JOIN vectors USING (passage_key) "
                    "WHERE corpus = ? AND passage_key > ? ORDER BY passage_key LIMIT ?",
                    (corpus, after, block),
                ).fetchall()
            if not rows:
                return
            after = rows[-1][0]
            yield [row[0] for row in rows], _matrix([row[1] for row in rows])

    def vectors_for(
        self, corpus: str, filters: SearchFilters, limit: int
    ) -> tuple[list[int], Vectors] | None:
        """Keys and vectors of the passages that pass a filter; None when more than `limit` do."""
        clause, arguments = where_clause(filters)
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT p.passage_key, v.vector FROM sources s CROSS JOIN passages p "  # noqa: S608
                "USING (source_key) CROSS JOIN vectors v USING (passage_key) "
                f"WHERE s.corpus = ? AND {clause} LIMIT ?",
                (corpus, *arguments, limit + 1),
            ).fetchall()
        if len(rows) > limit:
            return None
        return [row[0] for row in rows], _matrix([row[1] for row in rows])

    def vectors_of(self, keys: Sequence[int]) -> dict[int, Vectors]:
        """Vectors by key, each of shape (dimension,); passages without one are left out."""
        marks = ",".join("?" * len(keys))
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT passage_key, vector FROM vectors WHERE passage_key IN ({marks})",  # noqa: S608
                tuple(keys),
            ).fetchall()
        return {key: np.frombuffer(blob, dtype="<f4") for key, blob in rows}

    def sample_vectors(self, corpus: str, size: int) -> tuple[list[int], Vectors]:
        """Up to `size` keys with their vectors, spread evenly over the corpus."""
        with self.reading() as connection:
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
        with self.reading() as connection:
            rows = connection.execute("SELECT passage_key FROM doomed WHERE corpus = ?", (corpus,))
            return [row[0] for row in rows]

    def forget_doomed(self, keys: Sequence[int]) -> None:
        """Note that these passages are out of the index."""
        with self.writing() as connection:
            connection.executemany(
                "DELETE FROM doomed WHERE passage_key = ?", [(each,) for each in keys]
            )

    def passing(self, keys: Sequence[int], filters: SearchFilters) -> set[int]:
        """Which of some passages pass a filter."""
        clause, arguments = where_clause(filters)
        marks = ",".join("?" * len(keys))
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT p.passage_key FROM passages p CROSS JOIN sources s USING (source_key) "  # noqa: S608
                f"WHERE p.passage_key IN ({marks}) AND {clause}",
                (*keys, *arguments),
            )
            return {row[0] for row in rows}

    def load(self, keys: Sequence[int]) -> dict[int, StoredPassage]:
        """Passages by key."""
        marks = ",".join("?" * len(keys))
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT p.passage_key, p.id, s.source, p.locator, p.text, "  # noqa: S608
                "p.gist, s.closed_at, s.resolved, "
                "(SELECT count(*) FROM passages o WHERE "
                "o.source_key = p.source_key) FROM passages p JOIN sources s USING (source_key) "
                f"WHERE p.passage_key IN ({marks})",
                tuple(keys),
            ).fetchall()
        return {row[0]: StoredPassage(*row) for row in rows}


def _source_row(record: SourceRecord) -> tuple[Any, ...]:
    """The columns of `sources`, as SQLite takes them (any scalar, hence Any)."""
    managed_object = record.managed_object.lower() if record.managed_object else None
    return (
        record.corpus,
        record.source,
        record.file,
        record.digest,
        record.title,
        json.dumps(dict(record.attributes), ensure_ascii=False),
        managed_object,
        managed_object.partition(":")[0] if managed_object else None,
        record.severity.upper() if record.severity else None,
        record.opened_at.timestamp() if record.opened_at else None,
        record.closed_at.timestamp() if record.closed_at else None,
        record.resolved,
    )


def _matrix(blobs: Sequence[bytes]) -> Vectors:
    if not blobs:
        return np.empty((0, 0), dtype=np.float32)
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), -1)
