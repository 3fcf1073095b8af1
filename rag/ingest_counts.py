"""What ingest could not take: file, line and reason, never the record itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reject:
    """One record, or one whole file, that could not be read."""

    file: str
    """Path in the site directory."""
    line: int | None
    """None when the whole file was refused."""
    reason: str


@dataclass(frozen=True, slots=True)
class IngestCounts:
    """What an ingest did: `read` is the sum of `added`, `unchanged` and `rejected`."""

    read: int = 0
    added: int = 0
    """New records and corrected ones."""
    unchanged: int = 0
    """Already here as they are, or superseded by a later line of the same export."""
    rejected: int = 0
    corrected: int = 0
    """Of the added ones, how many replaced an earlier version."""
    removed: int = 0
    """Records that are no longer in the files they came from."""
    rejects: tuple[Reject, ...] = ()
