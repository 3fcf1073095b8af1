"""One incident: what it is, why, how sure, what to do next; and everything that it rests on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nicegui import ui
from nicegui.events import GenericEventArguments

from orchestrator.console.alarm_timeline import AlarmTimeline, alarm_timeline
from orchestrator.console.cause_verdict import cause_verdict, verdict_head
from orchestrator.console.chat_panel import chat_beside, chat_head
from orchestrator.console.controls import button
from orchestrator.console.evidence_panel import EvidencePanel
from orchestrator.console.incident_actions import ACTING, ASSIGNING, IncidentActions
from orchestrator.console.incident_sections import Sections, card
from orchestrator.console.live import EVERY_S
from orchestrator.console.safe_text import words
from orchestrator.console.sessions import Engineer, current_engineer
from orchestrator.console.topology_map import TopologyMap, incident_map
from orchestrator.console.wording import instant
from orchestrator.incidents.board import BoardIncident
from orchestrator.investigating.case import Case, load_case
from orchestrator.investigating.evidence_desk import EvidenceDesk, Opened
from telecom.errors import StateUnavailableError

if TYPE_CHECKING:
    from orchestrator.console.desk import ConsoleDesk
    from orchestrator.console.registration import Console

_CONNECT_S = 30.0
"""How long a page waits for its browser; one that never comes is forgotten."""
Act = Callable[[str], Awaitable[None]]
_STAGES = {
    "queued": "It waits for a worker.",
    "running": "It is being looked into. What is found appears here by itself.",
    "parked": "It could not be looked into.",
}


def register(console: Console) -> None:
    """A page for each incident, the chat beside it."""

    @console.page_for("/incidents/{incident_id}", title="Incident")
    async def incident(incident_id: str) -> None:
        chat_head()
        verdict_head()
        with ui.element("div").classes("with-side"):
            with ui.element("div").classes("reading"):
                page = _IncidentPage(console, current_engineer(), incident_id)
                await page.build()
            beside = ui.element("aside").classes("side").props('aria-label="Chat"')
        if not page.is_reported:
            return
        # The first screen is painted before the rest is built.
        await ui.context.client.connected(timeout=_CONNECT_S)
        await page.build_rest()
        with beside:
            await chat_beside(console, incident_id)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is drawn: a page is drawn again when it changes."""

    incident: BoardIncident | None
    reported: bool
    steps: tuple[str, ...]


