"""`normalize`: raw files in, one `Alarm` a line out, nothing stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TextIO

from mcp_servers.site_directory import SiteDirectory
from telecom.alarm import Alarm
from telecom.errors import InvalidArgumentError, SiteDirectoryError
from telecom.formats import FORMATS, NotAnAlarm, Rejected, read_records
from telecom.topology import Topology


@dataclass(slots=True)
class NormalizedCounts:
    """What a run read."""

    alarms: int = 0
    not_alarms: int = 0
    rejected: int = 0


def normalize_files(
    files: Sequence[Path],
    *,
    site: Path | None,
    format_name: str,
    rejects: Path | None,
    emit: Callable[[str], None],
) -> NormalizedCounts:
    """Read files and emit each alarm as a line of JSON in the standard's spelling.

    Args:
        files: Raw files.
        site: Site directory that gives year, timezone and the spelling of managed objects.
        format_name: A reader's name, or `auto`.
        rejects: Where to write what could not be read; None only counts it.
        emit: Called with each line.

    Raises:
        InvalidArgumentError: No such format.
        SiteDirectoryError: A file cannot be opened, or the site directory cannot be used.
    """
    if format_name != "auto" and format_name not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise InvalidArgumentError("--format", f"no format {format_name!r}; known: auto, {known}")
    directory = None if site is None else SiteDirectory.open(site)
    zone: tzinfo = UTC if directory is None else directory.timezone
    topology = Topology() if directory is None else directory.topology
    year = None if directory is None else directory.settings.alarms.year
    counts = NormalizedCounts()
    with ExitStack() as stack:
        refused = None
        if rejects is not None:
            refused = stack.enter_context(rejects.open("w", encoding="utf-8"))
        for file in files:
            try:
                data, modified = file.read_bytes(), file.stat().st_mtime
            except OSError as exc:
                raise SiteDirectoryError(f"{file} cannot be read: {exc.strerror}") from exc
            records = read_records(
                data,
                path=file.as_posix(),
                format=format_name,
                year=year or datetime.fromtimestamp(modified, zone).year,
                zone=zone,
            )
            for record in records:
                if isinstance(record, Rejected):
                    counts.rejected += 1
                    _note(refused, file, record)
                elif isinstance(record, NotAnAlarm):
                    counts.not_alarms += 1
                else:
                    counts.alarms += 1
                    emit(
                        _spelled(record, topology).model_dump_json(by_alias=True, exclude_none=True)
                    )
    return counts


def _spelled(alarm: Alarm, topology: Topology) -> Alarm:
    name = str(topology.canonical(alarm.managed_object))
    if name == alarm.managed_object:
        return alarm
    return alarm.model_copy(update={"managed_object": name})


def _note(refused: TextIO | None, file: Path, record: Rejected) -> None:
    if refused is not None:
        entry = {"file": file.as_posix(), "line": record.line, "reason": record.why}
        refused.write(json.dumps(entry, ensure_ascii=False) + "\n")
