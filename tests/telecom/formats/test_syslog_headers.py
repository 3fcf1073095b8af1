"""Headers of log lines: dialects, clocks, and what is no log line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from telecom.alarm import Alarm, PerceivedSeverity
from telecom.errors import InvalidArgumentError
from telecom.formats import FORMATS, NotAnAlarm, Rejected, read_records
from telecom.formats.reading import MAX_RECORD_CHARACTERS


def read(line: str | bytes, **options: Any) -> Any:
    data = line if isinstance(line, bytes) else line.encode()
    options.setdefault("year", 2020)
    (record,) = read_records(data, path="logs/r9.core.log", format="syslog", **options)
    return record


@pytest.mark.parametrize(
    ("line", "dialect", "device", "mnemonic"),
    [
        (
            "<189>1 2020-02-06T08:42:36Z h1 bgp 1050 - - %BGP-5-ADJCHANGE: neighbor 10.0.0.1 Up",
            "rfc5424",
            "h1",
            "BGP-5-ADJCHANGE",
        ),
        ("<189>Feb  6 08:42:36 h1 app[1]: hello", "rfc3164", "h1", "app"),
        ("<189>12: h1: *Feb  6 08:42:36.000: %SYS-5-RESTART: x", "ios", "h1", "SYS-5-RESTART"),
        (
            "<189>12: h1 RP/0/RSP0/CPU0:Feb  6 08:42:36 UTC: x[1]: %A-B-6-C : x",
            "ios_xr",
            "h1",
            "A-B-6-C",
        ),
        (
            "<189>h1: 2020 Feb  6 08:42:36 UTC: %ETHPORT-5-IF_UP: x",
            "nx_os",
            "h1",
            "ETHPORT-5-IF_UP",
        ),
        ("<189>Feb  6 08:42:36 h1 Stp: %SPANTREE-6-ROOT: x", "eos", "h1", "SPANTREE-6-ROOT"),
        ("<189>Feb  6 08:42:36 re1-h1 rpd[1]: RPD_X_Y: z", "junos", "h1", "RPD_X_Y"),
        ("<189>Feb  6 08:42:36 core1-h1 rpd[1]: RPD_X_Y: z", "junos", "core1-h1", "RPD_X_Y"),
        (
            "<189>Feb  6 2020 08:42:36 h1 %%01IFNET/4/LINK_STATE(l)[1]:x",
            "vrp",
            "h1",
            "IFNET/4/LINK_STATE",
        ),
        (
            "<189>Feb  6 08:42:36 h1 TMNX: 190 Base PORT-MINOR-linkDown-2004 [Port 1/1/1]:  x",
            "sr_os",
            "h1",
            "PORT-MINOR-linkDown-2004",
        ),
        (
            '<189>date=2020-02-06 time=09:42:36 devname="h1" logid="1" tz="+0100" msg="x"',
            "fortios",
            "h1",
            "1",
        ),
        ("<189>Feb  6 08:42:36 h1 : %ASA-3-106014: Deny", "asa", "h1", "ASA-3-106014"),
        ("Feb  6 08:42:36 10.0.0.9 12: h1: Feb  6 08:42:36.000: %A-5-B: x", "ios", "h1", "A-5-B"),
    ],
)
def test_each_dialect_names_host_time_and_mnemonic(
    line: str, dialect: str, device: str, mnemonic: str
) -> None:
    """Us: IOS, IOS-XR, NX-OS, EOS, Junos, VRP, SR OS, FortiOS, ASA and both RFCs."""
    alarm = read(line)
    assert alarm.source.format == f"syslog.{dialect}"
    assert alarm.managed_object.partition(":")[0] == device
    assert alarm.probable_cause == mnemonic
    assert alarm.alarm_raised_time == datetime(2020, 2, 6, 8, 42, 36, tzinfo=UTC)


def test_structured_data_of_rfc_5424_becomes_fields() -> None:
    """RFC 5424, section 6.3, and Junos, which sends nothing else."""
    alarm = read(
        "<28>1 2020-07-20T21:45:59.123Z vmx01 mib2d 2424 SNMP_TRAP_LINK_DOWN "
        "[junos@2636.1.1.1.2.29 "
        'snmp-interface-index="502" admin-status="up(1)" operational-status="down(2)" '
        'interface-name="xe-0/0/0"]'
    )
    assert alarm.managed_object == "vmx01:xe-0/0/0"
    assert alarm.occurrence.state == "down"
    assert alarm.additional_information["snmp-interface-index"] == "502"


def test_a_zone_in_the_line_counts_and_the_site_decides_what_it_means() -> None:
    """Us: CST is Chicago or Shanghai; a site in Shanghai means its own."""
    line = "<189>h1: 2020 Feb  6 08:42:36 CST: %A-5-B: x"
    assert read(line).alarm_raised_time == datetime(2020, 2, 6, 14, 42, 36, tzinfo=UTC)
    shanghai = read(line, zone=ZoneInfo("Asia/Shanghai"))
    assert shanghai.alarm_raised_time == datetime(2020, 2, 6, 0, 42, 36, tzinfo=UTC)
    without = read("<189>h1: 2020 Feb  6 08:42:36: %A-5-B: x", zone=ZoneInfo("Asia/Shanghai"))
    assert without.alarm_raised_time == datetime(2020, 2, 6, 0, 42, 36, tzinfo=UTC)


def test_a_missing_year_is_the_one_given_or_the_latest_before_reception() -> None:
    """Us: a line of December that arrives in January is last year's."""
    line = "Dec 31 23:59:59 h1 app: x"
    arrived = datetime(2021, 1, 1, 0, 0, 5, tzinfo=UTC)
    assert read(line, year=2017).alarm_raised_time.year == 2017
    assert read(line, year=None, received=arrived).alarm_raised_time == arrived - timedelta(
        seconds=6
    )
    leap = read("Feb 29 10:00:00 h1 app: x", year=None, received=arrived)
    assert leap.alarm_raised_time.year == 2020
    unknown = read(line, year=None)
    assert unknown.alarm_raised_time is None
    assert unknown.additional_information["time_as_printed"] == "Dec 31 23:59:59"


