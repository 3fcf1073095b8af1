"""Alertmanager, CloudWatch, RIC alarms, SNMP traps, our own alarms, CSV, and JSON at large."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from telecom.alarm import Alarm, OccurrenceKind, PerceivedSeverity
from telecom.formats import NotAnAlarm, Record, Rejected, read_records, recognise

_AT = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def read(payload: object, **options: Any) -> list[Record]:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return list(read_records(data, path="alarms/in.json", **options))


def alarm_of(payload: object, **options: Any) -> Alarm:
    (record,) = read(payload, **options)
    assert isinstance(record, Alarm), record
    return record


_ALERT = {
    "status": "firing",
    "labels": {"alertname": "InterfaceDown", "severity": "critical", "instance": "r1:9100"},
    "annotations": {"summary": "eth1 down", "description": "interface eth1 is down"},
    "startsAt": "2026-03-01T10:00:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "f00",
}


def test_an_alertmanager_webhook_gives_each_alert() -> None:
    """Alertmanager webhook, version 4."""
    resolved = {**_ALERT, "status": "resolved", "endsAt": "2026-03-01T10:05:00Z"}
    first, second = read({"version": "4", "status": "firing", "alerts": [_ALERT, resolved]})
    assert isinstance(first, Alarm)
    assert isinstance(second, Alarm)
    assert (first.alarm_id, first.managed_object) == ("f00", "r1")
    assert first.perceived_severity is PerceivedSeverity.CRITICAL
    assert (first.probable_cause, first.specific_problem) == ("InterfaceDown", "eth1 down")
    assert (first.alarm_raised_time, first.alarm_cleared_time) == (_AT, None)
    assert second.perceived_severity is PerceivedSeverity.CLEARED
    assert second.alarm_cleared_time == datetime(2026, 3, 1, 10, 5, tzinfo=UTC)


def test_alerts_of_the_api_need_no_envelope() -> None:
    """Alertmanager API v2 answers a bare list; v1 and Prometheus wrap theirs."""
    api = {
        **_ALERT,
        "status": {"state": "active"},
        "labels": {"alertname": "A", "device": "r2", "interface": "eth1"},
    }
    assert alarm_of([api]).managed_object == "r2:eth1"
    assert alarm_of({"status": "success", "data": [api]}).perceived_severity is (
        PerceivedSeverity.WARNING
    )
    prometheus = {
        "labels": {"alertname": "A"},
        "state": "firing",
        "activeAt": "2026-03-01T10:00:00Z",
    }
    alarm = alarm_of({"status": "success", "data": {"alerts": [prometheus]}})
    assert (alarm.alarm_id, alarm.managed_object) == ("A{}", "in")


_SNS_MESSAGE = {
    "AlarmName": "cpu",
    "AlarmArn": "arn:aws:cloudwatch:eu-west-1:1:alarm:cpu",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed: 1 datapoint [97.5 (01/03/26 09:59:00)] was greater",
    "StateChangeTime": "2026-03-01T10:00:00.000+0000",
    "Trigger": {
        "MetricName": "CPUUtilization",
        "Threshold": 90.0,
        "Dimensions": [{"name": "InstanceId", "value": "i-1"}],
    },
}
_SNS = {"Type": "Notification", "TopicArn": "arn:x", "Message": json.dumps(_SNS_MESSAGE)}
_DETAIL = {
    "alarmName": "cpu",
    "state": {
        "value": "ALARM",
        "reason": "crossed",
        "reasonData": '{"recentDatapoints": [97.5], "threshold": 90.0}',
        "timestamp": "2026-03-01T10:00:00.000+0000",
    },
    "configuration": {
        "metrics": [
            {
                "metricStat": {
                    "metric": {"name": "CPUUtilization", "dimensions": {"InstanceId": "i-1"}}
                }
            }
        ]
    },
}
_EVENTBRIDGE = {
    "detail-type": "CloudWatch Alarm State Change",
    "source": "aws.cloudwatch",
    "time": "2026-03-01T10:00:01Z",
    "resources": ["arn:aws:cloudwatch:eu-west-1:1:alarm:cpu"],
    "detail": _DETAIL,
}


@pytest.mark.parametrize(
    "payload",
    [
        _SNS_MESSAGE,
        _SNS,
        {"Records": [{"EventSource": "aws:sns", "Sns": _SNS}]},
        {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(_SNS)}]},
        _EVENTBRIDGE,
        {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(_EVENTBRIDGE)}]},
        {"alarmArn": "arn:aws:cloudwatch:eu-west-1:1:alarm:cpu", "alarmData": _DETAIL},
    ],
)
def test_a_cloudwatch_alarm_is_the_same_through_every_envelope(payload: dict[str, Any]) -> None:
    """CloudWatch directly, through SNS, EventBridge, SQS and Lambda."""
    alarm = alarm_of(payload)
    assert alarm.alarm_id == "arn:aws:cloudwatch:eu-west-1:1:alarm:cpu"
    assert (alarm.managed_object, alarm.probable_cause) == ("i-1", "cpu")
    assert alarm.perceived_severity is PerceivedSeverity.MAJOR
    assert alarm.alarm_raised_time == _AT
    assert alarm.threshold_info is not None
    assert alarm.threshold_info.observed_measurement == "CPUUtilization"
    assert alarm.threshold_info.observed_value == 97.5
    assert alarm.threshold_info.threshold_level == 90


def test_a_composite_alarm_and_a_spoiled_time_are_read() -> None:
    """CloudWatch composite alarms have a rule instead of metrics; times come from the envelope."""
    detail = {
        "alarmName": "all",
        "state": {"value": "OK", "reason": "fine", "timestamp": "??"},
        "configuration": {"alarmRule": "ALARM(a) OR ALARM(b)"},
    }
    alarm = alarm_of({**_EVENTBRIDGE, "resources": [], "detail": detail})
    assert (alarm.alarm_id, alarm.managed_object) == ("all", "all")
    assert alarm.perceived_severity is PerceivedSeverity.CLEARED
    assert alarm.alarm_cleared_time == datetime(2026, 3, 1, 10, 0, 1, tzinfo=UTC)
    assert alarm.threshold_info is None


def test_the_shipped_aws_and_ric_files_are_alarms_or_counted(
    shared_data: Callable[[str], Path],
) -> None:
    """Us: what is no alarm is counted and left, descriptions of alarms included."""
    folder = shared_data("alarm_payloads")
    kinds = {
        file.name: [type(record) for record in read_records(file.read_bytes(), path=file.name)]
        for name in ("aws_events", "oran_sc_ric_alarm", "tmf642")
        for file in sorted((folder / name).rglob("*.json"))
    }
    assert kinds == {
        "cloudWatchAlarmEventSingleMetric.json": [Alarm],
        "eventBridgeEvent.json": [NotAnAlarm],
        "alarm-definition.json": [NotAnAlarm],
        "alarm-schema.json": [NotAnAlarm],
        "TMF642-Alarm-v4.0.0.swagger.json": [NotAnAlarm],
    }


def test_a_ric_alarm_clears_under_the_id_it_was_raised_with() -> None:
    """O-RAN SC: object, application, problem and identifying information are the identity."""
    message = {
        "managedObjectId": "my-pod-lib",
        "applicationId": "my-app",
        "specificProblem": 1234,
        "perceivedSeverity": "MAJOR",
        "additionalInfo": "Some App data",
        "identifyingInfo": "eth 0 1",
        "AlarmAction": "RAISE",
        "AlarmTime": 1591188407505707,
    }
    raised, cleared = alarm_of(message), alarm_of({**message, "AlarmAction": "CLEAR"})
    assert raised.alarm_id == cleared.alarm_id == "my-pod-lib/my-app/1234/eth 0 1"
    assert raised.alarm_raised_time == datetime(2020, 6, 3, 12, 46, 47, 505707, tzinfo=UTC)
    assert raised.perceived_severity is PerceivedSeverity.MAJOR
    assert cleared.perceived_severity is PerceivedSeverity.CLEARED


def trap(oid: str, *varbinds: tuple[str, object]) -> dict[str, Any]:
    return {
        "version": "v2c",
        "agent": "10.0.0.1",
        "received": "2026-03-01T10:00:00Z",
        "varbinds": [
            {"oid": "1.3.6.1.6.3.1.1.4.1.0", "value": oid},
            *({"oid": name, "value": value} for name, value in varbinds),
        ],
    }


def test_link_traps_raise_and_clear_their_port() -> None:
    """IF-MIB linkDown and linkUp."""
    port = ("1.3.6.1.2.1.31.1.1.1.1.7", "Gi0/7")
    down = alarm_of(trap("1.3.6.1.6.3.1.1.5.3", ("1.3.6.1.2.1.2.2.1.1.7", 7), port))
    up = alarm_of(trap("1.3.6.1.6.3.1.1.5.4", port))
    assert (down.managed_object, down.probable_cause) == ("10.0.0.1:Gi0/7", "linkDown")
    assert down.perceived_severity is PerceivedSeverity.MAJOR
    assert up.perceived_severity is PerceivedSeverity.CLEARED
    assert down.specific_problem == up.specific_problem
    assert down.alarm_raised_time == _AT
    assert down.additional_information["trap_oid"] == "1.3.6.1.6.3.1.1.5.3"


def test_bgp_traps_name_the_peer_by_the_row_of_the_table() -> None:
    """BGP4-MIB: the peer's address is the index, also where no variable repeats it."""
    alarm = alarm_of(trap("1.3.6.1.2.1.15.7.2", ("1.3.6.1.2.1.15.3.1.2.192.0.2.9", 1)))
    assert alarm.occurrence is not None
    assert (alarm.occurrence.kind, alarm.occurrence.neighbor) == (
        OccurrenceKind.BGP_SESSION,
        "192.0.2.9",
    )


