"""The names that a site's tickets declare, so that they are masked wherever they recur."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rag.ticket_exports import TicketRecord, read_tickets
from telecom.identifiers.names import harvest

_EXPORTS = (".csv", ".json", ".jsonl", ".ndjson")


def names_in_tickets(folder: Path, mapping: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Collect names from the people columns (reporter, assignee, customer) of ticket exports.

    Args:
        folder: A site's `tickets/`; a missing one has no names.
        mapping: Our column -> the export's column, as `site.yaml` has it.

    Returns:
        Sorted, each once; what cannot be read is left to ingest to report.
    """
    names: set[str] = set()
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in _EXPORTS and file.is_file():
            for record in read_tickets(file, name=file.name, mapping=mapping):
                if isinstance(record, TicketRecord):
                    names |= harvest(record.attributes)
    return tuple(sorted(names))
