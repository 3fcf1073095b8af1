"""Ticket exports: JSON Lines, JSON and CSV, in our columns or as ServiceNow and Jira write them."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, BinaryIO

from rag.filters import attribute_name
from rag.ingest_counts import Reject
from telecom.csv_dialect import delimiter_of
from telecom.errors import InvalidArgumentError
from telecom.ticket import Ticket
from telecom.times import parse_instant

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv")
COLUMNS = tuple(Ticket.model_fields)

_GUESSES: dict[str, tuple[str, ...]] = {
    "ticket_id": ("number", "issue_key", "key", "id", "incident", "incident_id", "ticket"),
    "title": ("short_description", "summary", "subject", "name"),
    "description": ("details", "symptom", "symptoms", "problem_description"),
    "managed_object": (
        "cmdb_ci",
        "configuration_item",
        "ci",
        "component_s",
        "components",
        "component",
        "affected_ci",
        "network_element",
        "device",
        "node",
    ),
    "severity": ("priority", "urgency", "impact"),
    "status": ("state", "incident_state"),
    "opened_at": ("opened", "created", "created_at", "sys_created_on", "created_on"),
    "closed_at": ("closed", "resolved_at", "resolved", "resolutiondate", "resolution_date"),
    "cause": ("root_cause", "cause_code", "close_code", "resolution_code", "resolution"),
    "close_note": (
        "close_notes",
        "resolution_notes",
        "resolution_note",
        "work_around",
        "closure_comments",
    ),
    "assigned_group": ("assignment_group", "assigned_to_group", "assignee_group", "team"),
}
"""Our column -> what ServiceNow, Jira and their like call it, normalised, best guess first."""

_TIME_FORMATS = (
    "%d/%b/%y %I:%M %p",
    "%d/%b/%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
)
LONGEST_RECORD = 4 * 2**20
"""Bytes of a line, or characters of a cell: more is no ticket that a person wrote."""
LARGEST_FILE = 512 * 2**20
"""Bytes of an export that has to be held whole; JSON Lines may have any size."""
_TOO_LARGE = f"is larger than {LARGEST_FILE // 2**20} MiB"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SURROGATES = re.compile("[\ud800-\udfff\x00]")


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """A ticket, what the export says beyond our columns, and its place."""

    ticket: Ticket
    attributes: Mapping[str, str]
    file: str
    line: int


def guess_mapping(columns: list[str]) -> dict[str, str]:
    """Guess which of an export's columns is which of ours: our name -> its name."""
    by_normal = {_normal(column): column for column in reversed(columns)}
    guessed: dict[str, str] = {}
    for ours in COLUMNS:
        for name in (ours, *_GUESSES.get(ours, ())):
            if name in by_normal and by_normal[name] not in guessed.values():
                guessed[ours] = by_normal[name]
                break
    return guessed


def read_tickets(
    file: Path, *, name: str, mapping: Mapping[str, str] | None = None, zone: tzinfo = UTC
) -> Iterator[TicketRecord | Reject]:
    """Read an export record by record; what cannot be read comes back as a `Reject`.

    Args:
        file: `.jsonl`, `.ndjson`, `.json` (a list, or a list under `result`, `records` or
            `issues`) or `.csv`.
        name: Its path in the site directory.
        mapping: Our column -> the export's column; what it leaves out is guessed.
        zone: For times that carry none.
    """
    try:
        for row in _rows(file, name):
            yield row if isinstance(row, Reject) else _record(*row, name, mapping or {}, zone)
    except OSError as exc:
        yield Reject(name, None, f"cannot be read: {exc.strerror}")


def columns_of(
    file: Path, *, name: str, mapping: Mapping[str, str]
) -> tuple[dict[str, str], list[str]] | None:
    """Columns of an export's first record: our column -> its column, and all of its columns.

    None when nothing in it can be read as a record.
    """
    try:
        first = next((row for row in _rows(file, name) if not isinstance(row, Reject)), None)
    except OSError:
        first = None
    if first is None:
        return None
    theirs = [_normal(key) for key in _flat(first[1])]
    chosen = {ours: _normal(column) for ours, column in mapping.items()}
    columns = guess_mapping(theirs) | {o: c for o, c in chosen.items() if c in theirs}
    return columns, theirs


def _rows(file: Path, name: str) -> Iterator[Row | Reject]:
    readers = {".csv": _csv_rows, ".json": _json_rows}
    return readers.get(file.suffix.lower(), _json_lines)(file, name)


Row = tuple[int, dict[str, Any]]
"""Line number and cells; values are JSON, hence Any."""


