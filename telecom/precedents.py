"""Precedents: what similar past incidents agree on, counted honestly.

The knowledge base on the site and the historian wherever it runs count with this same function.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from telecom.repair_steps import skipped_checks
from telecom.ticket import SimilarIncident, SimilarIncidents

_MAJORITY = 0.5
_STOP_WORDS = frozenset(
    "a an and after at by due for from in of on or the to was were with".split()
)


def agree(
    incidents: Sequence[SimilarIncident], *, confident_from: float, done: Sequence[str] = ()
) -> SimilarIncidents:
    """Count the causes that similar incidents name; abstain where they do not support one.

    Args:
        incidents: Best first, only those similar enough to be shown.
        confident_from: Score that the best one must reach before its cause is taken for likely.
        done: What was done about the incident at hand, in words.
    """
    if not incidents:
        return SimilarIncidents(
            incidents=(),
            agreed_cause=None,
            agreement=(0, 0),
            abstained_because="no closed ticket on this site resembles the incident",
        )
    cause, votes = leading_cause([incident.cause for incident in incidents])
    reason = _why_not(votes, len(incidents), incidents[0].score, confident_from)
    solved = [
        each
        for each in incidents
        if reason or (cause and each.cause and same_cause(cause, each.cause))
    ]
    return SimilarIncidents(
        incidents=tuple(incidents),
        agreed_cause=None if reason else cause,
        agreement=(votes, len(incidents)),
        abstained_because=reason,
        skipped_checks=skipped_checks(solved, done),
    )


def leading_cause(causes: Sequence[str | None]) -> tuple[str | None, int]:
    """The cause that most tickets name, in the words of the best of them, and how many do.

    Two wordings are the same cause when one's telling words are all in the other's, or most are
    shared. Equal counts are settled by the order given.
    """
    groups: list[tuple[str, frozenset[str], int]] = []
    for cause in causes:
        words = telling_words(cause or "")
        if cause is None or not words:
            continue
        for place, (wording, known, votes) in enumerate(groups):
            if _same(words, known):
                groups[place] = (wording, known, votes + 1)
                break
        else:
            groups.append((cause, words, 1))
    if not groups:
        return None, 0
    wording, _, votes = max(groups, key=lambda group: group[2])
    return wording, votes


def same_cause(one: str, other: str) -> bool:
    """Whether two wordings name the same cause, as `leading_cause` counts them."""
    words, known = telling_words(one), telling_words(other)
    return bool(words and known) and _same(words, known)


def _same(words: frozenset[str], known: frozenset[str]) -> bool:
    shared = len(words & known)
    return shared == min(len(words), len(known)) or shared * 5 >= 3 * len(words | known)


def telling_words(text: str) -> frozenset[str]:
    """The words of a cause that say what it was, without plurals and filler."""
    words = re.findall(r"[^\W_]+", text.lower())
    return frozenset(word.removesuffix("s") for word in words if word not in _STOP_WORDS)


def _why_not(votes: int, total: int, best: float, confident_from: float) -> str | None:
    if votes == 0:
        return "the similar tickets name no cause"
    if best < confident_from:
        return (
            f"the most similar ticket is not similar enough (score {best:.2f} of {confident_from})"
        )
    if total == 1:
        return "only one similar ticket: one case is no pattern"
    if votes < 2 or votes <= _MAJORITY * total:
        return f"the similar tickets disagree: at most {votes} of {total} name the same cause"
    return None
