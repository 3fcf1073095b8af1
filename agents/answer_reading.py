"""What a model reads of a tool's answer: the same facts in fewer tokens.

A structured answer names every field in every row and quotes every record beside it. A model is
billed for that in each turn that follows, so rows are written under one heading, what all of them
share is said once, nothing is said about what is empty, and a quotation stands in its row or, when
it was read before, nowhere. Ids stay as they are: statements cite them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = Any
"""Any JSON value."""

_QUOTE = "quote"
_TABLE_FROM = 2
"""Rows from which one heading is shorter than naming the fields in each."""
_SAID_BY_EVIDENCE_ID = ("alarm_id",)
"""Fields whose value is a part of the evidence id in the same row."""


def reading_of(answer: Json, *, known: frozenset[str] = frozenset()) -> str:
    """Write a tool's answer for a model.

    Args:
        answer: The structured answer; its `evidence` maps ids to quotations.
        known: Evidence ids whose quotations the model has read already.
    """
    if not isinstance(answer, dict):
        return _written(answer)
    quotes = _quotes(answer.get("evidence"))
    body = {name: value for name, value in answer.items() if name != "evidence"}
    placed: set[str] = set(known)
    body = _with_quotes(body, quotes, placed)
    said = _written(body)
    rest = {
        key: quote
        for key, quote in quotes.items()
        if key not in placed and json.dumps(quote, ensure_ascii=False)[1:-1] not in said
    }
    lines = list(_lines(body))
    cited = [key for key in quotes if key not in placed and key not in rest and key not in said]
    if cited:
        lines.append(f"evidence ids of the above: {', '.join(cited)}")
    lines += [f"{key}: {quote.strip()}" for key, quote in rest.items()]
    return "\n".join(lines)


def _quotes(evidence: Json) -> dict[str, str]:
    if not isinstance(evidence, dict):
        return {}
    found = {
        key: quotation.get("quote")
        for key, quotation in evidence.items()
        if isinstance(quotation, dict)
    }
    return {key: quote for key, quote in found.items() if isinstance(quote, str)}


def _with_quotes(value: Json, quotes: Mapping[str, str], placed: set[str]) -> Json:
    """Put each quotation into the row that is about it, and leave out what says nothing."""
    if isinstance(value, list):
        return [_with_quotes(item, quotes, placed) for item in value]
    if not isinstance(value, dict):
        return value
    row = {
        name: kept
        for name, item in value.items()
        if (kept := _with_quotes(item, quotes, placed)) not in (None, "", [], {})
    }
    key = row.get("evidence_id")
    if isinstance(key, str):
        for name in _SAID_BY_EVIDENCE_ID:
            if isinstance(row.get(name), str) and key.endswith(row[name]):
                del row[name]
        if key in quotes and key not in placed:
            row[_QUOTE] = quotes[key]
            placed.add(key)
    return row


def _lines(body: Mapping[str, Json]) -> Iterator[str]:
    for name, value in body.items():
        if _is_table(value):
            yield from _table(name, value)
        else:
            yield f"{name}: {value if isinstance(value, str) else _written(value)}"


def _is_table(value: Json) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= _TABLE_FROM
        and all(isinstance(row, dict) for row in value)
    )


def _table(name: str, rows: Sequence[Mapping[str, Json]]) -> Iterator[str]:
    """One heading, what all rows share, then a JSON array for each row."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    shared = {
        key: rows[0][key]
        for key in columns
        if key != _QUOTE and all(key in row and row[key] == rows[0][key] for row in rows)
    }
    own = [key for key in columns if key not in shared and key != _QUOTE]
    heading = f"{name} [{','.join(own)}]"
    heading += " and its quotation" * (_QUOTE in columns)
    heading += f", each with {_written(shared)}" if shared else ""
    yield f"{heading}:"
    for row in rows:
        # Verbatim: JSON would escape every quotation mark in it.
        quote = f" {row[_QUOTE].strip()}" if _QUOTE in row else ""
        yield _written([row.get(key) for key in own]) + quote


def _written(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