class _IncidentPage:
    """An incident in front of one engineer."""

    def __init__(self, console: Console, engineer: Engineer, incident_id: str) -> None:
        self._console = console
        self._desk: ConsoleDesk = console.desk
        self._engineer = engineer
        self._id = incident_id
        self._actions = IncidentActions(console.desk, self.refresh)
        self._seen: _Seen | None = None
        self._case: Case | None = None

    async def build(self) -> None:
        """Put the first screen on the page."""
        self._head = ui.element("div").classes("incident-head")
        self._trouble = words("", classes="banner")
        self._stage = ui.element("div").props("aria-live=polite")
        self._body = ui.element("div").classes("incident")
        await self.refresh()
        if self._seen is not None and self._seen.incident is not None:
            ui.timer(EVERY_S, self.refresh, immediate=False)

    @property
    def is_reported(self) -> bool:
        """Whether there is a report to read and to talk about."""
        return self._seen is not None and self._seen.reported

    async def refresh(self) -> None:
        """Draw what has changed."""
        try:
            seen = await self._look()
        except StateUnavailableError as exc:
            self._trouble.set_text(f"What you see may be old: {exc}")
            return
        self._trouble.set_text("")
        if seen == self._seen:
            return
        if self._seen is not None and seen.reported and self._case is None:
            ui.navigate.reload()  # the rest of the page and the chat come with the report
            return
        self._seen = seen
        self._draw_head(seen.incident)
        self._draw_stage(seen)
        if seen.reported and self._case is None:
            await self._draw_first_screen()

    async def _look(self) -> _Seen:
        incident = await self._desk.board.incident(self._id)
        names = await self._desk.service.state.names(self._id)
        reported = "report" in names and (incident is None or incident.status == "finished")
        return _Seen(incident, reported, () if reported else tuple(names))

    def _draw_head(self, incident: BoardIncident | None) -> None:
        self._head.clear()
        with self._head:
            with ui.element("div").classes("facts"):
                if incident is not None:
                    severity = incident.perceived_severity.lower()
                    words(severity, classes=f"chip severity {severity}")
                words(self._id, classes="mono")
                if incident is not None:
                    words(", ".join(incident.sites))
                    words(f"opened {instant(incident.opened_at)}", classes="dim")
                    if incident.closed_at is not None:
                        words(f"closed {instant(incident.closed_at)}", classes="dim")
            if incident is not None:
                self._draw_actions(incident)

    def _draw_actions(self, incident: BoardIncident) -> None:
        mine = incident.taken_by == self._engineer.principal
        with ui.element("div").classes("buttons"):
            if incident.taken_by is not None:
                words("taken by you" if mine else f"taken by {incident.taken_name}", classes="dim")
            if self._engineer.role not in ACTING:
                return
            if incident.closed_at is not None:
                self._button("Reopen", "o", self._actions.reopen)
                return
            if incident.taken_by is None:
                self._button("Take", "t", self._actions.take, main=True)
            elif mine:
                self._button("Give back", "u", self._actions.release)
            if self._engineer.role in ASSIGNING:
                self._button("Assign", "s", self._actions.assign)
            self._button("Acknowledge", "a", self._actions.acknowledge)
            self._button("Close", "c", self._actions.close)

    def _button(self, label: str, key: str, act: Act, *, main: bool = False) -> None:
        async def pressed() -> None:
            await act(self._id)

        button(label, pressed, main=main).props(f'data-key="{key}"')

    def _draw_stage(self, seen: _Seen) -> None:
        self._stage.clear()
        if seen.reported:
            return
        with self._stage, ui.element("section").classes("card"):
            if seen.incident is None:
                words("There is no incident of that name", classes="headline")
                ui.link("Back to the board", "/")
                return
            words(_STAGES.get(seen.incident.status, seen.incident.status), classes="headline")
            words(seen.incident.message or "", classes="dim")
            done = [name for name in seen.steps if not name.startswith("_")]
            if done:
                words(f"done so far: {', '.join(done)}", classes="dim")
            if seen.incident.status == "parked" and self._engineer.role in ACTING:
                self._button("Look into it again", "r", self._actions.retry, main=True)

    async def _draw_first_screen(self) -> None:
        self._case = case = await load_case(self._desk.service.state, self._id)
        with self._body:
            self._panel = EvidencePanel(case.report, lambda key: self._opened(case, key))
            self._sections = Sections(case, self._panel)
            self._sections.first_screen()

    async def build_rest(self) -> None:
        """Put on the page what stands below the first screen."""
        case = self._case
        assert case is not None  # it is reported
        with self._body:
            with ui.element("div").classes("pair"):
                self._draw_map(case, self._panel)
                self._draw_timeline(case, self._panel)
            self._sections.rest()
            await cause_verdict(self._console, case.report)

    def _draw_map(self, case: Case, panel: EvidencePanel) -> None:
        drawn = incident_map(case.report, tuple(case.alarms.values()))
        if not drawn.nodes:
            return
        reached = len(case.report.blast_radius.managed_objects)
        with card("What it reached"):
            services = ", ".join(case.report.blast_radius.services)
            words(
                f"{reached} elements in alarm" + (f"; services: {services}" if services else ""),
                classes="dim small",
            )
            TopologyMap(drawn).on("element", self._told_of(case, panel))

    def _draw_timeline(self, case: Case, panel: EvidencePanel) -> None:
        drawn = alarm_timeline(case.report, tuple(case.alarms.values()))
        if drawn is None:
            return
        with card("Alarms over time"):
            AlarmTimeline(drawn).on("element", self._told_of(case, panel))

    def _told_of(self, case: Case, panel: EvidencePanel) -> Callable[[GenericEventArguments], None]:
        return lambda event: panel.element(str(event.args), tuple(case.alarms.values()))

    async def _opened(self, case: Case, key: str) -> Opened:
        person = self._desk.person(self._engineer)
        return await EvidenceDesk(self._desk.services).open(case.report, key, on_behalf_of=person)
