"""Repair steps: what close notes say was done, and which of it has not been done here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from telecom.ticket import SimilarIncident, SkippedCheck

MOST_STEPS = 3
_SENTENCE = re.compile(r"[^.;\n]+(?:\.(?=\S)[^.;\n]*)*")
_PEOPLES_SENTENCE = re.compile(r"[^.;!?\n]+(?:\.(?=\S)[^.;!?\n]*)*[.;!?]?")
_NEGATIONS = frozenset({"cannot", "never", "no", "not", "nobody", "t", "without"})
"""`t` is what is left of `didn't`."""
_WORD = re.compile(r"[^\W_]+")
_VERB_WITHIN = 4
"""An action stands among the first words of its sentence: `Field team spliced the cable`."""
_FILLER = frozenset(
    "a an and at after both by for from his in into it its of off on over the their then to via "
    "was were with".split()
)
_ACTIONS = frozenset(
    "adjust check clean clear configure connect correct deliver disable dispatch enable exchange "
    "fix install isolate measure move patch reboot reconnect refuel reload remove repair replace "
    "reset reseat reroute restart restore revert roll set shut splice swap switch test tighten "
    "tune update upgrade verify".split()
)


def skipped_checks(
    incidents: Sequence[SimilarIncident], done: Sequence[str] = ()
) -> tuple[SkippedCheck, ...]:
    """Steps that solved similar incidents and were not done at this one.

    Args:
        incidents: Best first; only close notes are read.
        done: What was done already, in words.

    Returns:
        At most `MOST_STEPS`, taken by most tickets first, each in a close note's own words.
    """
    known = [_telling(words) for words in done]
    groups: list[tuple[str, frozenset[str], list[str]]] = []
    for incident in incidents:
        if not incident.locator.startswith("close_note"):
            continue
        for step in repair_steps(incident.quote):
            words = _telling(step)
            if any(_alike(words, other) for other in known):
                continue
            for _, other, tickets in groups:
                if _alike(words, other):
                    if incident.ticket_id not in tickets:
                        tickets.append(incident.ticket_id)
                    break
            else:
                groups.append((step, words, [incident.ticket_id]))
    groups.sort(key=lambda group: -len(group[2]))
    return tuple(
        SkippedCheck(text=step, ticket_ids=tuple(tickets))
        for step, _, tickets in groups[:MOST_STEPS]
    )


def repair_steps(close_note: str) -> Iterator[str]:
    """The sentences of a close note that say what was done, verbatim, without the full stop."""
    for match in _SENTENCE.finditer(close_note):
        sentence = match[0].strip()
        words = _WORD.findall(sentence.lower())[:_VERB_WITHIN]
        if any(_stem(word) in _ACTION_STEMS for word in words):
            yield sentence


def steps_done(words: str) -> Iterator[str]:
    """Sentences in which a person says what was done already, verbatim; questions are none."""
    for match in _PEOPLES_SENTENCE.finditer(words):
        sentence = match[0].strip()
        said = _WORD.findall(sentence.lower())
        if sentence.endswith("?") or not _NEGATIONS.isdisjoint(said):
            continue
        told = said if "already" in said else [word for word in said if word.endswith("ed")]
        if any(_stem(word) in _ACTION_STEMS for word in told):
            yield sentence.rstrip(".;!")


def _stem(word: str) -> str:
    """A verb without its ending: `replaced`, `replace` and `replacing` are one."""
    for ending in ("ing", "ed", "d", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    word = word[:-1] if len(word) > 4 and word[-1] == word[-2] else word
    return word.removesuffix("e")


_ACTION_STEMS = frozenset(map(_stem, _ACTIONS))


def _telling(text: str) -> frozenset[str]:
    words = _WORD.findall(text.lower())
    return frozenset(_stem(word) for word in words if word not in _FILLER)


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two steps are the same: most words of the shorter one are in the other."""
    shared = len(one & other)
    return shared > 0 and shared * 5 >= 3 * min(len(one), len(other))