def test_an_enterprise_trap_keeps_its_oids_and_is_understood_by_its_words() -> None:
    """Us: enterprise traps with OIDs kept; no MIB is needed."""
    v1 = {
        "version": "v1",
        "agent": "10.0.0.2",
        "enterprise": "1.3.6.1.4.1.99999.7",
        "generic": 6,
        "specific": 42,
        "varbinds": {"1.3.6.1.4.1.99999.7.1": "Power supply 2 failed", ".1.3.6.1.4.1.99999.7.2": 3},
    }
    alarm = alarm_of(v1, received=_AT)
    assert alarm.probable_cause == "1.3.6.1.4.1.99999.7.0.42"
    assert alarm.additional_information["varbinds"]["1.3.6.1.4.1.99999.7.2"] == "3"
    assert alarm.occurrence is not None
    assert (alarm.occurrence.kind, alarm.occurrence.state) == (OccurrenceKind.POWER, "down")
    cold = alarm_of({"agent": "a", "generic": 0, "enterprise": "1.3.6", "varbinds": []})
    assert (cold.probable_cause, cold.managed_object) == ("coldStart", "a")
    (nothing,) = read({"agent": "a", "varbinds": []})
    assert isinstance(nothing, Rejected)


def test_our_own_alarms_read_back_as_they_were_written() -> None:
    """INTERFACES: `normalize` writes JSON Lines of Alarm; `alarms/` takes them."""
    original = alarm_of(trap("1.3.6.1.6.3.1.1.5.3", ("1.3.6.1.2.1.31.1.1.1.1.7", "Gi0/7")))
    line = original.model_dump_json(by_alias=True, exclude_none=True)
    again = alarm_of(line.encode())
    assert again.model_dump(exclude={"source"}) == original.model_dump(exclude={"source"})
    assert again.source.format == "tierwise"


