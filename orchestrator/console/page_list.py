"""Every page of the console, in the order of the navigation."""

from __future__ import annotations

from types import ModuleType

from orchestrator.console.pages import board_page, chat_page, egress_page, incident_page

PAGES: tuple[ModuleType, ...] = (
    board_page,
    incident_page,
    chat_page,
    egress_page,
)
"""Each has `register(console)`."""