def test_a_line_with_an_uptime_takes_the_time_of_reception() -> None:
    """INTERFACES: a time that a record lacks comes from its envelope."""
    arrived = datetime(2021, 1, 1, tzinfo=UTC)
    line = "<189>h1: 00:01:01: %SYS-5-RESTART: System restarted"
    assert read(line, received=arrived).alarm_raised_time == arrived
    assert read(line).alarm_raised_time is None


def test_an_unsynchronized_clock_is_told() -> None:
    """Us: skew between devices is estimated, so the device's own doubt must not be lost."""
    alarm = read("<189>1: h1: *Feb  6 08:42:36.000: %A-5-B: x")
    assert alarm.additional_information["clock_unsynchronized"] is True


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("<184>Feb  6 08:42:36 h1 app: x", PerceivedSeverity.CRITICAL),
        ("<185>Feb  6 08:42:36 h1 app: x", PerceivedSeverity.CRITICAL),
        ("<186>Feb  6 08:42:36 h1 app: x", PerceivedSeverity.MAJOR),
        ("<187>Feb  6 08:42:36 h1 app: x", PerceivedSeverity.MINOR),
        ("<188>Feb  6 08:42:36 h1 app: x", PerceivedSeverity.WARNING),
        ("<189>Feb  6 08:42:36 h1 app: x", PerceivedSeverity.INDETERMINATE),
        ("Feb  6 08:42:36 h1 app: x", PerceivedSeverity.INDETERMINATE),
        ("<13>Feb  6 08:42:36 h1 Stp: %X-2-Y: x", PerceivedSeverity.MAJOR),
        (
            "<13>Feb  6 08:42:36 h1 TMNX: 1 Base A-CRITICAL-b-1 [x]:  y",
            PerceivedSeverity.CRITICAL,
        ),
    ],
)
def test_a_line_without_a_state_is_graded_by_rfc_5674(
    line: str, severity: PerceivedSeverity
) -> None:
    """RFC 5674 as the fallback; a relay's PRI does not hide what the device printed."""
    assert read(line).perceived_severity is severity


def test_a_line_without_header_is_no_log_line() -> None:
    """Us: prompts, blank lines and headers of dumps report nothing."""
    for line in ("leaf1#show logging", "Log Buffer (2097152 bytes):", "    Monitor logging: x"):
        assert isinstance(read(line), NotAnAlarm)
    assert list(read_records(b"\n  \r\n\n", path="x.log", format="syslog")) == []


def test_binary_lines_are_rejected_with_a_reason_and_the_others_read() -> None:
    """Us: malformed input is counted, never dropped silently, never stops the stream."""
    data = b"\x00\x01\x02\xff\xfe\x00binary\n<189>Feb  6 08:42:36 h1 app: \x1b[1mx\n"
    rejected, alarm = read_records(data, path="x.log", format="syslog", year=2020)
    assert rejected == Rejected(1, "not text: more than a tenth of the line is unprintable")
    assert isinstance(alarm, Alarm)
    assert "\x1b" not in alarm.additional_text


def test_a_huge_line_is_cut_at_the_bound_and_says_so() -> None:
    """Us: no line may fill the memory or stall a reader."""
    alarm = read(b"<189>Feb  6 08:42:36 h1 app: " + b"x" * 1_000_000)
    assert len(alarm.source.raw) == MAX_RECORD_CHARACTERS
    assert alarm.additional_information["cut_from_characters"] == 1_000_028 + 1


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    """Us: the message names what would work."""
    with pytest.raises(InvalidArgumentError, match="syslog"):
        read_records(b"", path="x", format="morse")
    assert {"syslog", "ves", "tmf642", "ts28532", "alertmanager", "eventbridge"} <= FORMATS.keys()
