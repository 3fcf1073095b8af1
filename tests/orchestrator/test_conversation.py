"""A conversation: follow-ups from the findings, look-ups under the policy, kept over restarts."""

from __future__ import annotations

import asyncio

import pytest

from agents.models.scripted import ScriptedModel
from orchestrator.conversations.conversation import open_chat
from orchestrator.conversations.intent import read_intent
from orchestrator.doubles.site import SiteDouble
from orchestrator.settings import SiteDeclaration
from telecom.errors import InvalidArgumentError, ToolRefused
from tests.orchestrator.conftest import ONSET

RUNBOOK = """when: an OSPF adjacency is lost after an MTU mismatch
steps:
  - read whether the OSPF neighbor is down
  - call the field group
expected:
  - service lost behind it
"""


@pytest.fixture
def talkative(summary, changes, tickets):
    """A site with documents, whose UPF is in the topology and wrote nothing."""
    joint = summary.topology[0].model_copy(update={"source": "agg1", "target": "upf1"})
    grown = summary.model_copy(update={"topology": (*summary.topology, joint)})
    with SiteDouble(
        grown, changes=changes, tickets=tickets, documents={"docs/ospf.md": RUNBOOK}
    ) as double:
        yield double


def talk(settings, *words, resume=None):
    """Say things one after the other; the answers, and the conversation's id."""

    async def run():
        async with open_chat(settings) as chat:
            conversation = await (chat.begin() if resume is None else chat.resume(resume))
            answers = [await conversation.say(each) for each in words]
            return answers, conversation.conversation_id, await conversation.history()

    return asyncio.run(run())


def asked(site, tool):
    return [call for call in site.calls if call.tool == tool]


@pytest.mark.parametrize(
    ("words", "kind", "about"),
    [
        ("What if the uplink were fine?", "what_if", "the uplink were fine"),
        ("why not the UPF?", "why_not", "the UPF"),
        ("Could it be core1?", "why_not", "core1"),
        ("show me the line", "show", ""),
        ("show me the alarms of cell1", "show", "of cell1"),
        ("what changed on agg1?", "diff", "on agg1"),
        ("Have we seen this before?", "similar", ""),
        ("why is cell1 down?", "why", "is cell1 down"),
        ("what should I do?", "runbook", ""),
        ("what don't you know?", "gaps", ""),
        ("/diff agg1", "diff", "agg1"),
        ("/nonsense", "help", ""),
        ("and cell1?", "other", "and cell1?"),
    ],
)
def test_what_people_say_is_read_in_code(words, kind, about):
    """Issue 8, point 6: the questions work without a model."""
    intent = read_intent(words)
    assert (intent.kind, intent.about) == (kind, about)


def test_engineers_ask_on_about_an_incident_and_get_its_evidence(talkative, settings_for):
    """R22: NOC engineers chat for a root cause; follow-ups reuse the evidence."""
    (first, why, line, changed, before), _, _ = talk(
        settings_for(talkative),
        "why are the cells down?",
        "why?",
        "show me the line",
        "what changed?",
        "have we seen this before?",
    )
    assert first.report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert "agg1:xe-0/0/1" in first.text
    assert "predictions hold" in why.text
    assert "agg1 OSPF neighbor 10.0.0.2 down" in line.text
    assert line.evidence["alarm:g1"].quote == "agg1 OSPF neighbor 10.0.0.2 down"
    assert "mtu 1500" in changed.text
    assert "restored 9000" in before.text
    tools = [call.tool for call in talkative.calls]
    assert len(tools) == len(set(tools))


def test_what_if_says_what_would_be_left_and_what_speaks_against_it(talkative, settings_for):
    """Issue 8, point 6: "what if the uplink were fine?"."""
    (_, answer), _, _ = talk(settings_for(talkative), "go", "what if the uplink were fine?")
    assert "If **agg1:xe-0/0/1** were fine" in answer.text
    assert "cell1 would lead" in answer.text
    assert "agg1 OSPF neighbor 10.0.0.2 down" in answer.text
    assert set(answer.evidence) == {"alarm:g1"}


def test_why_not_looks_up_what_the_findings_do_not_list(talkative, settings_for):
    """Issue 8, point 6: "why not the UPF?" pulls more, placed and accounted for."""
    settings = settings_for(talkative)
    (_, answer), _, _ = talk(settings, "go", "why not the UPF?")
    assert "not among the suspects" in answer.text
    assert "No alarm of an element called **upf1**" in answer.text
    assert [call.arguments["managed_object"] for call in asked(talkative, "list_alarms")] == [
        "upf1"
    ]
    assert [(step.tool, step.tier) for step in answer.steps] == [("list_alarms", "outposts")]
    assert answer.steps[0].decision_id


