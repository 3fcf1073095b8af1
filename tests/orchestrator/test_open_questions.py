"""Questions on their way: kept when asked, answered once, taken up where a process was lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.conversations.open_questions import LEASE, OpenQuestions
from orchestrator.conversations.store import Answer, ConversationStore, Turn
from orchestrator.storage.database import open_database, stamp
from telecom.errors import InvalidArgumentError


def turn(text):
    return Turn(words="why?", answer=Answer(text=text), at=datetime.now(UTC))


def with_database(address, work):
    async def run():
        async with open_database(address) as database:
            store = ConversationStore(database)
            await store.prepare()
            return await work(database, store)

    return asyncio.run(run())


def test_a_conversation_has_one_open_question_and_each_has_one_answer(state_address):
    """Issue 10, point 3: nothing that was asked is lost, nothing is answered twice."""

    async def work(database, store):
        questions = OpenQuestions(database)
        conversation = await store.begin(person="ada")
        asked = await questions.ask(conversation, " why? ")
        with pytest.raises(InvalidArgumentError, match="still being answered"):
            await questions.ask(conversation, "and now?")
        assert await questions.of(conversation) == asked
        for text in ("the first", "the second"):
            await store.add(conversation, turn(text), question=asked.question_id)
        again = await questions.ask(conversation, "and now?")
        return asked.words, again.words, await store.turns(conversation)

    first, second, turns = with_database(state_address, work)
    assert (first, second) == ("why?", "and now?")
    assert [each.answer.text for each in turns] == ["the first"]


def test_a_question_is_taken_up_once_nobody_answers_it_any_more(state_address):
    """Issue 10, point 3: history survives a restart, what is being answered too."""
    clock = [datetime(2026, 3, 1, 10, 0, tzinfo=UTC)]

    async def work(database, store):
        lost, alive = [OpenQuestions(database, now=lambda: clock[0]) for _ in range(2)]
        asked = await lost.ask(await store.begin(person="ada"), "why?")
        clock[0] += LEASE - timedelta(seconds=1)
        assert await lost.renew(asked.question_id)
        clock[0] += LEASE - timedelta(seconds=1)
        before = await alive.take_up()
        clock[0] += timedelta(seconds=2)
        return asked, before, await alive.take_up(), await lost.renew(asked.question_id)

    asked, before, taken, still_has_it = with_database(state_address, work)
    assert (before, taken, still_has_it) == ([], [asked], False)


def test_a_question_that_is_handed_back_is_taken_up_at_once(state_address):
    """Us: a process that stops in good order keeps nobody waiting."""

    async def work(database, store):
        stopping, starting = OpenQuestions(database), OpenQuestions(database)
        asked = await stopping.ask(await store.begin(), "why?")
        await stopping.hand_back(asked.question_id)
        return asked, await starting.take_up(), await starting.take_up()

    asked, taken, again = with_database(state_address, work)
    assert (taken, again) == ([asked], [])


def test_conversations_are_their_owners_until_they_are_shared(state_address):
    """Issue 10: another user's conversation by id is refused; a share link opens it."""

    async def work(_database, store):
        ada, bob = "PERSON_aaaaaaaaaaa2", "PERSON_bbbbbbbbbbb2"
        conversation = await store.begin(person=ada)
        seen = [await store.may_read(conversation, who) for who in (ada, bob, "")]
        await store.share(conversation, shared=True)
        await store.share(conversation, shared=True)
        shared = [await store.may_read(conversation, bob), await store.is_own(conversation, bob)]
        await store.share(conversation, shared=False)
        return seen, shared, await store.may_read(conversation, bob)

    seen, shared, afterwards = with_database(state_address, work)
    assert (seen, shared, afterwards) == ([True, False, False], [True, False], False)


def test_a_conversation_is_forgotten_once_nothing_was_said_for_its_days(state_address):
    """Issue 9: retention; what people asked does not stay for ever, what they go on with does."""
    now = datetime.now(UTC)
    long_ago = now - timedelta(days=100)

    async def work(database, store):
        silent, busy, asking, fresh = [await store.begin(person="ada") for _ in range(4)]
        for conversation, at in ((silent, long_ago), (busy, long_ago), (busy, now)):
            await store.add(conversation, turn("because").model_copy(update={"at": at}))
        await store.share(silent, shared=True)
        await store.set_subject(silent, "inc-1")
        await OpenQuestions(database).ask(asking, "why?")
        for conversation in (silent, busy, asking):
            await database.execute(
                "UPDATE conversations SET begun_at = ? WHERE conversation_id = ?",
                stamp(long_ago),
                conversation,
            )
        forgotten = await store.forget(now - timedelta(days=90))
        left = [await store.knows(each) for each in (silent, busy, asking, fresh)]
        traces = [
            await store.turns(silent),
            await store.subject(silent),
            await store.is_shared(silent),
        ]
        return forgotten, left, traces, len(await store.turns(busy))

    forgotten, left, traces, said = with_database(state_address, work)
    assert (forgotten, left) == (1, [False, True, True, True])
    assert traces == [[], None, False]
    assert said == 2
