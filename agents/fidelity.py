"""Fidelity: which facts of the raw window a reader can still find in a brief.

The facts are taken from the records, never from the brief, and each is looked for as a reader
would: a name as a whole word, a time beside what it is the time of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.findings import Fidelity
from agents.folding import is_trouble, when
from telecom.alarm import Alarm
from telecom.configuration import ConfigChange
from telecom.times import format_instant


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the raw window tells."""

    kind: str
    """`element`, `cause`, `onset of a cause`, `first trouble`, `last trouble`, `change`."""
    words: tuple[str, ...]
    """All of them must stand on one line of the text."""


def facts_of(alarms: Sequence[Alarm], changes: Sequence[ConfigChange]) -> tuple[Fact, ...]:
    """The facts of a window.

    Args:
        alarms: Its records, in time order.
        changes: The configuration changes up to its end.
    """
    elements = dict.fromkeys(alarm.device for alarm in alarms)
    onsets: dict[str, Alarm] = {}
    for alarm in alarms:
        if alarm.probable_cause:
            onsets.setdefault(alarm.probable_cause, alarm)
    facts = [Fact("element", (name,)) for name in elements]
    facts += [Fact("cause", (cause,)) for cause in onsets]
    facts += [
        Fact("onset of a cause", (cause, clock(alarm)))
        for cause, alarm in onsets.items()
        if is_trouble(alarm)
    ]
    trouble = [alarm for alarm in alarms if is_trouble(alarm)]
    if trouble:
        facts.append(
            Fact("first trouble", (format_instant(when(trouble[0])), trouble[0].managed_object))
        )
        facts.append(Fact("last trouble", (clock(trouble[-1]),)))
    facts += [
        Fact("change", (format_instant(change.time), change.managed_object)) for change in changes
    ]
    return tuple(dict.fromkeys(facts))


def measure_fidelity(text: str, facts: Iterable[Fact]) -> Fidelity:
    """Look for each fact in a text; without facts the score is 1."""
    facts = tuple(facts)
    asked = Counter(fact.kind for fact in facts)
    kept = Counter(fact.kind for fact in held(text, facts))
    missing = asked - kept
    total, lost = asked.total(), missing.total()
    return Fidelity(
        score=round((total - lost) / total, 3) if total else 1.0,
        facts_total=total,
        facts_kept=total - lost,
        missing=tuple(f"{lost_of} of {asked[kind]} {kind}" for kind, lost_of in missing.items()),
    )


def clock(alarm: Alarm) -> str:
    """The time of day of a record, as the brief prints it."""
    return when(alarm).strftime("%H:%M:%S")


_WORD = re.compile(r"[\w./-]*\w")
_EDGE = r"(?<![\w-]){}(?![\w-])"


def _holds(line: str, words: frozenset[str], fact: Fact) -> bool:
    return all(
        word in words or (word in line and re.search(_EDGE.format(re.escape(word)), line))
        for word in fact.words
    )


def held(text: str, facts: Iterable[Fact]) -> list[Fact]:
    """The facts that stand in a text, in order."""
    lines = [(line, frozenset(_WORD.findall(line))) for line in text.splitlines()]
    return [fact for fact in facts if any(_holds(line, words, fact) for line, words in lines)]
