"""Approvals and corrections at the console: who may, what is shown, what is never decided here."""

import asyncio

import pytest

from orchestrator.doubles.site import SiteDouble
from telecom.errors import ApprovalPendingError
from tests.orchestrator.console.conftest import ADA, LEA, console_at
from tests.orchestrator.service.test_corrections import ended


@pytest.fixture
def with_sink(declared, sink):
    """Settings whose tickets wait for a person."""

    def settings(site):
        given = {"name": "desk", "kind": "servicenow", "url": f"{sink.url}/now"}
        return declared(site, sinks=[given])

    return settings


def test_a_lead_lets_a_write_go_out_and_the_sink_gets_it_once(with_sink, site, sink):
    """Issue 10, part 6: approve or deny writes, seen word for word before."""

    async def work():
        async with console_at(with_sink(site), working=True) as noc:
            await noc.finished_incident()
            user = await noc.user(LEA)
            await user.open("/approvals")
            await user.should_see("Writes that wait (1)")
            await user.should_see("short_description")
            user.find(marker="Approve").click()
            await noc.triggers.settled(sent=1)
            return await noc.desk.service.approvals.all(waiting_only=False)

    [decided] = asyncio.run(work())
    assert (decided.status, decided.decided_by) == ("approved", "Lea Lead")
    assert len(sink.received) == 1


def test_who_may_not_decide_sees_what_waits_and_no_button(with_sink, site, sink):
    """Issue 10, part 8: roles."""

    async def work():
        async with console_at(with_sink(site), working=True) as noc:
            await noc.finished_incident()
            user = await noc.user(ADA)
            await user.open("/approvals")
            await user.should_see("To be decided by lead or tier-2/3.")
            await user.should_not_see("Approve")

    asyncio.run(work())
    assert sink.received == []


def test_what_a_site_holds_back_is_shown_with_the_way_to_decide_it_there(with_sink, summary):
    """Issue 10, part 6: egress that waits on a site is never decided here."""

    def held():
        raise ApprovalPendingError(
            "list_changes waits for a named person's approval (ea-17)",
            approval_id="ea-17",
            rule="gate.approval_pending",
        )

    async def work(site):
        async with console_at(with_sink(site), working=True) as noc:
            await noc.finished_incident()
            user = await noc.user(LEA)
            await user.open("/approvals")
            await user.should_see("ea-17")
            await user.should_see("tierwise-site approvals approve DIR ID")

    with SiteDouble(summary, faults={"list_changes": held}) as site:
        asyncio.run(work(site))


def test_a_decided_cause_is_seen_on_its_way_into_the_knowledge_base(with_sink, site):
    """Issue 10, part 6: corrections feed the knowledge base, and their state is shown."""

    async def work():
        async with console_at(with_sink(site), working=True) as noc:
            incident_id = await noc.finished_incident()
            report = await noc.desk.service.overview.report(incident_id)
            decide = noc.desk.service.corrections.decide
            await decide(report, "not_this", cause="fibre cut", note="", by="Lea Lead")
            await ended(noc.triggers, incident_id, "recorded")
            user = await noc.user(ADA)
            await user.open("/approvals")
            await user.should_see("fibre cut")
            await user.should_see(f"CAUSE-{incident_id}")

    asyncio.run(work())
