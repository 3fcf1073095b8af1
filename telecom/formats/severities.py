"""Severities of every standard, translated to X.733."""

from __future__ import annotations

from collections.abc import Mapping

from telecom.alarm import PerceivedSeverity

SYSLOG_SEVERITIES: Mapping[int, PerceivedSeverity] = {
    0: PerceivedSeverity.CRITICAL,
    1: PerceivedSeverity.CRITICAL,
    2: PerceivedSeverity.MAJOR,
    3: PerceivedSeverity.MINOR,
    4: PerceivedSeverity.WARNING,
    5: PerceivedSeverity.INDETERMINATE,
    6: PerceivedSeverity.INDETERMINATE,
    7: PerceivedSeverity.INDETERMINATE,
}
"""RFC 5674, section 2, read from syslog to X.733; it leaves out emergency (0): critical, too."""

_RANKS = {
    PerceivedSeverity.CRITICAL: 5,
    PerceivedSeverity.MAJOR: 4,
    PerceivedSeverity.MINOR: 3,
    PerceivedSeverity.WARNING: 2,
    PerceivedSeverity.INDETERMINATE: 1,
    PerceivedSeverity.CLEARED: 0,
}

_NAMES: Mapping[str, PerceivedSeverity] = {
    "emergency": PerceivedSeverity.CRITICAL,
    "emerg": PerceivedSeverity.CRITICAL,
    "alert": PerceivedSeverity.CRITICAL,
    "critical": PerceivedSeverity.CRITICAL,
    "crit": PerceivedSeverity.CRITICAL,
    "fatal": PerceivedSeverity.CRITICAL,
    "disaster": PerceivedSeverity.CRITICAL,
    "page": PerceivedSeverity.CRITICAL,
    "p1": PerceivedSeverity.CRITICAL,
    "major": PerceivedSeverity.MAJOR,
    "high": PerceivedSeverity.MAJOR,
    "p2": PerceivedSeverity.MAJOR,
    "minor": PerceivedSeverity.MINOR,
    "error": PerceivedSeverity.MINOR,
    "err": PerceivedSeverity.MINOR,
    "medium": PerceivedSeverity.MINOR,
    "average": PerceivedSeverity.MINOR,
    "p3": PerceivedSeverity.MINOR,
    "warning": PerceivedSeverity.WARNING,
    "warn": PerceivedSeverity.WARNING,
    "low": PerceivedSeverity.WARNING,
    "p4": PerceivedSeverity.WARNING,
    "indeterminate": PerceivedSeverity.INDETERMINATE,
    "unknown": PerceivedSeverity.INDETERMINATE,
    "unspecified": PerceivedSeverity.INDETERMINATE,
    "default": PerceivedSeverity.INDETERMINATE,
    "notice": PerceivedSeverity.INDETERMINATE,
    "info": PerceivedSeverity.INDETERMINATE,
    "informational": PerceivedSeverity.INDETERMINATE,
    "information": PerceivedSeverity.INDETERMINATE,
    "debug": PerceivedSeverity.INDETERMINATE,
    "none": PerceivedSeverity.INDETERMINATE,
    "cleared": PerceivedSeverity.CLEARED,
    "clear": PerceivedSeverity.CLEARED,
    "normal": PerceivedSeverity.CLEARED,
    "ok": PerceivedSeverity.CLEARED,
    "resolved": PerceivedSeverity.CLEARED,
    "resolve": PerceivedSeverity.CLEARED,
}

SYSLOG_LEVELS: Mapping[str, int] = {
    "emergency": 0,
    "emerg": 0,
    "alert": 1,
    "critical": 2,
    "crit": 2,
    "error": 3,
    "err": 3,
    "warning": 4,
    "warn": 4,
    "notice": 5,
    "notification": 5,
    "information": 6,
    "informational": 6,
    "info": 6,
    "debug": 7,
}
"""The words that syslog daemons and key=value logs use for the eight levels of RFC 5424."""

# ITU-T X.721 numbers them; older alarm interfaces of 3GPP send the numbers.
_X721_NUMBERS = (
    PerceivedSeverity.CLEARED,
    PerceivedSeverity.INDETERMINATE,
    PerceivedSeverity.CRITICAL,
    PerceivedSeverity.MAJOR,
    PerceivedSeverity.MINOR,
    PerceivedSeverity.WARNING,
)


def severity_named(value: object) -> PerceivedSeverity | None:
    """Look up a severity word of any standard, in any case; None when it says nothing."""
    if isinstance(value, str):
        return _NAMES.get(value.strip().lower())
    return None


def severity_numbered(value: object) -> PerceivedSeverity | None:
    """Look up a severity number of ITU-T X.721 (0 cleared to 5 warning)."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(_X721_NUMBERS):
        return _X721_NUMBERS[value]
    return None


def worse(one: PerceivedSeverity, other: PerceivedSeverity) -> PerceivedSeverity:
    """Choose the graver of two severities."""
    return one if _RANKS[one] >= _RANKS[other] else other
