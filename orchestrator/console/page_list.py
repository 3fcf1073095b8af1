"""Every page of the console, in the order of the navigation."""

from __future__ import annotations

from types import ModuleType

from orchestrator.console.pages import (
    approvals_page,
    board_page,
    chat_page,
    costs_page,
    data_page,
    egress_page,
    handover_page,
    incident_page,
    placement_page,
)

PAGES: tuple[ModuleType, ...] = (
    board_page,
    incident_page,
    chat_page,
    approvals_page,
    handover_page,
    egress_page,
    placement_page,
    costs_page,
    data_page,
)
"""Each has `register(console)`."""
