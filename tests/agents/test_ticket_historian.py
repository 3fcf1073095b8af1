"""Have we seen this before, and how far do past tickets agree?"""

from __future__ import annotations

import anyio

from agents.ticket_historian import review
from telecom.errors import RecordNotFoundError
from telecom.ticket import Citation, Ticket


class Shelf:
    """A ticket search over a list: every ticket matches, in order."""

    def __init__(self, *tickets: Ticket, vanished: frozenset[str] = frozenset()) -> None:
        self._tickets = {ticket.ticket_id: ticket for ticket in tickets}
        self._vanished = vanished

    async def search_tickets(self, query, *, limit=10):
        return [
            Citation(id=key, score=1.0, text=t.title, source=key, locator="title", corpus="tickets")
            for key, t in self._tickets.items()
        ][:limit]

    async def get_ticket(self, ticket_id):
        if ticket_id in self._vanished:
            raise RecordNotFoundError("ticket", ticket_id, hint="search_tickets finds those here")
        return self._tickets[ticket_id]


def ticket(
    number: int, cause: str | None, note: str = "Replaced the optic.", **more: str
) -> Ticket:
    return Ticket(
        ticket_id=f"INC{number}",
        title="Ring interface flapping, receive power low",
        cause=cause,
        close_note=note,
        **more,
    )


def ask(*tickets: Ticket, vanished: frozenset[str] = frozenset()):
    async def run():
        return await review(
            Shelf(*tickets, vanished=vanished),
            symptoms=["interface flapping", "receive power low"],
            managed_objects=["ring2:Hu0/0/0/1"],
        )

    return anyio.run(run)


def test_a_majority_is_named_and_the_close_note_is_quoted_verbatim() -> None:
    """Issue: cause agreement k of n, verbatim close notes."""
    found = ask(ticket(1, "Dirty optic"), ticket(2, "dirty optic"), ticket(3, "Fibre cut"))
    assert found.similar.agreed_cause == "Dirty optic"
    assert found.similar.agreement == (2, 3)
    assert found.evidence["ticket:INC1"].quote == "Replaced the optic."


def test_without_a_majority_no_cause_is_named() -> None:
    """Issue: abstention when agreement is low."""
    found = ask(ticket(1, "Dirty optic"), ticket(2, "Fibre cut"))
    assert found.similar.agreed_cause is None
    assert "at most 1 of 2" in (found.similar.abstained_because or "")


def test_unlike_tickets_are_no_precedent() -> None:
    """Issue: abstention when similarity is low."""
    other = Ticket(ticket_id="INC9", title="Billing batch late", cause="disk", close_note="freed")
    found = ask(other)
    assert "no closed ticket" in (found.similar.abstained_because or "")


def test_the_same_element_ranks_above_a_stranger() -> None:
    """Us: the same trouble at the same place is the better precedent."""
    found = ask(ticket(1, "a", managed_object="far9"), ticket(2, "b", managed_object="ring2"))
    assert [incident.ticket_id for incident in found.similar.incidents] == ["INC2", "INC1"]


def test_a_ticket_deleted_between_search_and_read_is_left_out() -> None:
    """Us: a store changes while it is read."""
    found = ask(ticket(1, "Dirty optic"), vanished=frozenset({"INC1"}))
    assert found.similar.incidents == ()
