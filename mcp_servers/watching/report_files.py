"""Report files: what the site found by itself, as JSON and Markdown under `store/reports/`.

They are the site's own and hold raw quotations: readable by the store's user only, and never sent.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from agents.report_markdown import to_markdown
from telecom.report import RootCauseReport

REPORTS_FOLDER = "reports"
REPORTS_KEPT = 1_000
"""Incidents whose reports are kept; the oldest go first."""


class ReportFiles:
    """The folder of a site's own reports."""

    def __init__(self, store: Path) -> None:
        self.folder = store / REPORTS_FOLDER

    def write(self, report: RootCauseReport, began: datetime) -> Path:
        """Write a report, in place of an earlier one of the same incident.

        Args:
            report: What was found.
            began: When the incident began: files sort by it.

        Returns:
            The JSON file; the Markdown file stands beside it.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{began:%Y%m%dT%H%M%SZ}_{report.incident_id}"
        file = self.folder / f"{name}.json"
        _replace(self.folder / f"{name}.md", to_markdown(report))
        _replace(file, report.model_dump_json(indent=2) + "\n")
        self._prune()
        return file

    def _prune(self) -> None:
        found = sorted(self.folder.glob("*.json"))
        for old in found[: max(0, len(found) - REPORTS_KEPT)]:
            for file in (old, old.with_suffix(".md")):
                file.unlink(missing_ok=True)


def _replace(path: Path, text: str) -> None:
    """Write a file as a whole: a reader sees the old one or the new one."""
    draft = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
