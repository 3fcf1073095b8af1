"""Real log lines with right answers: napalm-logs, vendor samples, the Cisco Clos fabric."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from telecom.alarm import Alarm, PerceivedSeverity
from telecom.formats import NotAnAlarm, Record, read_records

Data = Callable[[str], Path]

# The expected files took the local time of a line with a zone for UTC, and two of them carry the
# time of another line.
_ZONE_OF_LINE = {"message_with_timezone": timedelta(hours=-2)}
_TIME_OF_ANOTHER_LINE = {"junos/BGP_MD5_INCORRECT/ISO8601", "ios/INTERFACE_DOWN/default"}


def one(line: bytes, **options: Any) -> Alarm:
    records = list(read_records(line, path="logs/unnamed.log", format="syslog", **options))
    (alarm,) = records
    assert isinstance(alarm, Alarm), alarm
    return alarm


def only(mapping: dict[str, Any]) -> tuple[str, Any]:
    ((key, value),) = mapping.items()
    return key, value


def expected_fields(message: dict[str, Any]) -> dict[str, Any]:
    """Reduce the expected OpenConfig structure to the fields that its line states."""
    if "users" in message:
        user, entry = only(message["users"]["user"])
        action = entry["action"]
        terminal, _, address = action["vty"].partition(" (")
        return {
            "user": user,
            "configured_from": action["from"],
            "terminal": terminal or None,
            "remote_address": address.rstrip(")") or None,
        }
    if "interfaces" in message:
        name, entry = only(message["interfaces"]["interface"])
        if "ethernet" in entry:
            return {
                "interface": name,
                "observed": entry["ethernet"]["state"]["learned-mac-addresses"],
            }
        return {"interface": name, "admin_status": None, "oper_status": None, **entry["state"]}
    instances = message.get("network-instances", {}).get("network-instance", {})
    if "global" in instances:
        interfaces = instances["global"]["protocols"]["protocol"]["ospf"]["ospfv2"]["areas"]["area"]
        interface, entry = only(interfaces["area"]["interfaces"]["interface"])
        neighbor, about = only(entry["neighbors"]["neighbor"])
        state = about["state"]
        return {
            "interface": interface,
            "neighbor": neighbor,
            "state": {"UP": "up", "DOWN": "down"}[state["adjacency-state"]],
            **(
                {"reason": state["adjacency-state-change-reason-message"]}
                if "adjacency-state-change-reason-message" in state
                else {}
            ),
        }
    vrf = None
    bgp = message.get("bgp")
    if bgp is None:
        vrf, instance = only(instances)
        bgp = instance["protocols"]["protocol"]["bgp"]
    neighbor, about = only(bgp["neighbors"]["neighbor"])
    fields: dict[str, Any] = {"neighbor": neighbor}
    state = about["state"]
    # One expected file repeats the address where the number belongs.
    if str(state.get("peer_as", "")).isdigit():
        fields["neighbor_as"] = int(state["peer_as"])
    if vrf is not None:
        fields["vrf"] = vrf
    if "session-state-old" in state:
        fields["state_from"] = state["session-state-old"].replace("_", "")
        fields["state_to"] = state["session-state"].replace("_", "")
        fields["reason"] = state["session-state-change-event"]
    for name, family in about.get("afi_safis", {}).get("afi_safi", {}).items():
        fields["address_family"] = name
        fields["observed"] = str(family["state"]["prefixes"]["received"])
        limit = family["ipv4_unicast"]["prefix_limit"]["state"]["max_prefixes"]
        fields["threshold"] = str(limit)
    return fields


def read_field(alarm: Alarm, name: str) -> Any:
    assert alarm.occurrence is not None
    if name in type(alarm.occurrence).model_fields:
        return getattr(alarm.occurrence, name)
    value = alarm.additional_information.get(name)
    if name in {"state_from", "state_to"}:
        return str(value).upper()
    if name == "address_family":
        return str(value).partition("-")[0]
    return value


def test_every_visible_case_has_the_expected_host_time_severity_and_fields(
    shared_data: Data,
) -> None:
    """Us: reading syslog is judged against the structures of napalm-logs."""
    folder = shared_data("syslog_napalm_logs")
    cases = sorted(folder.glob("*/*/*/syslog.msg"))
    assert len(cases) >= 40
    for case in cases:
        expected = json.loads((case.parent / "yang.json").read_text())
        event, name = case.parts[-3:-1]
        moment = datetime.fromtimestamp(expected["timestamp"], UTC)
        alarm = one(case.read_bytes(), year=moment.year)
        about = f"{case.parts[-4]}/{event}/{name}"
        assert alarm.device == expected["host"], about
        assert alarm.additional_information["severity"] == expected["severity"], about
        assert alarm.additional_information["facility"] == expected["facility"], about
        if about not in _TIME_OF_ANOTHER_LINE:
            assert alarm.alarm_raised_time is not None, about
            read = alarm.alarm_raised_time.replace(microsecond=0)
            expected_time = moment + _ZONE_OF_LINE.get(name, timedelta())
            assert read == expected_time, about
        fields = expected_fields(expected["yang_message"])
        assert {key: read_field(alarm, key) for key in fields} == fields, about


_FILLED = {
    "iso": "2021-03-09T10:11:12.345678",
    "bsd": "Mar  9 10:11:12",
    "host": "core-sw7",
    "hostname": "core-sw7",
    "program": "Ebra",
    "app": "mib2d[24]",
    "seq": "4711",
    "microsec": "345678",
    "millisec": "345",
    "tzname": "UTC",
    "year": "2021",
    "node_id": "0/RP0/CPU0",
    "epoch": "1615284672",
}
_ZONES_H = {
    "CDT": -5, "EDT": -4, "PDT": -7, "AKDT": -8, "AKST": -9, "ET": -4, "IST": 5.5, "WEST": 1,
    "EEST": 3, "CEST": 2, "CET": 1, "EET": 2,
}  # fmt: skip


def test_vendor_samples_have_exact_host_time_and_severity(shared_data: Data) -> None:
    """Us: host, time and severity of any line, also where the vendor's header is odd."""
    samples = json.loads((shared_data("syslog_vendor_samples") / "samples.json").read_text())
    for sample in samples:
        template = sample["template"]
        line = re.sub(r"\{\{ ?mark ?\}\}", "<165>", template)
        line = re.sub(r"\{\{ ?(\w+) ?\}\}", lambda found: _FILLED[found.group(1)], line)
        alarm = one(line.encode(), year=2021)
        head = re.split(r"%[A-Z]|RT_|EVENT|[A-Z]+_[A-Z]+", template)[0]
        named = re.search(r"\{\{ ?host(?:name)? ?\}\}", head) is not None
        device = "host" if "}}Z host " in head else "core-sw7" if named else "unnamed"
        assert alarm.device == device, template
        marked = "mark" in template
        mnemonic = re.search(r"%[A-Z_]+-(\d)-", template)
        severity = 165 % 8 if marked or mnemonic is None else int(mnemonic.group(1))
        assert alarm.additional_information["severity"] == severity, template
        if re.search(r"bsd|iso", head) is None:
            assert alarm.alarm_raised_time is None, template
            continue
        year = 2020 if "2020 " in head else 2021
        zone = re.search(r"\}\} ([A-Z]{2,4}):", head)
        hours = _ZONES_H.get(zone.group(1), 0) if zone else 0
        expected = datetime(year, 3, 9, 10, 11, 12, tzinfo=UTC) - timedelta(hours=hours)
        assert alarm.alarm_raised_time is not None, template
        assert alarm.alarm_raised_time.replace(microsecond=0) == expected, template
        if "microsec" in head or "iso" in head:
            assert alarm.alarm_raised_time.microsecond == 345678, template


