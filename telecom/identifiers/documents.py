"""Identifiers in JSON of any shape: found once, rendered in as many forms as are tried.

Keys are text like values. A field whose name declares a class beats every pattern; pairs such as
`{"name": "imsi", "value": "..."}` declare as a key does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from telecom.errors import EgressRefusedError
from telecom.identifiers.canonical import canonical
from telecom.identifiers.detector import IdentifierDetector
from telecom.identifiers.fields import declared_kind, is_location_beside_subscriber
from telecom.identifiers.kinds import Identifier, IdentifierKind
from telecom.identifiers.masking import mask
from telecom.identifiers.rules import LABELLED
from telecom.identifiers.sanitizing import sanitize_text

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Namer = Callable[[Identifier], str]

DEEPEST = 64
"""Nesting beyond this is refused."""

_WHO = frozenset({IdentifierKind.SUBSCRIBER, IdentifierKind.DEVICE, IdentifierKind.SIM})
_PAIR_NAMES = ("name", "key", "label", "attribute", "field", "attributeName", "fieldName")
_PAIR_VALUES = frozenset({"value", "val", "attributeValue", "fieldValue"})
_LONG_NUMBER = 10**9


class Document:
    """One JSON value, sanitised, and the identifiers in it."""

    def __init__(self, value: object, detector: IdentifierDetector) -> None:
        """Take in a value.

        Raises:
            EgressRefusedError: It holds something that is not JSON, or is nested too deep.
        """
        self.value = sanitized(value)
        self._detector = detector
        self._found: dict[tuple[str | None, str], list[Identifier]] = {}

    def render(self, name: Namer) -> tuple[Json, list[Identifier]]:
        """Write the document with `name(identifier)` for each identifier; list what was found."""
        found: list[Identifier] = []
        return self._render(self.value, None, name, found), found

    def _render(self, value: Json, field: str | None, name: Namer, found: list[Identifier]) -> Json:
        if isinstance(value, str):
            identifiers = self._identifiers(field, value)
            found += identifiers
            return mask(value, identifiers, name)
        if isinstance(value, list):
            return [self._render(item, field, name, found) for item in value]
        if isinstance(value, dict):
            return self._render_object(value, name, found)
        if isinstance(value, bool) or value is None or field is None:
            return value
        return self._render_number(value, field, name, found)

    def _render_object(
        self, value: dict[str, Json], name: Namer, found: list[Identifier]
    ) -> dict[str, Json]:
        located = _names_a_subscriber(value)
        declared = _pair_name(value)
        rendered: dict[str, Json] = {}
        for key, item in value.items():
            field = declared if declared and key in _PAIR_VALUES else key
            if located and is_location_beside_subscriber(key):
                shown = _whole(item, IdentifierKind.LOCATION, name, found)
            else:
                shown = self._render(item, field, name, found)
            rendered[_free_key(self._key(key, name, found), rendered)] = shown
        return rendered

    def _key(self, key: str, name: Namer, found: list[Identifier]) -> str:
        identifiers = self._identifiers(None, key)
        found += identifiers
        return mask(key, identifiers, name)

    def _render_number(
        self, value: int | float, field: str, name: Namer, found: list[Identifier]
    ) -> Json:
        """Mask a number where its field declares it, or where `field=number` is an identifier."""
        digits = str(value)
        if declared_kind(field, digits) is not None:
            identifiers = self._identifiers(field, digits)
        elif isinstance(value, int) and abs(value) > _LONG_NUMBER:
            label = f"{field}="
            identifiers = [
                Identifier(0, len(digits), hit.kind, digits, hit.confidence)
                for hit in self._identifiers(None, label + digits)
                if hit.start >= len(label)
            ][:1]
        else:
            return value
        if not identifiers:
            return value
        found += identifiers
        shown = mask(digits, identifiers, name)
        return value if shown == digits else shown

    def _identifiers(self, field: str | None, text: str) -> list[Identifier]:
        declares = field if field is not None and declared_kind(field, text) else None
        known = self._found.get((declares, text))
        if known is None:
            known = (
                self._detector.find(text)
                if declares is None
                else self._detector.find_in_field(declares, text)
            )
            self._found[declares, text] = known
        return known


def distinct(identifiers: list[Identifier]) -> set[tuple[str, str]]:
    """The different identifiers among finds, each in one spelling."""
    return {
        (identifier.kind.value, canonical(identifier.kind, identifier.value))
        for identifier in identifiers
    }


def strings_of(value: Json) -> Iterator[str]:
    """Every string of a document, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings_of(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings_of(item)


def sanitized(value: object, depth: int = 0) -> Json:
    """Check that a value is JSON and clean its strings.

    Raises:
        EgressRefusedError: It is not JSON: bytes, NaN, objects, keys that are no strings, or nested
            deeper than `DEEPEST`.
    """
    if depth > DEEPEST:
        raise _unknown_shape(f"nested deeper than {DEEPEST}")
    if isinstance(value, str):
        return sanitize_text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _unknown_shape("a number that JSON does not have")
        return value
    if isinstance(value, list | tuple):
        return [sanitized(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        cleaned: dict[str, Json] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise _unknown_shape(f"a key of type {type(key).__name__}")
            cleaned[_free_key(sanitize_text(key), cleaned)] = sanitized(item, depth + 1)
        return cleaned
    raise _unknown_shape(f"a value of type {type(value).__name__}")


def _unknown_shape(what: str) -> EgressRefusedError:
    return EgressRefusedError(
        f"the gate passes JSON only, it was given {what}",
        rule="gate.unknown_shape",
        remedy="the tool must answer with JSON",
    )


def _free_key(key: str, taken: Mapping[str, Json]) -> str:
    """Keep both of two keys that masking made equal."""
    if key not in taken:
        return key
    return next(
        free for number in range(2, len(taken) + 3) if (free := f"{key} ({number})") not in taken
    )


def _names_a_subscriber(value: Mapping[str, Json]) -> bool:
    return any(
        item not in (None, "", [], {}) and declared_kind(key) in _WHO for key, item in value.items()
    )


def _pair_name(value: Mapping[str, Json]) -> str | None:
    if not _PAIR_VALUES & value.keys():
        return None
    return next(
        (label for key in _PAIR_NAMES if isinstance(label := value.get(key), str) and label), None
    )


def _whole(value: Json, kind: IdentifierKind, name: Namer, found: list[Identifier]) -> Json:
    """Mask all of a value, whatever its shape."""
    if isinstance(value, dict):
        return {key: _whole(item, kind, name, found) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item, kind, name, found) for item in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    text = str(value)
    identifier = Identifier(0, len(text), kind, text, LABELLED)
    found.append(identifier)
    shown = name(identifier)
    return value if shown == text else shown
