"""The SQLite half of the knowledge base: sources, passages, words and identifiers.

SQLite is the truth: the vector index can be made again from what is here (`KeptVectors`).
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rag.filters import SearchFilters, where_clause
from rag.gists import sketch_of
from rag.kept_vectors import KeptVectors
from rag.passage_records import PassageEntry, SourceRecord, StoredPassage
from rag.store_file import StoreFile

_WORD = re.compile(r"[^\W_]+")
"""As the tokenizer takes text apart, for the length of a passage."""


class PassageStore(StoreFile):
    """Sources and their passages: one writer at a time, any number of readers, in all threads."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.vectors = KeptVectors(self)

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
            "attributes, managed_object, device, severity, opened_at, closed_at, resolved, "
            "passages) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (corpus, source) DO UPDATE SET file = excluded.file, "
            "digest = excluded.digest, title = excluded.title, "
            "attributes = excluded.attributes, managed_object = excluded.managed_object, "
            "device = excluded.device, severity = excluded.severity, "
            "opened_at = excluded.opened_at, closed_at = excluded.closed_at, "
            "resolved = excluded.resolved, passages = excluded.passages RETURNING source_key",
            (*_source_row(record), len(entries)),
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
                    "UPDATE passages SET gist = ?, sketch = ? WHERE passage_key = ?",
                    (entry.gist, sketch_of(entry.gist), key),
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
            "text, gist, sketch, digest, words) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                sketch_of(entry.gist),
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
                "p.gist, p.sketch, s.closed_at, s.resolved, s.passages "
                "FROM passages p JOIN sources s USING (source_key) "
                f"WHERE p.passage_key IN ({marks})",
                tuple(keys),
            ).fetchall()
        return {row[0]: StoredPassage._make(row) for row in rows}


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
