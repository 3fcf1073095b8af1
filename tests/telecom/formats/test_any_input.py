"""No bytes make a reader raise, hang or answer with a half-made alarm."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telecom.alarm import Alarm
from telecom.formats import FORMATS, NotAnAlarm, Rejected, read_records

_WORDS = st.sampled_from(
    "neighbor 10.0.0.1 Down - interface Gi0/0/0/1 from Full to reason: (VRF: default) AS 65001 "
    "%BGP-5-ADJCHANGE: <189> Feb  6 08:42:36 2020-13-45T99:99:99Z RP/0/RP0/CPU0: [1] = :: "
    "rpd[1]: %%01IFNET/4/LINK_STATE(l)[1]: devname= date=2020-02-30 Feb 31 00:00:00 1 - \x00 "
    "\" '".split(" ")
)
_KEYS = st.sampled_from(
    "event eventList commonEventHeader domain faultFields eventSeverity startEpochMicrosec fault "
    "alarmedObject alarmType eventType AlarmCreateEvent alarm notificationType notifyNewAlarm "
    "objectInstance alerts labels annotations startsAt status detail detail-type alarmData alarmId "
    "AlarmName NewStateValue Records Sns Message managedObject perceivedSeverity source varbinds "
    "oid value "
    "generic specific enterprise managedObjectId AlarmAction AlarmTime thresholdInfo occurrence "
    "correlatedNotifications stndDefined stndDefinedFields data syslogFields syslogMsg syslog "
    "additionalParameters thresholdCrossingAlertFields thresholdCrossingAlert ackAlarms "
    "AckAlarmsCreateEvent ackedAlarm id href state 1.3.6.1.6.3.1.1.4.1.0 alarms".split()
)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    _KEYS,
    st.text(max_size=12),
    st.sampled_from(
        ["2026-03-01T10:00:00Z", "0001-01-01T00:00:00Z", "\ud800", "{}", "[]", "1e999"]
    ),
)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(_KEYS, st.text(max_size=5)), inner, max_size=6),
    ),
    max_leaves=25,
)
_CONTEXTS = st.sampled_from([{}, {"year": 2020}, {"received": datetime(2026, 3, 1, tzinfo=UTC)}])


def check(data: bytes, record_format: str, options: dict[str, object]) -> None:
    for record in read_records(data, path="a/b.log", format=record_format, **options):  # type: ignore[arg-type]
        if isinstance(record, Alarm):
            assert record.managed_object
            assert record.alarm_id
            # An unvalidated construction must be what validation would have let through.
            wire = record.model_dump(by_alias=True, mode="json")
            wire["source"]["raw"] = record.source.raw
            assert Alarm.model_validate(wire).model_dump_json().encode("utf-8")
        else:
            assert isinstance(record, NotAnAlarm | Rejected)
            assert record.why
        assert (record.source.line if isinstance(record, Alarm) else record.line) >= 1


@given(
    data=st.binary(max_size=400),
    record_format=st.sampled_from(["auto", *FORMATS]),
    options=_CONTEXTS,
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_records(
    data: bytes, record_format: str, options: dict[str, object]
) -> None:
    """Us: truncated or binary content is rejected with a reason, never an exception."""
    check(data, record_format, options)


@given(words=st.lists(_WORDS, max_size=20), options=_CONTEXTS)
@settings(max_examples=500, deadline=None)
def test_any_log_like_line_gives_records(words: list[str], options: dict[str, object]) -> None:
    """Us: the same for lines that look like what the readers expect."""
    check(" ".join(words).encode(), "syslog", options)


@given(value=_JSON, options=_CONTEXTS)
@settings(max_examples=500, deadline=None)
def test_any_json_gives_records(value: object, options: dict[str, object]) -> None:
    """Us: the same for JSON whose values have every wrong type."""
    for name in ("auto", "json"):
        check(json.dumps(value).encode(), name, options)


@pytest.mark.parametrize(
    "body",
    [
        "a" * 60_000, "1:" * 30_000, " " * 60_000, "a=b " * 15_000, "neighbor " * 7_000,
        "interface a1 " * 5_000, "from a to " * 6_000, "%A-" * 20_000, 'x="' * 20_000,
        "::" * 30_000, "a-" * 30_000, "down: " * 10_000, "(" * 60_000,
        "[a b=\"c\"" * 8_000, "{" * 60_000, "[[" * 30_000,
    ],
)  # fmt: skip
def test_no_line_makes_an_expression_explode(body: str) -> None:
    """Us: linear patterns; the suite's timeout is the bound."""
    for head in (
        "",
        "<189>",
        "<189>Feb  6 08:42:36 r1 rpd[1]: ",
        "<1>1 - h a b c ",
        "devname=x date=1 ",
    ):
        for name in ("auto", "syslog"):
            check((head + body).encode(), name, {"year": 2020})
