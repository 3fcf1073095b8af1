"""The chat in a browser: steps as they run, reload and restart in the middle, keyboard, sharing."""

from __future__ import annotations

import signal
import threading

import pytest
from playwright.sync_api import expect

from tests.browser.storm import CAUSE
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
def test_a_question_gets_a_cited_answer_whose_line_can_be_opened(reception, picture):
    """Issue 10: the journey from question to cited answer with an opened evidence line."""
    page = reception.visitor().goes("/chat")
    asks(page, "why are the cells down?")
    answer = page.locator(".turn.answered").first
    expect(answer).to_contain_text(CAUSE)
    answer.locator(".rests summary").first.click()
    expect(answer.locator(".rests pre").first).to_be_visible()
    answer.locator(".steps summary").click()
    expect(answer.locator(".step-list")).to_contain_text("summarize_alarms")
    expect(answer.locator(".step-list")).to_contain_text("on outposts")
    picture(page, "chat")
    page.get_by_role("button", name="why?", exact=True).click()
    expect(page.locator(".turn.answered")).to_have_count(2)
    page.reload()
    expect(page.locator(".turn.answered")).to_have_count(2)
    page.locator("a", has_text="What left the site").first.click()
    expect(page.locator("h1")).to_contain_text("What left the site")
    expect(page.locator(".flow-picture").first).to_be_visible()
    picture(page, "what-left-the-site")


@heavy
def test_reload_and_restart_in_the_middle_of_an_answer_lose_nothing(reception, console, held):
    """Issue 10: reload mid-stream; restart of the server mid-conversation."""
    page = reception.visitor().goes("/chat")
    asks(page, "why are the cells down?")
    running = page.locator(".turn.running")
    waits = running.locator(".step-list li.placed", has_text="past tickets")
    expect(running.locator(".step-list li.done", has_text="alarms")).to_be_visible()
    expect(waits).to_be_visible()
    page.reload()
    expect(waits).to_be_visible()
    console.stop(signal.SIGKILL)
    held.set()
    console.start()
    page.reload()
    expect(page.locator(".turn.answered")).to_contain_text(CAUSE)
    expect(running).to_have_count(0)


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


@heavy
def test_two_engineers_talk_about_one_incident_and_share_by_link(reception, console, incident):
    """Issue 10: two engineers on one incident; share link; other user's conversation refused."""
    ada, bob = reception.visitor("Ada"), reception.visitor("Bob", "tier-1")
    page, other = ada.goes("/chat"), bob.goes("/chat")
    asks(page, "why are the cells down?")
    asks(other, "what changed?")
    expect(page.locator(".turn.answered")).to_contain_text(CAUSE)
    expect(other.locator(".turn.answered")).to_have_count(1)
    path = page.evaluate("location.pathname")
    assert path.startswith("/chat/chat-")
    expect(bob.goes(path).get_by_text("No such conversation")).to_be_visible()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Share and copy the link").click()
    page.get_by_role("button", name="Share and copy the link").wait_for(state="hidden")
    expect(bob.goes(path).locator(".turn.answered")).to_contain_text(CAUSE)
    expect(other.get_by_label("Your question")).to_have_count(0)
