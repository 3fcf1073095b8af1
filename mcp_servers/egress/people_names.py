"""The names that a site's tickets declare, so that they are masked wherever they recur."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mcp_servers.site_directory import SiteDirectory
from rag.ticket_exports import TicketRecord, read_tickets
from telecom.identifiers.names import harvest

_EXPORTS = (".csv", ".json", ".jsonl", ".ndjson")
_CACHE = "people_names.json"


def known_names(site: SiteDirectory) -> tuple[str, ...]:
    """The names in a site's tickets; read again only when an export changed.

    What was read is kept in `store/`, like everything there that can be rebuilt.
    """
    mapping = site.settings.tickets.mapping or None
    seen = [[name, *_size_and_time(file)] for name, file in _exports(site.tickets)]
    seen.append(["mapping", *sorted((mapping or {}).items())])
    if len(seen) == 1:
        return ()
    # JSON has no tuples: what is compared is what is stored.
    state = json.loads(json.dumps(seen))
    cache = site.store / _CACHE
    try:
        kept = json.loads(cache.read_bytes())
        if kept["state"] == state:
            return tuple(map(str, kept["names"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet, or damaged: it is made anew
    names = names_in_tickets(site.tickets, mapping)
    if site.store.is_dir():
        _replace(cache, json.dumps({"state": state, "names": names}, ensure_ascii=False))
    return names


def names_in_tickets(folder: Path, mapping: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Collect names from the people columns (reporter, assignee, customer) of ticket exports.

    Args:
        folder: A site's `tickets/`; a missing one has no names.
        mapping: Our column -> the export's column, as `site.yaml` has it.

    Returns:
        Sorted, each once; what cannot be read is left to ingest to report.
    """
    names: set[str] = set()
    for name, file in _exports(folder):
        for record in read_tickets(file, name=name, mapping=mapping):
            if isinstance(record, TicketRecord):
                names |= harvest(record.attributes)
    return tuple(sorted(names))


def _exports(folder: Path) -> list[tuple[str, Path]]:
    return [
        (str(file.relative_to(folder)), file)
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in _EXPORTS and file.is_file()
    ]


def _size_and_time(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _replace(file: Path, text: str) -> None:
    """Write a file that is whole or not there, readable by its owner only."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False
    ) as draft:
        draft.write(text)
    Path(draft.name).replace(file)
