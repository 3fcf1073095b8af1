"""Times and amounts as an engineer reads them at a glance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def age(span: timedelta) -> str:
    """How long, in its two largest units at most."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds // 10 * 10} s" if seconds >= 10 else "now"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d"


def clock(moment: datetime) -> str:
    """A moment to the second, in UTC."""
    return f"{moment.astimezone(UTC):%H:%M:%S}"


def instant(moment: datetime) -> str:
    """A moment with its day, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
