"""Alarms of the O-RAN SC near-real-time RIC."""

from __future__ import annotations

from collections.abc import Iterator

from telecom.alarm import Alarm, PerceivedSeverity
from telecom.formats.payloads import (
    Payload,
    PayloadFormat,
    Place,
    first_text,
    instant,
    leftovers,
    mapping,
    text,
)
from telecom.formats.reading import Record, Rejected
from telecom.formats.severities import severity_named
from telecom.formats.wording import occurrence_in_words

_MAPPED = ("managedObjectId", "perceivedSeverity", "AlarmTime", "additionalInfo", "AlarmAction")


def _recognises(payload: Payload) -> bool:
    return "managedObjectId" in payload or ("AlarmAction" in payload and "AlarmTime" in payload)


def _read(payload: Payload, place: Place) -> Iterator[Record]:
    # The alarm manager's alarm list nests the message beside its id and its times.
    message = {**mapping(payload.get("Alarm")), **payload}
    problem = first_text(message, "specificProblem")
    application = first_text(message, "applicationId")
    if problem is None and application is None and first_text(message, "additionalInfo") is None:
        yield Rejected(place.number, "RIC: neither a problem nor an application")
        return
    action = (text(message.get("AlarmAction")) or "RAISE").upper()
    severity = severity_named(message.get("perceivedSeverity")) or PerceivedSeverity.INDETERMINATE
    if action in {"CLEAR", "CLEARALL"}:
        severity = PerceivedSeverity.CLEARED
    device = first_text(message, "managedObjectId") or place.context.device
    identifying = first_text(message, "identifyingInfo")
    words = first_text(message, "alarmText", "additionalInfo") or identifying or ""
    moment = instant(message.get("AlarmTime")) or place.time
    lifecycle = {"CLEAR": "clear", "CLEARALL": "clear_all"}.get(action, "raise")
    yield Alarm(
        # These four fields are a RIC alarm's identity.
        alarm_id="/".join(part or "" for part in (device, application, problem, identifying)),
        managed_object=device,
        perceived_severity=severity,
        probable_cause=problem,
        specific_problem=first_text(message, "alarmText") or problem,
        alarm_raised_time=moment,
        alarm_cleared_time=moment if severity is PerceivedSeverity.CLEARED else None,
        additional_text=words,
        additional_information={**leftovers(message, *_MAPPED, "Alarm"), "lifecycle": lifecycle},
        occurrence=occurrence_in_words(None, words, severity),
        source=place.source("ric"),
    )


RIC_ALARMS = PayloadFormat("ric", _recognises, _read)
