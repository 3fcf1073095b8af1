"""Headers of log lines: who speaks, when, how gravely, under which mnemonic.

RFC 5424 and RFC 3164 describe two forms; vendors print a dozen. Each parser here takes one family
of them and leaves the message as it was, for `event_grammar` to understand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from telecom.alarm import PerceivedSeverity
from telecom.formats.severities import SYSLOG_LEVELS, severity_named
from telecom.formats.syslog_clock import OFFSET, TIME, SyslogClock


@dataclass(slots=True)
class SyslogLine:
    """One log line, taken apart."""

    dialect: str
    """`ios`, `ios_xr`, `nx_os`, `eos`, `asa`, `junos`, `vrp`, `sr_os`, `fortios`, `rfc5424`, ..."""
    message: str
    host: str | None = None
    """As the line names it; None where it names none."""
    time: datetime | None = None
    time_text: str | None = None
    """The timestamp as printed."""
    clock_unsynchronized: bool = False
    """The device itself says that its clock is not to be trusted (IOS `*` and `.`)."""
    facility: int | None = None
    severity: int | None = None
    """Of the PRI, else of the mnemonic: 0 emergency to 7 debug."""
    own_severity: int | None = None
    """Of the mnemonic alone; a relay may have put its own PRI in front."""
    perceived_severity: PerceivedSeverity | None = None
    """Where the line itself speaks X.733 (SR OS)."""
    mnemonic: str | None = None
    """As printed: `ROUTING-BGP-5-ADJCHANGE`, `SNMP_TRAP_LINK_DOWN`, `IFNET/4/LINK_STATE`."""
    event: str | None = None
    """The mnemonic without its severity, one spelling for all vendors: `ROUTING-BGP-ADJCHANGE`."""
    process: str | None = None
    process_id: str | None = None
    sequence: int | None = None
    location: str | None = None
    """Card or route processor that wrote it (`RP/0/RP0/CPU0`), or the subject SR OS names."""
    fields: dict[str, str] = field(default_factory=dict)
    """Structured data and key=value pairs of the line."""


HOST = r"(?:[A-Za-z0-9_][\w.-]*|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})"
_NODE = r"(?:(?:[A-Z]{1,4}/)?\d{1,3}/\w+(?:/\w+){0,3}|node\d\w*)"
_UPTIME = r"(?:\d{2,4}:\d{2}:\d{2}|\d+[ywdh]\d+[wdhm]|\d{1,4} \d{1,4})"
_ZONE = r"[A-Z]{1,5}"
_PROCESS = r"[\w./()-]{1,64}"
_TAG_NAME = r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+){0,6}?"

_PRIORITY = re.compile(r"\s*(?:\d{1,6} (?=<))?<(\d{1,3})>")
_TAG = re.compile(rf"%({_TAG_NAME})-([0-7])-([A-Za-z0-9_]+)\s?:?\s*")
_TAG_REACH = 400
"""Characters of header before a Cisco tag at most; beyond that a percent sign is prose."""

# The commonest form by far has its own pattern: header and tag in one go.
_IOS_XR = re.compile(
    rf"\s*(?:(\d{{1,10}}): +)?(?:({HOST}) +)?({_NODE}):({TIME})(?: ({_ZONE}))? ?: "
    rf"({_PROCESS})\[(\d+)\]: %({_TAG_NAME})-([0-7])-([A-Za-z0-9_]+) ?: ?"
)
_DEVICE_HEAD = re.compile(
    r"\s*(?::\s*)?(?:(?P<sequence>\d{1,10}):\s+)?"
    rf"(?:(?P<host>{HOST})(?:\s*:\s+|\s+(?={_NODE}:)))?"
    r"(?:(?P<second_sequence>\d{1,10}):\s+)?(?:\*?(?P<task>[A-Za-z]\w+):\s+)?"
    rf"(?:(?P<node>{_NODE})\s*:)?\s*(?P<mark>[*.])?"
    rf"(?:(?P<time>{TIME})(?:\s+(?P<zone>{_ZONE}))?|{_UPTIME})\s*:\s*"
    rf"(?:(?P<process>{_PROCESS})(?:\[(?P<process_id>\d+)\])?\s*:\s*)?"
)
_RELAY_HEAD = re.compile(
    rf"\s*(?P<mark>[*.])?(?P<time>{TIME})(?:\s+(?P<zone>{_ZONE})(?=\s+\S))?"
    rf"(?:\s+(?P<host>{HOST}))?(?:\s+(?P<process>{_PROCESS})(?:\[(?P<process_id>\w+)\])?)?\s*"
    r"(?P<colon>:?)\s*"
)
_RELAYED = re.compile(rf"\s*(?P<time>{TIME})\s+(?P<host>{HOST})\s+(?=\S)")
_TIME_ONLY_TAG = re.compile(
    rf"\s*(?P<time>{TIME})\s+(?P<process>{_PROCESS})(?:\[(?P<process_id>\w+)\])?:\s*"
)

_RFC5424 = re.compile(
    r"1 (?P<time>\S+) (?P<host>\S+) (?P<process>\S+) (?P<process_id>\S+) (?P<event>\S+) "
)
_ELEMENT = re.compile(
    r'\[(?P<id>[^\s=\]"]+)(?P<parameters>(?:\s+[^\s=\]"]+="(?:[^"\\]|\\.)*")*)\s*\]'
)
_PARAMETER = re.compile(r'([^\s=\]"]+)="((?:[^"\\]|\\.)*)"')
_RFC3164 = re.compile(
    rf"\s*(?P<mark>[*.])?(?P<time>{TIME})(?:\s+(?P<zone>UTC|GMT|{_ZONE}(?=:)))?:?\s+(?=\S)"
)
_HOST_WORD = re.compile(rf"({HOST})\s*(?:\s:\s*)?(?=\s|$)")

_VRP = re.compile(
    r"%%\d{2}(?P<module>\w+)/(?P<level>[0-7])/(?P<name>\w+)(?:\([a-z]\))?"
    r"(?::\s*CID=[^;]*;|\[\d+\]:|:)?\s*"
)
_SR_OS = re.compile(
    r"(?:(?P<prefix>\w+):\s+)?(?P<sequence>\d{1,10})\s+(?P<instance>\S+)\s+(?P<application>[A-Z][A-Z0-9_]*)-"
    r"(?P<severity>CRITICAL|MAJOR|MINOR|WARNING|INDETERMINATE|CLEARED)-(?P<name>\w+)-(?P<number>\d+)"
    r"\s*\[(?P<subject>[^\]]*)\]:?\s*",
    re.IGNORECASE,
)
_SR_OS_SHOW = re.compile(
    rf"\s*(?P<sequence>\d{{1,10}})\s+(?P<time>{TIME})\s+(?P<zone>{_ZONE})\s+"
    r"(?P<severity>CRITICAL|MAJOR|MINOR|WARNING|INDETERMINATE|CLEARED):\s+"
    r"(?P<application>[A-Z]\w*)\s+#(?P<number>\d+)\s+(?P<instance>\S+)\s*"
)
_BARE_TAG = re.compile(r"%([A-Z][A-Z0-9_]{2,40}):\s*")
_PAIR = re.compile(r'(?<![\w.-])([A-Za-z][\w.-]{0,60})=("(?:[^"\\]|\\.)*"|[^\s,]*)')
_BODY_PROCESS = re.compile(rf"({_PROCESS}|[\w./-]+(?: [\w./-]+)?)(?:\[([\w./-]*)\])?:(?:\s+|(?=%))")
_JUNOS_EVENT = re.compile(
    r"(?:%[A-Z0-9]+-(?P<level>[0-7])-)?"
    r"(?P<event>[A-Z][A-Z0-9]*_[A-Z0-9_]+|[a-z][a-z0-9]*_\w+)(?::\d+)?:\s*"
)
_JUNOS_DAEMONS = frozenset(
    "rpd mib2d chassisd dcd l2ald l2cpd lacpd mgd alarmd bfdd ppmd rmopd eventd snmpd cosd dfwd"
    " jdhcpd /kernel tfeb0 fpc0 RT_FLOW RT_IDP RT_UTM RT_SYSTEM license-check craftd vrrpd"
    " pfed".split()
)
_ROUTING_ENGINE = re.compile(r"re[01]-(?=[A-Za-z])")

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
        _read_body(line)
    if code is not None:
        line.facility, line.severity = divmod(code, 8)
    elif line.severity is None:
        line.severity = line.own_severity
    if line.host is not None:
        line.host = _ROUTING_ENGINE.sub("", line.host, count=1)
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
    tag = _TAG.search(text, 0, _TAG_REACH)
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
    _read_body(line)
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
    if "devname=" not in text and "logid=" not in text and "devid=" not in text:
        return None
    fields = {key: value.strip('"') for key, value in _PAIR.findall(text)}
    if "date" not in fields and "eventtime" not in fields:
        return None
    description = fields.get("logdesc")
    line = SyslogLine(
        "fortios",
        fields.get("msg") or description or text.strip(),
        host=fields.get("devname") or fields.get("devid"),
        own_severity=SYSLOG_LEVELS.get(fields.get("level", "").lower()),
        mnemonic=description or fields.get("logid"),
        event=description or fields.get("logid"),
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
    rest = text[match.end() :]
    if _TIME_ONLY_TAG.match(text) is None and (word := _HOST_WORD.match(rest)):
        line.host = word.group(1)
        rest = rest[word.end() :].lstrip()
    line.message = rest
    _read_body(line)
    if not line.message and line.process is None:
        return None
    return line


def _read_body(line: SyslogLine) -> None:
    """Find process, mnemonic and message in what follows time and host."""
    text = line.message
    if match := _VRP.search(text, 0, _TAG_REACH):
        line.dialect = "vrp"
        line.mnemonic = f"{match['module']}/{match['level']}/{match['name']}"
        line.event = f"{match['module']}-{match['name']}"
        line.own_severity = int(match["level"])
        line.message = text[match.end() :].strip()
        return
    if match := _SR_OS.match(text):
        line.dialect = "sr_os"
        line.mnemonic = (
            f"{match['application']}-{match['severity']}-{match['name']}-{match['number']}"
        )
        line.event = f"{match['application']}-{match['name']}"
        line.perceived_severity = severity_named(match["severity"])
        line.sequence = int(match["sequence"])
        line.location = match["subject"]
        line.message = text[match.end() :].strip()
        return
    if match := _TAG.match(text):
        facility, level, name = match.groups()
        line.own_severity = int(level)
        line.mnemonic, line.event = f"{facility}-{level}-{name}", f"{facility}-{name}"
        line.message = text[match.end() :].strip()
        return
    if line.process is None and (match := _BODY_PROCESS.match(text)):
        line.process, line.process_id = match.groups()
        text = text[match.end() :]
    if match := _BARE_TAG.match(text):
        line.mnemonic = line.event = match.group(1)
        line.message = text[match.end() :].strip()
        return
    if match := _JUNOS_EVENT.match(text):
        line.mnemonic = line.event = match["event"]
        line.own_severity = int(match["level"]) if match["level"] else None
        text = text[match.end() :]
        line.dialect = "junos"
    if line.process in _JUNOS_DAEMONS:
        line.dialect = "junos"
    line.message = text.strip()


_PARSERS: tuple[HeaderParser, ...] = (
    _read_ios_xr,
    _read_rfc5424,
    _read_fortios,
    _read_tagged,
    _read_sr_os_show,
    _read_rfc3164,
)