def test_a_spoiled_alarm_of_ours_is_read_as_far_as_it_goes() -> None:
    """Us: read as far as an Alarm can be had, else rejected with the reason."""
    spoiled = {
        "managedObject": "r1",
        "perceivedSeverity": "awful",
        "probableCause": "linkDown",
        "alarmRaisedTime": "not a time",
        "thresholdInfo": "none",
        "unheardOf": 1,
    }
    alarm = alarm_of(spoiled, received=_AT)
    assert (alarm.managed_object, alarm.probable_cause) == ("r1", "linkDown")
    assert alarm.alarm_raised_time == _AT
    (nothing,) = read({"managedObject": "r1", "perceivedSeverity": []})
    assert isinstance(nothing, Rejected)


def test_a_csv_number_that_several_objects_share_is_a_kind_and_no_id() -> None:
    """Us: some management systems print the number of the alarm's kind as its "alarm id"."""
    header = b"Alarm ID,NE,Severity,Raised Time\n"
    row = b"%d,%s,Major,2026-03-01T10:00:00Z\n"
    kinds = list(read_records(header + row % (7, b"r1") + row % (7, b"r2"), path="a.csv"))
    assert [(a.alarm_id, a.probable_cause) for a in kinds] == [("a.csv:2", "7"), ("a.csv:3", "7")]
    same = list(read_records(header + row % (7, b"r1") + row % (7, b"r1"), path="a.csv"))
    assert [(a.alarm_id, a.probable_cause) for a in same] == [("7", None)] * 2


