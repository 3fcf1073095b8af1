"""The strings of a document, and those among an argument's that may be a guess at a subscriber."""

from __future__ import annotations

import re
from collections.abc import Callable

from telecom.identifiers.documents import Json
from telecom.identifiers.numbering import may_be_subscribers

_NO_WORDS = frozenset(
    {"alarm_id", "ticket_id", "uri", "handle", "cursor", "from_time", "to_time", "at"}
)

_NUMBER = re.compile(r"(?<![\w.])\d{10,16}(?![\w.])")


def holds_guess(value: Json, field: str = "") -> bool:
    """Tell whether words to search for hold a number that a subscriber may have.

    A record says what its numbers are; somebody who guesses need not. Ids and times are exempt: a
    source's own ids are numbers, too, and only a record's own id finds it.
    """
    if isinstance(value, str):
        return field not in _NO_WORDS and any(map(may_be_subscribers, _NUMBER.findall(value)))
    if isinstance(value, list):
        return any(holds_guess(item, field) for item in value)
    if isinstance(value, dict):
        return any(holds_guess(item, key) for key, item in value.items())
    return False


def each_string(value: Json, change: Callable[[str], str]) -> Json:
    """Change every string of a document; keys are strings, too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [each_string(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): each_string(item, change) for key, item in value.items()}
    return value
