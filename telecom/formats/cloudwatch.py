"""CloudWatch alarms, metric and composite: as they are, through SNS, EventBridge, SQS or Lambda."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from telecom.alarm import Alarm, AlarmType, OccurrenceKind, PerceivedSeverity, ThresholdInfo
from telecom.formats.payloads import (
    Payload,
    PayloadFormat,
    Place,
    first_text,
    instant,
    items,
    leftovers,
    mapping,
    number,
    text,
)
from telecom.formats.reading import NotAnAlarm, Record, Rejected
from telecom.formats.wording import occurrence_in_words

_STATE_CHANGE = "cloudwatch alarm state change"
_SEVERITIES = {
    # ALARM has no degrees; whoever set the limit called crossing it an alarm.
    "ALARM": PerceivedSeverity.MAJOR,
    "OK": PerceivedSeverity.CLEARED,
    "INSUFFICIENT_DATA": PerceivedSeverity.INDETERMINATE,
}
_DEEPEST = 4
"""Envelopes within envelopes: SQS holding SNS holding the alarm is three."""


@dataclass(frozen=True, slots=True)
class _StateChange:
    """What all shapes of a CloudWatch alarm have in common."""

    name: str | None
    arn: str | None
    state: str
    reason: str | None
    time: object
    description: str | None
    metric: str | None
    dimensions: dict[str, Any]
    threshold: ThresholdInfo | None
    information: dict[str, Any]


_ALARM_MARKS = frozenset({"NewStateValue", "StateValue", "AlarmArn"})


def _recognises(payload: Payload) -> bool:
    return (
        "alarmData" in payload
        or ("AlarmName" in payload and not _ALARM_MARKS.isdisjoint(payload))
        or ("detail-type" in payload and "detail" in payload)
        or (
            payload.get("Type") in {"Notification", "SubscriptionConfirmation"}
            and "TopicArn" in payload
        )
        or isinstance(payload.get("MetricAlarms"), list)
        or isinstance(payload.get("CompositeAlarms"), list)
        or any("Sns" in entry or "eventSource" in entry for entry in _records(payload))
    )


def _records(payload: Payload) -> list[Payload]:
    return [mapping(entry) for entry in items(payload.get("Records"))]


def _read(payload: Payload, place: Place, depth: int = 0) -> Iterator[Record]:
    if depth > _DEEPEST:
        yield Rejected(place.number, "CloudWatch: too many envelopes")
    elif records := _records(payload):
        for record in records:
            yield from _read(mapping(record.get("Sns")) or record, place, depth + 1)
    elif "MetricAlarms" in payload or "CompositeAlarms" in payload:
        described = items(payload.get("MetricAlarms")) + items(payload.get("CompositeAlarms"))
        for entry in described:
            yield _alarm(_notified(mapping(entry)), place)
    elif "Message" in payload or "body" in payload:
        yield from _read_carried(payload, place, depth)
    elif "detail-type" in payload:
        yield _read_event(payload, place)
    elif "alarmData" in payload:
        yield _alarm(_described(mapping(payload.get("alarmData")), payload), _timed(payload, place))
    elif "AlarmName" in payload:
        yield _alarm(_notified(payload), place)
    else:
        subscription = "SubscribeURL" in payload
        yield NotAnAlarm(
            place.number,
            "SNS: a subscription to confirm, not followed; confirm it in the account"
            if subscription
            else "an AWS message that reports no alarm",
        )


def _timed(payload: Payload, place: Place) -> Place:
    return place.within(instant(payload.get("time")) or instant(payload.get("Timestamp")))


def _read_carried(payload: Payload, place: Place, depth: int) -> Iterator[Record]:
    """Open the JSON that SNS and SQS carry as text."""
    if payload.get("Type") == "SubscriptionConfirmation":
        yield NotAnAlarm(place.number, "SNS: a subscription waits for confirmation")
        return
    carried = payload.get("Message", payload.get("body"))
    if isinstance(carried, str):
        try:
            carried = json.loads(carried)
        except (ValueError, RecursionError):
            yield Rejected(place.number, "SNS: the message is no JSON")
            return
    inner = mapping(carried)
    if not _recognises(inner):
        yield NotAnAlarm(place.number, "SNS: a message that is no CloudWatch alarm")
        return
    yield from _read(inner, _timed(payload, place), depth + 1)


def _read_event(payload: Payload, place: Place) -> Record:
    kind = (text(payload.get("detail-type")) or "").lower()
    detail = mapping(payload.get("detail"))
    if kind != _STATE_CHANGE and not ("alarmName" in detail and "state" in detail and not kind):
        return NotAnAlarm(place.number, "EventBridge: an event that reports no alarm")
    return _alarm(_described(detail, payload), _timed(payload, place))


def _described(detail: Payload, envelope: Payload) -> _StateChange:
    """Read the shape of EventBridge and of a direct action: `state`, `configuration`."""
    state = mapping(detail.get("state"))
    configuration = mapping(detail.get("configuration"))
    metric, dimensions = _metric(configuration)
    resources = envelope.get("resources")
    arn = first_text(envelope, "alarmArn")
    if arn is None and isinstance(resources, list) and resources:
        arn = text(resources[0])
    return _StateChange(
        name=first_text(detail, "alarmName"),
        arn=arn,
        state=(text(state.get("value")) or "").upper(),
        reason=first_text(state, "reason"),
        time=state.get("timestamp"),
        description=first_text(configuration, "description"),
        metric=metric,
        dimensions=dimensions,
        threshold=_threshold(state.get("reasonData"), metric),
        information={
            **leftovers(envelope, "alarmData", "detail", "alarmArn", "time"),
            **leftovers(detail, "alarmName", "state"),
        },
    )


def _metric(configuration: Payload) -> tuple[str | None, dict[str, Any]]:
    name: str | None = None
    for entry in items(configuration.get("metrics")):
        stat = mapping(mapping(entry).get("metricStat"))
        metric = mapping(stat.get("metric"))
        name = name or first_text(metric, "name")
        dimensions = mapping(metric.get("dimensions"))
        if dimensions:
            return first_text(metric, "name"), dict(dimensions)
    return name, {}


def _notified(message: Payload) -> _StateChange:
    """Read the shape of SNS (`NewStateValue`) and of DescribeAlarms (`StateValue`)."""
    trigger = mapping(message.get("Trigger")) or message
    dimensions = {
        name: text(mapping(entry).get("value", mapping(entry).get("Value")))
        for entry in items(trigger.get("Dimensions"))
        if (name := first_text(mapping(entry), "name", "Name"))
    }
    metric = first_text(trigger, "MetricName")
    reason = first_text(message, "NewStateReason", "StateReason")
    threshold = _threshold(message.get("StateReasonData"), metric)
    if threshold is None:
        threshold = _threshold_in_words(reason, number(trigger.get("Threshold")), metric)
    return _StateChange(
        name=first_text(message, "AlarmName"),
        arn=first_text(message, "AlarmArn"),
        state=(first_text(message, "NewStateValue", "StateValue") or "").upper(),
        reason=reason,
        time=message.get("StateChangeTime", message.get("StateUpdatedTimestamp")),
        description=first_text(message, "AlarmDescription"),
        metric=metric,
        dimensions=dimensions,
        threshold=threshold,
        information=leftovers(
            message, "AlarmName", "AlarmArn", "NewStateValue", "NewStateReason", "StateChangeTime",
            "AlarmDescription",
        ),
    )  # fmt: skip


def _threshold(reason_data: object, metric: str | None) -> ThresholdInfo | None:
    """Read `reasonData`, which is JSON within a JSON string."""
    if isinstance(reason_data, str):
        try:
            reason_data = json.loads(reason_data)
        except (ValueError, RecursionError):
            return None
    data = mapping(reason_data)
    points = data.get("recentDatapoints")
    observed = number(points[-1]) if isinstance(points, list) and points else None
    if observed is None:
        return None
    return ThresholdInfo(
        observed_measurement=metric or first_text(data, "statistic") or "observed",
        observed_value=observed,
        threshold_level=number(data.get("threshold")),
    )


def _threshold_in_words(
    reason: str | None, level: float | None, metric: str | None
) -> ThresholdInfo | None:
    """Read "... datapoints [1.0 (17/02/24 11:51:00)] ..." where no data field says it."""
    if reason is None or "[" not in reason:
        return None
    observed = number(reason.partition("[")[2].partition("(")[0].strip(" ,]"))
    if observed is None:
        return None
    return ThresholdInfo(
        observed_measurement=metric or "observed", observed_value=observed, threshold_level=level
    )


def _alarm(change: _StateChange, place: Place) -> Record:
    if change.name is None and change.arn is None:
        return Rejected(place.number, "CloudWatch: neither a name nor an ARN")
    name = change.name or str(change.arn).rpartition(":")[2]
    severity = _SEVERITIES.get(change.state, PerceivedSeverity.INDETERMINATE)
    moment = instant(change.time) or place.time
    words = change.reason or change.description or name
    objects = [value for value in map(text, change.dimensions.values()) if value]
    information = {**change.information, "state": change.state}
    if change.dimensions:
        information["dimensions"] = change.dimensions
    return Alarm(
        alarm_id=change.arn or name,
        managed_object=objects[0] if objects else name,
        alarm_type=AlarmType.QUALITY_OF_SERVICE_ALARM,
        perceived_severity=severity,
        probable_cause=name,
        specific_problem=change.description or name,
        alarm_raised_time=moment,
        alarm_cleared_time=moment if severity is PerceivedSeverity.CLEARED else None,
        additional_text=words,
        additional_information=information,
        threshold_info=change.threshold,
        occurrence=occurrence_in_words(None, words, severity, kind=OccurrenceKind.THRESHOLD),
        source=place.source("cloudwatch"),
    )


CLOUDWATCH = PayloadFormat("cloudwatch", _recognises, _read)
