"""Gists: what passages are compared by when copies are looked for."""

from __future__ import annotations

import re
from functools import cached_property
from zlib import crc32

NEAR_DUPLICATE = 0.8
"""Jaccard similarity of word sets from which two passages count as copies of each other."""
_SKETCH_BITS = 256


def gist_of(text: str) -> str:
    """The words of a text, each once: numbers left out, since copies with other ids are copies."""
    return " ".join(sorted(set(re.findall(r"[^\W\d_]{2,}", text.lower()))))


def sketch_of(gist: str) -> bytes:
    """32 bytes in which every word of a gist sets one bit.

    A bit that one sketch has and another lacks is a word that one gist has and the other lacks.
    """
    bits = 0
    for word in gist.split():
        bits |= 1 << crc32(word.encode()) % _SKETCH_BITS
    return bits.to_bytes(_SKETCH_BITS // 8)


class Gist:
    """A gist ready to be compared with many."""

    def __init__(self, text: str, sketch: bytes) -> None:
        """Take a gist as stored.

        Args:
            text: From `gist_of`.
            sketch: Its own, from `sketch_of`.
        """
        self._text = text
        self._size = text.count(" ") + 1
        self._bits = int.from_bytes(sketch)

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self._text.split())

    def is_copy_of(self, other: Gist) -> bool:
        """Whether the two are so similar that they say the same."""
        # Words are taken apart only where the sketches leave it open.
        most_shared = self._size - (self._bits & ~other._bits).bit_count()
        return self._similar(other, most_shared) and self._similar(
            other, len(self._words & other._words)
        )

    def _similar(self, other: Gist, shared: int) -> bool:
        return shared >= NEAR_DUPLICATE * (self._size + other._size - shared)
