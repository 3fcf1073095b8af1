"""Syslog of any dialect: one alarm for every log line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from telecom.alarm import Alarm, OccurrenceKind, PerceivedSeverity, ThresholdInfo
from telecom.formats.assembly import alarm_defaults, typed_alarm, typed_source
from telecom.formats.event_grammar import Meaning, understand
from telecom.formats.event_table import ALARM_TYPES
from telecom.formats.reading import (
    MAX_RECORD_CHARACTERS,
    NotAnAlarm,
    ReadingContext,
    Record,
    Rejected,
)
from telecom.formats.severities import SYSLOG_SEVERITIES, worse
from telecom.formats.syslog_clock import SyslogClock
from telecom.formats.syslog_headers import read_header
from telecom.formats.syslog_line import SyslogLine

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufffd]")
_BINARY_SHARE = 0.1
"""A line with more unprintable characters than this is no text."""

_CLEARED = PerceivedSeverity.CLEARED
_PORTLESS = frozenset({OccurrenceKind.CONFIGURATION, OccurrenceKind.LOGIN})


def read_syslog(data: bytes, context: ReadingContext) -> Iterator[Record]:
    """Read log lines: an alarm for each, also where a line tells no state.

    Empty lines give no record. Lines of a `show logging` dump that are no log lines are
    `NotAnAlarm`, unreadable ones `Rejected`. A line longer than `MAX_RECORD_CHARACTERS` is cut.
    """
    clock = SyslogClock(context)
    # Only line feeds end a line: a form feed or a Unicode separator is part of its message.
    for number, raw in enumerate(data.split(b"\n"), start=1):
        if not raw or raw.isspace():
            continue
        yield read_line(raw.decode("utf-8", "replace"), number, context, clock)


def read_line(text: str, number: int, context: ReadingContext, clock: SyslogClock) -> Record:
    """Read one log line.

    Args:
        text: The line; a carriage return at its end is dropped.
        number: 1-based, for its id and its source.
        context: Where the line is from.
        clock: Of the same context.
    """
    text = text.rstrip("\r")
    if len(text) > MAX_RECORD_CHARACTERS:
        length, text = len(text), text[:MAX_RECORD_CHARACTERS]
    else:
        length = None
    if not text.isprintable():
        unprintable = len(_UNPRINTABLE.findall(text))
        if unprintable > _BINARY_SHARE * len(text):
            return Rejected(number, "not text: more than a tenth of the line is unprintable")
        # A NUL or an escape within a log line is noise of the wire, not a part of what it says.
        text = _UNPRINTABLE.sub(" ", text) if unprintable else text
    line = read_header(text, clock)
    if line is None:
        return NotAnAlarm(number, "not a log line: no priority, timestamp or mnemonic")
    if line.time is None and line.time_text is None and context.received is not None:
        line.time = context.received
    alarm = alarm_of_line(
        line,
        alarm_id=f"{context.path}:{number}",
        device=context.device,
        path=context.path,
        number=number,
        raw=text,
    )
    if length is not None:
        alarm.additional_information["cut_from_characters"] = length
    return alarm


def alarm_of_line(
    line: SyslogLine, *, alarm_id: str, device: str, path: str, number: int, raw: str
) -> Alarm:
    """Turn a log line that has been taken apart into an alarm.

    `device` is the managed object where the line names no host.
    """
    host = line.host or device
    information = _information(line)
    meaning = understand(line)
    values = alarm_defaults()
    values["alarm_id"] = alarm_id
    values["probable_cause"] = line.mnemonic or line.process
    values["alarm_raised_time"] = line.time
    values["additional_text"] = line.message
    values["additional_information"] = information
    values["source"] = typed_source("syslog." + line.dialect, path, number, raw)
    if meaning is None:
        values["managed_object"] = host
        values["perceived_severity"] = line.perceived_severity or _severity_of(line)
        return typed_alarm(values)
    pattern = meaning.pattern
    severity = _perceived(line, meaning)
    port = meaning.interface
    if port is None or pattern.kind in _PORTLESS:
        values["managed_object"] = host
    else:
        values["managed_object"] = f"{host}:{port}"
    values["perceived_severity"] = severity
    values["alarm_type"] = pattern.alarm_type or ALARM_TYPES[pattern.kind]
    values["specific_problem"] = (
        pattern.problem if meaning.neighbor is None else f"{pattern.problem}: {meaning.neighbor}"
    )
    if meaning.details:
        values["threshold_info"] = _threshold(meaning)
        information.update(meaning.details)
    if severity is _CLEARED:
        values["alarm_cleared_time"] = line.time
    values["occurrence"] = meaning.occurrence
    return typed_alarm(values)


def _severity_of(line: SyslogLine) -> PerceivedSeverity:
    """Translate the graver of PRI and mnemonic: relays put their own PRI before a line."""
    relayed, own = line.severity, line.own_severity
    if relayed is None or (own is not None and own < relayed):
        relayed = own
    return SYSLOG_SEVERITIES[relayed] if relayed is not None else PerceivedSeverity.INDETERMINATE


def _perceived(line: SyslogLine, meaning: Meaning) -> PerceivedSeverity:
    if line.perceived_severity is not None:
        return line.perceived_severity
    if meaning.state == "up":
        return _CLEARED
    graded = _severity_of(line)
    if meaning.state in {"down", "degraded"}:
        return worse(graded, meaning.pattern.severity)
    return graded


def _threshold(meaning: Meaning) -> ThresholdInfo | None:
    observed = meaning.details.get("observed")
    if observed is None:
        return None
    level = meaning.details.get("threshold")
    return ThresholdInfo(
        observed_measurement=meaning.pattern.measurement or meaning.pattern.problem,
        observed_value=float(observed),
        threshold_level=None if level is None else float(level),
    )


def _information(line: SyslogLine) -> dict[str, Any]:
    """Keep what the header says beyond the alarm's own fields; values are JSON."""
    information: dict[str, Any] = dict(line.fields)
    if line.severity is not None:
        information["severity"] = line.severity
    if line.facility is not None:
        information["facility"] = line.facility
    if line.process is not None:
        information["process"] = line.process
    if line.process_id is not None:
        information["process_id"] = line.process_id
    if line.sequence is not None:
        information["sequence"] = line.sequence
    if line.location is not None:
        information["location"] = line.location
    if line.clock_unsynchronized:
        information["clock_unsynchronized"] = True
    if line.time is None and line.time_text is not None:
        information["time_as_printed"] = line.time_text
    return information
