"""Timestamps of log lines, whatever the vendor prints, as UTC instants."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from telecom.formats.reading import ReadingContext

_MONTHS = {
    name: number
    for number, name in enumerate(
        "jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1
    )
}

MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})"
TIME = (
    r"(?:"
    rf"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s+)?(?:\d{{4}}\s+)?{MONTH}\s+\d{{1,2}},?\s+(?:\d{{4}}\s+)?"
    rf"\d{{2}}:\d{{2}}:\d{{2}}(?:[.,:]\d{{1,9}})?(?:\s+\d{{4}}(?=\s|:|$))?{OFFSET}?"
    rf"|\d{{4}}-\d{{1,2}}-\d{{1,2}}[T ]\d{{2}}:\d{{2}}:\d{{2}}(?:[.,]\d{{1,9}})?\s?{OFFSET}?"
    r"|\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}(?:\.\d{1,9})?"
    r"|\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}(?:\.\d{1,9})?"
    r")"
)
"""One timestamp of any vendor, with the year and the offset where it prints them."""

_BSD = re.compile(
    rf"(?:[A-Z][a-z]{{2}},?\s+)?(?:(\d{{4}})\s+)?({MONTH})\s+(\d{{1,2}}),?\s+(?:(\d{{4}})\s+)?"
    rf"(\d{{2}}):(\d{{2}}):(\d{{2}})(?:\s+(\d{{4}}))?\s*({OFFSET})?"
)
_ISO = re.compile(
    rf"(\d{{4}})[-/](\d{{1,2}})[-/](\d{{1,2}})[T ](\d{{2}}):(\d{{2}}):(\d{{2}})\s?({OFFSET})?"
)
_AMERICAN = re.compile(r"(\d{2})/(\d{2})/(\d{4}) (\d{2}):(\d{2}):(\d{2})")
_ENDS_WITH_MINUTE = re.compile(r"[T ]\d{2}:\d{2}$")
_FRACTION = re.compile(r"(?<=\d\d:\d\d:\d\d)[.,:](\d{1,9})")

_ZONE_OFFSETS_H = {
    "UTC": 0, "GMT": 0, "Z": 0, "UCT": 0, "WET": 0, "WEST": 1, "BST": 1,
    "CET": 1, "MET": 1, "MEZ": 1, "CEST": 2, "MEST": 2, "MESZ": 2, "EET": 2, "EEST": 3,
    "SAST": 2, "CAT": 2, "WAT": 1, "EAT": 3, "MSK": 3, "TRT": 3, "GST": 4, "PKT": 5, "IST": 5.5,
    "NPT": 5.75, "ICT": 7, "WIB": 7, "HKT": 8, "SGT": 8, "MYT": 8, "PHT": 8, "AWST": 8,
    "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
    "NST": -3.5, "NDT": -2.5, "BRT": -3, "ART": -3, "AST": -4, "ADT": -3, "EST": -5, "EDT": -4,
    "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8,
    "HST": -10, "HDT": -9,
}  # fmt: skip
# Clocks that name a region and leave daylight saving open.
_ZONE_REGIONS = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}
_REMEMBERED = 4096
_LAST_SECOND = 59
"""A leap second has no place in a datetime; it is the last second of its minute."""


class SyslogClock:
    """Reads timestamps in one context, remembering what it has seen.

    A storm prints thousands of lines within the same few minutes, so each distinct minute, or
    second where an offset follows it, is worked out once.
    """

    def __init__(self, context: ReadingContext) -> None:
        self._year = context.year
        self._zone = context.zone
        self._received = context.received
        self._known: dict[tuple[str, str | None], datetime | None] = {}

    def instant(self, text: str, zone_name: str | None = None) -> datetime | None:
        """Read one timestamp as UTC.

        Args:
            text: As `TIME` matches it.
            zone_name: The abbreviation printed beside it, if any. The site's own zone decides what
                an abbreviation means that several zones share; one that nobody knows is the site's.

        Returns:
            None when it is no date, or when it has no year and the context cannot give one.
        """
        before, _, seconds = text.rpartition(":")
        whole, _, digits = seconds.partition(".")
        if len(whole) == 2 and whole.isdecimal() and (digits.isdecimal() or not digits):
            minute = self._minute(before, zone_name)
            if minute is not None:
                fraction = int(digits[:6].ljust(6, "0")) if digits else 0
                return minute + timedelta(0, min(int(whole), _LAST_SECOND), fraction)
        found = _FRACTION.search(text)
        if found is None:
            return self._second(text, zone_name)
        second = self._second(text[: found.start()] + text[found.end() :], zone_name)
        if second is None:
            return None
        return second.replace(microsecond=int(found.group(1)[:6].ljust(6, "0")))

    def _minute(self, text: str, zone_name: str | None) -> datetime | None:
        """Read a timestamp that was cut before its seconds; None where something else was cut."""
        key = (text, zone_name)
        if key in self._known:
            return self._known[key]
        if _ENDS_WITH_MINUTE.search(text) is None:
            return None
        return self._remember(key, f"{text}:00")

    def _second(self, text: str, zone_name: str | None) -> datetime | None:
        key = (text, zone_name)
        return self._known[key] if key in self._known else self._remember(key, text)

    def _remember(self, key: tuple[str, str | None], text: str) -> datetime | None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        try:
            moment = self._read(text, key[1])
        except (ValueError, OverflowError):
            moment = None
        self._known[key] = moment
        return moment

    def _read(self, text: str, zone_name: str | None) -> datetime | None:
        if match := _ISO.match(text):
            *numbers, offset = match.groups()
            year, month, day, hour, minute, second = map(int, numbers)
        elif match := _BSD.match(text):
            before, name, day_text, after, hour_text, minute_text, second_text, last, offset = (
                match.groups()
            )
            month, day = _MONTHS[name.lower()], int(day_text)
            hour, minute, second = int(hour_text), int(minute_text), int(second_text)
            printed = before or after or last
            if printed is None:
                return self._without_year((month, day, hour, minute, second), zone_name, offset)
            year = int(printed)
        elif match := _AMERICAN.match(text):
            month, day, year, hour, minute, second = map(int, match.groups())
            offset = None
        else:
            return None
        naive = datetime(year, month, day, hour, minute, min(second, _LAST_SECOND))  # noqa: DTZ001
        return self._aware(naive, zone_name, offset)

    def _without_year(
        self, numbers: tuple[int, int, int, int, int], zone_name: str | None, offset: str | None
    ) -> datetime | None:
        month, day, hour, minute, second = numbers
        if self._year is not None:
            years = [self._year]
        elif self._received is not None:
            # The 29th of February is at most eight years back.
            years = list(range(self._received.year + 1, self._received.year - 9, -1))
        else:
            return None
        for year in years:
            try:
                naive = datetime(year, month, day, hour, minute, min(second, _LAST_SECOND))  # noqa: DTZ001
            except ValueError:
                continue
            moment = self._aware(naive, zone_name, offset)
            if self._year is not None or self._received is None:
                return moment
            # Clocks run ahead by minutes; a day covers the zones, too.
            if moment <= self._received + timedelta(days=1):
                return moment
        return None

    def _aware(self, naive: datetime, zone_name: str | None, offset: str | None) -> datetime:
        zone = _offset_zone(offset) if offset else self._named_zone(naive, zone_name)
        return naive.replace(tzinfo=zone).astimezone(UTC)

    def _named_zone(self, naive: datetime, name: str | None) -> tzinfo:
        if name is None:
            return self._zone
        if self._zone.tzname(naive) == name:
            return self._zone
        if name in _ZONE_OFFSETS_H:
            return timezone(timedelta(hours=_ZONE_OFFSETS_H[name]))
        if name in _ZONE_REGIONS:
            return ZoneInfo(_ZONE_REGIONS[name])
        return self._zone


def _offset_zone(offset: str) -> tzinfo:
    if offset == "Z":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    span = timedelta(hours=hours, minutes=minutes)
    return timezone(-span if offset[0] == "-" else span)
