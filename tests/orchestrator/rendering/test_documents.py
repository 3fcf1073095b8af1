"""Reports and shifts on paper: the same words as Markdown, HTML and PDF, whatever is in them."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from pypdf import PdfReader

from orchestrator.rendering import pdf
from orchestrator.rendering.document import document_html, document_markdown
from orchestrator.rendering.pdf import document_pdf
from orchestrator.rendering.report_document import report_document
from orchestrator.rendering.shift_handover import HandedOver, ShiftHandover, shift_document
from tests.orchestrator.rendering.test_renderings import HOSTILE, report

NOW = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)


def shift(text="agg1"):
    """A shift with a finished incident and one that waits."""
    done = HandedOver(
        incident_id="inc-1",
        opened_at=NOW - timedelta(hours=3),
        severity="CRITICAL",
        sites=("munich",),
        status="finished",
        report=report(text),
        holder="Ada",
        decided="Ada said: this was the cause.",
    )
    waits = HandedOver(
        incident_id="inc-2",
        opened_at=NOW - timedelta(hours=1),
        severity="MAJOR",
        sites=("hamburg",),
        status="parked",
        report=None,
        note="the site cannot be reached",
    )
    return ShiftHandover(NOW - timedelta(hours=8), NOW, (done, waits))


def paper_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def test_a_shift_is_handed_over_with_what_is_open_and_who_has_it():
    """Issue 10, part 6: shift hand-over page (printable, PDF)."""
    blocks = shift_document(shift())
    on_paper = " ".join(paper_text(document_pdf(shift().title, blocks)).split())
    on_page = document_html(shift().title, blocks)
    for said in (
        "2 incidents: 1 with a report, 1 without; 1 taken by nobody.",
        "MTU mismatch at agg1",
        "check agg1",
        "the site cannot be reached",
        "Ada said: this was the cause.",
    ):
        assert said in on_paper
        assert said in on_page


def test_a_shift_without_incidents_says_so():
    """We: an empty page would read as a failure."""
    empty = ShiftHandover(NOW - timedelta(hours=8), NOW, ())
    assert "Nothing was opened" in document_markdown(shift_document(empty))


@pytest.mark.parametrize("folders", [pdf._FONT_FOLDERS, ()], ids=["unicode", "latin-1"])
def test_a_report_on_paper_has_every_part_and_survives_hostile_text(monkeypatch, folders):
    """Issue 10, part 8: a ticket with HTML, ANSI or Markdown tricks stays inert."""
    monkeypatch.setattr(pdf, "_FONT_FOLDERS", folders)
    said = paper_text(document_pdf("r", report_document(report(f"{HOSTILE} 北京 {'x' * 300}"))))
    for part in ("Cause", "Do next", "Causal chain", "Seen before", "Not looked at", "Evidence"):
        assert part in said
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "<script>" in said


def test_text_on_the_printed_page_is_never_markup():
    """Issue 10, part 8: output escaping on the page for print as well."""
    blocks = shift_document(shift(HOSTILE))
    assert "<script>" not in document_html("x", blocks)
    assert "\\<script\\>" in document_markdown(blocks)
