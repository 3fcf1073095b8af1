"""Have we seen this before: similar closed tickets, and how far they agree on the cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.identifier_terms import normal_form
from telecom.ticket import SimilarIncident, SimilarIncidents, Ticket

FLOOR = 0.3
"""Similarity below which a ticket is not shown: unrelated texts stay under .25 here."""
CONFIDENT = 0.5
"""Similarity that the best ticket must reach before its cause is taken for likely."""
_MAJORITY = 0.5
_STOP_WORDS = frozenset(
    "a an and after at by due for from in of on or the to was were with".split()
)


@dataclass(frozen=True, slots=True)
class IncidentSignature:
    """What an incident looks like, taken from its folded alarms."""

    symptoms: tuple[str, ...]
    """Message templates or plain words, most telling first."""
    managed_objects: tuple[str, ...] = ()
    """Suspected ones first."""
    probable_cause: str | None = None

    @property
    def text(self) -> str:
        """The signature as a query: variable parts of templates left out."""
        symptoms = (re.sub(r"<[^<>\s]*>", " ", symptom) for symptom in self.symptoms)
        words = ". ".join(" ".join(symptom.split()) for symptom in symptoms)
        return ". ".join(part for part in (self.probable_cause or "", words) if part.strip())


@dataclass(frozen=True, slots=True)
class Precedent:
    """A past ticket beside the incident."""

    ticket: Ticket
    similarity: float
    """0 to 1: cosine of what was seen then and what is seen now."""
    quote: str
    locator: str


def weigh(
    signature: IncidentSignature, precedents: Sequence[Precedent], limit: int
) -> SimilarIncidents:
    """Order precedents, count the causes they name, and abstain where they do not support one."""
    scored = sorted(
        ((_score(signature, precedent), precedent) for precedent in precedents),
        key=lambda pair: (-pair[0], pair[1].ticket.ticket_id),
    )
    shown = [(score, precedent) for score, precedent in scored if score >= FLOOR][:limit]
    incidents = tuple(
        SimilarIncident(
            ticket_id=precedent.ticket.ticket_id,
            score=round(score, 4),
            title=precedent.ticket.title,
            cause=precedent.ticket.cause,
            managed_object=precedent.ticket.managed_object,
            quote=precedent.quote,
            locator=precedent.locator,
            closed_at=precedent.ticket.closed_at,
        )
        for score, precedent in shown
    )
    if not incidents:
        return SimilarIncidents(
            incidents=(),
            agreed_cause=None,
            agreement=(0, 0),
            abstained_because="no closed ticket on this site resembles the incident",
        )
    cause, votes = leading_cause([incident.cause for incident in incidents])
    reason = _why_not(votes, len(incidents), incidents[0].score)
    return SimilarIncidents(
        incidents=incidents,
        agreed_cause=None if reason else cause,
        agreement=(votes, len(incidents)),
        abstained_because=reason,
    )


def leading_cause(causes: Sequence[str | None]) -> tuple[str | None, int]:
    """The cause that most tickets name, in the words of the best of them, and how many do.

    Two wordings are the same cause when one's telling words are all in the other's, or most are
    shared. Equal counts are settled by the order given.
    """
    groups: list[tuple[str, frozenset[str], int]] = []
    for cause in causes:
        words = _telling(cause or "")
        if cause is None or not words:
            continue
        for place, (wording, known, votes) in enumerate(groups):
            shared = len(words & known)
            if shared == min(len(words), len(known)) or shared * 5 >= 3 * len(words | known):
                groups[place] = (wording, known, votes + 1)
                break
        else:
            groups.append((cause, words, 1))
    if not groups:
        return None, 0
    wording, _, votes = max(groups, key=lambda group: group[2])
    return wording, votes


def _score(signature: IncidentSignature, precedent: Precedent) -> float:
    """Mostly what was seen; the same place or kind of place, the same cause, a usable note add."""
    ticket = precedent.ticket
    score = 0.85 * max(0.0, precedent.similarity)
    score += 0.08 * _place(signature.managed_objects, ticket.managed_object)
    if signature.probable_cause and ticket.cause:
        asked, named = _telling(signature.probable_cause), _telling(ticket.cause)
        score += 0.04 * (len(asked & named) / max(1, min(len(asked), len(named))))
    score += 0.03 * bool(ticket.close_note and len(ticket.close_note) >= 40)
    return min(1.0, score)


def _place(asked: Sequence[str], named: str | None) -> float:
    """1 for the same object, .7 for the same device, .3 for a device of the same role."""
    if named is None:
        return 0.0
    named = normal_form(named)
    best = 0.0
    for each in map(normal_form, asked):
        if each == named:
            return 1.0
        device, other = each.partition(":")[0], named.partition(":")[0]
        if device == other:
            best = max(best, 0.7)
        elif _role(device) == _role(other) != "":
            best = max(best, 0.3)
    return best


def _role(device: str) -> str:
    """A device's name without its numbers: by convention what it does in the network."""
    return re.sub(r"[\d_.-]+", "", device)


def _telling(text: str) -> frozenset[str]:
    words = re.findall(r"[^\W_]+", text.lower())
    return frozenset(word.removesuffix("s") for word in words if word not in _STOP_WORDS)


def _why_not(votes: int, total: int, best: float) -> str | None:
    if votes == 0:
        return "the similar tickets name no cause"
    if best < CONFIDENT:
        return f"the most similar ticket is not similar enough (score {best:.2f} of {CONFIDENT})"
    if total == 1:
        return "only one similar ticket: one case is no pattern"
    if votes < 2 or votes <= _MAJORITY * total:
        return f"the similar tickets disagree: at most {votes} of {total} name the same cause"
    return None
