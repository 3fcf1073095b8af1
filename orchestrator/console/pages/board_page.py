"""The incident board: what is open, how bad, how old, and who has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

if TYPE_CHECKING:
    from orchestrator.console.mounting import Console


def register(console: Console) -> None:
    """The board is the first page."""

    @console.page_for("/", title="Incidents", nav="i")
    async def board() -> None:
        for incident in await console.desk.board.open_incidents():
            ui.link(incident.incident_id, f"/incidents/{incident.incident_id}")
