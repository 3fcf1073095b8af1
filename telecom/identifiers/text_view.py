"""A text as the rules see it: bytes, with disguised digits and invisible characters undone."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_SPACES = dict.fromkeys([0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_DASHES = dict.fromkeys([*range(0x2010, 0x2015), 0x2212, 0xFE63, 0xFF0D], "-")


class TextView:
    """The searched bytes of a text, and the way back to its character offsets."""

    def __init__(self, text: str) -> None:
        self._text = text
        if text.isascii():
            self.data = text.encode()
            self.to_character: Callable[[int], int] = _same
            return
        folded, origins = _fold(text)
        self.data = folded.encode("utf-8", errors="surrogatepass")
        self._origins = origins
        self._anchors = [0]
        self._characters = [0]
        self.to_character = self._to_character

    def _to_character(self, offset: int) -> int:
        """Find the character at a byte offset, counting from the nearest known one."""
        at = bisect_right(self._anchors, offset) - 1
        begin, character = self._anchors[at], self._characters[at]
        character += len(self.data[begin:offset].decode("utf-8", errors="surrogatepass"))
        if offset > self._anchors[-1]:
            self._anchors.append(offset)
            self._characters.append(character)
        return character if self._origins is None else self._origins[character]


def _same(offset: int) -> int:
    return offset


def _fold(text: str) -> tuple[str, list[int] | None]:
    """Undo look-alike characters one for one, and leave out invisible ones.

    Returns:
        The folded text, and for each of its characters (and its end) the offset in `text`; None
        when the offsets are the same.
    """
    folded = text.translate(_fold_table(frozenset(text) - _ASCII))
    if _INVISIBLE.search(folded) is None:
        return folded, None
    origins = [at for at, character in enumerate(folded) if not _INVISIBLE.match(character)]
    kept = "".join(folded[at] for at in origins)
    return kept, [*origins, len(text)]


_ASCII = frozenset(map(chr, range(128)))


@lru_cache(maxsize=256)
def _fold_table(characters: frozenset[str]) -> dict[int, str]:
    table: dict[int, str] = {}
    for character in characters:
        digit = unicodedata.decimal(character, None)
        plain = str(digit) if digit is not None else unicodedata.normalize("NFKC", character)
        if len(plain) == 1 and plain.isascii() and plain != character:
            table[ord(character)] = plain
    return table | {code: to for code, to in (_SPACES | _DASHES).items() if chr(code) in characters}
