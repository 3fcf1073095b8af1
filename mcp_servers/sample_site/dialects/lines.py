"""A syslog dialect: a header, message templates, and its words for reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

_LOCAL = 23
"""Syslog facility local7 (RFC 5424 section 6.2.1), the usual one of network equipment."""


@dataclass(frozen=True, slots=True)
class Message:
    """One template: severity 0 to 7, the program that logs it, and the text."""

    severity: int
    program: str
    text: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a header needs besides the message."""

    host: str
    local_time: datetime
    """In the site's zone, as the element's own clock has it."""
    sequence: int
    pid: int

    @property
    def short(self) -> str:
        """`May  4 10:15:00`, the timestamp of RFC 3164."""
        return f"{self.local_time:%b} {self.local_time.day:>2} {self.local_time:%H:%M:%S}"

    @property
    def milliseconds(self) -> str:
        """Three digits."""
        return f"{self.local_time.microsecond // 1000:03d}"

    @property
    def iso(self) -> str:
        """RFC 3339 with milliseconds and offset, as RFC 5424 has it."""
        return self.local_time.isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class SyslogDialect:
    """How one vendor writes."""

    header: Callable[[Stamp, Message], str]
    messages: Mapping[str, Message]
    reasons: Mapping[str, str]
    """Reason key -> the vendor's words; used wherever a template has `{reason}`."""

    def write(
        self, name: str, details: Mapping[str, str | int | float], stamp: Stamp
    ) -> str | None:
        """One line, or None where this vendor has no such message."""
        message = self.messages.get(name)
        if message is None:
            return None
        fields: dict[str, str | int | float] = {
            "pid": stamp.pid,
            "sequence": stamp.sequence,
            "bgp_neighbor": details.get("neighbor", ""),
            **details,
        }
        if (reason := details.get("reason")) is not None:
            fields["reason"] = self.reasons.get(f"{name}.{reason}", str(reason))
        return self.header(stamp, message) + message.text.format_map(fields)


def priority(severity: int, facility: int = _LOCAL) -> str:
    """`<189>`: facility and severity as RFC 5424 packs them."""
    return f"<{facility * 8 + severity}>"
