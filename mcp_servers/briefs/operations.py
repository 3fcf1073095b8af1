"""What a command may ask of the salience filters, in the process that owns the store.

Every operation takes and gives JSON, as those of `site_operations` do, whose part this is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_servers.egress.operations import preview_caller
from mcp_servers.ownership.owner_protocol import JsonValue
from mcp_servers.ownership.store_owner import Arguments, Operation, Progress

if TYPE_CHECKING:
    from mcp_servers.ownership.site_host import SiteHost


class FilterOperations:
    """Train, judge, promote and export the filters of an open site."""

    def __init__(self, host: SiteHost) -> None:
        self._host = host

    @property
    def operations(self) -> dict[str, Operation]:
        """Every operation by the name under which a command asks for it."""
        return {
            "train_filter": self.train,
            "evaluate_filter": self.evaluate,
            "promote_filter": self.promote,
            "roll_back_filter": self.roll_back,
            "export_filter": self.export,
        }

    def train(self, _arguments: Arguments, progress: Progress) -> JsonValue:
        """Train a filter on the site's labelled incidents; it is not in force yet."""
        artifact = self._host.filter_desk.train(progress)
        return artifact.model_dump(
            mode="json",
            include={"version", "incidents", "messages", "learned", "unlearned", "sha256"},
        )

    def evaluate(self, _arguments: Arguments, progress: Progress) -> JsonValue:
        """Measure the filters on the newest incidents; the one in force is named."""
        measured = self._host.filter_desk.evaluate(progress)
        return {
            "in_force": self._host.filters.promotions[-1],
            "filters": {name: found.model_dump(mode="json") for name, found in measured.items()},
        }

    def promote(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Put a filter in force, if it is better."""
        name, new, old = self._host.filter_desk.promote(arguments["version"], progress)
        return {"in_force": name, "new": new.model_dump(), "old": old.model_dump()}

    def roll_back(self, _arguments: Arguments, _progress: Progress) -> JsonValue:
        """Put the filter before the present one in force."""
        return {"in_force": self._host.filter_desk.roll_back()}

    def export(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Write a training set as the gate releases it to a caller."""
        caller = replace(
            preview_caller(self._host, arguments["caller"]),
            principal=f"local/export-{arguments['caller']}",
        )
        written, refused = self._host.filter_desk.export(
            self._host.gate, caller, Path(arguments["target"]), progress
        )
        return {"written": written, "refused": refused}
