"""One report for people and machines; hostile strings stay strings."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from rich.console import Console

from agents.plain_text import code_span, markdown, plain
from agents.report_markdown import to_markdown
from orchestrator.rendering.briefing import to_concise, to_handover
from orchestrator.rendering.html import to_html
from orchestrator.rendering.terminal import print_report
from telecom.evidence import Evidence, Gap
from telecom.report import (
    CausalLink,
    NextAction,
    ProvenanceStep,
    ReportedTicket,
    RootCause,
    RootCauseReport,
    RuledOut,
    TimelineEntry,
)

HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold red]pwn[/] <script>|`\u202e\u200b\r\nend"


def report(text="agg1"):
    return RootCauseReport(
        incident_id="inc-1",
        headline=f"MTU mismatch at {text}",
        status="confirmed",
        root_causes=(
            RootCause(
                managed_object=text,
                probable_cause=text,
                specific_problem=text,
                role="fault",
                confidence=0.87,
                confidence_basis=text,
                evidence_ids=("alarm:1",),
            ),
        ),
        ruled_out=(RuledOut(managed_object=text, hypothesis=text, why=text),),
        causal_chain=(
            CausalLink(
                source=text,
                target="cell1",
                condition=text,
                effect=text,
                lag_seconds=2.0,
                evidence_ids=("alarm:1",),
            ),
        ),
        timeline=(
            TimelineEntry(
                time=datetime(2026, 3, 1, 10, 15, tzinfo=UTC), managed_object=text, what=text
            ),
        ),
        similar_incidents=(ReportedTicket(ticket_id=text, score=0.5, quote=text, agrees=True),),
        next_actions=(
            NextAction(action=f"check {text}", why=text, read_only=True),
            NextAction(action=f"revert {text}", why=text, read_only=False),
        ),
        gaps=(Gap(what=text, why=text, rule="site-boundary"),),
        provenance=(
            ProvenanceStep(
                step=text,
                agent="alarm_triage",
                tier="outposts",
                decision_id="pd-1",
                tool="summarize_alarms",
                tokens_before=20000,
                tokens_after=1800,
                masked=12,
                bytes_out=9000,
                cost_usd=0.01,
                latency_ms=4.0,
            ),
        ),
        evidence={
            "alarm:1": Evidence(
                source="alarms",
                locator="alarms/a.log:1",
                quote=text,
                data_class="alarms_raw",
                sha256="0" * 64,
            )
        },
    )


def printed(of):
    target = io.StringIO()
    print_report(of, Console(file=target, width=160, force_terminal=False))
    return target.getvalue()


def test_the_first_screen_has_headline_cause_basis_and_actions():
    """DESIGN 6: the answer first."""
    text = printed(report())
    first = text.split("Causal chain")[0]
    for expected in ("MTU mismatch at agg1", "confirmed", "0.87", "check agg1", "changes the net"):
        assert expected in first
    for part in ("Timeline", "Similar incidents", "Ruled out", "Not looked at", "left the site"):
        assert part in text
    assert "20000 -> 1800" in text


@pytest.mark.parametrize("width", [80, 120])
def test_what_left_the_site_can_be_read_in_a_narrow_terminal(width):
    """Us: a table of numbers whose columns are folded tells nobody anything."""
    target = io.StringIO()
    print_report(report(), Console(file=target, width=width, force_terminal=False))
    lines = target.getvalue().splitlines()
    head = next(n for n, line in enumerate(lines) if line.startswith("What ran where")) + 1
    assert lines[head].split() == ["step", "tier", "tokens", "masked", "bytes", "ms", "cost"]
    assert "20000 -> 1800" in lines[head + 2]
    assert max(map(len, lines)) <= width


def test_a_date_is_said_once():
    """Us: the clock is what is compared; the whole time is in the report's other forms."""
    text = printed(report())
    timeline = text.split("Timeline")[1].split("Changes before")[0]
    assert timeline.startswith(" (2026-03-01, UTC)")
    assert timeline.count("2026-03-01") == 1


def test_hostile_strings_never_drive_the_terminal():
    """Us: alarm text is written by devices and strangers."""
    text = printed(report(HOSTILE))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "[bold red]pwn[/]" in text


