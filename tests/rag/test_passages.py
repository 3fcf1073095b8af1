"""Passages are verbatim slices that cover their source and fit the model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.passages import TOKEN_BUDGET, ticket_passages
from rag.passages import split_span as split
from telecom.ticket import Ticket
from telecom.tokens import estimate_tokens


def test_a_ticket_is_cut_into_what_was_seen_and_what_was_done() -> None:
    """Issue: chunked by structure, with offsets for citation."""
    ticket = Ticket(
        ticket_id="T1",
        title="Link down",
        description="The link went down.",
        managed_object="pe1",
        cause="fibre cut",
        close_note="Spliced the fibre.",
    )
    assert [(p.locator, p.text, p.context) for p in ticket_passages(ticket)] == [
        ("description", "The link went down.", "Link down. pe1"),
        ("close_note", "Spliced the fibre.", "Link down. fibre cut"),
    ]


def test_a_ticket_with_a_title_only_is_found_by_it() -> None:
    """Us: a one-line ticket is still a ticket."""
    (passage,) = ticket_passages(Ticket(ticket_id="T1", title="Fan failed"))
    assert (passage.locator, passage.text) == ("title", "Fan failed")


def test_a_long_text_is_cut_between_paragraphs_into_pieces_of_like_size() -> None:
    """Us: the embedding model does not read beyond 256 tokens and does not say so."""
    paragraph = "The link went down and came back after the card was reseated. " * 6
    text = "\n\n".join([paragraph.strip()] * 9)
    slices = list(split(text, 0, len(text)))
    sizes = [estimate_tokens(text[start:end]) for start, end in slices]
    assert len(slices) > 1
    assert max(sizes) <= TOKEN_BUDGET
    assert min(sizes) > TOKEN_BUDGET / 3
    assert all(text[start:end].startswith("The link") for start, end in slices)


@given(st.text(alphabet="ab.\n x1", max_size=400), st.integers(3, 40))
def test_no_character_but_blanks_is_lost(text: str, budget: int) -> None:
    """Us: what is not in a passage can neither be found nor cited."""
    slices = list(split(text, 0, len(text), budget=budget))
    assert "".join(text[a:b] for a, b in slices).split() is not None
    rest = [
        text[a:b]
        for a, b in zip(
            [0, *(e for _, e in slices)], [*(s for s, _ in slices), len(text)], strict=True
        )
    ]
    assert "".join(rest).strip() == ""
    assert all(text[a:b] == text[a:b].strip() != "" for a, b in slices)
