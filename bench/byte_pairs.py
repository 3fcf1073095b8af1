"""A real byte-pair tokenizer for calibration, where its vocabulary is at hand.

Not a dependency and not shipped: `TIERWISE_O200K` names a file in tiktoken's format (one base64
piece and its rank a line), such as the o200k_base vocabulary that some packages carry.
"""

from __future__ import annotations

import base64
import os
import re
from functools import lru_cache
from pathlib import Path

import regex

_CASED = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_SMALL = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SUFFIX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_PIECES = regex.compile(
    rf"[^\r\n\p{{L}}\p{{N}}]?{_CASED}*{_SMALL}+{_SUFFIX}"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{_CASED}+{_SMALL}*{_SUFFIX}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How o200k_base cuts text before it pairs bytes."""


def vocabulary_file() -> Path | None:
    """The vocabulary on this machine; None where there is none."""
    named = os.environ.get("TIERWISE_O200K")
    return Path(named) if named and Path(named).is_file() else None


class BytePairs:
    """Counts tokens exactly."""

    def __init__(self, file: Path) -> None:
        lines = (line.split() for line in file.read_bytes().splitlines())
        self._ranks = {base64.b64decode(piece): int(rank) for piece, rank in lines}
        self._tokens = lru_cache(maxsize=200_000)(self._count)

    def count(self, text: str) -> int:
        """How many tokens `text` has."""
        return sum(self._tokens(piece.encode()) for piece in _PIECES.findall(text))

    def _count(self, piece: bytes) -> int:
        if piece in self._ranks:
            return 1
        parts = [piece[i : i + 1] for i in range(len(piece))]
        while len(parts) > 1:
            ranks = [
                self._ranks.get(a + b, len(self._ranks))
                for a, b in zip(parts, parts[1:], strict=False)
            ]
            best = min(ranks)
            if best == len(self._ranks):
                break
            at = ranks.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return len(parts)


def words_of(text: str) -> list[str]:
    """The runs of letters of a text, for looking at where an estimate is wrong."""
    return re.findall(r"[A-Za-z]+", text)
