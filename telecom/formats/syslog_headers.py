"""Headers of log lines: who speaks, when, how gravely, under which mnemonic.

RFC 5424 and RFC 3164 describe two forms; vendors print a dozen. Each parser here takes one family
of them and leaves the message as it was, for `event_grammar` to understand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from telecom.formats.severities import SYSLOG_LEVELS, severity_named
from telecom.formats.syslog_bodies import read_body
from telecom.formats.syslog_clock import OFFSET, TIME, SyslogClock
from telecom.formats.syslog_line import HOST, PROCESS, TAG, TAG_REACH, SyslogLine

_NODE = r"(?:(?:[A-Z]{1,4}/)?\d{1,3}/\w+(?:/\w+){0,3}|node\d\w*)"
_UPTIME = r"(?:\d{2,4}:\d{2}:\d{2}|\d+[ywdh]\d+[wdhm]|\d{1,4} \d{1,4})"
_ZONE = r"[A-Z]{1,5}"
_TAG_NAME = r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+){0,6}?"

_PRIORITY = re.compile(r"\s*(?:\d{1,6} (?=<))?<(\d{1,3})>")
_TAG = re.compile(TAG)

# The commonest form by far has its own pattern: header and tag in one go.
_IOS_XR = re.compile(
    rf"\s*(?:(\d{{1,10}}): +)?(?:({HOST}) +)?({_NODE}):({TIME})(?: ({_ZONE}))? ?: "
    rf"({PROCESS})\[(\d+)\]: %({_TAG_NAME})-([0-7])-([A-Za-z0-9_]+) ?: ?"
)
_DEVICE_HEAD = re.compile(
    r"\s*(?::\s*)?(?:(?P<sequence>\d{1,10}):\s+)?"
    rf"(?:(?P<host>{HOST})(?:\s*:\s+|\s+(?={_NODE}:)))?"
    r"(?:(?P<second_sequence>\d{1,10}):\s+)?(?:\*?(?P<task>[A-Za-z]\w+):\s+)?"
    rf"(?:(?P<node>{_NODE})\s*:)?\s*(?P<mark>[*.])?"
    rf"(?:(?P<time>{TIME})(?:\s+(?P<zone>{_ZONE}))?|{_UPTIME})\s*:\s*"
    rf"(?:(?P<process>{PROCESS})(?:\[(?P<process_id>\d+)\])?\s*:\s*)?"
)
_RELAY_HEAD = re.compile(
    rf"\s*(?P<mark>[*.])?(?P<time>{TIME})(?:\s+(?P<zone>{_ZONE})(?=\s+\S))?"
    rf"(?:\s+(?P<host>{HOST}))?(?:\s+(?P<process>{PROCESS})(?:\[(?P<process_id>\w+)\])?)?\s*"
    r"(?P<colon>:?)\s*"
)
_RELAYED = re.compile(rf"\s*(?P<time>{TIME})\s+(?P<host>{HOST})\s+(?=\S)")
_TIME_ONLY_TAG = re.compile(
    rf"\s*(?P<time>{TIME})\s+(?P<process>{PROCESS})(?:\[(?P<process_id>\w+)\])?:\s*"
)

_RFC5424 = re.compile(
    r"1 (?P<time>\S+) (?P<host>\S+) (?P<process>\S+) (?P<process_id>\S+) (?P<event>\S+) "
)
_ELEMENT = re.compile(
    r'\[(?P<id>[^\s=\]"]+)(?P<parameters>(?:\s+[^\s=\]"]+="(?:[^"\\]|\\.)*")*)\s*\]'
)
_PARAMETER = re.compile(r'([^\s=\]"]+)="((?:[^"\\]|\\.)*)"')
_RFC3164 = re.compile(
    rf"\s*%?(?P<mark>[*.])?\[?(?P<time>{TIME})(?:\s+(?P<zone>UTC|GMT|{_ZONE}(?=:)))?\]?:?\s+(?=\S)"
)
_EPOCH = re.compile(r"(?:1 )?(?P<time>1\d{9})(?P<fraction>\.\d{1,9})?:?\s+(?=\S)")
_LEVEL_WORD = re.compile(
    r"\[?(?:(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7])\.)?"
    rf"(?:{'|'.join(SYSLOG_LEVELS)}|fatal|trace)\]?(?=[\s:])",
    re.IGNORECASE,
)
"""Where a host would stand, but says how grave it is."""
_HOST_WORD = re.compile(rf"({HOST})\s*(?:\s:\s*)?(?=\s|$)")

_SR_OS_SHOW = re.compile(
    rf"\s*(?P<sequence>\d{{1,10}})\s+(?P<time>{TIME})\s+(?P<zone>{_ZONE})\s+"
    r"(?P<severity>CRITICAL|MAJOR|MINOR|WARNING|INDETERMINATE|CLEARED):\s+"
    r"(?P<application>[A-Z]\w*)\s+#(?P<number>\d+)\s+(?P<instance>\S+)\s*"
)
_PAIR = re.compile(r'(?<![\w.-])([A-Za-z][\w.-]{0,60})=("(?:[^"\\]|\\.)*"|[^\s,]*)')
_ROUTING_ENGINE = re.compile(r"re[01]-(?=[A-Za-z])")
"""What Junos puts before the host name: which of two routing engines speaks."""

_FORTIOS_MARKS = ("devname=", "logid=", "devid=", "log_id=", "device_id=")

HeaderParser = Callable[[str, SyslogClock], SyslogLine | None]


def read_header(text: str, clock: SyslogClock) -> SyslogLine | None:
    """Take a log line apart.

    Args:
        text: One line, without its end.
        clock: Of the file the line is from.

    Returns:
        None when it is no log line: no PRI, no timestamp at its start, no mnemonic.
    """
    priority = _PRIORITY.match(text)
    code = None
    if priority is not None and int(priority.group(1)) <= 191:
        code = int(priority.group(1))
        text = text[priority.end() :]
    for parser in _PARSERS:
        line = parser(text, clock)
        if line is not None:
            break
    else:
        if code is None or not text.strip():
            return None
        line = SyslogLine("rfc3164", text.strip())
        read_body(line)
    if code is not None:
        line.facility, line.severity = divmod(code, 8)
    elif line.severity is None:
        line.severity = line.own_severity
    if line.host is not None and (engine := _ROUTING_ENGINE.match(line.host)):
        line.host = line.host[engine.end() :]
    return line


def _read_ios_xr(text: str, clock: SyslogClock) -> SyslogLine | None:
    match = _IOS_XR.match(text)
    if match is None:
        return None
    sequence, host, node, time, zone, process, process_id, facility, level, name = match.groups()
    severity = int(level)
    return SyslogLine(
        "ios_xr",
        text[match.end() :].strip(),
        host=host,
        time=clock.instant(time, zone),
        time_text=time,
        severity=severity,
        own_severity=severity,
        mnemonic=f"{facility}-{level}-{name}",
        event=f"{facility}-{name}",
        process=process,
        process_id=process_id,
        sequence=None if sequence is None else int(sequence),
        location=node,
    )


def _read_tagged(text: str, clock: SyslogClock) -> SyslogLine | None:
    """Read `... %FACILITY-SEVERITY-MNEMONIC: message`, as Cisco, Arista and others print it."""
    tag = _TAG.search(text, 0, TAG_REACH)
    if tag is None or text.startswith("1 "):
        return None
    facility, level, name = tag.groups()
    line = SyslogLine(
        "ios",
        text[tag.end() :].strip(),
        own_severity=int(level),
        mnemonic=f"{facility}-{level}-{name}",
        event=f"{facility}-{name}",
    )
    _read_device_head(text[: tag.start()], line, clock)
    line.dialect = _tagged_dialect(line, facility)
    if line.dialect == "junos":
        line.mnemonic = line.event = name
    return line


def _read_device_head(head: str, line: SyslogLine, clock: SyslogClock) -> None:
    match = _DEVICE_HEAD.fullmatch(head)
    if match is None and (relayed := _RELAYED.match(head)):
        match = _DEVICE_HEAD.fullmatch(head, relayed.end())
        if match is not None:
            # The relay knows the year and the sender; the device knows the moment.
            line.host = relayed["host"]
            line.time_text = relayed["time"]
            line.time = clock.instant(relayed["time"])
    if match is not None:
        line.host = match["host"] or line.host
        sequence = match["sequence"] or match["second_sequence"]
        line.sequence = int(sequence) if sequence else None
        line.location = match["node"]
        line.process = match["process"] or match["task"]
        line.process_id = match["process_id"]
        _set_time(line, match, clock)
        return
    if match := _RELAY_HEAD.fullmatch(head):
        host, process = match["host"], match["process"]
        if host and not process and match["colon"] and not head.rstrip()[:-1].endswith(" "):
            # `TIME word:` is the TAG of RFC 3164; a firewall's word is its name all the same.
            is_firewall = line.event is not None and line.event.startswith(("ASA", "FTD", "PIX"))
            host, process = (host, None) if is_firewall else (None, host)
        line.host, line.process, line.process_id = host, process, match["process_id"]
        _set_time(line, match, clock)
        return
    if match := _RFC3164.match(head + " -"):
        _set_time(line, match, clock)
        tagged = _TIME_ONLY_TAG.match(head) is not None
        before = SyslogLine("", "")
        _read_after_time(before, head[match.end() :], clock, tagged=tagged)
        line.host, line.process, line.process_id = before.host, before.process, before.process_id
        return
    if words := head.split(":"):
        first = words[0].strip()
        if first and not first.isdigit() and re.fullmatch(HOST, first):
            line.host = first


def _set_time(line: SyslogLine, match: re.Match[str], clock: SyslogClock) -> None:
    if match["time"] is None:
        return
    moment = clock.instant(match["time"], match["zone"])
    if moment is None and line.time is not None:
        return
    line.time, line.time_text = moment, match["time"]
    line.clock_unsynchronized = match["mark"] is not None


def _tagged_dialect(line: SyslogLine, facility: str) -> str:
    if facility in {"ASA", "FTD", "PIX", "FWSM"}:
        return "asa"
    if line.location is not None:
        return "ios_xr"
    if facility in {"DAEMON", "KERN", "AUTH", "USER", "INTERACT"} and line.process is not None:
        return "junos"
    if line.time_text is not None and re.match(r"\d{4} [A-Z]", line.time_text):
        return "nx_os"
    if line.sequence is None and line.process is not None and line.process[:1].isupper():
        return "eos"
    return "ios"


def _read_rfc5424(text: str, clock: SyslogClock) -> SyslogLine | None:
    match = _RFC5424.match(text)
    if match is None:
        return None
    values = {key: None if value == "-" else value for key, value in match.groupdict().items()}
    rest, fields = _read_structured_data(text[match.end() :])
    time = values["time"]
    line = SyslogLine(
        "rfc5424",
        rest,
        host=values["host"],
        time=None if time is None else clock.instant(time),
        time_text=time,
        process=values["process"],
        process_id=values["process_id"],
        fields=fields,
    )
    read_body(line)
    if line.event is None and values["event"] is not None:
        line.mnemonic = line.event = values["event"]
    if any(key.startswith("junos@") for key in fields.pop("", "").split()):
        line.dialect = "junos"
    if not line.message and fields:
        line.message = " ".join(f'{key}="{value}"' for key, value in fields.items())
    return line


def _read_structured_data(text: str) -> tuple[str, dict[str, str]]:
    """Split SD from MSG; the ids of the elements are joined under the empty key."""
    if text.startswith("-"):
        return text[1:].strip().removeprefix("\ufeff"), {}
    fields: dict[str, str] = {}
    ids: list[str] = []
    position = 0
    while element := _ELEMENT.match(text, position):
        ids.append(element["id"])
        for name, value in _PARAMETER.findall(element["parameters"]):
            fields[name] = re.sub(r"\\(.)", r"\1", value)
        position = element.end()
    if ids:
        fields[""] = " ".join(ids)
    return text[position:].strip().removeprefix("\ufeff"), fields


def _read_fortios(text: str, clock: SyslogClock) -> SyslogLine | None:
    if not any(mark in text for mark in _FORTIOS_MARKS):
        return None
    fields = {key: value.strip('"') for key, value in _PAIR.findall(text)}
    if "date" not in fields and "eventtime" not in fields:
        return None
    description = fields.get("logdesc")
    line = SyslogLine(
        "fortios",
        fields.get("msg") or description or text.strip(),
        host=fields.get("devname") or fields.get("devid") or fields.get("device_id"),
        own_severity=SYSLOG_LEVELS.get((fields.get("level") or fields.get("pri", "")).lower()),
        mnemonic=description or fields.get("logid") or fields.get("log_id"),
        event=description or fields.get("logid") or fields.get("log_id"),
        process=fields.get("subtype") or fields.get("type"),
        fields=fields,
    )
    line.time_text = f"{fields.get('date', '')} {fields.get('time', '')}".strip()
    zone = fields.get("tz", "")
    if re.fullmatch(OFFSET, zone):
        line.time = clock.instant(line.time_text + zone)
    else:
        line.time = _epoch(fields.get("eventtime")) or clock.instant(line.time_text)
    return line


def _epoch(text: str | None) -> datetime | None:
    """Read seconds, milliseconds, microseconds or nanoseconds since 1970, told by their size."""
    if text is None or not text.isdigit() or not 10 <= len(text) <= 19:
        return None
    return datetime.fromtimestamp(int(text) / 10 ** (len(text) - 10), UTC)


def _read_sr_os_show(text: str, clock: SyslogClock) -> SyslogLine | None:
    match = _SR_OS_SHOW.match(text)
    if match is None:
        return None
    name = f"{match['application']}-{match['number']}"
    return SyslogLine(
        "sr_os",
        text[match.end() :].strip(),
        time=clock.instant(match["time"], match["zone"]),
        time_text=match["time"],
        perceived_severity=severity_named(match["severity"]),
        mnemonic=name,
        event=name,
        sequence=int(match["sequence"]),
    )


def _read_rfc3164(text: str, clock: SyslogClock) -> SyslogLine | None:
    """Read `TIME HOST TAG[PID]: message`, and the same without a host or a tag."""
    match = _RFC3164.match(text)
    if match is None:
        return None
    line = SyslogLine("rfc3164", "")
    _set_time(line, match, clock)
    return _read_after_time(
        line, text[match.end() :], clock, tagged=_TIME_ONLY_TAG.match(text) is not None
    )


def _read_epoch(text: str, clock: SyslogClock) -> SyslogLine | None:
    """Read `1772360102.123 HOST ...`: seconds since 1970, as cloud-managed devices print them."""
    match = _EPOCH.match(text)
    if match is None:
        return None
    seconds = float(match["time"] + (match["fraction"] or ""))
    line = SyslogLine("rfc3164", "", time=datetime.fromtimestamp(seconds, UTC))
    line.time_text = match["time"]
    return _read_after_time(line, text[match.end() :], clock, tagged=False)


def _read_after_time(
    line: SyslogLine, rest: str, clock: SyslogClock, *, tagged: bool
) -> SyslogLine | None:
    """Read host and body; `tagged`: what follows the time is a tag, and no host."""
    word = _HOST_WORD.match(rest)
    if word is not None and (not tagged or ":" in word.group(1)) and not _LEVEL_WORD.match(rest):
        line.host = word.group(1)
        rest = rest[word.end() :].lstrip()
        if (own := _RFC3164.match(rest)) and (moment := clock.instant(own["time"], own["zone"])):
            # The relay knows the year and the sender; the device knows the moment.
            line.time, line.time_text = moment, own["time"]
            rest = rest[own.end() :]
    line.message = rest
    read_body(line)
    if not line.message and line.process is None:
        return None
    return line


_PARSERS: tuple[HeaderParser, ...] = (
    _read_ios_xr,
    _read_epoch,
    _read_rfc5424,
    _read_fortios,
    _read_tagged,
    _read_sr_os_show,
    _read_rfc3164,
)
