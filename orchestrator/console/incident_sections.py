"""The sections of an incident's page: each statement with the evidence that opens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui

from agents.findings import Candidate
from orchestrator.console.evidence_panel import EvidencePanel
from orchestrator.console.safe_text import text, words
from orchestrator.console.wording import instant
from orchestrator.investigating.case import Case
from telecom.configuration import ConfigHunk
from telecom.report import NextAction, ReportedChange, ReportedTicket, RootCause

TOP_ACTIONS = 3
_SIGNS = {"+": "add", "-": "cut"}
_AGREES = {True: "same kind of cause", False: "another cause", None: ""}


class Sections:
    """What a finished investigation says."""

    def __init__(self, case: Case, panel: EvidencePanel) -> None:
        self._case = case
        self._report = case.report
        self._panel = panel

    def first_screen(self) -> None:
        """Headline, cause, confidence with its basis, and what to do next."""
        with ui.element("div").classes("title-line"):
            with ui.element("h1").classes("headline"):
                words(self._report.headline)
            words(self._report.status, classes=f"chip state {self._report.status}")
        with ui.element("div").classes("first"):
            with card("Cause"):
                for cause in self._report.root_causes:
                    self._cause(cause)
                if not self._report.root_causes:
                    words("No cause is asserted: the evidence does not decide it.")
                self._explained()
            with card("Do next"):
                self._actions(self._report.next_actions[:TOP_ACTIONS])

    def rest(self) -> None:
        """Everything below the first screen, as far as there is any."""
        self._chain()
        with ui.element("div").classes("pair"):
            with ui.element("div").classes("stack"):
                self._changes()
                self._ruled_out()
                self._gaps()
            with ui.element("div").classes("stack"):
                self._tickets()
                if len(self._report.next_actions) > TOP_ACTIONS:
                    with card("More to do"):
                        self._actions(self._report.next_actions[TOP_ACTIONS:])

    def _cause(self, cause: RootCause) -> None:
        with ui.element("div").classes("cause"):
            words(cause.managed_object, classes="cause-name")
            words(cause.specific_problem)
            words(f"{cause.probable_cause}, {cause.role}", classes="dim small")
            with ui.element("div").classes("sure"):
                with ui.element("span").classes("meter wide-meter"):
                    ui.element("i").style(f"width:{cause.confidence:.0%}")
                words(f"{cause.confidence:.0%} sure")
            words(cause.confidence_basis, classes="dim small")
            candidate = self._case.candidate(cause.managed_object)
            if candidate is not None:
                self._basis(candidate)
            self._panel.sources(cause.evidence_ids)

    def _basis(self, candidate: Candidate) -> None:
        """The reasons of a score, what speaks against it included."""
        with ui.element("details").classes("basis"):
            with ui.element("summary"):
                words("How that was computed")
            rows = "".join(
                f"<tr><td>{text(reason.name)}</td>"
                f"<td><span class='meter'><i style='width:{abs(reason.strength) * 100:.0f}%'></i>"
                f"</span> {reason.strength:+.2f}</td><td>{text(reason.because)}</td></tr>"
                for reason in candidate.reasons
            )
            ui.html(f"<table class='plain'><tbody>{rows}</tbody></table>")

    def _explained(self) -> None:
        explained = self._report.alarms_explained
        if explained:
            count = sum(alarm.explained for alarm in explained)
            words(f"It explains {count} of {len(explained)} groups of alarms.", classes="dim small")

    def _actions(self, actions: tuple[NextAction, ...]) -> None:
        if not actions:
            words("Nothing.", classes="dim")
            return
        with ui.element("ol").classes("actions"):
            for action in actions:
                with ui.element("li"):
                    words(action.action)
                    if not action.read_only:
                        words("changes the network", classes="chip warns")
                    words(action.why, classes="dim small")
                    self._panel.sources(action.evidence_ids)

    def _chain(self) -> None:
        if not self._report.causal_chain:
            return
        with card("Causal chain"), ui.element("ol").classes("chain"):
            for link in self._report.causal_chain:
                with ui.element("li"):
                    lag = "" if link.lag_seconds is None else f"{link.lag_seconds:g} s later"
                    ui.html(
                        f"<b>{text(link.source)}</b> {_dim(link.condition)} → "
                        f"<b>{text(link.target)}</b> {_dim(link.effect)} {_dim(lag)}"
                    )
                    self._panel.sources(link.evidence_ids)

    def _changes(self) -> None:
        with card("Changes before onset"):
            for change in self._report.changes_before_onset:
                self._change(change)
            if not self._report.changes_before_onset:
                words("None is known.", classes="dim")

    def _change(self, change: ReportedChange) -> None:
        with ui.element("details").classes("change") as opened:
            if change is self._report.changes_before_onset[0]:
                opened.props("open")
            with ui.element("summary"):
                ui.html(
                    f"<b>{text(change.managed_object)}</b> <span class='dim'>"
                    f"{text(instant(change.time))}, suspicion {change.score:.2f}</span>",
                    tag="span",
                )
            words(f"{change.author}, commit {change.commit[:12]}", classes="dim small")
            words("; ".join(change.why), classes="small")
            diff = "".join(_hunk(hunk) for hunk in change.hunks)
            ui.html(f"<pre class='quote' tabindex='0'>{diff}</pre>")
            self._panel.sources(change.evidence_ids)

    def _tickets(self) -> None:
        with card("Seen before"):
            for ticket in self._report.similar_incidents:
                self._ticket(ticket)
            if not self._report.similar_incidents:
                words("No past incident is similar.", classes="dim")

    def _ticket(self, ticket: ReportedTicket) -> None:
        with ui.element("div").classes("ticket"):
            ui.html(
                f"<b>{text(ticket.ticket_id)}</b> <span class='dim small'>similarity "
                f"{ticket.score:.2f} {_AGREES[ticket.agrees]}</span>"
            )
            with ui.element("blockquote"):
                words(ticket.quote)
            self._panel.sources(ticket.evidence_ids)

    def _ruled_out(self) -> None:
        if not self._report.ruled_out:
            return
        with card("Ruled out"):
            for item in self._report.ruled_out:
                with ui.element("div").classes("ruled-out"):
                    words(item.managed_object, classes="cause-name small")
                    words(item.hypothesis)
                    words(item.why, classes="dim small")
                    self._panel.sources(item.evidence_ids)

    def _gaps(self) -> None:
        with card("Not looked at"):
            for gap in self._report.gaps:
                with ui.element("div").classes("gap"):
                    words(gap.what)
                    words(gap.why, classes="dim small")
                    if gap.rule is not None:
                        words(f"rule {gap.rule}", classes="dim small mono")
            if not self._report.gaps:
                words("Nothing was left out.", classes="dim")


@contextmanager
def card(title: str) -> Iterator[None]:
    """A section of the page."""
    with ui.element("section").classes("card"):
        with ui.element("h2"):
            ui.label(title)
        yield


def _hunk(hunk: ConfigHunk) -> str:
    head = f"<span class='dim'>{text(' / '.join(hunk.block))}</span>\n" if hunk.block else ""
    return head + "".join(
        f"<span class='{_SIGNS[line.sign]}'>{line.sign} {text(line.text)}</span>\n"
        for line in hunk.lines
    )


def _dim(value: str) -> str:
    return f"<span class='dim'>{text(value)}</span>"
