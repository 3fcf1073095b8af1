"""Questions as work of the process: watched, stopped, and gone on with after a restart."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from functools import lru_cache

import pytest

from orchestrator.console.questions import Questions
from orchestrator.conversations.conversation import open_chat
from orchestrator.conversations.intent import read_intent
from placement.policy import load_policy
from telecom.errors import InvalidArgumentError

_shipped_policy = lru_cache(load_policy)
ADA, BOB = "engineer-ada", "engineer-bob"


@pytest.fixture(autouse=True)
def policy_read_once(monkeypatch):
    """Read the shipped policy once for all these tests: it takes longer than most of them."""
    monkeypatch.setattr("orchestrator.conversations.conversation.load_policy", _shipped_policy)


@asynccontextmanager
async def answering(settings):
    """What a console's process does about questions."""
    async with open_chat(settings) as chat:
        questions = Questions(chat.services.state.database, lambda: chat)
        async with questions.answering():
            yield chat, questions


async def until(condition):
    async with asyncio.timeout(90):
        while True:
            if found := condition():
                return found
            await asyncio.sleep(0.01)


@pytest.fixture
def held(site):
    """A site whose ticket history answers when it is let go."""
    let_go, asked = threading.Event(), threading.Event()

    def slowly():
        asked.set()
        assert let_go.wait(30)
        return {"incidents": [], "abstained_because": "held"}

    site.faults["find_similar_incidents"] = slowly
    site.let_go, site.was_asked = let_go, asked
    yield site
    let_go.set()


def test_a_question_is_answered_without_anybody_who_waits(site, settings_for):
    """Issue 10, point 3: the work belongs to the server, not to the browser's tab."""

    async def run():
        async with answering(settings_for(site)) as (chat, questions):
            conversation = await chat.store.begin(person=ADA)
            running = await questions.ask(conversation, "why are the cells down?", person=ADA)
            await asyncio.wait([running.task])
            gone = questions.running(conversation), await questions.waiting(conversation)
            return running, gone, await chat.store.turns(conversation)

    running, gone, [turn] = asyncio.run(run())
    assert gone == (None, None)
    assert turn.answer.report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert turn.answer.incident_id == running.question.question_id
    seen = [(event.what, event.outcome) for event in running.events]
    assert seen[:2] == [("alarms of site site1", "placed"), ("alarms of site site1", "done")]
    assert all(event.step.tier and event.step.decision_id for event in running.steps)
    assert {event.outcome for event in running.steps} == {"done"}
    assert {"past tickets of site site1", "configuration changes of site site1"} < {
        event.what for event in running.steps
    }


def test_what_is_suggested_is_understood_and_not_what_was_just_asked(site, settings_for):
    """Issue 10, point 3: follow-up suggestions."""

    async def run():
        async with answering(settings_for(site)) as (chat, questions):
            conversation = await chat.store.begin(person=ADA)
            for words in ("go", "what changed?"):
                await asyncio.wait([(await questions.ask(conversation, words, person=ADA)).task])
            return await chat.store.turns(conversation)

    first, second = asyncio.run(run())
    kinds = [read_intent(words).kind for words in first.answer.follow_ups]
    assert kinds[:2] == ["why", "diff"]
    assert {"similar", "what_if", "handover"} <= set(kinds)
    assert "other" not in kinds
    assert "diff" not in [read_intent(words).kind for words in second.answer.follow_ups]


def test_stopping_keeps_what_was_looked_at_and_the_next_question_works(held, settings_for):
    """Issue 10, point 3: a stop button that cancels cleanly."""

    async def run():
        async with answering(settings_for(held)) as (chat, questions):
            conversation = await chat.store.begin(person=ADA)
            await questions.ask(conversation, "why are the cells down?", person=ADA)
            await until(held.was_asked.is_set)
            with pytest.raises(InvalidArgumentError, match="still being answered"):
                await questions.ask(conversation, "and?", person=ADA)
            await questions.stop(conversation, person=BOB)
            assert questions.running(conversation) is not None
            await questions.stop(conversation, person=ADA)
            assert questions.running(conversation) is None
            held.let_go.set()
            del held.faults["find_similar_incidents"]
            again = await questions.ask(conversation, "why are the cells down?", person=ADA)
            await asyncio.wait([again.task])
            return await chat.store.turns(conversation)

    stopped, answered = asyncio.run(run())
    assert stopped.answer.outcome == "stopped"
    assert "alarms of site site1" in [step.step for step in stopped.answer.steps]
    assert answered.answer.outcome == "answered"
    assert answered.answer.report is not None


def test_a_restart_in_the_middle_of_a_question_goes_on_with_what_was_found(held, settings_for):
    """Issue 10: restart of the server mid-conversation; a finished step is not made again."""
    settings = settings_for(held)

    async def first():
        async with answering(settings) as (chat, questions):
            conversation = await chat.store.begin(person=ADA)
            await questions.ask(conversation, "why are the cells down?", person=ADA)
            await until(held.was_asked.is_set)
            return conversation

    async def second(conversation):
        async with answering(settings) as (chat, questions):
            running = await until(lambda: questions.running(conversation))
            await asyncio.wait([running.task])
            return await chat.store.turns(conversation)

    conversation = asyncio.run(first())
    held.let_go.set()
    del held.faults["find_similar_incidents"]
    [turn] = asyncio.run(second(conversation))
    assert turn.answer.report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert [call.tool for call in held.calls].count("summarize_alarms") == 1


def test_a_question_that_cannot_be_answered_says_why_and_is_kept(settings_for):
    """Us: an error is an answer, and a reload shows it again."""

    async def run():
        async with answering(settings_for()) as (chat, questions):
            conversation = await chat.store.begin(person=ADA)
            await asyncio.wait([(await questions.ask(conversation, "why?", person=ADA)).task])
            with pytest.raises(InvalidArgumentError, match="only who began"):
                await questions.ask(conversation, "why?", person=BOB)
            return await chat.store.turns(conversation)

    [turn] = asyncio.run(run())
    assert turn.answer.outcome == "refused"
    assert "no site to ask" in turn.answer.text
