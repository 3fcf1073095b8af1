"""Which column of a ticket export becomes which of ours, to be looked at before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.ticket_exports import COLUMNS, columns_of


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How one export would be read."""

    file: str
    columns: Mapping[str, str]
    """Our column -> the export's, as named in `site.yaml` or guessed."""
    guessed: frozenset[str]
    """Ours that are neither spelled as ours nor named in `site.yaml`."""
    missing: tuple[str, ...]
    """Ours that nothing was found for."""
    kept: tuple[str, ...]
    """The export's other columns: kept as attributes, to filter by."""


def plan_columns(file: Path, *, name: str, mapping: Mapping[str, str]) -> ColumnPlan | None:
    """Plan the reading of an export from its first record; None when it has none.

    Args:
        file: The export.
        name: Its path in the site directory.
        mapping: Our column -> the export's column, as `site.yaml` has it.
    """
    found = columns_of(file, name=name, mapping=mapping)
    if found is None:
        return None
    columns, theirs = found
    return ColumnPlan(
        file=name,
        columns=columns,
        guessed=frozenset(
            ours for ours, column in columns.items() if ours not in mapping and ours != column
        ),
        missing=tuple(ours for ours in COLUMNS if ours not in columns),
        kept=tuple(column for column in theirs if column not in columns.values()),
    )
