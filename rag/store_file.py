"""The SQLite file of the knowledge base: its layout, its connections, its transactions."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telecom.errors import SiteDirectoryError, StoreDamagedError

SCHEMA_VERSION = 3
TOKENIZER = "porter unicode61 remove_diacritics 2"

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
    passages INTEGER NOT NULL,
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
    sketch BLOB NOT NULL,
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


class StoreFile:
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
