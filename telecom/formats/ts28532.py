"""3GPP TS 28.532 fault supervision: the seven notifications, and alarm records of an alarm list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from telecom.alarm import (
    Alarm,
    CorrelatedNotification,
    PerceivedSeverity,
    ThresholdInfo,
)
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
    names_and_values,
    number,
    text,
)
from telecom.formats.reading import NotAnAlarm, Record, Rejected
from telecom.formats.severities import severity_named, severity_numbered
from telecom.formats.wording import occurrence_in_words

_LIFECYCLE = {
    "notifynewalarm": "raise",
    "notifynewsecalarm": "raise",
    "notifychangedalarm": "change",
    "notifychangedalarmgeneral": "change",
    "notifyclearedalarm": "clear",
    "notifyackstatechanged": "acknowledge",
    "notifycomments": "comment",
    "notifycorrelatednotificationchanged": "correlate",
    "notifypotentialfaultyalarmlist": "rebuild",
    "notifyalarmlistrebuilt": "rebuild",
}
_MAPPED = (
    "objectInstance", "href", "alarmId", "alarmType", "probableCause", "specificProblem",
    "perceivedSeverity", "eventTime", "alarmRaisedTime", "alarmChangedTime", "alarmClearedTime",
    "additionalText", "additionalInformation", "correlatedNotifications", "rootCauseIndicator",
    "thresholdInfo", "proposedRepairActions", "backedUpStatus", "ackState", "notificationHeader",
)  # fmt: skip


def _recognises(payload: Payload) -> bool:
    flat = _flat(payload)
    name = text(flat.get("notificationType"))
    if name is not None and name.lower() in _LIFECYCLE:
        return True
    return "alarmId" in flat and ("objectInstance" in flat or "systemDN" in flat)


def read_ts28532(payload: Payload, place: Place) -> Iterator[Record]:
    """Read one notification, or one record of an alarm list."""
    flat = _flat(payload)
    notification = text(flat.get("notificationType")) or ""
    lifecycle = _LIFECYCLE.get(notification.lower())
    if lifecycle is None and not notification.lower().startswith("notify"):
        lifecycle = "raise"  # none at all, or spoiled: the fields say that it is an alarm
    if lifecycle is None:
        yield NotAnAlarm(place.number, "TS 28.532: a notification about no alarm")
    elif not notification and "alarmId" not in flat and "probableCause" not in flat:
        yield Rejected(place.number, "TS 28.532: neither a notification type nor an alarm")
    else:
        yield _alarm(flat, notification, lifecycle, place)


def _flat(payload: Payload) -> Payload:
    """Lift the fields of a separate header or body, as older releases send them."""
    merged: dict[str, Any] = {}
    for name in ("notificationHeader", "notificationBody", "alarm"):
        merged.update(mapping(payload.get(name)))
    merged.update({name: value for name, value in payload.items() if value is not None})
    return merged


def _alarm(payload: Payload, notification: str, lifecycle: str, place: Place) -> Alarm:
    event_time = instant(payload.get("eventTime"), place.context.zone) or place.time
    severity = _severity(payload, lifecycle)
    name = _object_name(payload)
    cause = first_text(payload, "probableCause")
    problem = first_text(payload, "specificProblem")
    words = first_text(payload, "additionalText") or problem or cause or ""
    information = {
        **leftovers(payload, *_MAPPED),
        **names_and_values(payload.get("additionalInformation")),
        "lifecycle": _acknowledged(payload, lifecycle),
    }
    if name is not None:
        information["objectInstance"] = name
    return Alarm(
        alarm_id=first_text(payload, "alarmId") or place.assigned_id,
        managed_object=place.context.device if name is None else managed_object(name),
        alarm_type=alarm_type(payload.get("alarmType")),
        perceived_severity=severity,
        probable_cause=cause or (notification or None),
        specific_problem=problem,
        additional_text=words,
        additional_information=information,
        correlated_notifications=_correlated(payload.get("correlatedNotifications")),
        root_cause_indicator=claim(payload.get("rootCauseIndicator")),
        threshold_info=_threshold(payload.get("thresholdInfo")),
        proposed_repair_actions=first_text(payload, "proposedRepairActions"),
        ack_state=_ack_state(payload, lifecycle),
        backed_up=claim(payload.get("backedUpStatus")),
        occurrence=occurrence_in_words(cause, f"{problem or ''} {words}", severity),
        source=place.source("ts28532"),
        **_times(payload, lifecycle, severity, event_time, place),
    )


def _object_name(payload: Payload) -> str | None:
    return first_text(payload, "objectInstance", "systemDN", "href")


def _severity(payload: Payload, lifecycle: str) -> PerceivedSeverity:
    given = payload.get("perceivedSeverity")
    if lifecycle == "clear":
        return PerceivedSeverity.CLEARED
    return severity_named(given) or severity_numbered(given) or PerceivedSeverity.INDETERMINATE


def _times(
    payload: Payload, lifecycle: str, severity: PerceivedSeverity, event_time: Any, place: Place
) -> dict[str, Any]:
    zone = place.context.zone
    raised = instant(payload.get("alarmRaisedTime"), zone)
    changed = instant(payload.get("alarmChangedTime"), zone)
    cleared = instant(payload.get("alarmClearedTime"), zone)
    if lifecycle == "change":
        changed = changed or event_time
    if severity is PerceivedSeverity.CLEARED:
        cleared = cleared or event_time
    return {
        "alarm_raised_time": raised or event_time,
        "alarm_changed_time": changed,
        "alarm_cleared_time": cleared,
    }


def _acknowledged(payload: Payload, lifecycle: str) -> str:
    if lifecycle == "acknowledge" and _ack_state(payload, lifecycle) == "UNACKNOWLEDGED":
        return "unacknowledge"
    return lifecycle


def _ack_state(payload: Payload, lifecycle: str) -> Any:
    given = (text(payload.get("ackState")) or "").upper()
    if given in {"ACKNOWLEDGED", "UNACKNOWLEDGED"}:
        return given
    return "ACKNOWLEDGED" if lifecycle == "acknowledge" else None


def _correlated(value: object) -> tuple[CorrelatedNotification, ...]:
    found = []
    for entry in items(value):
        related = mapping(entry)
        ids = related.get("notificationIds")
        names = tuple(
            name for item in (ids if isinstance(ids, list) else [ids]) if (name := text(item))
        )
        source = first_text(related, "sourceObjectInstance")
        if names or source:
            found.append(
                CorrelatedNotification(
                    source_object_instance=None if source is None else managed_object(source),
                    notification_ids=names,
                )
            )
    return tuple(found)


def _threshold(value: object) -> ThresholdInfo | None:
    info = mapping(items(value)[0]) if items(value) else {}
    observed = number(info.get("observedValue"))
    if observed is None:
        return None
    level = info.get("thresholdLevel")
    if isinstance(level, dict):
        level = level.get("highValue", mapping(level.get("up")).get("high", level.get("lowValue")))
    return ThresholdInfo(
        observed_measurement=first_text(info, "observedMeasurement", "attributeName") or "observed",
        observed_value=observed,
        threshold_level=number(level),
        arm_time=instant(info.get("armTime")),
    )


TS28532 = PayloadFormat("ts28532", _recognises, read_ts28532)
