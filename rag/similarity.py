"""Have we seen this before: similar closed tickets, and how far they agree on the cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.identifier_terms import normal_form
from telecom.precedents import agree, telling_words
from telecom.ticket import SimilarIncident, SimilarIncidents, Ticket

FLOOR = 0.3
"""Similarity below which a ticket is not shown: unrelated texts stay under .25 here."""
CONFIDENT = 0.5
"""Similarity that the best ticket must reach before its cause is taken for likely."""


@dataclass(frozen=True, slots=True)
class IncidentSignature:
    """What an incident looks like, taken from its folded alarms."""

    symptoms: tuple[str, ...]
    """Message templates or plain words, most telling first."""
    managed_objects: tuple[str, ...] = ()
    """Suspected ones first."""
    probable_cause: str | None = None
    done: tuple[str, ...] = ()
    """What was done about it already, in words."""

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
    return agree(incidents, confident_from=CONFIDENT, done=signature.done)


def _score(signature: IncidentSignature, precedent: Precedent) -> float:
    """Mostly what was seen; the same place or kind of place, the same cause, a usable note add."""
    ticket = precedent.ticket
    score = 0.85 * max(0.0, precedent.similarity)
    score += 0.08 * _place(signature.managed_objects, ticket.managed_object)
    if signature.probable_cause and ticket.cause:
        asked, named = telling_words(signature.probable_cause), telling_words(ticket.cause)
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
