"""One spelling per identifier, so that all its spellings get the same pseudonym."""

from __future__ import annotations

import re
from ipaddress import ip_address

import re2

from telecom.identifiers.kinds import IdentifierKind

_SEPARATORS: re.Pattern[str] = re2.compile(r"[\s().\-/:_]+")
_NULL_SUCI: re.Pattern[str] = re2.compile(
    r"(?i)^(?:suci-)?0-(\d{3})-(\d{2,3})-[0-9a-f]{1,4}-0-\d{1,3}-(\d{5,10})(?:@.*)?$"
)
_TYPED: re.Pattern[str] = re2.compile(
    r"(?i)^(?:imsi|msisdn|imeisv|imei|nai|extid|mac|tel|sips?|mailto)[-:]"
)


def canonical(kind: IdentifierKind, value: str) -> str:
    """Reduce a value to the form in which equal identifiers are equal.

    An IMEI, its form without check digit and its IMEISV name one device; a null-scheme SUCI carries
    an IMSI in clear.
    """
    text = _TYPED.sub("", value.strip())
    if kind is IdentifierKind.SUBSCRIBER:
        return _subscriber(text)
    if kind is IdentifierKind.DEVICE:
        digits = _SEPARATORS.sub("", text)
        return digits[:14] if digits.isdigit() and 14 <= len(digits) <= 16 else digits.lower()
    if kind in (IdentifierKind.SIM, IdentifierKind.MAC, IdentifierKind.ACCOUNT):
        return _SEPARATORS.sub("", text).lower()
    if kind is IdentifierKind.IP:
        return _address(text)
    if kind is IdentifierKind.SECRET:
        return text
    return " ".join(text.casefold().split())


def _subscriber(text: str) -> str:
    if suci := _NULL_SUCI.search(text):
        return "".join(suci.group(1, 2, 3))
    if "@" in text:
        return text.casefold()
    packed = _SEPARATORS.sub("", text).removeprefix("+")
    if packed.isdigit():
        return packed[2:] if packed.startswith("00") and len(packed) > 11 else packed
    return packed.casefold().removeprefix("0x")


def _address(text: str) -> str:
    try:
        return str(ip_address(text.partition("%")[0].partition("/")[0]))
    except ValueError:
        return text.casefold()
