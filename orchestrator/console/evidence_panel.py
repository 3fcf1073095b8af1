"""Evidence that opens: the quoted line at once, and around it what its site releases.

A statement's sources are buttons. Pressed, one shows what the report quotes, and asks the site for
the line in its surroundings; where policy or gate refuse, the refusal and its rule are shown.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager

from nicegui import ui

from agents.findings import AlarmSummary
from agents.plain_text import plain
from orchestrator.console.controls import button
from orchestrator.console.safe_text import quotation, text, words
from orchestrator.console.wording import instant
from orchestrator.investigating.evidence_desk import Opened
from orchestrator.site_access.site_excerpts import Excerpt, has_raw_line
from telecom.evidence import Evidence
from telecom.report import ProvenanceStep, RootCauseReport
from telecom.topology import ManagedObject

Open = Callable[[str], Awaitable[Opened]]
"""Reads a piece of evidence at its site, by its id."""
_MOST = 4
"""Sources shown at a statement; the rest opens with them."""


class EvidencePanel:
    """The sources of one report."""

    def __init__(self, report: RootCauseReport, open_at_site: Open) -> None:
        self._report = report
        self._open_at_site = open_at_site
        self._dialog = ui.dialog().props("position=right full-height").classes("evidence-dialog")
        with self._dialog:
            self._content = ui.element("section").classes("card evidence")
            self._content.props('aria-label="Evidence"')

    def sources(self, keys: Iterable[str]) -> None:
        """Buttons for what a statement rests on, where it is being built."""
        known = [key for key in dict.fromkeys(keys) if key in self._report.evidence]
        if not known:
            return
        with ui.element("div").classes("sources"):
            for key in known[:_MOST]:
                self._source(key, self._report.evidence[key])
            if len(known) > _MOST:
                with ui.element("details"):
                    with ui.element("summary"):
                        words(f"{len(known) - _MOST} more")
                    for key in known[_MOST:]:
                        self._source(key, self._report.evidence[key])

    def _source(self, key: str, item: Evidence) -> None:
        opens = button(item.locator, functools.partial(self.open, key)).classes(replace="source")
        opens.props["title"] = f"Open the evidence: {plain(item.locator)}"

    def element(self, name: str, summaries: Iterable[AlarmSummary]) -> None:
        """Show what one element said, group by group."""
        device = ManagedObject.parse(name).device
        groups = [
            group
            for summary in summaries
            for group in summary.groups
            if device == ManagedObject.parse(group.managed_object).device
        ]
        with self._opened(device):
            if not groups:
                words("It said nothing in this incident.", classes="dim")
            for group in sorted(groups, key=lambda group: group.first):
                with ui.element("div").classes("ticket"):
                    words(group.template)
                    words(
                        f"{group.managed_object}, {group.perceived_severity.lower()}, "
                        f"{group.count} times, first {instant(group.first)}",
                        classes="dim small",
                    )
                    self.sources([f"alarm:{group.handle.removeprefix('group:')}"])

    @contextmanager
    def _opened(self, title: str) -> Iterator[None]:
        """What is built in the block stands in the panel."""
        self._content.clear()
        with self._content:
            with ui.element("div").classes("evidence-head"):
                words(title, classes="ask-title mono")
                close = button("✕", self._dialog.close).classes(replace="tool")
                close.props["aria-label"] = "Close"
            yield
        self._dialog.open()

    async def open(self, key: str) -> None:
        """Show a piece of evidence, and read it at its site."""
        item = self._report.evidence[key]
        with self._opened(item.locator):
            words("As the report quotes it", classes="dim small")
            quotation(item.quote if item.quote is not None else "(computed from other evidence)")
            around = ui.element("div").classes("around").props("aria-live=polite")
        with around:
            if not has_raw_line(item.source):
                words("It was computed: there is no raw line of it.", classes="dim")
                return
            words("Reading it at the site…", classes="dim")
        opened = await self._open_at_site(key)
        around.clear()
        with around:
            _shown(opened)


def _shown(opened: Opened) -> None:
    if opened.excerpt is not None:
        words(f"At {opened.site}, as the site releases it now", classes="dim small")
        ui.html(_lines(opened.excerpt))
    elif opened.refusal is not None:
        with ui.element("div").classes("refusal"):
            words("The site does not show it", classes="refusal-title")
            words(opened.refusal.why)
            if opened.refusal.rule is not None:
                words(f"rule {opened.refusal.rule}", classes="mono dim")
    if opened.step is not None:
        words(_accounted(opened.step), classes="dim small")


def _lines(excerpt: Excerpt) -> str:
    rows = "".join(
        f"<div class='{'line asked' if line.asked else 'line'}'>"
        f"<span class='where'>{text(line.locator.rpartition('/')[2])}</span>"
        f"<span>{text(line.text)}</span></div>"
        for line in excerpt.lines
    )
    return f"<div class='excerpt' tabindex='0' role='group' aria-label='In context'>{rows}</div>"


def _accounted(step: ProvenanceStep) -> str:
    """What the look itself cost, and under which decision it was made."""
    parts = [
        None if step.tier is None else f"ran on {step.tier}",
        None if step.decision_id is None else f"decision {step.decision_id[:12]}",
        None if step.tokens_after is None else f"{step.tokens_after} tokens",
        None if step.masked is None else f"{step.masked} identifiers masked",
        None if step.latency_ms is None else f"{step.latency_ms:.0f} ms",
    ]
    return ", ".join(part for part in parts if part is not None)