def test_a_name_that_the_findings_lack_is_looked_for_around_the_suspect(talkative, settings_for):
    """Issue 8, point 6: "the SMF" is an element that no alarm named."""
    ends = {"a": {"managed_object": "agg1:xe-0/0/2"}, "b": {"managed_object": "berlin-smf2"}}
    talkative.faults["get_neighbors"] = lambda: {"managed_object": "agg1", "links": [ends]}
    (_, answer), _, _ = talk(settings_for(talkative), "go", "why not the SMF?")
    assert "Why not **berlin-smf2**" in answer.text
    assert asked(talkative, "get_neighbors")[0].arguments["managed_object"] == "agg1:xe-0/0/1"


def test_a_case_of_a_site_that_is_no_longer_configured_is_still_talked_about(
    talkative, summary, settings_for
):
    """Us: findings are kept; only looking up needs the site."""
    settings = settings_for(talkative)
    _, conversation_id, _ = talk(settings, "go")
    with SiteDouble(summary) as other:
        elsewhere = SiteDeclaration(name="other", url=other.url, country="DE")
        changed = settings.model_copy(update={"sites": (elsewhere,)})
        said = ("why?", "why not core9?", "/runbook")
        (why, look_up, runbook), _, _ = talk(changed, *said, resume=conversation_id)
    assert "agg1" in why.text
    assert "site1 is no site of this process" in look_up.text
    assert runbook.text.startswith("No runbook")


def test_a_number_is_no_element(talkative, settings_for):
    """Us: what may be a subscriber's number is never sent to be looked up."""
    (_, answer), _, _ = talk(settings_for(talkative), "go", "why not 4917012345678?")
    assert "Which element do you mean?" in answer.text
    assert asked(talkative, "list_alarms") == []


def test_a_look_up_that_is_refused_is_said(talkative, settings_for):
    """DESIGN 6: a gap, never a lost answer."""

    def closed():
        raise ToolRefused("the store is being rebuilt")

    talkative.faults["list_alarms"] = closed
    (_, answer), _, _ = talk(settings_for(talkative), "go", "why not upf1?")
    assert "could not be looked up" in answer.text
    assert "being rebuilt" in answer.text


def test_a_runbook_is_followed_as_a_checklist_and_not_as_commands(talkative, settings_for):
    """Issue 8, point 6: ticked where the evidence answers, left to a person elsewhere."""
    (_, answer), _, _ = talk(settings_for(talkative), "go", "/runbook")
    assert "docs/ospf.md" in answer.text
    assert "- [x] read whether the OSPF neighbor is down" in answer.text
    assert "- [ ] call the field group (a person has to look)" in answer.text
    assert "agg1 OSPF neighbor 10.0.0.2 down" in answer.text
    (_, none), _, _ = talk(settings_for(talkative), "go", "/runbook generator diesel")
    assert none.text.startswith("No runbook")


def test_a_conversation_goes_on_after_a_restart(talkative, settings_for):
    """Issue 8, point 6: history persists."""
    settings = settings_for(talkative)
    _, conversation_id, _ = talk(settings, "why are the cells down?")
    (answer,), _, history = talk(settings, "/handover", resume=conversation_id)
    assert "# Hand-over: mtu mismatch at agg1" in answer.text
    assert [turn.words for turn in history] == ["why are the cells down?", "/handover"]
    assert len(asked(talkative, "summarize_alarms")) == 1
    with pytest.raises(InvalidArgumentError, match="no conversation"):
        talk(settings, "x", resume="chat-none")


def test_with_a_model_an_open_question_is_read_by_it_in_the_same_window(talkative, settings_for):
    """Issue 8, point 6: a question that no rule answers goes to the analyst that is chosen."""
    settings = settings_for(
        talkative, analyst="slm", executors={"outposts": ("openai:http://slm.example/v1#q",)}
    )
    model = ScriptedModel(lambda _: '{"headline": "Nothing new", "status": "inconclusive"}')

    async def run():
        async with open_chat(settings, models=lambda *_: model) as chat:
            conversation = await chat.begin()
            await conversation.say("go")
            return await conversation.say("is the weather to blame?")

    answer = asyncio.run(run())
    assert answer.report is not None
    assert "is the weather to blame?" in model.requests[-1].messages[0].text
    window = asked(talkative, "summarize_alarms")[-1].arguments
    assert window["from_time"] < ONSET.isoformat() < window["to_time"]


@pytest.mark.parametrize("words", ["", "  ", "x" * 3000])
def test_nothing_and_a_novel_are_no_question(talkative, settings_for, words):
    """Bad input."""
    with pytest.raises(InvalidArgumentError, match="at most 2000"):
        talk(settings_for(talkative), words)
