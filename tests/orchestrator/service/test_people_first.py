"""People who ask while triggers wait."""

import asyncio

import pytest

from orchestrator.incidents import people_first
from orchestrator.investigating.investigation import Inquiry, Services, investigate
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
            service = talk.service
            services = Services(
                service.settings, service.policies.current(), service.sites, service.state
            )
            with service.people.waiting():
                await talk.envelope()
                answer = await investigate(Inquiry(question="why?"), services)
                meanwhile = await service.overview.counts()
            return answer, meanwhile, await talk.settled()

    answer, meanwhile, after = asyncio.run(work())
    assert answer.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert (meanwhile["queued"], meanwhile["running"]) == (1, 0)
    assert (after["queued"], after["finished"]) == (0, 1)


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
