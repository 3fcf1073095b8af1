"""`IdentifierDetector`: finds identifiers in any text, in time linear in its length.

A first pass with one combined pattern finds the lines worth a look; a clean text costs no more.
Every rule then runs over all such lines at once, so that the cost per rule is paid once per text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

import re2

from telecom.errors import SettingsError
from telecom.identifiers.address_rules import ADDRESS_RULES, prefix_rules
from telecom.identifiers.disguised_rules import DISGUISED_RULES
from telecom.identifiers.fields import declared_kind
from telecom.identifiers.kinds import DetectorSettings, Identifier, IdentifierKind
from telecom.identifiers.location_rules import found_beside_subscribers
from telecom.identifiers.names import NameIndex
from telecom.identifiers.person_rules import PERSON_RULES
from telecom.identifiers.rules import LABELLED, Candidate, Rule, compile_bytes
from telecom.identifiers.secret_rules import SECRET_RULES
from telecom.identifiers.subscriber_rules import SUBSCRIBER_RULES, national_rules
from telecom.identifiers.text_view import TextView
from telecom.identifiers.tokens import find_placeholders, find_tokens

_PRIVATE_KEY: re.Pattern[bytes] = compile_bytes(
    r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)"
)
_GOES_ON: re.Pattern[bytes] = re2.compile(
    rb"[^\n]{0,3}?\d=?\r?\n[ \t>|]{0,8}\d{1,14}(?:[^-:/.\d]|[-:/.]\D|$)"
)
"""The end of a line whose last number goes on in the next, which begins with no time or date."""
_SHORTEST = 4
"""No rule finds anything in fewer characters."""


class IdentifierDetector:
    """Finds identifiers in text and in declared fields; immutable, safe to share."""

    def __init__(self, settings: DetectorSettings | None = None) -> None:
        """Compile the rules of a site.

        Raises:
            SettingsError: A prefix is not a CIDR, or a circuit id pattern is not RE2.
        """
        self.settings = settings or DetectorSettings()
        self._rules = (
            *SECRET_RULES,
            *SUBSCRIBER_RULES,
            *DISGUISED_RULES,
            *national_rules(self.settings.country),
            *PERSON_RULES,
            *ADDRESS_RULES,
            *prefix_rules(
                self.settings.subscriber_prefixes, every_address=self.settings.mask_all_ips
            ),
            *_circuit_rules(self.settings.circuit_ids),
        )
        self._names = NameIndex(self.settings.names)
        triggers = list(dict.fromkeys(rule.trigger for rule in self._rules))
        self._prefilter = compile_bytes("(?i)" + "|".join(f"(?:{trigger})" for trigger in triggers))
        self._by_trigger = [
            (
                compile_bytes(f"(?i){trigger}"),
                tuple(rule for rule in self._rules if rule.trigger == trigger),
            )
            for trigger in triggers
        ]

    def with_names(self, names: Iterable[str]) -> IdentifierDetector:
        """The same detector that also knows `names`, such as those of a ticket's people."""
        known = tuple(dict.fromkeys((*self.settings.names, *names)))
        if known == self.settings.names:
            return self
        return IdentifierDetector(replace(self.settings, names=known))

    def find(self, text: str) -> list[Identifier]:
        """Find the identifiers of `text`: in order, none overlapping another.

        What an earlier pass left (`SUBSCRIBER_k3f9...`, `[SECRET]`) is not found again.
        """
        if len(text) < _SHORTEST:
            return []
        view = TextView(text)
        candidates = self._names.candidates(view.data)
        if self._prefilter.search(view.data) is not None:
            candidates += self._candidates(view.data)
        if not candidates:
            return []
        found = [
            Identifier(start, end, candidate.kind, text[start:end], candidate.confidence)
            for candidate in _without_overlaps(candidates)
            if (start := view.to_character(candidate.start))
            < (end := view.to_character(candidate.end))
        ]
        return _outside(found, [*find_tokens(text), *find_placeholders(text)]) if found else []

    def find_in_field(self, name: str, value: str) -> list[Identifier]:
        """Find the identifiers of a named field; a name that declares a class beats any pattern."""
        kind = declared_kind(name, value)
        if kind is None or not value.strip():
            return self.find(value)
        whole = [Identifier(0, len(value), kind, value, LABELLED)]
        return _outside(whole, [*find_tokens(value), *find_placeholders(value)])

    def _candidates(self, data: bytes) -> list[Candidate]:
        lines = _lines_with_hits(data, self._prefilter)
        buffer, places = _joined(data, lines)
        candidates: list[Candidate] = []
        for trigger, rules in self._by_trigger:
            if trigger.search(buffer) is not None:
                for rule in rules:
                    candidates += rule.candidates(buffer)
        candidates += found_beside_subscribers(buffer, candidates)
        if places is None:
            return candidates
        return [
            moved for candidate in candidates if (moved := _moved(candidate, places)) is not None
        ]


