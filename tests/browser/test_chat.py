"""The chat in a browser, by keyboard: a question that is stopped, and one that is refused."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect

from tests.heavy import heavy


@pytest.fixture
def held(site):
    """The site's ticket history answers when it is let go."""
    let_go, answers = threading.Event(), site.faults.copy()

    def slowly():
        assert let_go.wait(120)
        return {"incidents": [], "abstained_because": "held"}

    site.faults["find_similar_incidents"] = slowly
    yield let_go
    let_go.set()
    site.faults.clear()
    site.faults.update(answers)


def asks(page, words):
    """Type a question and send it by the keyboard alone."""
    expect(page.get_by_label("Your question")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type(words)
    page.keyboard.press("Enter")


@heavy
def test_a_question_is_stopped_and_the_next_one_is_answered(reception, held):
    """Issue 10, point 3: a stop button that cancels cleanly."""
    page = reception.visitor().goes("/chat")
    asks(page, "why are the cells down?")
    expect(page.locator(".step-list li.placed").first).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".turn.stopped")).to_contain_text("Stopped before it was answered")
    held.set()
    asks(page, "/help")
    expect(page.locator(".turn.answered")).to_contain_text("/handover")


@heavy
def test_words_with_an_identifier_are_refused_and_kept_to_be_mended(reception, console):
    """DESIGN, people's words: no site at hand masks them, so they are not asked."""
    page = reception.visitor().goes("/chat")
    asks(page, "why does IMSI 262011234567890 drop?")
    expect(page.get_by_role("alert")).to_contain_text("identifier")
    expect(page.get_by_label("Your question")).to_have_value("why does IMSI 262011234567890 drop?")
    assert b"262011234567890" not in console.state.read_bytes()
