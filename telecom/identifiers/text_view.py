"""A text as the rules see it: bytes, with escapes, disguised digits and invisible signs undone."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import lru_cache

import re2

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_ESCAPES = (
    r"%([2-7][0-9A-Fa-f])|\\u00([2-7][0-9A-Fa-f])|&#[xX]0{0,4}([2-7][0-9A-Fa-f]);"
    r"|&#0{0,4}(3[2-9]|[4-9]\d|1[01]\d|12[0-6]);"
)
"""A printable ASCII character in an address (RFC 3986), a JSON string (RFC 8259) or a page."""
_ESCAPE = re.compile(_ESCAPES)
_HAS_ESCAPE: re.Pattern[bytes] = re2.compile(_ESCAPES.encode())
"""Says several times as fast that there is none, as is usual."""
_SPACES = dict.fromkeys([0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_DASHES = dict.fromkeys([*range(0x2010, 0x2015), 0x2212, 0xFE63, 0xFF0D], "-")


class TextView:
    """The searched bytes of a text, and the way back to its character offsets."""

    def __init__(self, text: str) -> None:
        plain, self._escapes, self._beyond = _unescaped(text)
        self.to_character: Callable[[int], int]
        if plain.isascii():
            self.data = plain.encode()
            self.to_character = self._to_original if self._escapes else _same
            return
        folded, self._origins = _fold(plain)
        self.data = folded.encode("utf-8", errors="surrogatepass")
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
        if self._origins is not None:
            character = self._origins[character]
        return self._to_original(character)

    def _to_original(self, character: int) -> int:
        """Find the place in the text of a character of what was unescaped."""
        escapes = bisect_left(self._escapes, character)
        return character + (self._beyond[escapes - 1] if escapes else 0)


def _same(offset: int) -> int:
    return offset


def _unescaped(text: str) -> tuple[str, list[int], list[int]]:
    """Undo escapes of printable characters.

    Returns:
        The text, the place in it of each character that was escaped, and by how much longer the
        original is up to behind each.
    """
    if _HAS_ESCAPE.search(text.encode("utf-8", errors="surrogatepass")) is None:
        return text, [], []
    pieces: list[str] = []
    escapes: list[int] = []
    beyond: list[int] = []
    end = longer = 0
    for match in _ESCAPE.finditer(text):
        percent, json_escape, hexadecimal, decimal = match.groups()
        digits = percent or json_escape or hexadecimal
        pieces += (text[end : match.start()], chr(int(digits, 16) if digits else int(decimal)))
        escapes.append(match.start() - longer)
        longer += match.end() - match.start() - 1
        beyond.append(longer)
        end = match.end()
    return "".join([*pieces, text[end:]]), escapes, beyond


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
