"""What a person says about a cause reaches the site's knowledge base, and waits if it must."""

import asyncio

import pytest

from orchestrator.doubles.site import SiteDouble
from telecom.errors import EgressRefusedError, InvalidArgumentError, SiteUnavailableError
from telecom.report import RootCauseReport
from tests.orchestrator.service.conftest import running


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let a decision be brought again at once."""
    monkeypatch.setattr("orchestrator.incidents.corrections._FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("orchestrator.incidents.corrections._POLL_S", 0.02)


async def investigated(talk) -> RootCauseReport:
    """One incident, brought to its report."""
    await talk.envelope()
    await talk.settled()
    [incident] = await talk.service.overview.incidents()
    report = await talk.service.overview.report(incident.incident_id)
    assert report is not None
    return report


async def ended(talk, incident_id, *statuses, message=False):
    """What is kept about an incident, once it is in one of these states or says why not."""
    async with asyncio.timeout(20):
        while True:
            kept = await talk.service.corrections.of(incident_id)
            if all(one.status in statuses or (message and one.message) for one in kept):
                return kept
            await asyncio.sleep(0.02)


def told(site: SiteDouble) -> list[dict[str, object]]:
    return [call.arguments for call in site.calls if call.tool == "confirm_cause"]


def test_a_confirmed_cause_is_recorded_at_the_site_in_the_words_of_the_report(declared, site):
    """Issue 10, part 6: "this was the cause" feeds the site's knowledge base."""

    async def work():
        async with running(declared(site)) as talk:
            report = await investigated(talk)
            await talk.service.corrections.decide(report, "this", cause="", note="", by="ada")
            [kept] = await ended(talk, report.incident_id, "recorded")
            return report, kept

    report, kept = asyncio.run(work())
    [asked] = told(site)
    assert asked["cause"] == asked["proposed_cause"] == report.root_causes[0].specific_problem
    assert asked["reviewer"] == "ada"
    assert asked["symptoms"][0] == report.headline
    assert (kept.status, kept.ticket_id) == ("recorded", f"CAUSE-{report.incident_id}")


def test_another_cause_takes_the_place_of_the_earlier_word(declared, site):
    """Issue 10, part 6: "not this" names what it was; deciding again corrects."""

    async def work():
        async with running(declared(site)) as talk:
            report = await investigated(talk)
            decide = talk.service.corrections.decide
            await decide(report, "this", cause="", note="", by="ada")
            await ended(talk, report.incident_id, "recorded")
            await decide(report, "not_this", cause="fibre cut", note="spliced", by="bob")
            return await ended(talk, report.incident_id, "recorded")

    [kept] = asyncio.run(work())
    assert (kept.cause, kept.reviewer, kept.verdict) == ("fibre cut", "bob", "not_this")
    last = told(site)[-1]
    assert (last["cause"], last["note"], last["managed_object"]) == ("fibre cut", "spliced", None)


def test_a_decision_waits_for_a_site_that_cannot_be_reached(declared, site):
    """Nothing accepted is lost: a silent site gets the decision when it is back."""

    async def work():
        async with running(declared(site)) as talk:
            report = await investigated(talk)

            def down():
                raise SiteUnavailableError("site1", "the line is cut")

            # A real outage is an exception of the client, not an answer.
            client = talk.service.sites.by_name["site1"]
            whole, client.call = client.call, lambda *_a, **_k: _raise(down)
            await talk.service.corrections.decide(report, "this", cause="", note="", by="ada")
            [waiting] = await ended(talk, report.incident_id, message=True)
            client.call = whole
            [kept] = await ended(talk, report.incident_id, "recorded")
            return waiting, kept

    waiting, kept = asyncio.run(work())
    assert (waiting.status, kept.status) == ("waiting", "recorded")
    assert "the line is cut" in waiting.message
    assert len(told(site)) == 1


async def _raise(reason):
    reason()


def test_a_site_that_does_not_let_us_is_named_with_its_reason(declared, summary):
    """Issue 10: what cannot be done says why; a token without the scope is the usual case."""

    def refuse():
        raise EgressRefusedError("needs a token with the scope 'causes:confirm'", rule="scope")

    async def work(site):
        async with running(declared(site)) as talk:
            report = await investigated(talk)
            await talk.service.corrections.decide(report, "this", cause="", note="", by="ada")
            return await ended(talk, report.incident_id, "refused")

    with SiteDouble(summary, faults={"confirm_cause": refuse}) as site:
        [kept] = asyncio.run(work(site))
    assert "causes:confirm" in kept.message


@pytest.mark.parametrize(
    ("verdict", "cause", "note", "wrong"),
    [
        ("not_this", "", "", "say what it was"),
        ("not_this", "IMSI 262011234567890 was looping", "", "identifier"),
        ("this", "", "called 491711234567", "long bare number"),
        ("not_this", "x" * 4001, "", "at most 4000"),
    ],
)
def test_words_that_cannot_be_kept_are_refused_at_once(declared, site, verdict, cause, note, wrong):
    """Issue 10: a person's words pass the site's masking first; raw ones are not taken."""

    async def work():
        async with running(declared(site)) as talk:
            report = await investigated(talk)
            with pytest.raises(InvalidArgumentError, match=wrong):
                await talk.service.corrections.decide(
                    report, verdict, cause=cause, note=note, by="ada"
                )
            return await talk.service.corrections.of(report.incident_id)

    assert asyncio.run(work()) == []
    assert told(site) == []
