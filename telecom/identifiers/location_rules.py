"""A cell or a place becomes a person's location when its line also names a subscriber."""

from __future__ import annotations

from collections.abc import Sequence

from telecom.identifiers.kinds import IdentifierKind
from telecom.identifiers.rules import LABELLED, Candidate, Rule

_WHO = frozenset({IdentifierKind.SUBSCRIBER, IdentifierKind.DEVICE, IdentifierKind.SIM})

_PLACES = (
    Rule(
        IdentifierKind.LOCATION,
        r"",
        r"(?i)\b(?:e?cgi|ncgi|(?:nr|eutra)[-_ ]?cgi|(?:serving[-_ ]?)?cell(?:[-_ ]?id(?:entity)?)?|uli|tai|tac|lac|sac|rac|ci)"
        r"[\"'\\]{0,2}[ \t]*[:=#]?[ \t]*[\"'\\]{0,2}(?P<v>(?:0x)?[0-9a-f]*\d[0-9a-f]*(?:[-/.:][0-9a-f]+){0,4})\b",
    ),
    Rule(
        IdentifierKind.LOCATION,
        r"",
        r"(?i)\b(?:lat(?:itude)?|lon(?:gitude)?|lng|gps|coordinates?|position)[\"'\\]{0,2}[ \t]*[:=]?[ \t]*[\"'\\(\[]{0,2}"
        r"(?P<v>[+-]?\d{1,3}\.\d{2,}(?:[NSEW°]|\s*[,;/]\s*[+-]?\d{1,3}\.\d{2,})?)",
    ),
)


def locations_beside_subscribers(text: bytes, found: Sequence[Candidate]) -> list[Candidate]:
    """Find cells and coordinates on the lines of `text` that name a subscriber, device or SIM."""
    lines: dict[int, int] = {}
    for candidate in found:
        if candidate.kind in _WHO:
            start = text.rfind(b"\n", 0, candidate.start) + 1
            if start not in lines:
                end = text.find(b"\n", candidate.end)
                lines[start] = len(text) if end < 0 else end
    places: list[Candidate] = []
    for start, end in lines.items():
        line = text[start:end]
        for rule in _PLACES:
            places += [
                Candidate(each.start + start, each.end + start, each.kind, LABELLED)
                for each in rule.candidates(line)
            ]
    return places