def _lines_with_hits(data: bytes, prefilter: re.Pattern[bytes]) -> list[tuple[int, int]]:
    """Lines that contain a trigger; a private key or a number that a line end cuts is in one."""
    blocks = (
        [match.span() for match in _PRIVATE_KEY.finditer(data)] if b"-----BEGIN" in data else []
    )
    lines: list[tuple[int, int]] = []
    position = 0
    while (match := prefilter.search(data, position)) is not None:
        start, end = match.span()
        start = data.rfind(b"\n", 0, start) + 1
        end = data.find(b"\n", max(end - 1, start))
        end = len(data) if end < 0 else end + 1
        if _GOES_ON.match(data, max(end - 4, start)) is not None:
            after = data.find(b"\n", end)
            end = len(data) if after < 0 else after + 1
        for block in blocks:
            if block[0] < end and start < block[1]:
                start, end = min(start, block[0]), max(end, block[1])
        lines.append((start, end))
        if end <= position or end >= len(data):
            break
        position = end
    return lines


def _joined(
    data: bytes, lines: Sequence[tuple[int, int]]
) -> tuple[bytes, tuple[list[int], list[int]] | None]:
    """Join lines into one text, with the offsets that lead back; None when it is all of `data`."""
    if sum(end - start for start, end in lines) * 2 > len(data):
        return data, None
    pieces, starts, shifts, size = [], [], [], 0
    for start, end in lines:
        starts.append(size)
        shifts.append(start - size)
        piece = data[start:end]
        pieces.append(piece if piece.endswith(b"\n") else piece + b"\n")
        size += len(pieces[-1])
    return b"".join(pieces), (starts, shifts)


def _moved(candidate: Candidate, places: tuple[list[int], list[int]]) -> Candidate | None:
    """Lead a candidate back; None for one over lines that only the joined text has side by side."""
    starts, shifts = places
    piece = bisect_right(starts, candidate.start) - 1
    if bisect_right(starts, candidate.end - 1) - 1 != piece:
        return None
    shift = shifts[piece]
    return Candidate(
        candidate.start + shift, candidate.end + shift, candidate.kind, candidate.confidence
    )


def _without_overlaps(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Of overlapping candidates keep the surest kind, over all they cover together."""
    chosen: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda each: (each.start, -each.end)):
        if not chosen or candidate.start >= chosen[-1].end:
            chosen.append(candidate)
            continue
        last = chosen[-1]
        best = max(last, candidate, key=_weight)
        chosen[-1] = Candidate(last.start, max(last.end, candidate.end), best.kind, best.confidence)
    return chosen


def _weight(candidate: Candidate) -> tuple[bool, float, int]:
    is_secret = candidate.kind is IdentifierKind.SECRET
    return is_secret, candidate.confidence, candidate.end - candidate.start


def _outside(
    identifiers: Iterable[Identifier], spans: Sequence[tuple[int, int]]
) -> list[Identifier]:
    if not spans:
        return list(identifiers)
    return [
        identifier
        for identifier in identifiers
        if not any(start < identifier.end and identifier.start < end for start, end in spans)
    ]


def _circuit_rules(patterns: Sequence[str]) -> list[Rule]:
    rules = []
    for pattern in patterns:
        rule = Rule(IdentifierKind.CIRCUIT, f"(?:{pattern})", f"(?i)(?P<v>{pattern})")
        try:
            rule.candidates(b"")
        except re2.error as exc:
            raise SettingsError(f"circuit_ids takes RE2 patterns, got {pattern!r}: {exc}") from exc
        rules.append(rule)
    return rules
