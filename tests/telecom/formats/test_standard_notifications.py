"""TMF642 v4 and 3GPP TS 28.532."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from telecom.alarm import Alarm, AlarmType, CorrelatedNotification, PerceivedSeverity
from telecom.formats import NotAnAlarm, Record, Rejected, read_records

_EVENT_TIME = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
_RAISED = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
_DN = "SubNetwork=1,ManagedElement=gnb7,GNBDUFunction=1,NRCellDU=3"
_NOTIFICATION = {
    "href": "https://example.com/x",
    "objectInstance": _DN,
    "notificationId": 11,
    "notificationType": "notifyNewAlarm",
    "eventTime": "2026-03-01T10:15:00Z",
    "alarmId": "a-1",
    "alarmType": "EQUIPMENT_ALARM",
    "probableCause": "lossOfSignal",
    "specificProblem": "RX lost",
    "perceivedSeverity": "MAJOR",
    "rootCauseIndicator": True,
    "proposedRepairActions": "replace SFP",
    "backedUpStatus": False,
    "additionalText": "no light",
    "additionalInformation": {"slot": "1"},
    "thresholdInfo": {"observedMeasurement": "rx", "observedValue": -40, "thresholdLevel": "-12"},
    "correlatedNotifications": [
        {"sourceObjectInstance": "ManagedElement=gnb8", "notificationIds": [7, "8"]}
    ],
}
_TMF = {
    "id": 4711,
    "alarmedObject": {"id": "router1", "href": "x"},
    "alarmType": "communicationsAlarm",
    "perceivedSeverity": "critical",
    "probableCause": "linkFailure",
    "specificProblem": "BGP down",
    "alarmRaisedTime": "2026-03-01T10:00:00Z",
    "alarmDetails": "neighbor 10.0.0.1 down",
    "sourceSystemId": "ems1",
    "state": "raised",
    "isRootCause": "true",
    "serviceAffecting": True,
    "plannedOutageIndicator": "inService",
    "proposedRepairedActions": "call",
    "ackState": "unacknowledged",
    "correlatedAlarm": [{"id": "1"}],
    "parentAlarm": [{"href": "/alarm/2"}],
    "crossedThresholdInformation": {
        "indicatorName": "loss",
        "observedValue": "5.5",
        "threshold": {"id": "t"},
    },
}


def read(payload: object, **options: Any) -> list[Record]:
    return list(read_records(json.dumps(payload).encode(), path="alarms/in.json", **options))


def alarm_of(payload: object) -> Alarm:
    (record,) = read(payload)
    assert isinstance(record, Alarm), record
    return record


def test_a_3gpp_notification_is_mapped_field_by_field() -> None:
    """TS 28.532, notifyNewAlarm."""
    alarm = alarm_of(_NOTIFICATION)
    assert alarm.managed_object == "gnb7:GNBDUFunction=1,NRCellDU=3"
    assert alarm.additional_information["objectInstance"] == _DN
    assert (alarm.alarm_id, alarm.alarm_type) == ("a-1", AlarmType.EQUIPMENT_ALARM)
    assert alarm.perceived_severity is PerceivedSeverity.MAJOR
    assert (alarm.probable_cause, alarm.specific_problem) == ("lossOfSignal", "RX lost")
    assert alarm.alarm_raised_time == _EVENT_TIME
    assert alarm.root_cause_indicator is True
    assert alarm.backed_up is False
    assert alarm.proposed_repair_actions == "replace SFP"
    assert alarm.additional_information["slot"] == "1"
    assert alarm.threshold_info is not None
    assert alarm.threshold_info.threshold_level == -12
    assert alarm.correlated_notifications == (
        CorrelatedNotification(source_object_instance="gnb8", notification_ids=("7", "8")),
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"notificationType": "notifyChangedAlarm"},
            {"lifecycle": "change", "alarm_changed_time": _EVENT_TIME},
        ),
        (
            {"notificationType": "notifyClearedAlarm", "perceivedSeverity": "CLEARED"},
            {"lifecycle": "clear", "alarm_cleared_time": _EVENT_TIME},
        ),
        (
            {"notificationType": "notifyAckStateChanged", "ackState": "ACKNOWLEDGED"},
            {"lifecycle": "acknowledge", "ack_state": "ACKNOWLEDGED"},
        ),
        (
            {"notificationType": "notifyAckStateChanged", "ackState": "UNACKNOWLEDGED"},
            {"lifecycle": "unacknowledge", "ack_state": "UNACKNOWLEDGED"},
        ),
        (
            {"notificationType": "notifyCorrelatedNotificationChanged"},
            {"lifecycle": "correlate"},
        ),
        ({"notificationType": "notifyComments"}, {"lifecycle": "comment"}),
        (
            {"notificationType": "notifyAlarmListRebuilt", "reason": "restart"},
            {"lifecycle": "rebuild"},
        ),
    ],
)
def test_each_3gpp_notification_says_what_it_does_to_the_alarm(
    changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    """TS 28.532: seven notifications of fault supervision."""
    alarm = alarm_of({**_NOTIFICATION, **changes})
    assert alarm.additional_information["lifecycle"] == expected.pop("lifecycle")
    assert {name: getattr(alarm, name) for name in expected} == expected
    cleared = changes["notificationType"] == "notifyClearedAlarm"
    assert (alarm.perceived_severity is PerceivedSeverity.CLEARED) is cleared


def test_an_alarm_list_of_3gpp_gives_each_record() -> None:
    """TS 28.532: GET /alarms answers a map from alarm id to record."""
    record = {"objectInstance": _DN, "perceivedSeverity": "MINOR", "probableCause": "x"}
    alarms = read({"alarms": {"a-1": record, "a-2": record}})
    assert [alarm.alarm_id for alarm in alarms if isinstance(alarm, Alarm)] == ["a-1", "a-2"]


def test_a_header_of_its_own_counts_as_the_envelope() -> None:
    """TS 28.532 before release 17 sends notificationHeader apart."""
    body = dict(_NOTIFICATION)
    header = {name: body.pop(name) for name in ("objectInstance", "notificationType", "eventTime")}
    alarm = alarm_of({"notificationHeader": header, **body})
    assert (alarm.device, alarm.alarm_raised_time) == ("gnb7", _EVENT_TIME)


def test_a_tmf642_alarm_is_mapped_field_by_field() -> None:
    """TMF642 v4, alarm resource, with its own spelling of names and values."""
    alarm = alarm_of(_TMF)
    assert (alarm.alarm_id, alarm.managed_object) == ("4711", "router1")
    assert alarm.alarm_type is AlarmType.COMMUNICATIONS_ALARM
    assert alarm.perceived_severity is PerceivedSeverity.CRITICAL
    assert alarm.alarm_raised_time == _RAISED
    assert alarm.additional_text == "neighbor 10.0.0.1 down"
    assert alarm.root_cause_indicator is True
    assert alarm.service_affecting is True
    assert alarm.planned_outage_indicator is False
    assert alarm.proposed_repair_actions == "call"
    assert alarm.ack_state == "UNACKNOWLEDGED"
    assert alarm.correlated_notifications == (CorrelatedNotification(notification_ids=("1", "2")),)
    assert alarm.threshold_info is not None
    assert alarm.threshold_info.observed_value == 5.5
    assert alarm.occurrence is not None
    assert (alarm.occurrence.state, alarm.occurrence.neighbor) == ("down", "10.0.0.1")


def tmf_event(event_type: str, **event: Any) -> dict[str, Any]:
    return {"eventType": event_type, "eventTime": "2026-03-01T10:15:00Z", "event": event}


@pytest.mark.parametrize(
    ("event_type", "changes", "lifecycle"),
    [
        ("AlarmCreateEvent", {}, "raise"),
        ("AlarmAttributeValueChangeEvent", {}, "change"),
        ("AlarmStateChangeEvent", {"state": "updated"}, "change"),
        ("AlarmStateChangeEvent", {"state": "cleared"}, "clear"),
        ("AlarmDeleteEvent", {}, "delete"),
    ],
)
def test_each_tmf642_event_says_what_it_does_to_the_alarm(
    event_type: str, changes: dict[str, Any], lifecycle: str
) -> None:
    """TMF642 v4: four events of the alarm, and no clear event among them."""
    alarm = alarm_of(tmf_event(event_type, alarm={**_TMF, **changes}))
    assert alarm.additional_information["lifecycle"] == lifecycle
    assert (alarm.perceived_severity is PerceivedSeverity.CLEARED) is (lifecycle == "clear")
    assert (alarm.alarm_cleared_time == _EVENT_TIME) is (lifecycle == "clear")


@pytest.mark.parametrize(
    ("task", "names", "expected"),
    [
        ("ackAlarms", "ackedAlarm", {"ack_state": "ACKNOWLEDGED"}),
        ("unAckAlarms", "unAckedAlarm", {"ack_state": "UNACKNOWLEDGED"}),
        ("clearAlarms", "clearedAlarm", {"perceived_severity": PerceivedSeverity.CLEARED}),
        ("commentAlarms", "commentedAlarm", {}),
        ("groupAlarms", "correlatedAlarm", {}),
        ("unGroupAlarms", "correlatedAlarm", {}),
    ],
)
def test_a_task_event_touches_each_alarm_it_names(
    task: str, names: str, expected: dict[str, Any]
) -> None:
    """TMF642 v4: acknowledging, clearing, commenting and grouping are tasks with events."""
    resource = {names: [{"id": "1"}, {"id": "2"}], "ackSystemId": "oss", "state": "done"}
    event_type = task[0].upper() + task[1:] + "CreateEvent"
    alarms = read(tmf_event(event_type, **{task: resource}))
    assert [alarm.alarm_id for alarm in alarms if isinstance(alarm, Alarm)] == ["1", "2"]
    for alarm in alarms:
        assert isinstance(alarm, Alarm)
        assert {name: getattr(alarm, name) for name in expected} == expected
    (pattern,) = read(tmf_event(event_type, **{task: {"alarmPattern": [{}]}}))
    assert isinstance(pattern, NotAnAlarm)


def test_what_a_payload_lacks_comes_from_its_envelope() -> None:
    """INTERFACES: a time or object that a payload lacks or spoils comes from its envelope."""
    spoiled = {"probableCause": "x", "alarmedObject": {}, "alarmRaisedTime": "yesterday"}
    alarm = alarm_of({**tmf_event("AlarmCreateEvent", alarm=spoiled), "domain": "core-net"})
    assert (alarm.managed_object, alarm.alarm_raised_time) == ("core-net", _EVENT_TIME)
    assert alarm.perceived_severity is PerceivedSeverity.INDETERMINATE
    (without,) = read({"eventType": "AlarmCreateEvent", "event": {}})
    assert isinstance(without, Rejected)
