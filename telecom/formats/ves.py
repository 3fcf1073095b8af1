"""ONAP VES 4.x to 7.x: fault, syslog, threshold, notification, state change, stndDefined, batches.

Source: VES Event Listener 7.2 and the common event format 30.2.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from telecom.alarm import Alarm, AlarmType, OccurrenceKind, PerceivedSeverity, ThresholdInfo
from telecom.formats.event_states import state_of_step
from telecom.formats.payloads import (
    Payload,
    PayloadFormat,
    Place,
    first_text,
    instant,
    items,
    leftovers,
    mapping,
    names_and_values,
    number,
    text,
    with_port,
)
from telecom.formats.reading import NotAnAlarm, Record, Rejected
from telecom.formats.severities import severity_named
from telecom.formats.syslog import alarm_of_line, read_line
from telecom.formats.syslog_clock import SyslogClock
from telecom.formats.syslog_line import SyslogLine
from telecom.formats.ts28532 import read_ts28532
from telecom.formats.wording import occurrence_in_words

_SILENT_DOMAINS = frozenset(
    "heartbeat measurement measurementsforvfscaling mobileflow other perf3gpp pnfregistration"
    " sipsignaling voicequality".split()
)
_FAULT_NAMESPACE = "3gpp-faultsupervision"
_CATEGORIES = {
    "link": AlarmType.COMMUNICATIONS_ALARM,
    "routing": AlarmType.COMMUNICATIONS_ALARM,
    "signaling": AlarmType.COMMUNICATIONS_ALARM,
    "security": AlarmType.SECURITY_SERVICE_OR_MECHANISM_VIOLATION,
    "license": AlarmType.PROCESSING_ERROR_ALARM,
}
_HARDWARE_SOURCES = frozenset({"card", "port", "host"})


_MARKS = frozenset(
    {"commonEventHeader", "faultFields", "thresholdCrossingAlertFields", "stndDefinedFields"}
)
_READ_DOMAINS = frozenset(
    "fault syslog thresholdcrossingalert notification statechange stnddefined".split()
)


def _recognises(payload: Payload) -> bool:
    return (
        not _MARKS.isdisjoint(payload)
        or not _MARKS.isdisjoint(mapping(payload.get("event")))
        or isinstance(payload.get("eventList"), list)
    )


def _read(payload: Payload, place: Place) -> Iterator[Record]:
    batch = payload.get("eventList")
    if isinstance(batch, list):
        for entry in batch:
            event = mapping(entry)
            yield from _read_event(mapping(event.get("event")) or event, place)
        if not batch:
            yield NotAnAlarm(place.number, "VES: an empty batch")
        return
    yield from _read_event(mapping(payload.get("event")) or payload, place)


def _read_event(event: Payload, place: Place) -> Iterator[Record]:
    header = mapping(event.get("commonEventHeader"))
    domain = (text(header.get("domain")) or "").lower()
    if domain not in _READ_DOMAINS | _SILENT_DOMAINS:
        domain = _domain_of_fields(event).lower() or domain
    if not domain:
        yield Rejected(place.number, "VES: neither a domain nor fields of one")
    elif domain in _SILENT_DOMAINS:
        yield NotAnAlarm(place.number, f"VES: a {domain} event reports no alarm")
    elif domain == "fault":
        yield _read_fault(header, mapping(event.get("faultFields")), place)
    elif domain == "syslog":
        yield _read_syslog(header, mapping(event.get("syslogFields")), place)
    elif domain == "thresholdcrossingalert":
        yield _read_threshold(header, mapping(event.get("thresholdCrossingAlertFields")), place)
    elif domain in {"notification", "statechange"}:
        fields = mapping(event.get("notificationFields") or event.get("stateChangeFields"))
        yield _read_notification(header, fields, place)
    elif domain == "stnddefined":
        yield from _read_standard(header, mapping(event.get("stndDefinedFields")), place)
    else:
        yield Rejected(place.number, "VES: unknown domain")


def _domain_of_fields(event: Payload) -> str:
    """Tell a spoiled domain by the block of fields that is there."""
    for name in event:
        if name.endswith("Fields"):
            return name.removesuffix("Fields")
    return ""


def _common(header: Payload, place: Place, severity: PerceivedSeverity) -> dict[str, Any]:
    started = instant(header.get("startEpochMicrosec"))
    last = instant(header.get("lastEpochMicrosec"))
    values: dict[str, Any] = {  # Any: the fields of Alarm
        "alarm_id": first_text(header, "eventId") or place.assigned_id,
        "managed_object": _object(header, place),
        "perceived_severity": severity,
        "alarm_raised_time": started or last or place.time,
        "source": place.source("ves"),
    }
    if severity is PerceivedSeverity.CLEARED:
        values["alarm_cleared_time"] = last or started or place.time
    elif last is not None and started is not None and last != started:
        values["alarm_changed_time"] = last
    return values


def _object(header: Payload, place: Place) -> str:
    return (
        first_text(
            header, "sourceName", "nfcNamingCode", "reportingEntityName", "sourceId",
            "reportingEntityId",
        )
        or place.context.device
    )  # fmt: skip


def _about(header: Payload) -> dict[str, Any]:
    return leftovers(
        header, "sourceName", "startEpochMicrosec", "lastEpochMicrosec", "eventId", "domain"
    )


def _severity(fields: Payload) -> PerceivedSeverity:
    return severity_named(fields.get("eventSeverity")) or PerceivedSeverity.INDETERMINATE


def _read_fault(header: Payload, fields: Payload, place: Place) -> Record:
    condition = first_text(fields, "alarmCondition") or first_text(header, "eventName")
    problem = first_text(fields, "specificProblem")
    if condition is None and problem is None:
        return Rejected(place.number, "VES fault: neither a condition nor a problem")
    severity = _severity(fields)
    port = first_text(fields, "alarmInterfaceA")
    values = _common(header, place, severity)
    values["managed_object"] = with_port(values["managed_object"], port)
    category = (first_text(fields, "eventCategory") or "").lower()
    source_type = (first_text(fields, "eventSourceType") or "").lower()
    kind_of_alarm = _CATEGORIES.get(category)
    if kind_of_alarm is None and source_type in _HARDWARE_SOURCES:
        kind_of_alarm = AlarmType.EQUIPMENT_ALARM
    return Alarm(
        **values,
        alarm_type=kind_of_alarm,
        probable_cause=condition,
        specific_problem=problem,
        additional_text=problem or condition or "",
        additional_information={
            **_about(header),
            **leftovers(
                fields, "alarmCondition", "specificProblem", "eventSeverity", "alarmInterfaceA",
                "alarmAdditionalInformation", "faultFieldsVersion",
            ),
            **names_and_values(fields.get("alarmAdditionalInformation")),
        },
        occurrence=occurrence_in_words(condition, problem or "", severity, interface=port),
    )  # fmt: skip


def _read_syslog(header: Payload, fields: Payload, place: Place) -> Record:
    message = first_text(fields, "syslogMsg")
    if message is None:
        return Rejected(place.number, "VES syslog: no message")
    device = _object(header, place)
    context = replace(
        place.context,
        device=first_text(fields, "syslogMsgHost", "eventSourceHost") or device,
        received=instant(header.get("startEpochMicrosec")) or place.time,
    )
    clock = SyslogClock(context)
    # The message may be a whole line with its own header; then the line knows best.
    alarm = read_line(message, place.number, context, clock)
    if not isinstance(alarm, Alarm):
        stamp = first_text(fields, "syslogTs")
        line = SyslogLine(
            "ves",
            message,
            time=instant(stamp) or (clock.instant(stamp) if stamp else None) or context.received,
            mnemonic=first_text(fields, "syslogTag"),
            event=first_text(fields, "syslogTag"),
            process=first_text(fields, "syslogProc"),
        )
        priority = number(fields.get("syslogPri"))
        if priority is not None and 0 <= priority <= 191:
            line.facility, line.severity = divmod(int(priority), 8)
        alarm = alarm_of_line(
            line,
            alarm_id=place.assigned_id,
            device=context.device,
            path=context.path,
            number=place.number,
            raw=place.raw,
        )
    named = severity_named(fields.get("syslogSev"))
    changes: dict[str, Any] = {
        "alarm_id": first_text(header, "eventId") or place.assigned_id,
        "additional_information": {**_about(header), **alarm.additional_information},
        "source": place.source("ves"),
    }
    if alarm.perceived_severity is PerceivedSeverity.INDETERMINATE and named is not None:
        changes["perceived_severity"] = named
    return alarm.model_copy(update=changes)


def _read_threshold(header: Payload, fields: Payload, place: Place) -> Record:
    name = first_text(fields, "alertDescription", "alertType") or first_text(header, "eventName")
    action = (first_text(fields, "alertAction") or "").upper()
    severity = PerceivedSeverity.CLEARED if action == "CLEAR" else _severity(fields)
    port = first_text(fields, "interfaceName")
    values = _common(header, place, severity)
    values["managed_object"] = with_port(values["managed_object"], port)
    started = instant(fields.get("eventStartTimestamp"))
    values["alarm_raised_time"] = started or values["alarm_raised_time"]
    return Alarm(
        **values,
        alarm_type=AlarmType.QUALITY_OF_SERVICE_ALARM,
        probable_cause=name,
        specific_problem=name,
        additional_text=name or "",
        threshold_info=_crossed(fields),
        additional_information={
            **_about(header),
            **leftovers(fields, "eventSeverity", "interfaceName", "thresholdCrossingFieldsVersion"),
        },
        occurrence=occurrence_in_words(
            None, name or "", severity, interface=port, kind=OccurrenceKind.THRESHOLD
        ),
    )


def _crossed(fields: Payload) -> ThresholdInfo | None:
    for entry in items(fields.get("additionalParameters")):
        counter = mapping(entry)
        values = names_and_values(counter.get("hashMap")) or names_and_values([counter])
        for name, value in values.items():
            observed = number(value)
            if observed is not None:
                return ThresholdInfo(
                    observed_measurement=name,
                    observed_value=observed,
                    threshold_level=number(
                        counter.get("thresholdCrossed", counter.get("thresholdCrossed "))
                    ),
                )
    observed = number(fields.get("alertValue"))
    if observed is None:
        return None
    name = first_text(fields, "alertDescription") or "alertValue"
    return ThresholdInfo(observed_measurement=name, observed_value=observed)


def _read_notification(header: Payload, fields: Payload, place: Place) -> Record:
    name = first_text(fields, "changeIdentifier", "changeType") or first_text(header, "eventName")
    old, new = first_text(fields, "oldState"), first_text(fields, "newState")
    port = first_text(fields, "stateInterface")
    words = " ".join(part for part in (name, f"from {old} to {new}" if new else None) if part)
    found = occurrence_in_words(None, words, PerceivedSeverity.INDETERMINATE, interface=port)
    if new is not None:
        found = found.model_copy(update={"state": state_of_step(found.kind, old, new)})
    severity = {
        "down": PerceivedSeverity.MAJOR,
        "degraded": PerceivedSeverity.WARNING,
        "up": PerceivedSeverity.CLEARED,
    }.get(found.state, PerceivedSeverity.INDETERMINATE)
    values = _common(header, place, severity)
    values["managed_object"] = with_port(values["managed_object"], port)
    return Alarm(
        **values,
        probable_cause=name,
        specific_problem=name,
        additional_text=words,
        planned_outage_indicator=True if new == "maintenance" else None,
        additional_information={**_about(header), **leftovers(fields, "notificationFieldsVersion")},
        occurrence=found,
    )


def _read_standard(header: Payload, fields: Payload, place: Place) -> Iterator[Record]:
    namespace = (first_text(header, "stndDefinedNamespace") or "").lower()
    data = mapping(fields.get("data"))
    data = mapping(data.get("data")) or data
    notification = text(data.get("notificationType")) or ""
    if namespace and namespace != _FAULT_NAMESPACE and "alarm" not in notification.lower():
        yield NotAnAlarm(place.number, "VES: a standard-defined event that reports no alarm")
        return
    if not data:
        yield Rejected(place.number, "VES: a standard-defined event without data")
        return
    inner = Place(
        replace(place.context, device=_object(header, place)),
        place.number,
        place.raw,
        instant(header.get("startEpochMicrosec")) or place.time,
    )
    for record in read_ts28532(data, inner):
        if isinstance(record, Alarm):
            information = {**_about(header), **record.additional_information}
            yield record.model_copy(
                update={"additional_information": information, "source": place.source("ves")}
            )
        else:
            yield record


VES = PayloadFormat("ves", _recognises, _read)
