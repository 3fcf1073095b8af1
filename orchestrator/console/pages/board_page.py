"""The incident board: what is open, how bad, how old, how sure, and who has it.

Filters work in the browser: what somebody types to find an incident is not sent anywhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nicegui import ui
from nicegui.events import GenericEventArguments

from agents.plain_text import plain
from orchestrator.console.incident_actions import ACTING, ASSIGNING, IncidentActions
from orchestrator.console.incident_table import IncidentTable, Row
from orchestrator.console.live import EVERY_S
from orchestrator.console.safe_text import words
from orchestrator.console.sessions import Engineer, current_engineer
from orchestrator.console.wording import age
from orchestrator.incidents.board import BoardIncident
from telecom.alarm import PerceivedSeverity
from telecom.errors import StateUnavailableError

if TYPE_CHECKING:
    from orchestrator.console.desk import ConsoleDesk
    from orchestrator.console.registration import Console

_SEVERITIES = tuple(severity.value for severity in PerceivedSeverity)
Handler = Callable[[GenericEventArguments], Awaitable[None]]
_STATUS = {
    "queued": "waits for a worker",
    "running": "being looked into",
    "parked": "could not be looked into",
}


def register(console: Console) -> None:
    """The board is the first page."""

    @console.page_for("/", title="Incidents", nav="i")
    async def board() -> None:
        page = _BoardPage(console.desk, current_engineer())
        await page.build()


class _BoardPage:
    """The board in front of one engineer."""

    def __init__(self, desk: ConsoleDesk, engineer: Engineer) -> None:
        self._desk = desk
        self._engineer = engineer
        self._actions = IncidentActions(desk, self.refresh)
        self._known: frozenset[str] | None = None

    async def build(self) -> None:
        """Put everything on the page."""
        with ui.element("div").classes("board-head"):
            self._counts = words("", classes="headline")
            _filters([site.name for site in self._desk.settings.sites])
        self._trouble = words("", classes="banner")
        self._news = words("", classes="unseen").props("role=status aria-live=polite")
        self._table = IncidentTable()
        for act in (
            self._actions.take,
            self._actions.release,
            self._actions.assign,
            self._actions.acknowledge,
            self._actions.close,
        ):
            self._table.on(act.__name__, self._doing(act))
        self._nothing = words(
            "No open incident. New ones appear here by themselves.", classes="nothing"
        )
        await self.refresh()
        ui.timer(EVERY_S, self.refresh, immediate=False)

    def _doing(self, act: Callable[[str], Awaitable[None]]) -> Handler:
        async def handle(event: GenericEventArguments) -> None:
            await act(str(event.args))

        return handle

    async def refresh(self) -> None:
        """Show what is new; nothing is sent to the browser when nothing is."""
        try:
            incidents = await self._desk.open_incidents.value()
        except StateUnavailableError as exc:
            self._trouble.set_text(f"What you see may be old: {exc}")
            return
        down = sorted(self._desk.service.sites.unreachable)
        self._trouble.set_text(
            f"No answer from {', '.join(down)}: what depends on it waits." if down else ""
        )
        now = datetime.now(UTC)
        rows = [_row(incident, self._engineer, now) for incident in _in_order(incidents)]
        self._table.show(rows)
        self._table.set_visibility(bool(rows))
        self._nothing.set_visibility(not rows)
        self._counts.set_text(_counted(incidents))
        self._announce(incidents)

    def _announce(self, incidents: Sequence[BoardIncident]) -> None:
        """Tell a screen reader what has come."""
        now = frozenset(incident.incident_id for incident in incidents)
        if self._known is not None and (fresh := now - self._known):
            worst = next(i for i in _in_order(incidents) if i.incident_id in fresh)
            self._news.set_text(f"{len(fresh)} new, worst {worst.perceived_severity.lower()}")
        self._known = now


def _filters(sites: Sequence[str]) -> None:
    with ui.element("search").classes("filters"):
        ui.element("input").props(
            'type=search data-filter data-key="/" aria-label="Filter by words"'
            ' placeholder="Filter by words  /" autocomplete=off'
        )
        _choice("severity", "Any severity", [(s, s.lower()) for s in _SEVERITIES])
        _choice("site", "Any site", [(site, site) for site in sites])
        _choice("owner", "Anybody's", [("mine", "mine"), ("free", "not taken")])


def _choice(key: str, everything: str, options: Sequence[tuple[str, str]]) -> None:
    with ui.element("select").props(f'data-filter-by="{key}" aria-label="Filter by {key}"'):
        for value, label in (("", everything), *options):
            option = ui.element("option")
            option.props["value"] = value
            with option:
                words(label)


def _in_order(incidents: Sequence[BoardIncident]) -> list[BoardIncident]:
    """The worst first, and of the same severity the newest."""
    newest = sorted(incidents, key=lambda incident: incident.opened_at, reverse=True)
    return sorted(newest, key=lambda incident: _SEVERITIES.index(incident.perceived_severity))


def _counted(incidents: Sequence[BoardIncident]) -> str:
    free = sum(incident.taken_by is None for incident in incidents)
    if not incidents:
        return "All quiet"
    return f"{len(incidents)} open" + (f", {free} not taken" if free else ", all taken")


def _row(incident: BoardIncident, engineer: Engineer, now: datetime) -> Row:
    found = incident.findings
    mine = incident.taken_by == engineer.principal
    confidence = None if found is None or found.confidence is None else found.confidence
    status = _STATUS.get(incident.status, incident.status) if found is None else found.status
    return {
        "id": incident.incident_id,
        "severity": incident.perceived_severity,
        "headline": "" if found is None else plain(found.headline),
        "message": plain(incident.message or ""),
        "site": ", ".join(map(plain, incident.sites)),
        "sites": list(incident.sites),
        "age": age(now - incident.opened_at),
        "opened": f"opened {incident.opened_at:%Y-%m-%d %H:%M:%S} UTC",
        "alarms": "" if found is None else f"{found.alarms:,}",
        "groups": "" if found is None else f"in {found.groups} groups",
        "status": status,
        "stage": incident.status if found is None else found.status,
        "confidence": "" if confidence is None else f"{confidence:.0%}",
        "width": 0 if confidence is None else round(confidence * 100),
        "owner": plain(incident.taken_name or ""),
        "whose": "mine" if mine else "free" if incident.taken_by is None else "other",
        "acts": engineer.role in ACTING,
        "assigns": engineer.role in ASSIGNING,
    }
