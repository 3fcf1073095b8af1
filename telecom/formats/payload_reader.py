"""One reader over several JSON formats, told apart record by record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from telecom.formats.json_documents import Document, read_documents
from telecom.formats.payloads import Payload, PayloadFormat, Place, mapping
from telecom.formats.reading import NotAnAlarm, Reader, ReadingContext, Record, Rejected

_DESCRIPTIONS = frozenset({"$schema", "swagger", "openapi", "alarmdefinitions"})
"""Marks of documents that describe alarms and are none."""
_CONTAINERS = ("data", "alarms", "alerts", "events", "records", "items")
"""Under these names APIs return their lists."""
_DEEPEST = 4
"""Wrappers within wrappers."""


def payload_reader(formats: Sequence[PayloadFormat]) -> Reader:
    """Make the reader that knows these formats; with a single one, everything must be of it."""

    def read(data: bytes, context: ReadingContext) -> Iterator[Record]:
        for document in read_documents(data):
            if isinstance(document, Rejected):
                yield document
            else:
                yield from _read_document(document, formats, context)

    return read


def _read_document(
    document: Document, formats: Sequence[PayloadFormat], context: ReadingContext
) -> Iterator[Record]:
    place = Place(context, document.line, document.raw)
    for value in document.value if isinstance(document.value, list) else [document.value]:
        if isinstance(value, dict):
            yield from _read_payload(value, formats, place)
        else:
            yield Rejected(place.number, "JSON, but no object")


def _read_payload(
    payload: Payload, formats: Sequence[PayloadFormat], place: Place, depth: int = 0
) -> Iterator[Record]:
    for known in formats:
        if known.recognises(payload):
            yield from known.read(payload, place)
            return
    if _DESCRIPTIONS & payload.keys():
        yield NotAnAlarm(place.number, "a schema or a definition, not a record")
        return
    contained = _contained(payload) if depth < _DEEPEST else []
    if not contained:
        yield Rejected(place.number, "JSON of no known alarm format")
    for entry in contained:
        yield from _read_payload(entry, formats, place, depth + 1)


def _contained(payload: Payload) -> list[Payload]:
    """Find the records that an API's answer wraps."""
    for name in _CONTAINERS:
        inner = payload.get(name)
        if name == "alarms" and isinstance(inner, dict):
            # The alarm list of TS 28.532 is a map from alarm id to record.
            return [{"alarmId": key, **mapping(value)} for key, value in inner.items()]
        if isinstance(inner, dict):
            return [inner]
        if isinstance(inner, list) and inner and all(isinstance(entry, dict) for entry in inner):
            return inner
    return []
