"""Our own alarms as JSON: what `tierwise-site normalize` writes reads back."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from telecom.alarm import Alarm, PerceivedSeverity
from telecom.formats.payloads import (
    Payload,
    PayloadFormat,
    Place,
    alarm_type,
    claim,
    first_text,
    instant,
    mapping,
    number,
    text,
)
from telecom.formats.reading import Record, Rejected
from telecom.formats.severities import severity_named
from telecom.formats.wording import occurrence_in_words

_TIMES = ("alarmRaisedTime", "alarmChangedTime", "alarmClearedTime")


def _recognises(payload: Payload) -> bool:
    return "managedObject" in payload or "managed_object" in payload


def _read(payload: Payload, place: Place) -> Iterator[Record]:
    source = place.source("tierwise")
    given = {name: value for name, value in payload.items() if name != "source"}
    try:
        alarm = Alarm.model_validate({"alarmId": place.assigned_id, **given, "source": source})
    except ValidationError:
        yield _salvage(payload, place)
        return
    zone = place.context.zone
    updates = {
        field: moment.replace(tzinfo=zone)
        for field in ("alarm_raised_time", "alarm_changed_time", "alarm_cleared_time")
        if (moment := getattr(alarm, field)) is not None and moment.tzinfo is None
    }
    if alarm.alarm_raised_time is None and place.time is not None:
        updates["alarm_raised_time"] = place.time
    yield alarm.model_copy(update=updates) if updates else alarm


def _salvage(payload: Payload, place: Place) -> Record:
    """Read a spoiled alarm as far as it goes: an object and some words of trouble must be there."""
    device = first_text(payload, "managedObject", "managed_object") or place.context.device
    cause = first_text(payload, "probableCause", "probable_cause")
    problem = first_text(payload, "specificProblem", "specific_problem")
    words = first_text(payload, "additionalText", "additional_text") or ""
    severity = severity_named(payload.get("perceivedSeverity", payload.get("perceived_severity")))
    if cause is None and problem is None and not words and severity is None:
        return Rejected(place.number, "an alarm without cause, problem, text or severity")
    severity = severity or PerceivedSeverity.INDETERMINATE
    times = {name: instant(payload.get(name), place.context.zone) for name in _TIMES}
    threshold = mapping(payload.get("thresholdInfo"))
    observed = number(threshold.get("observedValue"))
    ack = (text(payload.get("ackState")) or "").upper()
    return Alarm.model_validate(
        {
            "alarmId": first_text(payload, "alarmId", "alarm_id") or place.assigned_id,
            "managedObject": device,
            "alarmType": alarm_type(payload.get("alarmType", payload.get("alarm_type"))),
            "perceivedSeverity": severity,
            "probableCause": cause,
            "specificProblem": problem,
            **times,
            "alarmRaisedTime": times["alarmRaisedTime"] or place.time,
            "additionalText": words,
            "additionalInformation": dict(mapping(payload.get("additionalInformation"))),
            "rootCauseIndicator": claim(payload.get("rootCauseIndicator")),
            "thresholdInfo": None
            if observed is None
            else {
                "observedMeasurement": first_text(threshold, "observedMeasurement") or "observed",
                "observedValue": observed,
                "thresholdLevel": number(threshold.get("thresholdLevel")),
            },
            "proposedRepairActions": first_text(payload, "proposedRepairActions"),
            "serviceAffecting": claim(payload.get("serviceAffecting")),
            "plannedOutageIndicator": claim(payload.get("plannedOutageIndicator")),
            "ackState": ack if ack in {"ACKNOWLEDGED", "UNACKNOWLEDGED"} else None,
            "backedUp": claim(payload.get("backedUp")),
            "occurrence": occurrence_in_words(cause, f"{problem or ''} {words}", severity),
            "source": place.source("tierwise"),
        }
    )


OWN_ALARMS = PayloadFormat("tierwise", _recognises, _read)
