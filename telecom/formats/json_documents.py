"""JSON of any arrangement: one document, a list, JSON Lines, several documents in a row."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from telecom.formats.reading import Rejected

_decoder = json.JSONDecoder(strict=False, parse_constant=lambda _: None)
_BLANK = " \t\r\n,\x1e\ufeff"
"""Between documents: blanks, the commas of a broken list, the separator of RFC 7464."""
_DEEPEST = 64
"""Levels of nesting that are kept; no alarm format has a dozen. The raw text keeps all of them."""


@dataclass(frozen=True, slots=True)
class Document:
    """One JSON value of a file."""

    line: int
    """1-based line it begins on; in a list, its 1-based number."""
    value: Any  # JSON
    raw: str


def decode_text(data: bytes) -> str:
    """Decode UTF-8, or UTF-16 where a byte order mark says so; bad bytes are replaced."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def read_documents(data: bytes) -> Iterator[Document | Rejected]:
    """Find every JSON document in `data`; what is broken is rejected, what follows is read.

    The elements of a list that stands for itself count as documents, also when the list is cut off.
    """
    text = decode_text(data)
    start = _skip(text, 0)
    if text[start : start + 1] == "[":
        yield from _elements(text, start)
        return
    line, counted = 1, 0
    position = start
    while position < len(text):
        line += text.count("\n", counted, position)
        counted = position
        value, end, problem = _decode(text, position)
        if problem is None:
            yield Document(line, _tamed(value), text[position:end])
        else:
            yield Rejected(line, problem)
            next_line = text.find("\n", position)
            end = len(text) if next_line < 0 else _next_document(text, next_line + 1)
        position = _skip(text, end)


def _elements(text: str, start: int) -> Iterator[Document | Rejected]:
    position, number = _skip(text, start + 1), 0
    while position < len(text) and text[position] != "]":
        number += 1
        value, end, problem = _decode(text, position)
        if problem is not None:
            yield Rejected(number, problem)
            return
        yield Document(number, _tamed(value), text[position:end])
        position = _skip(text, end)
    if position >= len(text):
        yield Rejected(number + 1, "the list is cut off: no closing bracket")


def _decode(text: str, position: int) -> tuple[Any, int, str | None]:
    try:
        value, end = _decoder.raw_decode(text, position)
    except json.JSONDecodeError as exc:
        what = "cut off" if exc.pos >= len(text.rstrip()) - 1 else "not JSON"
        return None, position, f"{what}: {exc.msg}"
    except ValueError:
        return None, position, "not JSON: a number has too many digits"
    except RecursionError:
        return None, position, "nested too deeply"
    return value, end, None


def _next_document(text: str, position: int) -> int:
    """Find the next line that begins a document: the rest of a broken one is not reported twice."""
    while position < len(text) and text[position] not in "{[":
        following = text.find("\n", position)
        if following < 0:
            return len(text)
        position = following + 1
    return position


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANK:
        position += 1
    return position


def _tamed(value: Any, depth: int = 0) -> Any:  # JSON in, JSON out
    """Replace lone surrogates, which no encoder takes, and cut what is nested beyond all use."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list | dict) and depth >= _DEEPEST:
        return None
    if isinstance(value, list):
        return [_tamed(element, depth + 1) for element in value]
    if isinstance(value, dict):
        return {_tamed(key): _tamed(item, depth + 1) for key, item in value.items()}
    return value
