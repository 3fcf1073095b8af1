"""`ticket_historian`: have we seen this before, and did it have the same cause?

The agent judges; finding passages is the port's business. A close note is quoted verbatim, a cause
is named only when most of the similar tickets agree on it, and low similarity is said, not hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agents.findings import TicketReview
from agents.ports import TicketSearch
from telecom.errors import RecordNotFoundError
from telecom.evidence import Quotation
from telecom.precedents import agree
from telecom.ticket import Citation, SimilarIncident, SimilarIncidents, Ticket
from telecom.topology import ManagedObject
from telecom.workload import LifecyclePhase, WorkloadProfile

PROFILE = WorkloadProfile(
    name="ticket_historian",
    phase=LifecyclePhase.CONTEXT_CREATION,
    data_classes=("tickets_raw",),
    latency_budget_ms=5_000,
    pseudonymized=True,
)
"""It judges as well over pseudonymized tickets, which is how a gate hands them to another tier."""

SIMILAR_ENOUGH = 0.25
"""Below this share of the symptoms' words a ticket is no precedent."""
CONFIDENT_FROM = 0.35
"""Share that the best ticket must reach before its cause is taken for likely."""

_WORD = re.compile(r"[a-z][a-z0-9-]{2,}")
_EMPTY_WORDS = frozenset(
    "and are but for from has have into not now off out the was were with this that after been "
    "down alarm alarms incident reported device site".split()
)


async def review(
    tickets: TicketSearch,
    *,
    symptoms: Sequence[str],
    managed_objects: Sequence[str] = (),
    probable_cause: str | None = None,
    done: Sequence[str] = (),
    limit: int = 5,
) -> TicketReview:
    """Find past tickets like this incident and say how far they agree on a cause.

    Args:
        tickets: Where to look.
        symptoms: What is seen, in words: templates, probable causes.
        managed_objects: What is affected, most suspicious first.
        probable_cause: The present suspicion, if there is one.
        done: What was done about it already, in words.
        limit: How many tickets to compare, 1 to 20.
    """
    terms = [*symptoms, *(probable_cause,) * bool(probable_cause), *managed_objects[:5]]
    query = " ".join(term for term in terms if term)[:2000]
    if not query:
        return TicketReview(similar=_judge([], limit=limit), evidence={})
    found = await tickets.search_tickets(query, limit=min(50, limit * 4))
    wanted = _words(" ".join((*symptoms, probable_cause or "")))
    devices = {ManagedObject.parse(name).device.lower() for name in managed_objects}
    incidents = []
    for citation in _best_passage_of_each_ticket(found)[: limit * 2]:
        try:
            ticket = await tickets.get_ticket(citation.source)
        except RecordNotFoundError:
            continue  # deleted between search and read
        incidents.append(_compare(ticket, citation, wanted, devices))
    similar = _judge(incidents, limit=limit, done=done)
    return TicketReview(
        similar=similar,
        evidence={
            f"ticket:{incident.ticket_id}": Quotation(
                source="tickets",
                locator=f"{incident.ticket_id}#{incident.locator}",
                quote=incident.quote,
                data_class="tickets_raw",
            )
            for incident in similar.incidents
        },
    )


def _best_passage_of_each_ticket(found: Iterable[Citation]) -> list[Citation]:
    best: dict[str, Citation] = {}
    for citation in found:
        best.setdefault(citation.source, citation)
    return list(best.values())


def _compare(
    ticket: Ticket, citation: Citation, wanted: frozenset[str], devices: set[str]
) -> SimilarIncident:
    """Score a ticket by the share of the symptoms' words it has; the same element adds to it."""
    text = " ".join(
        part for part in (ticket.title, ticket.description, ticket.cause, ticket.close_note) if part
    )
    shared = len(wanted & _words(text)) / len(wanted) if wanted else 0.0
    same_element = (
        ticket.managed_object is not None
        and ManagedObject.parse(ticket.managed_object).device.lower() in devices
    )
    quote, locator = (
        (ticket.close_note, "close_note")
        if ticket.close_note
        else (citation.text, citation.locator)
    )
    return SimilarIncident(
        ticket_id=ticket.ticket_id,
        score=round(min(1.0, 0.85 * shared + 0.15 * same_element), 3),
        title=ticket.title,
        cause=ticket.cause,
        managed_object=ticket.managed_object,
        quote=quote,
        locator=locator,
        closed_at=ticket.closed_at,
    )


def _judge(
    incidents: list[SimilarIncident], *, limit: int, done: Sequence[str] = ()
) -> SimilarIncidents:
    """Keep the best that are near enough, and count what they agree on."""
    ranked = sorted(incidents, key=lambda incident: (-incident.score, incident.ticket_id))[:limit]
    near = [incident for incident in ranked if incident.score >= SIMILAR_ENOUGH]
    return agree(near, confident_from=CONFIDENT_FROM, done=done)


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) - _EMPTY_WORDS
