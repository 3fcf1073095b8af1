"""What the knowledge base keeps: sources and passages, on their way in and as they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from rag.passages import Passage


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


class StoredPassage(NamedTuple):
    """A passage as retrieval needs it."""

    key: int
    id: str
    source: str
    locator: str
    text: str
    gist: str
    """What it is compared by when copies are looked for."""
    sketch: bytes
    """Of the gist: see `gists.sketch_of`."""
    closed_at: float | None
    """Seconds since the epoch."""
    resolved: int
    """1 for a ticket with a cause or a close note."""
    siblings: int
    """How many passages its source has."""
