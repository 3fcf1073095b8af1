"""Instants: aware UTC inside, the site's timezone where a text gives none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from telecom.errors import InvalidArgumentError, SettingsError

_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""No record is from before or after; between them is room to look around any instant."""


def site_timezone(name: str) -> tzinfo:
    """Look up an IANA time zone such as `Europe/Berlin`.

    Raises:
        SettingsError: No such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise SettingsError(
            f"timezone must be an IANA name such as 'Europe/Berlin' or 'UTC', got {name!r}"
        ) from exc


def parse_instant(text: str, *, zone: tzinfo = UTC, argument: str = "time") -> datetime:
    """Read an ISO 8601 instant; without a zone it is in `zone`.

    "Since ever" and "without end" as clients write them (0001-01-01, 9999-12-31) come back as the
    first and last instant that a record could have.

    Raises:
        InvalidArgumentError: Not ISO 8601.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise InvalidArgumentError(
            argument,
            f"{argument} must be ISO 8601 such as 2026-03-01T10:15:00Z, got {text!r}",
        ) from exc
    if not _EARLIEST.year < moment.year < _LATEST.year:
        return _EARLIEST if moment.year <= _EARLIEST.year else _LATEST
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def format_instant(moment: datetime) -> str:
    """Print an instant as UTC with a `Z`, milliseconds only where it has them."""
    moment = moment.astimezone(UTC)
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time under investigation, both ends included."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise InvalidArgumentError(
                "to",
                f"the window must not end before it begins: "
                f"{format_instant(self.start)} to {format_instant(self.end)}",
            )

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment <= self.end
