"""Known names: harvested from the people fields of records, found wherever they recur.

A text is split into words once, whatever the number of names; only names whose last word occurs are
then searched for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import re2

from telecom.identifiers.fields import declared_kind
from telecom.identifiers.kinds import IdentifierKind
from telecom.identifiers.rules import LIKELY, Candidate, Rule

_WORD = re.compile(rb"[a-z\x80-\xff'-]+")


class NameIndex:
    """Finds known names in text."""

    def __init__(self, names: Iterable[str]) -> None:
        self._spellings: dict[bytes, list[str]] = {}
        self._rules: dict[bytes, Rule] = {}
        for name in names:
            for spelling in spellings_of(name):
                for word in _words(spelling.encode()):
                    self._spellings.setdefault(word, []).append(spelling)
                    break

    def candidates(self, text: bytes) -> list[Candidate]:
        """Find every known name in `text`."""
        if not self._spellings:
            return []
        found: list[Candidate] = []
        for word in self._spellings.keys() & set(_words(text)):
            found += self._rule(word).candidates(text)
        return found

    def _rule(self, word: bytes) -> Rule:
        rule = self._rules.get(word)
        if rule is None:
            longest_first = sorted(dict.fromkeys(self._spellings[word]), key=len, reverse=True)
            pattern = "|".join(map(re2.escape, longest_first))
            rule = Rule(IdentifierKind.PERSON, "", f"(?i)(?P<v>{pattern})", judge=_whole_words)
            self._rules[word] = rule
        return rule


def harvest(fields: Mapping[str, object]) -> set[str]:
    """Collect the names in the people fields of a record, for `IdentifierDetector.with_names`."""
    return {
        value.strip()
        for name, value in fields.items()
        if isinstance(value, str)
        and declared_kind(name, value) is IdentifierKind.PERSON
        and spellings_of(value)
    }


def spellings_of(name: str) -> list[str]:
    """List how a name may recur: `Megan Payne`, `Payne, Megan`, `M. Payne`, `megan.payne`.

    A name of less than three letters names nobody.
    """
    words = name.replace(",", " ").split()
    if "," in name and len(words) == 2:
        words.reverse()
    if len("".join(words)) < 3:
        return []
    if len(words) == 1:
        return words
    first, last = words[0], words[-1]
    return [" ".join(words), f"{last}, {first}", f"{first[0]}. {last}", f"{first}.{last}"]


def _whole_words(text: bytes, start: int, end: int) -> Candidate | None:
    before = text[max(0, start - 4) : start].decode(errors="ignore")[-1:]
    after = text[end : end + 4].decode(errors="ignore")[:1]
    if before.isalnum() or after.isalnum():
        return None
    return Candidate(start, end, IdentifierKind.PERSON, LIKELY)


def _words(text: bytes) -> list[bytes]:
    """Words of at least two letters, in lower case."""
    lower = text.lower() if text.isascii() else text.decode(errors="ignore").lower().encode()
    return [word for word in _WORD.findall(lower) if len(word) > 1]
