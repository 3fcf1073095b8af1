"""What numbering plans and checksums say about bare numbers: evidence for, never a veto."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
import re2
from stdnum import imsi as imsi_plan
from stdnum import luhn

_IMEI_REPORTING_BODIES = frozenset(
    "01 10 30 33 35 44 45 49 50 51 52 53 54 86 91 98 99".split()  # GSMA TS.06
)
_TEST_AND_PRIVATE_MCC = ("001", "999")  # ITU-T E.212: test networks, private networks

_COUNTER_BEFORE: re.Pattern[bytes] = re2.compile(
    rb"(?i)(?:counters?|counts?|octets|bytes|packets|pkts|frames|total|seq(?:uence)?|serial"
    rb"|s/?n|pid|uptime|time(?:stamp)?|drops?|dropped|errors?|discards?|cookie|offset|rate|bps"
    rb"|bits|sum|checksum|version|revision|build|delta|drift|nonce|hash|commit|ticks|jiffies"
    rb"|spi|bandwidth|capacity|bw|asn?|metric|cost|reads|writes|input|output|hex|job|txn"
    rb"|transaction|request|trace|span|order|part|model|barcode)"
    rb"(?:[ _-]?(?:number|num|nr|no|id|value|is|was|of|in|out|total|rx|tx|ns|us|ms))?"
    rb"[\"'\s:=#(\[.,>-]{0,4}$"
)
_UNIT_AFTER: re.Pattern[bytes] = re2.compile(
    rb"(?i)^\s*(?:bytes?|octets|packets?|pkts|frames|bits?|bps|[kmg]bps|hz|errors?|drops?|flows"
    rb"|cells|ticks|counts?|ns|us|ms|s|sec|seconds|nanoseconds|microseconds|ppb|ppm|%|/s|/sec"
    rb"|input|output|runts|lsps?|total)\b"
)
_REACH = 32


def is_luhn(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others."""
    return bool(luhn.is_valid(digits))


def is_in_imsi_plan(digits: str) -> bool:
    """Tell whether a number begins with an assigned mobile country code (ITU-T E.212)."""
    return _mobile_country(digits[:3])


@lru_cache(maxsize=1024)
def _mobile_country(mcc: str) -> bool:
    if mcc in _TEST_AND_PRIVATE_MCC:
        return True
    return len(imsi_plan.split(mcc + "010000000000")) > 1


def is_imei_shaped(digits: str) -> bool:
    """Tell whether a number begins like a type allocation code (GSMA TS.06)."""
    return digits[:2] in _IMEI_REPORTING_BODIES


@lru_cache(maxsize=65536)
def is_telephone_number(text: str, country: str | None = None) -> bool:
    """Tell whether `text` is a valid number: international, or national in `country`."""
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(text, country)))
    except phonenumbers.NumberParseException:
        return False


def may_be_subscribers(digits: str) -> bool:
    """Tell whether bare digits may be an IMSI, an IMEI or a telephone number without its plus.

    A number of the right length is enough, in service or not.
    """
    if is_timestamp(digits):
        return False
    if len(digits) >= 15:
        return is_in_imsi_plan(digits) or is_imei_shaped(digits)
    try:
        return bool(phonenumbers.is_possible_number(phonenumbers.parse(f"+{digits}")))
    except phonenumbers.NumberParseException:
        return False


def is_timestamp(digits: str) -> bool:
    """Tell whether a bare number reads as a time between 2000 and 2100."""
    if len(digits) >= 14 and "2000" <= digits[:4] <= "2100":
        month, day, hour, minute = (int(digits[at : at + 2]) for at in (4, 6, 8, 10))
        return 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60
    exponent = {13: 3, 16: 6, 19: 9}.get(len(digits))
    return exponent is not None and 946_684_800 <= int(digits) // 10**exponent < 4_102_444_800


def is_counted(text: bytes, start: int, end: int) -> bool:
    """Tell whether the words around a bare number say it is a count, a serial or a time."""
    before = text[max(0, start - _REACH) : start]
    return (
        _COUNTER_BEFORE.search(before) is not None
        or _UNIT_AFTER.search(text[end : end + _REACH]) is not None
    )


def is_part_of_number(text: bytes, start: int, end: int) -> bool:
    """Tell whether digits go on beyond a dot: a decimal, an OID, a dotted or hex group.

    Beyond a comma begins the next cell of a table: groups of thousands are shorter than what is
    asked about here.
    """
    left, right = text[max(0, start - 2) : start], text[end : end + 2]
    return (len(left) == 2 and left[1:] == b"." and left[:1].isdigit()) or (
        len(right) == 2 and right[:1] == b"." and right[1:].isdigit()
    )
