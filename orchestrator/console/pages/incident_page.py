"""One incident: what it is, why, how sure, what to do next; and everything that it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from orchestrator.console.chat_panel import chat_beside

if TYPE_CHECKING:
    from orchestrator.console.mounting import Console


def register(console: Console) -> None:
    """A page for each incident, the chat beside it."""

    @console.page_for("/incidents/{incident_id}", title="Incident")
    async def incident(incident_id: str) -> None:
        report = await console.desk.service.overview.report(incident_id)
        with ui.element("div").classes("with-side"):
            with ui.element("div").classes("reading"):
                if report is not None:
                    ui.label(report.headline).classes("headline")
            with ui.element("aside").classes("side").props('aria-label="Chat"'):
                if report is not None:
                    await chat_beside(console, incident_id)
