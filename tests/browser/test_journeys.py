"""Conversations in a real browser: cited answers, and what reloads, restarts and colleagues do."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.browser.storm import LINE
from tests.heavy import heavy

_LONG_S = 60


@pytest.fixture
def held(site):
    """Let the site take its time with the next investigation."""

    @contextmanager
    def hold() -> Iterator[tuple[threading.Event, threading.Event]]:
        asked, released = threading.Event(), threading.Event()

        def blocks():
            asked.set()
            released.wait(_LONG_S)
            return site.summary

        site.faults["summarize_alarms"] = blocks
        try:
            yield asked, released
        finally:
            released.set()
            site.faults.clear()

    return hold


def ask(page, words):
    """Type a question and send it."""
    field = page.get_by_label("Your question")
    field.fill(words)
    field.press("Enter")


def answers(page):
    """The turns that were answered."""
    return page.locator(".turns article.answered")


@heavy
def test_a_question_gets_a_cited_answer_whose_line_can_be_opened(reception, incident, picture):
    """R22, issue 10, part 3: chat beside the incident, with evidence under the answer."""
    page = reception.visitor().goes(f"/incidents/{incident}")
    ask(page, "why?")
    expect(answers(page)).to_have_count(1)
    line = answers(page).first.locator("details").filter(has_text="alarms/agg1.log:17")
    line.locator("summary").first.click()
    expect(line.get_by_text(LINE)).to_be_visible()
    picture(page, "chat")
    page.reload()
    expect(answers(page)).to_have_count(1)


@heavy
def test_a_page_that_is_reloaded_in_the_middle_goes_on_with_the_same_answer(reception, held):
    """Issue 10: reload mid-stream: the question goes on in the process, the page finds it again."""
    page = reception.visitor().goes("/chat")
    with held() as (asked, released):
        ask(page, "why are the cells behind agg1 down?")
        expect(page.locator("article.running")).to_contain_text("why are the cells")
        assert asked.wait(_LONG_S)
        page.reload()
        expect(page.locator("article.running")).to_contain_text("why are the cells")
        released.set()
        expect(answers(page)).to_have_count(1)
    expect(answers(page).first).to_contain_text("agg1")


@heavy
def test_a_restart_in_the_middle_of_an_answer_loses_nothing_and_doubles_nothing(
    reception, held, console
):
    """Issue 10: restart of the server mid-conversation; a killed one at that."""
    page = reception.visitor().goes("/chat")
    with held() as (asked, released):
        ask(page, "what happened at the ring?")
        assert asked.wait(_LONG_S)
        page.wait_for_url("**/chat/*")
        console.stop(signal.SIGKILL)
        released.set()
    console.start()
    # The page comes back by itself.
    expect(answers(page)).to_have_count(1, timeout=_LONG_S * 1000)
    page.reload()
    expect(answers(page)).to_have_count(1)
    expect(page.get_by_text("what happened at the ring?")).to_have_count(1)


@heavy
def test_two_engineers_see_at_once_what_the_other_does(reception, incident):
    """Issue 10, part 1: one incident, two engineers: who took it is seen, and only one has it."""
    ada, bob = reception.visitor("Ada Byron"), reception.visitor("Bob Metcalfe", "tier-2/3")
    hers, his = ada.goes(f"/incidents/{incident}"), bob.goes(f"/incidents/{incident}")
    expect(his.get_by_role("button", name="Take", exact=True)).to_be_visible()
    hers.get_by_role("button", name="Take", exact=True).click()
    expect(his.get_by_text("taken by Ada Byron")).to_be_visible()
    expect(his.get_by_role("button", name="Take", exact=True)).to_have_count(0)
    hers.get_by_role("button", name="Give back").click()
    expect(his.get_by_role("button", name="Take", exact=True)).to_be_visible()


@heavy
def test_another_persons_conversation_is_closed_until_it_is_shared(reception, incident):
    """Issue 10, part 8: other user's conversation by id: refused; shared, it may be read."""
    hers = reception.visitor("Ada Byron").goes("/chat")
    ask(hers, "why?")
    hers.wait_for_url("**/chat/*")
    expect(answers(hers)).to_have_count(1)
    path = hers.url.partition("/chat/")[2]
    his = reception.visitor("Eve Other", "tier-1").goes(f"/chat/{path}")
    expect(his.get_by_text("No such conversation")).to_be_visible()
    hers.get_by_role("button", name="Share").click()
    hers.get_by_role("button", name="Share and copy the link").click()
    expect(hers.get_by_role("button", name="Share and copy the link")).to_have_count(0)
    his.reload()
    expect(answers(his)).to_have_count(1)
    expect(his.get_by_label("Your question")).to_have_count(0)


@heavy
def test_what_the_cause_was_is_said_and_kept_at_the_site(reception, incident, site):
    """Issue 10, part 6: this was the cause, and not this; the state of the decision is shown."""
    page = reception.visitor().goes(f"/incidents/{incident}")
    page.get_by_role("button", name="This was the cause", exact=True).click()
    verdict = page.locator("section.verdict")
    expect(verdict).to_contain_text(f"CAUSE-{incident}")
    page.get_by_role("button", name="Not this").click()
    page.get_by_label("What it was, and what was done").fill(
        "fibre cut\nspliced by the field group"
    )
    verdict.get_by_role("button", name="Record").click()
    expect(verdict).to_contain_text("fibre cut")
    expect(verdict).to_contain_text("recorded")
    last = [call.arguments for call in site.calls if call.tool == "confirm_cause"][-1]
    assert (last["cause"], last["note"]) == ("fibre cut", "spliced by the field group")
