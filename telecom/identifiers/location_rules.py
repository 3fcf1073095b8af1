"""A cell, a place or a session's address is a person's when its line also names a subscriber."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from telecom.identifiers.kinds import IdentifierKind
from telecom.identifiers.rules import Candidate, Rule

_LINE_END = re.compile(b"\n")
_WHO = frozenset({IdentifierKind.SUBSCRIBER, IdentifierKind.DEVICE, IdentifierKind.SIM})

_PLACES = (
    Rule(
        IdentifierKind.LOCATION,
        r"",
        r"(?i)\b(?:e?cgi|ncgi|(?:nr|eutra)[-_ ]?cgi|(?:serving[-_ ]?|nr[-_ ]?|eutra[-_ ]?)?cell"
        r"(?:[-_ ]?id(?:entity)?)?|uli|tai|tac|lac|sac|rac|ci)"
        r"[\"'\\]{0,2}[ \t]*[:=#]?[ \t]*[\"'\\]{0,2}(?P<v>(?:0x)?[0-9a-f]*\d[0-9a-f]*"
        r"(?:[-/.:](?:0x)?[0-9a-f]+){0,4})\b",
    ),
    Rule(
        IdentifierKind.LOCATION,
        r"",
        r"(?i)\b(?:lat(?:itude)?|lon(?:gitude)?|lng|gps|coordinates?"
        r"|position|location)[\"'\\]{0,2}[ \t]*[:=]?[ \t]*[\"'\\(\[]{0,2}"
        r"(?P<v>[+-]?\d{1,3}\.\d{2,}(?:[NSEW°]|\s*[,;/]\s*[+-]?\d{1,3}\.\d{2,})?)",
    ),
    Rule(
        IdentifierKind.IP,
        r"",
        # `ipv4Addr`, `ipv6Prefix` of a PDU session (TS 29.512, TS 29.521).
        r"(?i)\bipv[46](?:addr(?:ess)?|prefix)?[\"'\\]{0,2}[ \t]*[:=\[][ \t]*[\"'\\\[]{0,3}"
        r"(?P<v>\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{1,4}:[0-9a-f:]{2,40})",
    ),
)


def found_beside_subscribers(text: bytes, found: Sequence[Candidate]) -> list[Candidate]:
    """Find cells, coordinates and session addresses on lines that name who somebody is.

    Args:
        text: What was searched.
        found: The candidates in it; subscribers, devices and SIMs count.
    """
    people = [candidate.start for candidate in found if candidate.kind in _WHO]
    if not people:
        return []
    ends = [match.start() for match in _LINE_END.finditer(text)]
    lines = {bisect_left(ends, start) for start in people}
    return [
        place
        for rule in _PLACES
        for place in rule.candidates(text)
        if bisect_left(ends, place.start) in lines
    ]
