"""Agreement is counted honestly, and weak evidence is not agreement."""

from __future__ import annotations

import pytest

from rag.similarity import IncidentSignature, Precedent, weigh
from telecom.precedents import leading_cause
from telecom.ticket import Ticket

SIGNATURE = IncidentSignature(("BGP neighbor <*> Down",), ("leaf1:Hu0/0/0/1",), "BGP-5-ADJCHANGE")


def precedent(number: int, cause: str | None, similarity: float = 0.8) -> Precedent:
    note = f"Note {number}: the cable was exchanged and the session came back."
    ticket = Ticket(ticket_id=f"T{number}", title="t", cause=cause, close_note=note)
    return Precedent(ticket, similarity, note, "close_note")


def test_a_cause_most_similar_tickets_name_is_agreed_on_with_its_count() -> None:
    """Issue: cause agreement k of n, close notes verbatim."""
    answer = weigh(
        SIGNATURE,
        [
            precedent(1, "MTU mismatch"),
            precedent(2, "mtu mismatch after upgrade", 0.7),
            precedent(3, "fibre cut", 0.6),
        ],
        5,
    )
    assert (answer.agreed_cause, answer.agreement) == ("MTU mismatch", (2, 3))
    assert answer.abstained_because is None
    assert answer.incidents[0].quote.startswith("Note 1: ")


@pytest.mark.parametrize(
    ("precedents", "reason"),
    [
        ([], "no closed ticket"),
        ([precedent(1, "a", 0.1)], "no closed ticket"),
        ([precedent(1, "fibre cut"), precedent(2, "power")], "disagree"),
        ([precedent(1, "fibre cut")], "only one"),
        ([precedent(1, None), precedent(2, None)], "name no cause"),
        ([precedent(1, "power", 0.45), precedent(2, "power", 0.45)], "not similar enough"),
    ],
)
def test_low_agreement_or_similarity_abstains(precedents: list[Precedent], reason: str) -> None:
    """Issue: abstention when agreement or similarity is low."""
    answer = weigh(SIGNATURE, precedents, 5)
    assert answer.agreed_cause is None
    assert reason in (answer.abstained_because or "")


def test_the_same_device_ranks_before_another_of_equal_wording() -> None:
    """Issue: signature and topology role count beside the text."""
    here, role, elsewhere = (
        Precedent(
            Ticket(ticket_id=name, title="t", managed_object=name, cause="x"), 0.7, "q", "title"
        )
        for name in ("leaf1", "leaf9", "amf1")
    )
    answer = weigh(SIGNATURE, [elsewhere, role, here], 5)
    assert [each.ticket_id for each in answer.incidents] == ["leaf1", "leaf9", "amf1"]


def test_wordings_of_one_cause_are_counted_together() -> None:
    """Us: people do not write from a list."""
    causes = ["Fibre cut", "power outage", "fibre cut by digger", None, "cut fibres"]
    assert leading_cause(causes) == ("Fibre cut", 3)
    assert leading_cause([None]) == (None, 0)


def test_variable_parts_of_templates_are_not_searched_for() -> None:
    """Us: `<*>` is a place holder, no symptom."""
    assert SIGNATURE.text == "BGP-5-ADJCHANGE. BGP neighbor Down"