def test_hostile_strings_are_no_markup_in_markdown():
    """Us: the report is pasted into tickets and pages."""
    text = to_markdown(report(HOSTILE))
    assert "\x1b" not in text
    assert "<script>" not in text.replace("``", "").replace("`", "") or "\\<script\\>" in text
    unquoted = "".join(part for n, part in enumerate(text.split("``")) if n % 2 == 0)
    assert "<script>" not in unquoted
    assert all(
        line.startswith(("#", "-", "  -", "|", "1", "2", "Incident")) or not line
        for line in text.splitlines()
    )


RENDERERS = (printed, to_markdown, to_html, to_concise, to_handover)


def test_an_inconclusive_report_renders_without_a_cause():
    """Us: most parts can be empty."""
    empty = RootCauseReport(incident_id="inc-1", headline="Nothing", status="inconclusive")
    for render in RENDERERS:
        assert "inconclusive" in render(empty)
    assert to_markdown(empty).startswith("# Nothing\n")


@pytest.mark.parametrize("render", RENDERERS)
def test_the_words_root_cause_are_not_in_an_inconclusive_report(render):
    """Issue 8, point 3: "root cause" never appears when status is inconclusive."""
    full = report()
    step = full.provenance[0].model_copy(update={"agent": "root_cause_analyst (rules)"})
    open_matter = full.model_copy(
        update={"status": "inconclusive", "root_causes": (), "provenance": (step,)}
    )
    text = render(open_matter).lower().replace("\\", "")
    assert not re.search(r"root[\s_-]*cause", text)


class _Page(HTMLParser):
    """Every element and attribute of a page, and its text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text, self.stack = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag != "meta":
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_is_whole_and_asks_nobody_for_anything():
    """Issue 8, point 5: self-contained, topology and timeline drawn, strict escaping."""
    page = _Page(to_html(report()))
    assert page.stack == []
    assert page.tags.count("svg") == 2
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(page.tags)
    assert not {name for _, name, _ in page.attributes} & {"href", "src", "srcset", "action"}
    assert all(not name.startswith("on") for _, name, _ in page.attributes)
    assert "url(http" not in to_html(report())
    first = " ".join(page.text).partition("Causal chain")[0]
    for expected in ("MTU mismatch at agg1", "confidence 0.87", "check agg1", "revert agg1"):
        assert expected in first


def test_hostile_strings_are_text_on_the_page():
    """Us: a device, a ticket or a stranger writes into every field."""
    hostile = HOSTILE + "<svg/onload=x>\"'><img src=x onerror=y> </title></style>"
    page = _Page(to_html(report(hostile)))
    assert page.stack == []
    assert not {"script", "img"} & set(page.tags)
    assert page.tags == _Page(to_html(report("agg1:x"))).tags
    assert "\x1b" not in "".join(page.text)


def test_tier_1_is_told_what_to_check_and_not_to_change():
    """Issue 8, point 5: concise for tier 1."""
    text = to_concise(report())
    assert "check agg1" in text
    assert "revert agg1" not in text
    assert len(text.splitlines()) <= 12


def test_a_shift_lead_is_told_what_is_open_and_what_needs_approval():
    """Issue 8, point 5: hand-over summary."""
    text = to_handover(report())
    for part in ("What is known", "What is open", "To be done", "Seen before"):
        assert f"## {part}" in text
    assert "- [ ] revert agg1 (changes the network: needs approval)" in text
    assert "<script>" not in to_handover(report(HOSTILE)).replace("\\<script\\>", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\tb\nc", "a b c"), ("\x1b[0m", "\\x1b[0m"), ("ä → ok", "ä → ok"), ("\ud800", "\\xd800")],
)
def test_plain_text_shows_what_is_hidden(text, shown):
    """Us: escapes are visible, letters of any script stay."""
    assert plain(text) == shown


def test_a_code_span_holds_whatever_it_quotes():
    """CommonMark 6.1: the fence is longer than any run of backticks inside."""
    assert code_span("a`b``c") == "```a`b``c```"
    assert code_span("`a`") == "`` `a` ``"
    assert markdown("a|b*c") == "a\\|b\\*c"
