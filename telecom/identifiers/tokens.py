"""What a pseudonym looks like, and how raw text that only looks like one is told apart.

A token is `KIND_<12 of base32>`; an address is `IP_<8: its subnet>_<12: itself>`, so that a shared
subnet shows. Each part has at least one digit, so that no word (`DEVICE_notification`) is a token.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import re2

from telecom.identifiers.kinds import IdentifierKind

_KINDS = "|".join(kind.value for kind in IdentifierKind if kind is not IdentifierKind.IP)
_TOKEN: re.Pattern[str] = re2.compile(
    rf"\b(?:(?:{_KINDS})_[a-z2-7]{{12}}|IP_[a-z2-7]{{8}}_[a-z2-7]{{12}})\b",
)
_PLACEHOLDER: re.Pattern[str] = re2.compile(
    r"\[(?:" + "|".join(kind.value for kind in IdentifierKind) + r")\]"
)


def find_tokens(text: str) -> list[tuple[int, int]]:
    """Spans of `text` that have the shape of a pseudonym."""
    if "_" not in text:
        return []
    return [match.span() for match in _TOKEN.finditer(text) if _has_digits(match.group())]


def find_placeholders(text: str) -> list[tuple[int, int]]:
    """Spans of `text` that an earlier pass left as `[KIND]`."""
    if "[" not in text:
        return []
    return [match.span() for match in _PLACEHOLDER.finditer(text)]


def is_token(text: str) -> bool:
    """Tell whether the whole of `text` has the shape of a pseudonym."""
    return find_tokens(text) == [(0, len(text))]


def escape_lookalikes(text: str, is_known: Callable[[str], bool] = lambda _: False) -> str:
    """Double the first underscore of what looks like a pseudonym but is none of ours.

    Call it where raw text is taken in, so that nobody can plant a pseudonym in a ticket or alarm.

    Args:
        text: Raw text.
        is_known: Tells a token that this site made; such a token stays.
    """
    pieces: list[str] = []
    done = 0
    for start, end in find_tokens(text):
        token = text[start:end]
        pieces += [text[done:start], token if is_known(token) else token.replace("_", "__", 1)]
        done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _has_digits(token: str) -> bool:
    return all(not part.isalpha() for part in token.split("_")[1:])
