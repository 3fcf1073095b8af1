"""What a reader receives and what it hands back, one item per record.

A reader is a pure function of bytes and a `ReadingContext`. It answers every record with one of
three things: an `Alarm`; `NotAnAlarm`, for what is valid and reports no trouble; `Rejected`, for
what cannot be read. It never raises, whatever the bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Protocol, TypeAlias

from telecom.alarm import Alarm

MAX_RECORD_CHARACTERS = 65_536
"""A log line longer than this is cut here; the cut is noted in its additional information."""


@dataclass(frozen=True, slots=True)
class NotAnAlarm:
    """A valid record that reports no trouble: a header line, a heartbeat, a registration."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be read; `why` never quotes it."""

    line: int
    why: str


Record: TypeAlias = Alarm | NotAnAlarm | Rejected


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """What a reader knows about its input besides the bytes."""

    path: str
    """File in the site directory, or `-` for a stream."""
    device: str
    """The managed object of records that name none."""
    year: int | None = None
    """Of timestamps that carry none."""
    zone: tzinfo = UTC
    """Of timestamps that carry none."""
    received: datetime | None = None
    """When the input arrived: dates timestamps without a year when `year` is not given."""


class Reader(Protocol):
    """One format, recognised and read."""

    def __call__(self, data: bytes, context: ReadingContext) -> Iterator[Record]:
        """Answer each record of `data`, in order."""
