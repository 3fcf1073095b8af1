"""Quoting: the part of a record that says what happened, in the record's own characters."""

from __future__ import annotations

import json
import re

from telecom.alarm import Alarm

MAX_QUOTE = 240
"""Longest verbatim span of one record, in characters."""

_KEY_BEFORE = re.compile(r'"[^"\\]{1,64}"\s*:\s*"?$')


def quote_of(alarm: Alarm, *, longest: int = MAX_QUOTE) -> str:
    """A verbatim span of the record, at most `longest` characters.

    A record of one line is quoted whole where it fits. Of a longer one (JSON, a trap) the span
    begins at the field that holds the message: the first characters of such a record are braces and
    ids, and a quote that ends before the message proves nothing.
    """
    text = alarm.additional_text or alarm.specific_problem or ""
    raw = (alarm.source.raw or text).strip()
    if len(raw) <= longest and "\n" not in raw:
        return raw
    for spelling in (text, *_as_json(text)):
        at = raw.find(spelling) if spelling else -1
        if at >= 0:
            key = _KEY_BEFORE.search(raw[max(0, at - 80) : at])
            return _span(raw, at - len(key.group()) if key else at, at, spelling, longest)
    return raw.partition("\n")[0][:longest]


def _span(raw: str, start: int, at: int, text: str, longest: int) -> str:
    """From `start` to the end of the text; where there is room, what leads up to it on its line."""
    end = min(at + len(text.partition("\n")[0]), start + longest)
    if raw[start] == '"' and raw[end : end + 1] == '"' and end - start < longest:
        end += 1
    elif raw[start] != '"':
        line = raw.rfind("\n", 0, start) + 1
        start = max(line, end - longest) if end - line <= longest else start
    return raw[start:end].strip()


def _as_json(text: str) -> tuple[str, str]:
    """How a JSON document may spell a text."""
    return json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]
