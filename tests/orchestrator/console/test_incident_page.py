"""An incident's page: the first screen, the pictures, and evidence that opens at its site."""

import asyncio

from nicegui import ui

from agents.findings import Reason, TopologyLink
from orchestrator.console.alarm_timeline import AlarmTimeline
from orchestrator.console.topology_map import TopologyMap, incident_map
from orchestrator.doubles.site import SiteDouble
from telecom.errors import EgressRefusedError
from tests.orchestrator.conftest import ONSET
from tests.orchestrator.console.conftest import ADA, console_at

SURROUNDINGS = {
    "total": 2,
    "left_out": 0,
    "alarms": [{"evidence_id": "alarm:g0"}, {"evidence_id": "alarm:g1"}],
    "evidence": {
        "alarm:g0": {
            "source": "alarms",
            "locator": "alarms/agg1.log:0",
            "quote": "agg1 just before <b>it</b>",
            "data_class": "alarms_raw",
        },
        "alarm:g1": {
            "source": "alarms",
            "locator": "alarms/agg1.log:1",
            "quote": "agg1 OSPF neighbor 10.0.0.2 down",
            "data_class": "alarms_raw",
        },
    },
}


def detail(summary):
    """What `get_alarm` answers of the first alarm."""
    quoted = summary.evidence["alarm:g1"].model_dump(mode="json")
    record = {"managedObject": "agg1", "alarmRaisedTime": ONSET.isoformat()}
    return {"records": [record], "evidence": {"alarm:g1": quoted}}


def all_text(client):
    """Every word and markup on a page."""
    every = client.elements.values()
    return "\n".join(str(e.props.get("innerHTML") or getattr(e, "text", "")) for e in every)


def test_the_first_screen_says_what_why_how_sure_and_what_to_do(site, declared):
    """Issue 10: headline, cause, confidence with its basis, top actions; then the pictures."""

    async def work():
        async with console_at(declared(site), working=True) as noc:
            user = await noc.user(ADA)
            page = await user.open(f"/incidents/{await noc.finished_incident()}")
            await user.should_see("Seen before", retries=100)
            kinds = {type(e): e for e in page.elements.values()}
            return all_text(page), kinds[TopologyMap].props["nodes"], kinds[AlarmTimeline].props

    words, nodes, timeline = asyncio.run(work())
    assert "mtu mismatch at agg1:xe-0/0/1" in words
    assert "% sure" in words
    assert words.count("alarms/agg1.log:1") >= 2
    assert "restored 9000" in words
    assert {n["name"]: n["is"] for n in nodes} == {"agg1": "cause", "cell1": "symptom"}
    assert timeline["lanes"] == ["agg1", "cell1"]
    assert timeline["causes"] == 1
    assert [mark["what"] for mark in timeline["marks"]] == ["alarm", "change"]


def test_evidence_opens_at_its_site_in_context(summary, changes, tickets, declared):
    """Issue 10: the raw line with its surroundings, under the policy, in the engineer's name."""
    answers = {"get_alarm": lambda: detail(summary), "list_alarms": lambda: SURROUNDINGS}

    async def work(site):
        async with console_at(declared(site), working=True) as noc:
            incident = await noc.finished_incident()
            before = len(site.calls)
            user = await noc.user(ADA)
            page = await user.open(f"/incidents/{incident}")
            user.find(marker="alarms/agg1.log:1").click()
            await user.should_see("as the site releases it now", retries=100)
            return all_text(page), site.calls[before:]

    with SiteDouble(summary, changes=changes, tickets=tickets, faults=answers) as site:
        words, calls = asyncio.run(work(site))
    assert [call.tool for call in calls] == ["get_alarm", "list_alarms"]
    assert all("ada" not in str(call.meta).lower() for call in calls)
    assert "agg1 just before &lt;b&gt;it&lt;/b&gt;" in words
    assert "class='line asked'" in words
    assert "ran on outposts, decision" in words


