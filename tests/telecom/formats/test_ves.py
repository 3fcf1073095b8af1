"""ONAP VES: the shipped events, and every domain that reports an alarm."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from telecom.alarm import Alarm, AlarmType, OccurrenceKind, PerceivedSeverity
from telecom.formats import NotAnAlarm, Record, Rejected, read_records

_STARTED = datetime(2014, 10, 15, 13, 2, 52, tzinfo=UTC)
_HEADER = {
    "version": "4.0.1",
    "domain": "fault",
    "eventName": "Fault_Vscf",
    "eventId": "fault0000245",
    "sequence": 1,
    "priority": "High",
    "reportingEntityName": "oam1",
    "sourceName": "gnb7",
    "startEpochMicrosec": 1413378172000000,
    "lastEpochMicrosec": 1413378182000000,
}


def read(payload: object, **options: Any) -> list[Record]:
    return list(read_records(json.dumps(payload).encode(), path="alarms/ves.json", **options))


def event(domain: str, fields: dict[str, Any], **header: Any) -> dict[str, Any]:
    block = f"{domain}Fields"
    return {"event": {"commonEventHeader": {**_HEADER, "domain": domain, **header}, block: fields}}


def alarm_of(payload: object) -> Alarm:
    (record,) = read(payload)
    assert isinstance(record, Alarm), record
    return record


def test_the_shipped_events_are_alarms_or_counted(shared_data: Callable[[str], Path]) -> None:
    """Us: every valid alarm accepted, what is no alarm counted and left."""
    alarms, others = 0, 0
    for file in sorted((shared_data("alarm_payloads") / "onap_ves").glob("*.json")):
        for record in read_records(file.read_bytes(), path=file.name):
            assert not isinstance(record, Rejected), file.name
            if isinstance(record, Alarm):
                alarms += 1
                assert record.managed_object == "scfx0001vm002cap001"
                assert record.perceived_severity is PerceivedSeverity.CRITICAL
                assert record.alarm_raised_time is not None
                assert record.alarm_raised_time.replace(microsecond=0) == _STARTED
                assert record.alarm_id.startswith("fault00002")
            else:
                others += 1
    assert (alarms, others) == (4, 9)


def test_a_fault_is_mapped_field_by_field() -> None:
    """VES 7.2, faultFields."""
    alarm = alarm_of(
        event(
            "fault",
            {
                "alarmCondition": "linkDown",
                "specificProblem": "Port 3 down",
                "eventSeverity": "MAJOR",
                "eventCategory": "link",
                "eventSourceType": "port",
                "alarmInterfaceA": "eth3",
                "vfStatus": "Active",
                "alarmAdditionalInformation": [{"name": "slot", "value": "2"}],
            },
        )
    )
    assert alarm.managed_object == "gnb7:eth3"
    assert alarm.alarm_type is AlarmType.COMMUNICATIONS_ALARM
    assert (alarm.probable_cause, alarm.specific_problem) == ("linkDown", "Port 3 down")
    assert alarm.alarm_changed_time == datetime(2014, 10, 15, 13, 3, 2, tzinfo=UTC)
    assert alarm.additional_information["slot"] == "2"
    assert alarm.occurrence is not None
    assert alarm.occurrence.kind is OccurrenceKind.INTERFACE
    assert alarm.occurrence.state == "down"


def test_normal_is_cleared() -> None:
    """FACTS: VES NORMAL = cleared."""
    alarm = alarm_of(
        event("fault", {"alarmCondition": "c", "specificProblem": "p", "eventSeverity": "NORMAL"})
    )
    assert alarm.perceived_severity is PerceivedSeverity.CLEARED
    assert alarm.alarm_cleared_time == datetime(2014, 10, 15, 13, 3, 2, tzinfo=UTC)


def test_a_threshold_crossing_carries_its_measurement() -> None:
    """VES 7.2, thresholdCrossingAlertFields."""
    fields = {
        "alertAction": "SET",
        "alertDescription": "IF-ERRDROP",
        "alertType": "INTERFACE-ANOMALY",
        "eventSeverity": "MINOR",
        "interfaceName": "eth1",
        "eventStartTimestamp": "Sat, 13 Mar 2010 11:29:05 -0800",
        "additionalParameters": [
            {"criticality": "MAJ", "hashMap": {"drops": "17"}, "thresholdCrossed": "10"}
        ],
    }
    alarm = alarm_of(event("thresholdCrossingAlert", fields))
    assert alarm.managed_object == "gnb7:eth1"
    assert alarm.alarm_raised_time == datetime(2010, 3, 13, 19, 29, 5, tzinfo=UTC)
    assert alarm.threshold_info is not None
    assert alarm.threshold_info.observed_value == 17
    assert alarm.threshold_info.threshold_level == 10
    cleared = alarm_of(event("thresholdCrossingAlert", {**fields, "alertAction": "CLEAR"}))
    assert cleared.perceived_severity is PerceivedSeverity.CLEARED


def test_a_syslog_event_is_read_as_the_line_it_carries() -> None:
    """VES 7.2, syslogFields."""
    alarm = alarm_of(
        event(
            "syslog",
            {
                "syslogMsg": "%LINK-3-UPDOWN: Interface Gi0/1, changed state to down",
                "syslogTag": "LINK-3-UPDOWN",
                "eventSourceType": "router",
                "syslogPri": 187,
            },
        )
    )
    assert alarm.managed_object == "gnb7:Gi0/1"
    assert alarm.alarm_id == "fault0000245"
    assert alarm.alarm_raised_time == _STARTED
    assert alarm.source.format == "ves"


def test_a_state_change_raises_and_clears() -> None:
    """VES 7.2, stateChangeFields and notificationFields."""
    down = alarm_of(
        event(
            "stateChange",
            {"newState": "outOfService", "oldState": "inService", "stateInterface": "eth0"},
        )
    )
    assert down.managed_object == "gnb7:eth0"
    assert down.perceived_severity is PerceivedSeverity.MAJOR
    up = alarm_of(
        event(
            "notification",
            {
                "changeIdentifier": "PM",
                "changeType": "state",
                "newState": "inService",
                "oldState": "outOfService",
            },
        )
    )
    assert up.perceived_severity is PerceivedSeverity.CLEARED


def test_a_standard_defined_fault_is_read_as_3gpp_notification() -> None:
    """VES 7.2, stndDefined with namespace 3GPP-FaultSupervision."""
    data = {
        "notificationType": "notifyNewAlarm",
        "alarmId": "77",
        "perceivedSeverity": "MAJOR",
        "probableCause": "lossOfSignal",
    }
    alarm = alarm_of(
        event(
            "stndDefined",
            {"data": data, "schemaReference": "x"},
            stndDefinedNamespace="3GPP-FaultSupervision",
        )
    )
    assert (alarm.alarm_id, alarm.managed_object) == ("77", "gnb7")
    assert alarm.alarm_raised_time == _STARTED
    (other,) = read(
        event("stndDefined", {"data": {"a": 1}}, stndDefinedNamespace="3GPP-Provisioning")
    )
    assert isinstance(other, NotAnAlarm)


def test_what_is_spoiled_is_read_as_far_as_an_alarm_can_be_had() -> None:
    """Us: a time or object that a payload lacks or spoils comes from its envelope."""
    received = datetime(2020, 1, 1, tzinfo=UTC)
    spoiled = event(
        "fault",
        {"alarmCondition": "c", "eventSeverity": "AWFUL", "alarmAdditionalInformation": 5},
        sourceName=None,
        startEpochMicrosec="soon",
        lastEpochMicrosec=None,
    )
    (alarm,) = read(spoiled, received=received)
    assert isinstance(alarm, Alarm)
    assert alarm.managed_object == "oam1"
    assert alarm.perceived_severity is PerceivedSeverity.INDETERMINATE
    assert alarm.alarm_raised_time == received
    (no_domain,) = read({"event": {"commonEventHeader": {"sourceName": "x"}}})
    assert isinstance(no_domain, Rejected)
    (empty,) = read(event("fault", {}, eventName=None))
    assert isinstance(empty, Rejected)


def test_a_batch_gives_each_of_its_events() -> None:
    """VES 7.2, eventList; older senders wrap each event."""
    fault = event("fault", {"alarmCondition": "c", "eventSeverity": "MINOR"})
    heartbeat = event("heartbeat", {})["event"]
    records = read({"eventList": [fault, heartbeat, "junk"]})
    assert [type(record) for record in records] == [Alarm, NotAnAlarm, Rejected]
