"""People who ask while triggers wait."""

import asyncio
import threading
from datetime import timedelta
from itertools import groupby

import pytest

from orchestrator.agent_door.opening import http_door
from orchestrator.incidents import people_first
from orchestrator.investigating.investigation import Inquiry
from orchestrator.site_access.site_client import INVESTIGATION_META
from tests.orchestrator.service.conftest import MOMENT, envelope, running


@pytest.fixture
def patience(monkeypatch):
    """Set how long the queue waits for people."""
    return lambda seconds: monkeypatch.setattr(people_first, "PATIENCE_S", seconds)


def test_somebody_who_waits_is_answered_before_the_queue_goes_on(site, declared, patience):
    """Issue 9: a storm does not double how long a question takes."""
    patience(3600)

    async def work():
        async with running(declared(site)) as talk:
            desk, _ = http_door(talk.service)
            asked = desk.start(Inquiry(question="why?"))
            accepted = await talk.envelope()
            await talk.settled()
            await desk.close()
            return asked, accepted.json()["investigation_id"]

    asked, triggered = asyncio.run(work())
    calls = [call.meta[INVESTIGATION_META] for call in site.calls]
    assert [investigation for investigation, _ in groupby(calls)] == [asked, triggered]


def test_a_console_that_is_never_quiet_holds_up_no_trigger(site, declared, patience):
    """Issue 9: an accepted trigger becomes an investigation, whoever asks meanwhile."""
    patience(0.01)

    async def work():
        async with running(declared(site)) as talk:
            with talk.service.people.waiting():
                await talk.envelope(1)
                await talk.envelope(2)
                return await talk.settled()

    assert asyncio.run(work())["finished"] == 2


def test_an_investigation_under_way_lets_somebody_who_asks_go_first(site, declared, patience):
    """Issue 9: what a storm began before a person asked does not make the answer slow."""
    patience(3600)
    folding, asked_meanwhile = threading.Event(), threading.Event()

    def fold():
        if not folding.is_set():
            folding.set()
            assert asked_meanwhile.wait(30)
        return site.summary

    site.faults["summarize_alarms"] = fold

    async def work():
        async with running(declared(site)) as talk:
            desk, _ = http_door(talk.service)
            accepted = await talk.envelope()
            await asyncio.to_thread(folding.wait, 30)
            asked = desk.start(Inquiry(question="why?"))
            asked_meanwhile.set()
            await talk.settled()
            await desk.close()
            return asked, accepted.json()["investigation_id"]

    asked, triggered = asyncio.run(work())
    calls = [call.meta[INVESTIGATION_META] for call in site.calls]
    turns = [investigation for investigation, _ in groupby(calls)]
    assert turns == [triggered, asked, triggered]


def test_turns_are_given_in_the_order_they_were_asked_for(patience):
    """Issue 9: no investigation waits longer than those before it take."""
    patience(0.001)
    given = []

    async def work():
        people = people_first.PeopleFirst()

        async def step(number):
            await people.turn()
            given.append(number)

        with people.waiting():
            await asyncio.gather(*map(step, range(5)))

    asyncio.run(work())
    assert given == [0, 1, 2, 3, 4]


def test_triggers_that_come_while_somebody_waits_share_a_commit(site, declared, monkeypatch):
    """Issue 9: a storm takes few commits from who waits, and answers none before its own."""
    monkeypatch.setattr(people_first, "GATHERING_S", 3600)
    begun = []

    async def work():
        async with running(declared(site), working=False) as talk:
            database = talk.service.state.database
            transaction = database.transaction

            def counted(*, lock=None):
                begun.append(lock)
                return transaction(lock=lock)

            monkeypatch.setattr(database, "transaction", counted)
            with talk.service.people.waiting():
                sent = [asyncio.create_task(talk.envelope(1 + number)) for number in range(8)]
                await _everybody_came()
                assert not any(task.done() for task in sent)
            answers = await asyncio.gather(*sent)
            [(stored,)] = await database.fetch("SELECT count(*) FROM inbox")
            return [answer.status_code for answer in answers], stored

    assert asyncio.run(work()) == ([202] * 8, 8)
    assert begun.count("inbox") == 1


def test_triggers_of_one_commit_are_placed_as_if_each_had_come_alone(
    site, declared, tmp_path, monkeypatch
):
    """Issue 9: how triggers are stored changes nothing of what becomes of them."""
    monkeypatch.setattr(people_first, "GATHERING_S", 3600)
    told = [
        envelope(1),
        envelope(2, incident_id="site-inc-1", perceived_severity="CRITICAL"),
        envelope(1),
        envelope(3, incident_id="site-inc-1", window=(MOMENT, MOMENT + timedelta(hours=1))),
        envelope(4, incident_id="site-inc-2", event="closed"),
        envelope(5, incident_id="site-inc-3"),
        envelope(6, incident_id="site-inc-4", event="merged", merged_into="site-inc-1"),
        envelope(7, incident_id="site-inc-5"),
        envelope(8, incident_id="site-inc-3", event="closed"),
    ]

    async def work(file, *, together):
        settings = declared(
            site, state=str(tmp_path / file), service={"waiting_per_site": 2, "coalesce_seconds": 0}
        )
        async with running(settings, working=False) as talk:
            bodies = [one.model_dump_json().encode() for one in told]
            if together:
                with talk.service.people.waiting():
                    sent = [
                        asyncio.create_task(talk.signed("/triggers/site", body)) for body in bodies
                    ]
                    await _everybody_came()
                answers = await asyncio.gather(*sent)
            else:
                answers = [await talk.signed("/triggers/site", body) for body in bodies]
            rows = await talk.service.state.database.fetch(
                "SELECT incident_id, window_start, window_end, perceived_severity FROM incidents"
                " ORDER BY opened_at, incident_id"
            )
            return [_seen(answer) for answer in answers], [row[1:] for row in rows]

    alone = asyncio.run(work("alone", together=False))
    assert asyncio.run(work("together", together=True)) == alone
    outcomes, incidents = alone
    assert [outcome for outcome, _ in outcomes] == [
        "accepted",
        "coalesced",
        "duplicate",
        "coalesced",
        "coalesced",
        "accepted",
        "coalesced",
        "waiting_per_site",
        "coalesced",
    ]
    assert [severity for *_, severity in incidents] == ["CRITICAL", "MAJOR"]


async def _everybody_came():
    """Let every request come as far as it can: none of them waits for anything but its commit."""
    for _ in range(1000):
        await asyncio.sleep(0)


def _seen(answer):
    """What became of a trigger, and whether an incident was named for it."""
    body = answer.json()
    return body.get("outcome", body.get("error")), body.get("investigation_id") is not None
