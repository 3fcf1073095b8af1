"""Sites that are cut off, slow or lying: service goes on, and nothing is lost or done twice."""

import asyncio
from datetime import timedelta

import pytest

from orchestrator.doubles.site import SiteDouble
from orchestrator.doubles.wan import WanDouble
from orchestrator.site_access.breaker import Breaker
from orchestrator.storage.database import read_rows
from telecom.errors import SiteUnavailableError
from telecom.report import RootCauseReport
from tests.heavy import heavy
from tests.network_namespace import NamespaceLine, why_not
from tests.orchestrator.service.conftest import MOMENT, running

QUICK = {"budgets": {"tool_seconds": 2.0}, "service": {"concurrent_investigations": 1}}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let a return be noticed at once."""
    monkeypatch.setattr("orchestrator.incidents.site_probe._EVERY_S", 0.05)
    monkeypatch.setattr("orchestrator.incidents.site_probe._PATIENCE_S", 0.3)
    monkeypatch.setattr("orchestrator.incidents.worker._PAUSE_S", 0.1)
    monkeypatch.setattr("orchestrator.incidents.worker._POLL_S", 0.05)
    monkeypatch.setattr("orchestrator.incidents.dispatcher._POLL_S", 0.02)


@pytest.fixture(params=["proxy", pytest.param("namespaces", marks=heavy)])
def line(request):
    """The line to a site: a TCP proxy, or packets between two network namespaces."""
    if request.param == "proxy":
        return WanDouble
    if reason := why_not():
        pytest.skip(reason)
    return NamespaceLine


def through(settings, *urls):
    """The same settings with each site behind another URL."""
    sites = [
        one.model_dump(exclude_unset=True) | {"url": url}
        for one, url in zip(settings.sites, urls, strict=True)
    ]
    return type(settings).model_validate(settings.model_dump(exclude_unset=True) | {"sites": sites})


async def until(claim):
    """Wait until something that has no event of its own has come about."""
    async with asyncio.timeout(20):
        while not claim():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.02)


async def _cut(wan):
    wan.cut()


async def _one_way(wan):
    wan.cut_answers()


async def _refused(wan):
    await wan.refuse()


async def _lossy(wan):
    wan.slow(0.08, jitter_s=0.04, stalled=0.2)


@pytest.mark.parametrize("fault", [_cut, _one_way, _refused, _lossy])
def test_an_incident_in_an_outage_is_investigated_after_it(line, fault, site, declared, sink, file):
    """Issue 9: silent cut, one-way cut, refusal, loss and delay all end in one report, once."""
    hook = {"name": "noc", "kind": "webhook", "url": sink.url, "secret_file": file("s", b"s")}
    # Lost packets are sent again, slower each time: that is no outage yet.
    patience = {"budgets": {"tool_seconds": 20.0}} if fault is _lossy else {}
    plain = declared(site, sinks=[hook], **QUICK | patience)

    async def work():
        async with line(site.url) as wan, running(through(plain, wan.url)) as talk:
            await fault(wan)
            answer = await talk.envelope()
            if fault is not _lossy:
                await until(lambda: talk.service.worker.failed_attempts)
                if fault is _refused:
                    await wan.listen()
                wan.heal()
            counts = await talk.settled(sent=1)
            found = await talk.service.overview.incident(answer.json()["investigation_id"])
            return answer, counts, found

    answer, counts, found = asyncio.run(work())
    assert answer.status_code == 202
    assert (counts["finished"], found.message) == (1, None)
    [request] = sink.received
    report = RootCauseReport.model_validate(request.json["report"])
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert fault is _lossy or report.gaps == ()  # a handshake that is lost four times is a gap


def test_what_waits_for_a_site_is_done_in_order_when_it_is_back(line, site, declared, tmp_path):
    """Issue 9: an outage with queued incidents; the first starts soon and the rest in order."""
    plain = declared(site, **QUICK)

    async def work():
        async with line(site.url) as wan, running(through(plain, wan.url)) as talk:
            await wan.refuse()
            for number in range(1, 9):
                window = (MOMENT + timedelta(hours=number), MOMENT + timedelta(hours=number))
                await talk.envelope(number, window=window)
            await until(lambda: talk.service.sites.unreachable)
            tried = talk.service.worker.failed_attempts
            await wan.listen()
            return tried, await talk.settled()

    tried, counts = asyncio.run(work())
    assert counts["finished"] == 8
    assert tried <= 3  # an outage is found out once, not by every incident that waits for its end
    begun = [call.arguments["from_time"] for call in site.calls if call.tool == "summarize_alarms"]
    assert begun == sorted(begun)
    assert len(begun) == 8
    [(most,)] = read_rows(tmp_path / "state.sqlite", "SELECT max(attempts) FROM incidents")
    assert most <= 2  # waiting is no failed attempt; what fails as the site comes back may be one


def test_placement_sees_an_outage_and_its_end(line, site, summary, declared, monkeypatch):
    """Issue 9: breaker state is tier availability; the report names the rule that saw it."""
    monkeypatch.setattr("orchestrator.site_access.breaker._PAUSE_S", 600.0)  # only a return ends it
    with SiteDouble(summary) as other:
        patience = {"budgets": {"tool_seconds": 20.0}}  # a refusal takes none of it
        plain = declared(site, other, **QUICK | patience)

        async def spanning(talk, number):
            document = {"id": f"{number}", "perceived_severity": "MAJOR"}
            moment = MOMENT + timedelta(hours=2 * number)
            answer = await talk.foreign("generic", document | {"time": moment.isoformat()})
            await talk.settled()
            [incident_id] = answer.json()["investigation_ids"]
            report = await talk.service.overview.report(incident_id)
            return [gap for gap in report.gaps if "of site site2" in gap.what]

        async def work():
            async with line(other.url) as wan, running(through(plain, site.url, wan.url)) as t:
                await wan.refuse()
                during = [await spanning(t, number) for number in (1, 2, 3)]
                await wan.listen()
                await until(lambda: not t.service.sites.unreachable)
                return during, await spanning(t, 4)

        during, after = asyncio.run(work())
    assert [gaps[0].rule for gaps in during] == [None, None, "tier-not-available"]
    assert "outposts unreachable since 20" in during[2][0].why
    assert "tier-not-available" not in {gap.rule for gap in after}


def test_a_cut_in_the_middle_of_a_delegation_costs_depth_not_the_report(
    line, summary, changes, tickets, declared
):
    """Issue 9: a silent cut mid-delegation ends in a report that names the gap."""
    lines = {}

    def cut_first():
        lines["loop"].call_soon_threadsafe(lines["wan"].cut)
        return changes

    with SiteDouble(
        summary, changes=changes, tickets=tickets, faults={"list_changes": cut_first}
    ) as site:
        plain = declared(site, **QUICK)

        async def work():
            async with line(site.url) as wan, running(through(plain, wan.url)) as talk:
                lines.update(loop=asyncio.get_running_loop(), wan=wan)
                answer = await talk.envelope()
                await talk.settled()
                return await talk.service.overview.report(answer.json()["investigation_id"])

        report = asyncio.run(work())
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert "configuration changes of site site1" in {gap.what for gap in report.gaps}


def _lies():
    return {"groups": "none of your business"}


def _floods():
    return {"brief": "x" * 2_000_000}


@pytest.mark.parametrize("fault", [_lies, _floods, None])
def test_one_dead_or_lying_site_never_spoils_the_others(fault, summary, site, declared):
    """Issue 9: many sites; an incident that spans two is reported from the one that answers."""
    faults = {} if fault is None else {"summarize_alarms": fault}
    with SiteDouble(summary, faults=faults) as other:
        settings = declared(site, other, **QUICK)
        if fault is None:
            other.stop()
        answer_of = {}

        async def work():
            async with running(settings) as talk:
                answer = await talk.foreign(
                    "generic",
                    {"id": "1", "time": MOMENT.isoformat(), "perceived_severity": "MAJOR"},
                )
                await talk.settled()
                [answer_of["id"]] = answer.json()["investigation_ids"]
                return await talk.service.overview.report(answer_of["id"])

        report = asyncio.run(work())
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert [gap.what for gap in report.gaps if "site2" in gap.why]


def test_a_breaker_opens_after_two_failures_and_lets_one_call_try():
    """Us: a dead site costs its timeout twice, not for every call."""
    now = [0.0]
    breaker = Breaker("s", clock=lambda: now[0])

    def fail():
        with breaker.guarding():
            raise SiteUnavailableError("s", "no answer")

    for _ in range(2):
        with pytest.raises(SiteUnavailableError, match="no answer"):
            fail()
    with pytest.raises(SiteUnavailableError, match="2 times in a row"):
        fail()
    now[0] = 11.0
    with breaker.guarding():
        assert breaker.is_open  # to everybody else, while one call tries
    assert not breaker.failing