def test_csv_columns_are_known_by_the_names_management_systems_use() -> None:
    """Us: CSV, one alarm a row; what no field takes is kept under its column's name."""
    data = (
        b"Alarm ID;NE Name;Interface;Severity;Alarm Name;Occurred On;Cleared On;Zone\n"
        b"1;r1;eth1;Major;LINK_DOWN;2026-03-01 10:00:00;;north\n"
        b"2;r2;;Weird;LINK_DOWN;someday;;\n"
        b";;;;;;;\n"
        b";;;;;;;south\n"
    )
    first, second, third = read(data)
    assert isinstance(first, Alarm)
    assert isinstance(second, Alarm)
    assert (first.alarm_id, first.managed_object) == ("1", "r1:eth1")
    assert first.perceived_severity is PerceivedSeverity.MAJOR
    assert first.alarm_raised_time == _AT
    assert first.additional_information == {"Zone": "north"}
    assert second.additional_information == {"Severity": "Weird", "Occurred On": "someday"}
    assert isinstance(third, Rejected)


def test_mixed_json_lines_are_told_apart_record_by_record() -> None:
    """Us: a broken line stops nothing, and each record keeps its line."""
    lines = b"\n".join(
        [json.dumps(_ALERT).encode(), b'{"cut": ', b"", json.dumps(_SNS).encode(), b'{"a": 1}']
    )
    first, broken, second, unknown = read(lines)
    assert isinstance(first, Alarm)
    assert isinstance(second, Alarm)
    assert (first.source.format, second.source.format) == ("alertmanager", "cloudwatch")
    assert (first.source.line, second.source.line) == (1, 4)
    assert isinstance(broken, Rejected)
    assert broken.line == 2
    assert unknown == Rejected(5, "JSON of no known alarm format")


def test_a_list_that_is_cut_off_gives_what_came_before() -> None:
    """Us: what is spoiled is read as far as an Alarm can be had."""
    whole = json.dumps([_ALERT, _ALERT]).encode()
    first, second, rest = read(whole[:-1])
    assert isinstance(first, Alarm)
    assert isinstance(second, Alarm)
    assert rest == Rejected(3, "the list is cut off: no closing bracket")
    alarm, cut = read(whole[:-20])
    assert isinstance(alarm, Alarm)
    assert isinstance(cut, Rejected)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b'\xef\xbb\xbf {"a": 1}', "json"),
        (b'[\n {"a": 1}]', "json"),
        ('{"a": 1}'.encode("utf-16"), "json"),
        (b"[F0110][soaking][node-failed] x", "syslog"),
        (b"device,severity,time\nr1,major,x", "csv"),
        (b"<189>Feb  6 08:42:36 h1 app: a, b, c", "syslog"),
        (b"", "syslog"),
    ],
)
def test_the_format_is_known_by_the_content(data: bytes, name: str) -> None:
    """Us: autodetection by content, never by the file's ending."""
    assert recognise(data) == name
