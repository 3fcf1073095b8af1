"""Alarms as CSV, with the column names that management systems export."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

from telecom.alarm import Alarm, PerceivedSeverity
from telecom.formats.json_documents import decode_text
from telecom.formats.payloads import (
    Place,
    alarm_type,
    claim,
    instant,
    managed_object,
    with_port,
)
from telecom.formats.reading import ReadingContext, Record, Rejected
from telecom.formats.severities import severity_named
from telecom.formats.wording import occurrence_in_words

_COLUMNS = {
    "alarm_id": "alarmid id eventid serialnumber alarmserialnumber notificationid",
    "object": "managedobject objectinstance alarmedobject sourcename device deviceid devicename ne"
    " nename neid node nodename host hostname networkelement alarmsource source object element",
    "port": "port interface interfacename ifname locationinfo",
    "severity": "perceivedseverity severity alarmseverity level alarmlevel priority",
    "type": "alarmtype eventtype",
    "cause": "probablecause cause alarmname alarmcode eventname mnemonic name",
    "problem": "specificproblem problem alarmtitle title",
    "raised": "alarmraisedtime raised raisedtime time timestamp eventtime starttime starttimestamp"
    " occurredon occurrencetime firstoccurrence alarmtime created createdat",
    "cleared": "alarmclearedtime cleared clearedtime clearedon cleartime endtime endtimestamp",
    "changed": "alarmchangedtime changed changedtime lastoccurrence lastchange",
    "text": "additionaltext text description message details alarmdescription summary",
    "repair": "proposedrepairactions proposedrepairedactions repairaction",
    "root": "rootcauseindicator isrootcause rootcause",
}  # fmt: skip
_FIELD_OF_COLUMN = {
    column: field for field, columns in _COLUMNS.items() for column in columns.split()
}
_DELIMITERS = ",;\t|"
_LONGEST_FIELD = 65_536


def looks_like_csv(head: bytes) -> bool:
    """Tell whether a first line names columns: an object or an id, and a time or a severity."""
    lines = decode_text(head).lstrip().splitlines()
    fields = set(_fields(lines[0]).values()) if lines else set()
    return bool(fields & {"object", "alarm_id"}) and bool(
        fields & {"raised", "severity", "cause", "text"}
    )


def _fields(header: str) -> dict[int, str]:
    delimiter = max(_DELIMITERS, key=header.count)
    columns: dict[int, str] = {}
    for index, name in enumerate(header.split(delimiter)):
        field = _FIELD_OF_COLUMN.get(re.sub(r"[^a-z]", "", name.lower()))
        if field is not None and field not in columns.values():
            columns[index] = field
    return columns if delimiter in header else {}


def read_csv(data: bytes, context: ReadingContext) -> Iterator[Record]:
    """Read one alarm per row; the first line names the columns."""
    text = decode_text(data).replace("\x00", " ").lstrip("\r\n")
    header = text.partition("\n")[0].rstrip("\r")
    columns = _fields(header)
    if not columns:
        yield Rejected(1, "CSV: the first line names no column of an alarm")
        return
    names = [name.strip() for name in header.split(max(_DELIMITERS, key=header.count))]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=header.count), strict=False
    )
    rows = list(_rows(reader))
    if _numbers_kinds(rows[1:], columns):
        columns = {i: "cause" if f == "alarm_id" else f for i, f in columns.items()}
    for number, row in enumerate(rows[1:], start=2):
        if isinstance(row, str):
            yield Rejected(number, f"CSV: {row}")
        elif any(cell.strip() for cell in row):
            yield _alarm(row, columns, names, Place(context, number, ",".join(row)))


def _rows(reader: Iterator[list[str]]) -> Iterator[list[str] | str]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            yield str(exc)


def _numbers_kinds(rows: Sequence[list[str] | str], columns: Mapping[int, str]) -> bool:
    """Whether the column of alarm ids holds the number of a kind of alarm, as some vendors print.

    One alarm has one object; a number that several objects share says what happened, not which.
    """
    place = {field: index for index, field in columns.items()}
    if "cause" in place or not {"alarm_id", "object"} <= place.keys():
        return False
    owner: dict[str, str] = {}
    for row in rows:
        if not isinstance(row, str) and len(row) > max(place["alarm_id"], place["object"]):
            number, name = row[place["alarm_id"]].strip(), row[place["object"]].strip()
            if number and name and owner.setdefault(number, name) != name:
                return True
    return False


def _alarm(row: list[str], columns: dict[int, str], names: list[str], place: Place) -> Record:
    values = {
        field: row[index].strip() or None for index, field in columns.items() if index < len(row)
    }
    cause, problem, words = values.get("cause"), values.get("problem"), values.get("text")
    severity = severity_named(values.get("severity"))
    raised = instant(values.get("raised"), place.context.zone)
    name = values.get("object")
    if not any((cause, problem, words, severity, raised, name)):
        return Rejected(place.number, "CSV: a row without object, time and cause")
    cleared = instant(values.get("cleared"), place.context.zone)
    # What a column holds and the standard's field cannot take stays as it was printed.
    unread = {
        "raised": raised is None,
        "cleared": cleared is None,
        "severity": severity is None,
        "type": alarm_type(values.get("type")) is None,
    }
    severity = severity or PerceivedSeverity.INDETERMINATE
    description = words or problem or cause or ""
    return Alarm(
        alarm_id=values.get("alarm_id") or place.assigned_id,
        managed_object=with_port(
            place.context.device if name is None else managed_object(name), values.get("port")
        ),
        alarm_type=alarm_type(values.get("type")),
        perceived_severity=severity,
        probable_cause=cause,
        specific_problem=problem,
        alarm_raised_time=raised or place.time,
        alarm_changed_time=instant(values.get("changed"), place.context.zone),
        alarm_cleared_time=cleared,
        additional_text=description,
        additional_information={
            names[index]: cell.strip()
            for index, cell in enumerate(row[: len(names)])
            if cell.strip() and (index not in columns or unread.get(columns[index], False))
        },
        root_cause_indicator=claim(values.get("root")),
        proposed_repair_actions=values.get("repair"),
        occurrence=occurrence_in_words(cause, f"{problem or ''} {description}", severity),
        source=place.source("csv"),
    )