def _json_lines(file: Path, name: str) -> Iterator[Row | Reject]:
    with file.open("rb") as stream:
        for number, raw in enumerate(_lines(stream), 1):
            if raw is None:
                yield Reject(name, number, f"is longer than {LONGEST_RECORD // 2**20} MiB")
                continue
            if b"\0" in raw:
                yield Reject(name, None, "not a text file (holds NUL bytes)")
                return
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                row = json.loads(text) if text else None
            except UnicodeDecodeError:
                yield Reject(name, number, "not UTF-8")
            except (ValueError, RecursionError):
                yield Reject(name, number, "not a JSON document (is the line cut off?)")
            else:
                if isinstance(row, dict):
                    yield number, row
                elif text:
                    yield Reject(name, number, "a ticket must be a JSON object")


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a file; None for one that is too long, of which little is held in memory."""
    if stream.read(2) in _UTF_16:  # as PowerShell writes what is sent to a file
        stream.seek(0)
        yield from (
            stream.read(LARGEST_FILE).decode("utf-16", errors="replace").encode().split(b"\n")
        )
        return
    stream.seek(0)
    while line := stream.readline(LONGEST_RECORD + 1):
        if len(line) <= LONGEST_RECORD:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(LONGEST_RECORD)
        yield None


def _json_rows(file: Path, name: str) -> Iterator[Row | Reject]:
    if file.stat().st_size > LARGEST_FILE:
        yield Reject(name, None, f"{_TOO_LARGE} (one object per line, .jsonl, may have any size)")
        return
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        yield Reject(name, None, "not a JSON document (one object per line needs .jsonl)")
        return
    if isinstance(content, dict):
        lists = [content[key] for key in ("result", "records", "issues") if key in content]
        content = lists[0] if lists else [content]
    if not isinstance(content, list):
        yield Reject(name, None, "a ticket export must be a list of JSON objects")
        return
    for number, row in enumerate(content, 1):
        if isinstance(row, dict):
            yield number, row
        else:
            yield Reject(name, number, "a ticket must be a JSON object")


def _csv_rows(file: Path, name: str) -> Iterator[Row | Reject]:
    if file.stat().st_size > LARGEST_FILE:
        yield Reject(name, None, f"{_TOO_LARGE}; split it")
        return
    text = _decoded(file.read_bytes())
    if "\0" in text:
        yield Reject(name, None, "not a text file (holds NUL bytes)")
        return
    header, _, rest = text.partition("\n")
    named = re.fullmatch(r"sep=(.)\s*", header, re.IGNORECASE)
    if named is not None:  # Excel's own line
        text, delimiter = rest, named[1]
    else:
        delimiter = delimiter_of(header)
    skipped = 0 if named is None else 1
    csv.field_size_limit(LONGEST_RECORD)  # of the whole process; Python's is a long description
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = [column.strip() for column in next(rows, [])]
        if not columns:
            return
        at = rows.line_num + 1 + skipped
        for cells in rows:
            if len(cells) > len(columns):
                yield Reject(
                    name, at, f"has {len(cells)} cells, the header has {len(columns)} columns"
                )
            elif any(cell.strip() for cell in cells):
                yield at, _first_filled(columns, cells)
            at = rows.line_num + 1 + skipped
    except csv.Error as exc:
        yield Reject(name, rows.line_num + skipped, f"not CSV from here on: {exc}")


def _decoded(data: bytes) -> str:
    if data.startswith(_UTF_16):  # Excel's "Unicode text"
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _first_filled(columns: list[str], cells: list[str]) -> dict[str, Any]:
    """Jira repeats a column for each of several values: keep the first filled one."""
    row: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=False):
        if not row.get(column):
            row[column] = cell
    return row


def _record(
    line: int, row: dict[str, Any], name: str, mapping: Mapping[str, str], zone: tzinfo
) -> TicketRecord | Reject:
    cells = {_normal(key): _text(value) for key, value in _flat(row).items()}
    guessed = guess_mapping(list(cells))
    columns = guessed | {ours: _normal(theirs) for ours, theirs in mapping.items()}
    values = {ours: cells.get(theirs, "") for ours, theirs in columns.items()}
    if not values.get("ticket_id"):
        return Reject(name, line, "has no ticket id; name its column in site.yaml tickets.mapping")
    title = values.get("title") or values.get("description", "").partition("\n")[0][:120]
    if not title:
        return Reject(name, line, "has neither a title nor a description")
    times: dict[str, datetime | None] = {}
    for column in ("opened_at", "closed_at"):
        try:
            times[column] = _moment(values.get(column, ""), zone)
        except InvalidArgumentError:
            return Reject(name, line, f"{column} is not a time this reader knows (use ISO 8601)")
    used = set(columns.values())
    return TicketRecord(
        Ticket(
            ticket_id=values["ticket_id"],
            title=title,
            description=values.get("description", ""),
            managed_object=values.get("managed_object") or None,
            severity=values.get("severity") or None,
            status=values.get("status") or None,
            opened_at=times["opened_at"],
            closed_at=times["closed_at"],
            cause=values.get("cause") or None,
            close_note=values.get("close_note") or None,
            assigned_group=values.get("assigned_group") or None,
        ),
        {key: value for key, value in cells.items() if value and key not in used},
        name,
        line,
    )


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Jira's REST export keeps its columns under `fields`."""
    fields = row.get("fields")
    return (
        {**fields, **{k: v for k, v in row.items() if k != "fields"}}
        if isinstance(fields, dict)
        else row
    )


def _normal(column: str) -> str:
    custom = re.fullmatch(r"Custom field \((.*)\)", column.strip())
    return attribute_name(custom[1] if custom else column)


def _text(value: Any) -> str:
    """A cell as text: references and options of the REST exports give their display name."""
    if isinstance(value, dict):
        named = (value.get(key) for key in ("display_value", "displayName", "name", "value"))
        value = next((name for name in named if name), "")
    if isinstance(value, list):
        value = ", ".join(filter(None, map(_text, value)))
    if value is None or isinstance(value, dict):
        return ""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", str(value)).strip()


def _moment(text: str, zone: tzinfo) -> datetime | None:
    if not text:
        return None
    for pattern in _TIME_FORMATS:
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone follows
        except ValueError:
            continue
        return moment.replace(tzinfo=zone).astimezone(UTC)
    return parse_instant(text, zone=zone)
