"""What a chat shows, computed from turns: steps in words, Markdown to paste, tricks inert."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestrator.console.chat_view import conversation_as_markdown, duration, going_on, said
from orchestrator.conversations.store import Answer, Turn
from orchestrator.investigating.step_events import StepEvent
from telecom.evidence import Evidence
from telecom.report import ProvenanceStep

STEP = ProvenanceStep(
    step="alarms of site north",
    agent="alarm_triage",
    tier="outposts",
    decision_id="pd-0123456789abcdef0123",
    tool="list_alarms",
    latency_ms=1234.0,
)
QUOTE = Evidence(
    source="alarms",
    locator="alarms/a.log:1",
    quote="`</code><script>` link down",
    data_class="alarms_raw",
    sha256=None,
)


def turn(**keys):
    answer = {"text": "**agg1** is down.", "steps": (STEP,), "evidence": {"alarm:1": QUOTE}} | keys
    at = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
    return Turn(words="why *so*?", answer=Answer(**answer), at=at)


def test_a_step_says_what_ran_where_under_which_decision_and_for_how_long():
    """Issue 10, point 3: placement decision, tool, tier, duration."""
    placed = STEP.model_copy(update={"latency_ms": None})
    [row] = going_on([StepEvent(what="alarms of site north", outcome="placed", step=placed)])
    assert (row.tier, row.tool, row.decision, row.took) == (
        "outposts",
        "list_alarms",
        "pd-0123456789abcdef",
        "",
    )
    shown = said(turn())
    assert [(row.outcome, row.took, row.who) for row in shown.steps] == [
        ("done", "1.2 s", "alarm triage")
    ]
    assert shown.summary == "1 step on outposts"


def test_a_step_that_was_cut_off_is_not_shown_as_done():
    """Us: honest about what was stopped, and about what ran nowhere."""
    cut = STEP.model_copy(update={"latency_ms": None})
    refused = STEP.model_copy(update={"tier": None})
    shown = said(turn(outcome="stopped", steps=(STEP, cut, refused)))
    assert [row.outcome for row in shown.steps] == ["done", "failed", "failed"]


def test_a_conversation_is_copied_as_markdown_with_its_evidence_quoted_whole():
    """Issue 10, point 3: copy as Markdown; a quote stays a quote whatever is in it."""
    text = conversation_as_markdown([turn(), turn()])
    assert text.count("**agg1** is down.") == 2
    assert r"**why \*so\*?** (2026-03-01T10:15:00Z)" in text
    assert "- alarms/a.log:1: `` `</code><script>` link down ``" in text
    assert "Looked at: 1 step on outposts." in text


def test_durations_are_said_as_people_say_them():
    """Us: 0.4 is no number of milliseconds that anybody needs."""
    assert [duration(value) for value in (None, 0.4, 12.3, 999.0, 61_500.0)] == [
        "",
        "< 1 ms",
        "12 ms",
        "999 ms",
        "61.5 s",
    ]
