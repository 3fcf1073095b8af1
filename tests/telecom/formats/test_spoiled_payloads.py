"""Payloads of every kind with one field spoiled: an alarm is read as far as it can be had."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from telecom.alarm import Alarm
from telecom.formats import read_records

WHOLE: dict[str, dict[str, Any]] = {
    "ves": {
        "event": {
            "commonEventHeader": {
                "domain": "fault",
                "eventId": "f1",
                "eventName": "Fault_Card",
                "sourceName": "du7",
                "reportingEntityName": "ems",
                "startEpochMicrosec": 1_772_359_200_000_000,
                "lastEpochMicrosec": 1_772_359_200_000_000,
                "version": "4.1",
            },
            "faultFields": {
                "alarmCondition": "cardFailed",
                "eventSeverity": "CRITICAL",
                "eventSourceType": "card",
                "specificProblem": "card 3 failed",
                "alarmInterfaceA": "card3",
                "vfStatus": "Active",
                "faultFieldsVersion": "4.0",
            },
        }
    },
    "tmf642": {
        "eventId": "1",
        "eventType": "AlarmCreateEvent",
        "eventTime": "2026-03-01T10:00:00Z",
        "event": {
            "alarm": {
                "id": "8",
                "alarmType": "environmentalAlarm",
                "perceivedSeverity": "major",
                "probableCause": "fire",
                "specificProblem": "smoke",
                "alarmedObject": {"id": "site9"},
                "alarmRaisedTime": "2026-03-01T10:00:00Z",
                "sourceSystemId": "ems",
                "state": "raised",
            }
        },
    },
    "ts28532": {
        "href": "http://x/SubNetwork=1,ManagedElement=gnb7",
        "notificationId": 1,
        "notificationType": "notifyNewAlarm",
        "objectInstance": "SubNetwork=1,ManagedElement=gnb7",
        "eventTime": "2026-03-01T10:00:00Z",
        "alarmId": "A1",
        "alarmType": "COMMUNICATIONS_ALARM",
        "probableCause": "lossOfSignal",
        "perceivedSeverity": "MAJOR",
        "correlatedNotifications": [{"sourceObjectInstance": "a", "notificationIds": [1]}],
        "thresholdInfo": {"observedMeasurement": "x", "observedValue": 1.5},
        "additionalInformation": {"a": 1},
    },
    "alertmanager": {
        "version": "4",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "Down", "instance": "r1:9100", "severity": "critical"},
                "annotations": {"summary": "r1 is down"},
                "startsAt": "2026-03-01T10:00:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
            }
        ],
    },
    "snmp": {
        "version": "v2c",
        "agent": "10.0.0.1",
        "received": "2026-03-01T10:00:00Z",
        "varbinds": [
            {"oid": "1.3.6.1.6.3.1.1.4.1.0", "type": "oid", "value": "1.3.6.1.6.3.1.1.5.3"},
            {"oid": "1.3.6.1.2.1.2.2.1.1.7", "type": "integer", "value": 7},
        ],
    },
    "ric": {
        "managedObjectId": "ric1",
        "applicationId": "E2",
        "specificProblem": 8004,
        "perceivedSeverity": "MAJOR",
        "identifyingInfo": "i",
        "additionalInfo": "a",
        "AlarmAction": "RAISE",
        "AlarmTime": 1_591_188_407_505_707,
    },
    "cloudwatch": {
        "AlarmName": "Lag",
        "AlarmArn": "arn:aws:cloudwatch:eu-central-1:1:alarm:Lag",
        "NewStateValue": "ALARM",
        "NewStateReason": "threshold crossed",
        "StateChangeTime": "2026-03-01T10:00:00.000+0000",
        "Region": "EU (Frankfurt)",
        "Trigger": {"MetricName": "lag", "Dimensions": [{"name": "InstanceId", "value": "i-1"}]},
    },
}
ESSENTIAL = {
    "ves": {"event"},
    "tmf642": {"event", "alarm"},
    "ts28532": set[str](),
    "alertmanager": {"alerts", "0"},
    "snmp": {"varbinds", "0", "oid", "value"},
    "ric": set[str](),
    "cloudwatch": {"AlarmName"},
}
"""Names in which an alarm lies: without them there is none to read."""

_DEEP: Any = None
for _ in range(500):
    _DEEP = {"a": _DEEP}
SPOILED: tuple[Any, ...] = (
    None, "", -1, 1e300, True, [], {}, "x" * 5_000, "not a time", "2026-13-45T99:99:99Z", [[[]]],
    {"a": {"b": [1]}}, [None, 1, "x", {}], "\ud800", "\0", _DEEP, 12345678901234567890,
)  # fmt: skip


def paths(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for name, below in inner:
        yield (*above, str(name))
        yield from paths(below, (*above, str(name)))


def variations(whole: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """The payload with each field in turn missing or spoiled."""
    for number, path in enumerate(paths(whole)):
        for missing in (True, False):
            for value in SPOILED[number % 3 :: 3] if not missing else (None,):
                copy: Any = json.loads(json.dumps(whole))
                inner = copy
                for name in path[:-1]:
                    inner = inner[int(name) if isinstance(inner, list) else name]
                last: Any = int(path[-1]) if isinstance(inner, list) else path[-1]
                if missing:
                    del inner[last]
                else:
                    inner[last] = value
                yield path, json.dumps(copy).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("kind", WHOLE)
def test_one_spoiled_field_costs_that_field_and_not_the_alarm(kind: str) -> None:
    """Issue 5: what is spoiled is read as far as an alarm can be had, else refused."""
    for path, data in variations(WHOLE[kind]):
        records = list(read_records(data, path="alarms/dev1.json"))
        assert records, path
        alarms = [record for record in records if isinstance(record, Alarm)]
        for alarm in alarms:
            assert alarm.managed_object
            assert alarm.alarm_id
            Alarm.model_validate_json(alarm.model_dump_json(by_alias=True))
        assert alarms or ESSENTIAL[kind] & set(path), (path, records)


def test_a_mnemonic_of_any_length_is_read_in_no_time() -> None:
    """A payload may hold anything where its event is named; the suite's timeout is the bound."""
    body = json.loads(json.dumps(WHOLE["ves"]))
    for text in ("x" * 200_000, "A-" * 100_000, "BGP_" * 50_000):
        body["event"]["faultFields"]["alarmCondition"] = text
        (record,) = read_records(json.dumps(body).encode(), path="alarms/dev1.json")
        assert isinstance(record, Alarm)
