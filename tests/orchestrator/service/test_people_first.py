"""People who ask while triggers wait."""

import asyncio
from itertools import groupby

import pytest

from orchestrator.agent_door.opening import http_door
from orchestrator.incidents import people_first
from orchestrator.investigating.investigation import Inquiry
from orchestrator.site_access.site_client import INVESTIGATION_META
from tests.orchestrator.service.conftest import running


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