def test_a_site_that_refuses_evidence_is_shown_with_its_rule(summary, changes, tickets, declared):
    """Issue 10: the refusal is an answer, too."""

    def refuse():
        raise EgressRefusedError("raw lines stay here", rule="gate.raw_records")

    async def work(site):
        async with console_at(declared(site), working=True) as noc:
            user = await noc.user(ADA)
            await user.open(f"/incidents/{await noc.finished_incident()}")
            user.find(marker="alarms/agg1.log:1").click()
            await user.should_see("raw lines stay here", retries=100)
            await user.should_see("rule gate.raw_records")

    with SiteDouble(
        summary, changes=changes, tickets=tickets, faults={"get_alarm": refuse}
    ) as site:
        asyncio.run(work(site))


def test_what_others_wrote_reaches_the_page_as_text_only(summary, changes, tickets, declared):
    """Issue 10: HTML and template tricks stay inert, in the very page that is sent and after it."""
    trick = "<script>alert(1)</script>${alert(2)}`"
    first, *others = summary.root_cause_candidates
    first = first.model_copy(update={"specific_problem": trick})
    hostile = summary.model_copy(update={"root_cause_candidates": (first, *others)})
    noted = [ticket.model_copy(update={"close_note": trick}) for ticket in tickets]

    async def work(site):
        async with console_at(declared(site), working=True) as noc:
            incident = await noc.finished_incident()
            user = await noc.user(ADA)
            sent = await user.http_client.get(f"/incidents/{incident}")
            page = await user.open(f"/incidents/{incident}")
            await user.should_see("Seen before", retries=100)
            every = page.elements.values()
            return sent.text, [e for e in every if trick in getattr(e, "text", "")], all_text(page)

    with SiteDouble(hostile, changes=changes, tickets=noted) as site:
        sent, shown, every = asyncio.run(work(site))
    assert "&lt;script&gt;alert(1)" in sent
    assert "<script>alert(1)" not in sent
    assert "${alert(2)}" not in sent
    assert len(shown) >= len(noted)
    assert all(type(element) is ui.label for element in shown)
    assert every.count("<script>") == len(shown)


def test_an_incident_that_is_not_there_says_so(no_site):
    """Issue 10: an id of nobody's is answered, not an error."""

    async def work():
        async with console_at(no_site) as noc:
            user = await noc.user(ADA)
            await user.open("/incidents/inc-nothing")
            await user.should_see("There is no incident of that name")

    asyncio.run(work())


def test_the_map_tells_silence_from_not_knowing_and_holds_five_hundred_elements(
    summary, report_of_summary
):
    """Issue 10: cause, symptoms, silent and unknown; every element has its own place."""
    silence = Reason(name="silence", strength=0.9, points=1.0, because="3 neighbours lost it")
    first, second = summary.root_cause_candidates
    quiet = second.model_copy(update={"managed_object": "cell2", "reasons": (silence,)})
    links = [TopologyLink(source="agg1", target="cell2", relation="connects")]
    links += [
        TopologyLink(source=f"hub{n % 20}", target=f"node{n}", relation="connects")
        for n in range(480)
    ]
    links += [TopologyLink(source="agg1", target=f"hub{n}", relation="connects") for n in range(19)]
    grown = summary.model_copy(
        update={"root_cause_candidates": (first, quiet), "topology": tuple(links)}
    )
    drawn = incident_map(report_of_summary, (grown,))
    standing = {node.name: node.standing for node in drawn.nodes}
    assert (standing["agg1"], standing["cell1"]) == ("cause", "symptom")
    assert (standing["cell2"], standing["node7"]) == ("silent", "unknown")
    places = [(node.x, node.y) for node in drawn.nodes]
    assert len(drawn.nodes) == 503
    assert len(set(places)) == len(places)
    nearest = min(abs(a - c) + abs(b - d) for i, (a, b) in enumerate(places) for c, d in places[:i])
    assert nearest > 10
    assert incident_map(report_of_summary, (grown,)) == drawn
