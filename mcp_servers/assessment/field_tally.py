"""Counts identifiers by field, in bounded memory, and shows what they look like without a value.

Texts of one field are looked at together, some tens of kilobytes at a time. A field's own name may
be a value, too (an object keyed by subscriber): names that do not read like a column are not kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from placement.assessment import FieldFinding
from telecom.identifiers.detector import IdentifierDetector
from telecom.identifiers.fields import declared_kind, is_location_beside_subscriber
from telecom.identifiers.kinds import Identifier, IdentifierKind

_BUFFER = 64 * 1024
"""Characters of one field that are looked at together."""
_MOST_FIELDS = 200
"""A source with more distinct fields than this has data in its keys."""
OTHER_FIELDS = "(further fields)"
_UNNAMED = "(key)"
_DEEPEST = 64
_LONG_NUMBER = 10**9
_LONGEST_SHAPE = 40
_COLUMN = re.compile(r"[A-Za-z_@][A-Za-z0-9_.:@/() -]{0,63}")
_LONG_DIGITS = re.compile(r"\d{5}")
_WHO = frozenset({IdentifierKind.SUBSCRIBER, IdentifierKind.DEVICE, IdentifierKind.SIM})


@dataclass(slots=True)
class _Field:
    """One field: what was found, and what is still to be looked at."""

    counts: Counter[str] = field(default_factory=Counter)
    shapes: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    size: int = 0


class FieldTally:
    """What the fields of one source hold."""

    def __init__(self, detector: IdentifierDetector) -> None:
        self._detector = detector
        self._fields: dict[str, _Field] = {}

    def add_text(self, name: str, text: str) -> None:
        """Take in text of a field; its lines are looked at by themselves."""
        if not text:
            return
        entry = self._field(name)
        entry.waiting.append(text)
        entry.size += len(text) + 1
        if entry.size >= _BUFFER:
            self._look(entry)

    def add_value(self, name: str, value: str) -> None:
        """Take in the value of a named field; a name that declares a kind beats every pattern."""
        if declared_kind(name, value) is None:
            self.add_text(name, value)
            return
        entry = self._field(name)
        for found in self._detector.find_in_field(name, value):
            self._note(entry, found)

    def add_record(self, record: object, name: str = "", *, depth: int = 0) -> None:
        """Take in JSON of any shape; fields are named by the path of their keys."""
        if depth > _DEEPEST:
            return
        if isinstance(record, Mapping):
            self._add_object(record, name, depth)
        elif isinstance(record, Sequence) and not isinstance(record, str):
            for item in record:
                self.add_record(item, name, depth=depth + 1)
        elif isinstance(record, str):
            self.add_value(name or "text", record)
        elif record is not None and not isinstance(record, bool):
            self._add_number(record, name or "number")

    def findings(self) -> tuple[FieldFinding, ...]:
        """The fields in order of appearance, counts by kind, examples as shapes."""
        for entry in self._fields.values():
            self._look(entry)
        return tuple(
            FieldFinding(
                name=name,
                identifiers=dict(sorted(entry.counts.items())),
                example=", ".join(
                    f"{kind} {shape}".rstrip() for kind, shape in sorted(entry.shapes.items())
                )
                or None,
            )
            for name, entry in self._fields.items()
        )

    def column_names(self, header: Sequence[str]) -> list[str] | None:
        """The names of a table's columns; None when the first row reads like data."""
        if len(set(header)) < len(header) or not all(map(self._reads_like_a_name, header)):
            return None
        return list(header)

    def _add_object(self, record: Mapping[object, object], name: str, depth: int) -> None:
        located = any(
            value not in (None, "", [], {}) and declared_kind(str(key)) in _WHO
            for key, value in record.items()
        )
        for key, value in record.items():
            word = str(key)
            if not self._reads_like_a_name(word):
                self.add_text(name or _UNNAMED, word)
                word = _UNNAMED
            path = f"{name}.{word}" if name else word
            if located and is_location_beside_subscriber(word) and value not in (None, ""):
                entry = self._field(path)
                entry.counts[IdentifierKind.LOCATION.value] += 1
            else:
                self.add_record(value, path, depth=depth + 1)

    def _add_number(self, number: object, name: str) -> None:
        """A number is looked at where its field declares it, or when it is long enough."""
        digits = str(number)
        if declared_kind(name, digits) is not None:
            self.add_value(name, digits)
        elif isinstance(number, int) and abs(number) > _LONG_NUMBER:
            self.add_text(name, f"{name.rpartition('.')[2]}={digits}")
        else:
            self._field(name)

    def _reads_like_a_name(self, word: str) -> bool:
        return (
            _COLUMN.fullmatch(word) is not None
            and _LONG_DIGITS.search(word) is None
            and not self._detector.find(word)
        )

    def _field(self, name: str) -> _Field:
        if name not in self._fields and len(self._fields) >= _MOST_FIELDS:
            name = OTHER_FIELDS
        return self._fields.setdefault(name, _Field())

    def _look(self, entry: _Field) -> None:
        text = "\n".join(entry.waiting)
        entry.waiting, entry.size = [], 0
        for found in self._detector.find(text):
            self._note(entry, found)

    @staticmethod
    def _note(entry: _Field, found: Identifier) -> None:
        kind = found.kind.value
        entry.counts[kind] += 1
        if kind not in entry.shapes:
            entry.shapes[kind] = "" if found.kind is IdentifierKind.SECRET else shape(found.value)


def shape(value: str) -> str:
    """What a value looks like: `#` for a digit, `x` and `X` for letters, signs as they are."""
    return "".join(
        "#"
        if letter.isdigit()
        else ("X" if letter.isupper() else "x")
        if letter.isalnum()
        else letter
        if letter.isascii() and letter.isprintable()
        else "?"
        for letter in value[:_LONGEST_SHAPE]
    )