def test_a_dump_of_show_logging_gives_its_events_and_counts_its_header(shared_data: Data) -> None:
    """Us: header and blank lines are no alarms; the device is the file name up to its first dot."""
    folder = shared_data("cisco_clos_syslog_events") / "3" / "logfiles"
    counts: Counter[str] = Counter()
    for file in sorted(folder.glob("*.log")):
        records: list[Record] = list(read_records(file.read_bytes(), path=file.name, year=2017))
        for record in records:
            counts[type(record).__name__] += 1
            if not isinstance(record, Alarm):
                continue
            assert record.device == file.name.partition(".")[0]
            assert record.alarm_raised_time is not None
            assert record.alarm_raised_time.date().isoformat() == "2017-08-04"
            assert record.source.raw in file.read_text()
            if record.probable_cause == "ROUTING-BGP-5-ADJCHANGE":
                counts["adjacency"] += 1
                said = record.occurrence
                assert said is not None
                assert said.neighbor is not None
                assert said.neighbor_as is not None
                assert said.vrf == "default"
                up = " Up " in record.additional_text
                assert said.state == ("up" if up else "down")
                assert (record.perceived_severity is PerceivedSeverity.CLEARED) is up
                counts[f"initiator {said.initiator}"] += 1
    assert counts["Rejected"] == 0
    assert counts["adjacency"] == 1626
    assert counts["initiator local"] == 408
    assert counts["initiator remote"] == 405


def test_the_zone_in_a_header_line_says_nothing_about_the_others() -> None:
    """INTERFACES: a zone in a log file's header line says nothing about its other lines."""
    dump = (
        b"Fri Aug  4 10:53:36.642 PDT\n\n"
        b"RP/0/RP0/CPU0:Aug  4 10:19:44.199 : bgp[1050]: %ROUTING-BGP-5-ADJCHANGE : "
        b"neighbor 172.31.11.0 Up (VRF: default) (AS: 65011) \n"
    )
    header, alarm = read_records(dump, path="leaf1.log", year=2017)
    assert header == NotAnAlarm(1, "not a log line: no priority, timestamp or mnemonic")
    assert isinstance(alarm, Alarm)
    assert alarm.alarm_raised_time == datetime(2017, 8, 4, 10, 19, 44, 199000, tzinfo=UTC)
    assert alarm.source.line == 3
