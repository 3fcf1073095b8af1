"""Durability: leases, resumption, stops, upgrades, retention - on SQLite and on PostgreSQL."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from orchestrator.doubles.site import SiteDouble
from orchestrator.incidents.leases import LeaseLostError, Leases
from orchestrator.incidents.limits import note_spending
from orchestrator.incidents.outbox import effect_key
from orchestrator.incidents.retention import prune
from orchestrator.investigating.investigation import Inquiry, Services, investigate
from orchestrator.storage.database import read_rows
from telecom.report import ProvenanceStep, RootCauseReport
from tests.orchestrator.service.conftest import ME, running


def test_a_stopping_process_hands_back_and_the_next_one_repeats_no_read(
    summary, changes, tickets, declared, state_address
):
    """Issue 9: graceful shutdown; results of finished remote calls are not asked for again."""
    reached, released = threading.Event(), threading.Event()

    def blocks():
        reached.set()
        released.wait(20)
        return changes

    with SiteDouble(
        summary, changes=changes, tickets=tickets, faults={"list_changes": blocks}
    ) as site:
        settings = declared(site, state=state_address, service={"drain_seconds": 0.05})

        async def stop_in_the_middle():
            async with running(settings) as talk:
                answer = await talk.envelope()
                await asyncio.to_thread(reached.wait, 20)
            return answer.json()["investigation_id"]

        async def go_on(incident_id):
            async with running(settings) as talk:
                before = await talk.service.overview.incident(incident_id)
                released.set()
                site.faults.clear()
                await talk.settled()
                return before, await talk.service.overview.report(incident_id)

        incident_id = asyncio.run(stop_in_the_middle())
        before, report = asyncio.run(go_on(incident_id))
        asked = [call.tool for call in site.calls]
    assert before.status in {"queued", "running"}
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert asked.count("summarize_alarms") == 1


def test_only_the_holder_of_a_lease_finishes(site, declared, state_address):
    """Issue 9: a lease per thread that expires; two workers never both write the end."""
    settings = declared(site, state=state_address)

    async def work():
        async with running(settings, working=False) as talk:
            await talk.envelope()
            database = talk.service.state.database
            slow = Leases(database, owner="slow", lease_s=-1)  # expired as soon as it is given
            quick = Leases(database, owner="quick", lease_s=60)
            first = await slow.claim()
            second = await quick.claim()
            nothing = await slow.claim()
            kept = await slow.renew([first.incident_id])
            with pytest.raises(LeaseLostError):
                await _finish(database, slow, first)
            await _finish(database, quick, second)
            counts = await talk.service.overview.counts()
            return first, second, nothing, kept, counts

    first, second, nothing, kept, counts = asyncio.run(work())
    assert first.incident_id == second.incident_id
    assert (second.attempts, nothing, kept, counts["finished"]) == (2, None, frozenset(), 1)


async def _finish(database, leases, leased):
    async with database.transaction() as work:
        await leases.finish(work, leased)


def test_two_workers_share_what_waits(site, declared, state_address):
    """Issue 9: workers share the load; nothing is taken twice."""
    settings = declared(site, state=state_address)

    async def work():
        async with running(settings, working=False) as talk:
            for number in range(1, 13):
                await talk.envelope(number)
            database = talk.service.state.database
            workers = [Leases(database, owner=name, lease_s=60) for name in ("a", "b")]
            return await asyncio.gather(*(workers[n % 2].claim() for n in range(14)))

    taken = [leased.incident_id for leased in asyncio.run(work()) if leased is not None]
    assert (len(taken), len(set(taken))) == (12, 12)


def test_a_checkpoint_of_another_version_is_parked_with_a_message_and_can_be_retried(
    site, declared, state_address
):
    """Issue 9: an old checkpoint after an upgrade is parked, not lost."""
    settings = declared(site, state=state_address)

    async def begin_with_an_older_version():
        async with running(settings, working=False) as talk:
            incident_id = (await talk.envelope()).json()["investigation_id"]
            state = talk.service.state
            config = {"configurable": {"thread_id": incident_id, "checkpoint_ns": ""}}
            await state.checkpointer.aput(config, empty_checkpoint(), {}, {})
            await state.database.execute("UPDATE incidents SET begun_with = 'older'")
            return incident_id

    async def upgrade(incident_id):
        async with running(settings) as talk:
            await talk.settled()
            parked = await talk.service.overview.incident(incident_id)
            retried = await talk.http.post(f"/api/incidents/{incident_id}/retry", headers=ME)
            await talk.settled()
            return parked, retried, await talk.service.overview.incident(incident_id)

    incident_id = asyncio.run(begin_with_an_older_version())
    parked, retried, after = asyncio.run(upgrade(incident_id))
    assert parked.status == "parked"
    assert "begun by another version (graph older" in parked.message
    assert f"`tierwise incidents retry {incident_id}`" in parked.message
    assert (retried.status_code, after.status) == (202, "finished")


def test_what_breaks_again_and_again_is_parked_with_the_reason(summary, declared):
    """Issue 9: nothing is tried for ever, and nothing is lost in silence."""
    with SiteDouble(summary, faults={"summarize_alarms": lambda: {"no": "summary"}}) as site:
        settings = declared(site, service={"attempts": 1})

        async def work():
            async with running(settings) as talk:
                await talk.envelope()
                await talk.settled()
                [incident] = await talk.service.overview.incidents(status="parked")
                metrics = await talk.http.get("/metrics")
                return incident, metrics.text

        incident, metrics = asyncio.run(work())
    assert incident.message.startswith("1 attempts failed, the last: summarize_alarms on site")
    assert 'tierwise_incidents{status="parked"} 1' in metrics


def test_what_is_over_is_forgotten_after_its_days(site, declared, sink, file, state_address):
    """Issue 9: retention and pruning."""
    hook = {"name": "noc", "kind": "servicenow", "url": f"{sink.url}/t"}
    settings = declared(site, sinks=[hook], state=state_address)

    async def work():
        async with running(settings) as talk:
            await talk.envelope(1)
            await talk.envelope(2, event="closed", incident_id="never-seen")
            await talk.settled()
            service, state = talk.service, talk.service.state
            services = Services(settings, service.policies.current(), service.sites, state)
            await investigate(Inquiry(question="why?"), services)  # asked for, not triggered
            early = await prune(state, datetime.now(UTC) - timedelta(days=1))
            late = await prune(state, datetime.now(UTC) + timedelta(seconds=1))
            return early, late

    assert asyncio.run(work()) == (0, 2)
    for table in (
        "inbox",
        "incidents",
        "incident_sites",
        "outbox",
        "approvals",
        "findings",
        "decisions",
        "calls",
        "checkpoints",
    ):
        assert read_rows(state_address, f"SELECT count(*) FROM {table}") == [(0,)], table


@pytest.mark.parametrize(
    ("budgets", "refused"),
    [
        ({"cost_usd_per_site": 0.5}, "cost_usd_per_site"),
        ({"tokens_per_principal": 1000}, "tokens_per_principal"),
        ({"cost_usd_per_principal": 5.0, "tokens_per_site": 9000}, None),
    ],
)
def test_an_hour_takes_what_it_may_and_then_says_when_to_come_again(
    budgets, refused, site, declared, state_address
):
    """Issue 9: token and money budgets per site and principal; 429 with Retry-After."""
    settings = declared(site, hourly_budgets=budgets, state=state_address)
    step = ProvenanceStep(
        step="reason",
        agent="root_cause_analyst (model)",
        tier="region",
        decision_id="d",
        tokens_before=1000,
        tokens_after=200,
        cost_usd=0.6,
    )
    report = RootCauseReport(
        incident_id="inc-1", headline="h", status="inconclusive", provenance=(step,)
    )

    async def work():
        async with running(settings, working=False) as talk:
            async with talk.service.state.database.transaction() as one:
                for _ in range(2):  # counted once, however often it is finished
                    await note_spending(one, report, principal="site1-notifier", sites=("site1",))
            return await talk.envelope()

    answer = asyncio.run(work())
    assert answer.status_code == (202 if refused is None else 429)
    if refused is not None:
        assert answer.json()["error"] == refused
        assert 0 < int(answer.headers["Retry-After"]) <= 3601


def test_an_effect_has_one_key_for_ever():
    """Issue 9: one outbox with key = hash(incident, effect, n)."""
    assert effect_key("inc-1", "noc") == effect_key("inc-1", "noc", 1)
    assert (
        len({effect_key("inc-1", "noc"), effect_key("inc-2", "noc"), effect_key("inc-1", "b")}) == 3
    )
