"""TMF642 v4: the alarm resource, its four events, and the task events that acknowledge or clear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from telecom.alarm import Alarm, CorrelatedNotification, PerceivedSeverity, ThresholdInfo
from telecom.formats.payloads import (
    Payload,
    PayloadFormat,
    Place,
    alarm_type,
    claim,
    first_text,
    instant,
    items,
    leftovers,
    managed_object,
    mapping,
    number,
    text,
)
from telecom.formats.reading import NotAnAlarm, Record, Rejected
from telecom.formats.severities import severity_named
from telecom.formats.wording import occurrence_in_words

_ALARM_EVENTS = {
    "alarmcreateevent": "raise",
    "alarmattributevaluechangeevent": "change",
    "alarmstatechangeevent": "change",
    "alarmdeleteevent": "delete",
}
# Task resource: the list of alarms it names, what it does to them.
_TASKS = {
    "ackalarms": ("ackedAlarm", "acknowledge"),
    "unackalarms": ("unAckedAlarm", "unacknowledge"),
    "clearalarms": ("clearedAlarm", "clear"),
    "commentalarms": ("commentedAlarm", "comment"),
    "groupalarms": ("correlatedAlarm", "correlate"),
    "ungroupalarms": ("correlatedAlarm", "uncorrelate"),
}
_MAPPED = (
    "id", "alarmedObject", "alarmType", "perceivedSeverity", "probableCause", "specificProblem",
    "alarmRaisedTime", "alarmChangedTime", "alarmClearedTime", "alarmDetails", "ackState",
    "isRootCause", "correlatedAlarm", "parentAlarm", "crossedThresholdInformation",
    "proposedRepairedActions", "serviceAffecting", "plannedOutageIndicator",
)  # fmt: skip


def _recognises(payload: Payload) -> bool:
    kind = (text(payload.get("eventType")) or "").lower()
    if kind in _ALARM_EVENTS or _task_of(kind) is not None:
        return "event" in payload or "alarm" in payload
    if "alarm" in mapping(payload.get("event")):
        return True
    return "alarmedObject" in payload or (
        "alarmType" in payload
        and ("sourceSystemId" in payload or "alarmRaisedTime" in payload)
        and "managedObject" not in payload
    )


def _task_of(event_type: str) -> str | None:
    for ending in ("createevent", "statechangeevent"):
        name = event_type.removesuffix(ending)
        if name != event_type and name in _TASKS:
            return name
    return None


def _read(payload: Payload, place: Place) -> Iterator[Record]:
    event_type = (text(payload.get("eventType")) or "").lower()
    event = mapping(payload.get("event"))
    inner = place.within(
        instant(payload.get("eventTime"), place.context.zone)
        or instant(payload.get("timeOcurred"), place.context.zone)
        or instant(payload.get("timeOccurred"), place.context.zone)
    )
    task = _task_of(event_type)
    if task is not None:
        yield from _read_task(task, event, payload, inner)
    elif event or event_type:
        alarm = mapping(event.get("alarm")) or mapping(payload.get("alarm")) or event
        if not alarm:
            yield Rejected(place.number, "TMF642: an event without an alarm")
            return
        yield _alarm(alarm, _ALARM_EVENTS.get(event_type, "raise"), payload, inner)
    else:
        yield _alarm(payload, "raise", {}, inner)


def _read_task(task: str, event: Payload, envelope: Payload, place: Place) -> Iterator[Record]:
    list_name, lifecycle = _TASKS[task]
    resource: Payload = {}
    for name, value in event.items():
        if name.lower() == task:
            resource = mapping(value)
    alarms = [mapping(entry) for entry in items(_field(resource, list_name))]
    if task in {"groupalarms", "ungroupalarms"}:
        alarms += [mapping(entry) for entry in items(resource.get("groupedAlarm"))]
    alarms = [alarm for alarm in alarms if first_text(alarm, "id", "href")]
    if not alarms:
        yield NotAnAlarm(place.number, "TMF642: a task that names no single alarm")
        return
    for alarm in alarms:
        merged = dict(alarm)
        if lifecycle == "clear":
            merged["alarmClearedTime"] = resource.get("alarmClearedTime")
        if lifecycle == "correlate" and "parentAlarm" in resource:
            merged["parentAlarm"] = resource["parentAlarm"]
        read = _alarm(merged, lifecycle, {**resource, **envelope}, place)
        information = {
            **read.additional_information,
            **leftovers(
                resource, list_name, "alarmPattern", "groupedAlarm", "parentAlarm", "id", "href"
            ),
        }
        yield read.model_copy(update={"additional_information": information})


def _field(payload: Payload, name: str) -> Any:
    """Look a field up in any case: releases differ on `unAckedAlarm` and `unackedAlarm`."""
    for key, value in payload.items():
        if key.lower() == name.lower():
            return value
    return None


def _alarm(alarm: Payload, lifecycle: str, envelope: Payload, place: Place) -> Alarm:
    severity = _severity(alarm, lifecycle)
    if lifecycle == "change" and severity is PerceivedSeverity.CLEARED:
        lifecycle = "clear"
    name = _object_name(alarm, envelope)
    cause = first_text(alarm, "probableCause")
    problem = first_text(alarm, "specificProblem")
    words = first_text(alarm, "alarmDetails") or problem or cause or ""
    return Alarm(
        alarm_id=first_text(alarm, "id", "externalAlarmId")
        or _last_segment(first_text(alarm, "href"))
        or place.assigned_id,
        managed_object=place.context.device if name is None else managed_object(name),
        alarm_type=alarm_type(alarm.get("alarmType")),
        perceived_severity=severity,
        probable_cause=cause,
        specific_problem=problem,
        additional_text=words,
        additional_information={**leftovers(alarm, *_MAPPED), "lifecycle": lifecycle},
        correlated_notifications=_related(alarm),
        root_cause_indicator=claim(alarm.get("isRootCause")),
        threshold_info=_threshold(alarm.get("crossedThresholdInformation")),
        proposed_repair_actions=first_text(
            alarm, "proposedRepairedActions", "proposedRepairActions"
        ),
        service_affecting=claim(alarm.get("serviceAffecting")),
        planned_outage_indicator=_planned(alarm.get("plannedOutageIndicator")),
        ack_state=_ack_state(alarm, lifecycle),
        occurrence=occurrence_in_words(cause, f"{problem or ''} {words}", severity),
        source=place.source("tmf642"),
        **_times(alarm, severity, lifecycle, place),
    )


def _object_name(alarm: Payload, envelope: Payload) -> str | None:
    """Find the object; where the alarm lacks it, what reported it stands in."""
    given = alarm.get("alarmedObject")
    named = mapping(given[0] if isinstance(given, list) and given else given)
    return (
        first_text(named, "id", "name")
        or text(given)
        or _last_segment(first_text(named, "href"))
        or first_text(alarm, "sourceSystemId", "reportingSystemId")
        or first_text(
            envelope,
            "sourceSystemId",
            "reportingSystemId",
            "ackSystemId",
            "clearSystemId",
            "domain",
        )
    )


def _last_segment(href: str | None) -> str | None:
    return None if href is None else href.rstrip("/").rpartition("/")[2] or None


def _severity(alarm: Payload, lifecycle: str) -> PerceivedSeverity:
    state = (text(alarm.get("state")) or "").lower()
    if lifecycle == "clear" or state == "cleared":
        return PerceivedSeverity.CLEARED
    return severity_named(alarm.get("perceivedSeverity")) or PerceivedSeverity.INDETERMINATE


def _times(
    alarm: Payload, severity: PerceivedSeverity, lifecycle: str, place: Place
) -> dict[str, Any]:
    zone = place.context.zone
    raised = instant(alarm.get("alarmRaisedTime"), zone)
    reported = instant(alarm.get("alarmReportingTime"), zone)
    changed = instant(alarm.get("alarmChangedTime"), zone)
    cleared = instant(alarm.get("alarmClearedTime"), zone)
    if severity is PerceivedSeverity.CLEARED:
        cleared = cleared or changed or place.time
    if lifecycle == "change":
        changed = changed or place.time
    return {
        "alarm_raised_time": raised or reported or place.time,
        "alarm_changed_time": changed,
        "alarm_cleared_time": cleared,
    }


def _ack_state(alarm: Payload, lifecycle: str) -> Any:
    if lifecycle == "acknowledge":
        return "ACKNOWLEDGED"
    if lifecycle == "unacknowledge":
        return "UNACKNOWLEDGED"
    given = (text(alarm.get("ackState")) or "").upper()
    return given if given in {"ACKNOWLEDGED", "UNACKNOWLEDGED"} else None


def _planned(value: object) -> bool | None:
    """Read X.733's indicator: `outOfService` by plan, `inService`, or a plain yes or no."""
    name = (text(value) or "").replace("_", "").replace(" ", "").lower()
    if name in {"outofservice", "planned"}:
        return True
    if name in {"inservice", "unplanned"}:
        return False
    return claim(value)


def _related(alarm: Payload) -> tuple[CorrelatedNotification, ...]:
    names = [
        name
        for field in ("correlatedAlarm", "parentAlarm")
        for entry in items(alarm.get(field))
        if (
            name := first_text(mapping(entry), "id")
            or _last_segment(first_text(mapping(entry), "href"))
        )
    ]
    return (CorrelatedNotification(notification_ids=tuple(names)),) if names else ()


def _threshold(value: object) -> ThresholdInfo | None:
    crossed = mapping(value)
    observed = number(crossed.get("observedValue"))
    if observed is None:
        return None
    threshold = mapping(crossed.get("threshold"))
    return ThresholdInfo(
        observed_measurement=first_text(crossed, "indicatorName") or "observed",
        observed_value=observed,
        threshold_level=number(threshold.get("value", threshold.get("thresholdLevel"))),
    )


TMF642 = PayloadFormat("tmf642", _recognises, _read)
