"""Replace identifiers in place, so that a quotation stays verbatim but for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from telecom.identifiers.kinds import Identifier
from telecom.identifiers.sanitizing import sanitize_text

if TYPE_CHECKING:
    from telecom.identifiers.detector import IdentifierDetector

LONGEST_LABEL = 128


def placeholder(identifier: Identifier) -> str:
    """The kind alone: `[SUBSCRIBER]`. Nothing to link, nothing to reverse."""
    return f"[{identifier.kind.value}]"


def mask(
    text: str,
    identifiers: Sequence[Identifier],
    name: Callable[[Identifier], str] = placeholder,
) -> str:
    """Put `name(identifier)` where each identifier stands.

    Args:
        text: The text the identifiers were found in.
        identifiers: In order, none overlapping another.
        name: What to write instead.
    """
    pieces: list[str] = []
    done = 0
    for identifier in identifiers:
        pieces += [text[done : identifier.start], name(identifier)]
        done = identifier.end
    return "".join([*pieces, text[done:]]) if pieces else text


def label(text: str, detector: IdentifierDetector) -> str:
    """Somebody's own words for a record: short, clean, without identifiers."""
    clean = sanitize_text(text[:LONGEST_LABEL])
    return mask(clean, detector.find(clean))
