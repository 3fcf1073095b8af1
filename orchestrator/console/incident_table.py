"""The table of the incident board: one element of the page, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui.element import Element

Row = dict[str, Any]  # what the table shows of an incident, as JSON


class IncidentTable(Element, component="assets/incident_table.js"):
    """Rows, and the events `take`, `release`, `assign`, `acknowledge`, `close` with a row's id."""

    def __init__(self) -> None:
        super().__init__()
        self._props["rows"] = []

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows; nothing is sent when they are the same."""
        if rows != self._props["rows"]:
            self._props["rows"] = list(rows)
            self.update()
