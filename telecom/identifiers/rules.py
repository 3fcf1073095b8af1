"""A rule: where to look for one kind of identifier, and how sure a find is.

Patterns are RE2 over UTF-8 bytes: linear in the text whatever it says. `trigger` is a short pattern
that any match of the rule contains; the union of all triggers is the one pass a clean text costs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import re2

from telecom.identifiers.kinds import IdentifierKind

LABELLED = 0.95
"""A label or field says what it is: no checksum may veto it."""
SHAPED = 0.8
"""Shape, numbering plan or checksum say so."""
LIKELY = 0.6
"""Shape says so, and nothing around it says otherwise."""

_MEMORY = 64 << 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that may be an identifier; offsets are bytes of the searched text."""

    start: int
    end: int
    kind: IdentifierKind
    confidence: float


Judge = Callable[[bytes, int, int], Candidate | None]
"""Looks at text[start:end] in its surroundings and says what it is, if anything."""


@dataclass(frozen=True)
class Rule:
    """One pattern, its kind, and what decides when shape alone does not."""

    kind: IdentifierKind
    trigger: str
    pattern: str
    """Group `v` is the identifier."""
    confidence: float = LABELLED
    judge: Judge | None = None

    @cached_property
    def compiled(self) -> re.Pattern[bytes]:
        """The compiled pattern."""
        return compile_bytes(self.pattern)

    @cached_property
    def _group(self) -> int:
        return self.compiled.groupindex[b"v"]  # type: ignore[index]  # RE2 over bytes names in bytes

    def candidates(self, text: bytes) -> list[Candidate]:
        """Find what the rule says are identifiers in `text`."""
        group = self._group
        found: list[Candidate] = []
        position, size = 0, len(text)
        search = self.compiled.search
        while position <= size and (match := search(text, position)) is not None:
            start, end = match.span(group)
            if start < 0 or start == end:
                position = max(match.end(), position + 1)
                continue
            # Labels may follow a value directly, so only the value itself is consumed.
            position = max(end, position + 1)
            if self.judge is None:
                found.append(Candidate(start, end, self.kind, self.confidence))
            elif (judged := self.judge(text, start, end)) is not None:
                found.append(judged)
                # What the judge left over may be the label of the next value.
                position = max(judged.end, match.start() + 1)
        return found


def compile_bytes(pattern: str) -> re.Pattern[bytes]:
    """Compile an RE2 pattern over bytes, with room for its automaton."""
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    compiled: re.Pattern[bytes] = re2.compile(pattern.encode(), options)
    return compiled
