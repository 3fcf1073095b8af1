"""What follows time and host in a log line: process, mnemonic, severity and message.

Each reader here knows one way vendors write it and answers whether the line was its own. They read
the marks of the text, never the name of a vendor, so that a vendor nobody thought of is read by the
form it shares with others.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from telecom.formats.severities import SYSLOG_LEVELS, severity_named
from telecom.formats.syslog_line import PROCESS, TAG, TAG_REACH, SyslogLine

_VRP = re.compile(
    r"(?:%%\d{2}|(?<![\w/]))(?P<module>[A-Za-z]\w{1,40})/(?P<level>[0-7])/(?P<name>[A-Za-z]\w{1,80})"
    r"(?:\([a-z]\))?(?::\s*CID=[^;]*;|\[\d+\]:|:)\s*(?:-(?:MDC|Slot|Chassis|DevIP)=[^;]{1,60};\s*)?"
)
_SR_OS = re.compile(
    r"(?:(?P<prefix>\w+):\s+)?(?P<sequence>\d{1,10})\s+(?P<instance>\S+)\s+(?P<application>[A-Z][A-Z0-9_]*)-"
    r"(?P<severity>CRITICAL|MAJOR|MINOR|WARNING|INDETERMINATE|CLEARED)-(?P<name>\w+)(?:-(?P<number>\d+))?"
    r"\s*\[(?P<subject>[^\]]*)\]:?\s*",
    re.IGNORECASE,
)
_TAG = re.compile(TAG)
_BARE_TAG = re.compile(r"%([A-Z][A-Z0-9_]{2,40}):\s*")
_BARE_TAG_REACH = 120
_PRIORITY_TAG = re.compile(r"%[A-Z][A-Z0-9]*-([0-7]):\s*")
_BODY_PROCESS = re.compile(
    rf"({PROCESS}|[\w./-]+(?: [\w./-]+)?)(?:\[([\w./-]*)\])?:(?!:)(?:\s+|(?=%)|(?=\S*\s))"
)
_JUNOS_EVENT = re.compile(
    r"(?:%[A-Z0-9]+-(?P<level>[0-7])-)?"
    r"(?P<event>[A-Z][A-Z0-9]*_[A-Z0-9_]+|[a-z][a-z0-9]*_\w+)(?::\d+)?:\s*"
)
_JUNOS_DAEMONS = frozenset(
    "rpd mib2d chassisd dcd l2ald l2cpd lacpd mgd alarmd bfdd ppmd rmopd eventd snmpd cosd dfwd"
    " jdhcpd /kernel tfeb0 fpc0 RT_FLOW RT_IDP RT_UTM RT_SYSTEM license-check craftd vrrpd"
    " pfed".split()
)
_LEVEL = rf"(?:{'|'.join(sorted(SYSLOG_LEVELS, key=len, reverse=True))}|fatal|trace|verbose)"
_LEVEL_FIRST = re.compile(
    rf"(?:(?P<facility>[a-z]+\d?)\.)?\[?(?P<level>{_LEVEL})\]?(?::\s+|\s+)(?=\S)", re.IGNORECASE
)
"""`ERROR ...`, `[warn] ...`, `daemon.err pppd[4]: ...`"""
_COMPONENT = re.compile(
    rf"(?:(?P<before>{_LEVEL}):\s*)?<(?:(?P<level>{_LEVEL}):)?(?P<component>[A-Za-z][\w.-]{{2,80}})>\s*",
    re.IGNORECASE,
)
"""`<Warn:BGP.Neighbor> ...`, `Info: <vlan.msgs.portLinkStateDown> ...`"""
_TOPICS = re.compile(r"(?P<topics>[a-z][a-z0-9-]{1,20}(?:,[a-z!][a-z0-9-]{1,20}){1,5})\s+(?=\S)")
"""`interface,info ether3 link down`"""
_PIPED = re.compile(
    r"(?:Event|LOG)\|(?P<number>\d{1,6})\|LOG_(?P<level>[A-Z]{2,7})\|(?:[^|]{0,40}\|){0,3}",
)
"""`Event|403|LOG_INFO|AMM|1/1|Link status ...`"""
_CEF = re.compile(
    r"(?:CEF|LEEF):[\d.]{1,4}\|(?P<vendor>[^|]{0,80})\|(?P<product>[^|]{0,80})\|[^|]{0,80}\|"
    r"(?P<id>(?:[^|\\]|\\.){0,200})\|(?:(?P<name>(?:[^|\\]|\\.){0,400})\|(?P<level>[\w-]{0,10})\|)?"
)
_CSV_SYSTEM = re.compile(
    r"\d?,(?P<time>\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}),[^,]{0,40},SYSTEM,(?P<subtype>[^,]{0,40}),"
    r"(?:[^,]{0,80},){3}(?P<event>[\w-]{1,80}),(?P<object>[^,]{0,80}),(?:[^,]{0,80},){2}"
    r"(?P<module>[^,]{0,40}),(?P<level>[a-z]{4,13}),\"?(?P<message>[^\"]{1,2000})"
)
_CEF_LEVELS = (6, 6, 6, 6, 4, 4, 4, 3, 3, 2, 2)
"""CEF grades 0 to 10; its guide calls 0-3 low, 4-6 medium, 7-8 high, 9-10 very high."""

BodyReader = Callable[[SyslogLine, str], bool]


def read_body(line: SyslogLine) -> None:
    """Find process, mnemonic, severity and message in `line.message`."""
    for reader in _READERS:
        if reader(line, line.message):
            return
    _read_process(line, line.message)


def _read_vrp(line: SyslogLine, text: str) -> bool:
    match = _VRP.search(text, 0, TAG_REACH)
    if match is None:
        return False
    line.dialect = "vrp"
    line.mnemonic = f"{match['module']}/{match['level']}/{match['name']}"
    line.event = f"{match['module']}-{match['name']}"
    line.own_severity = int(match["level"])
    line.message = text[match.end() :].strip()
    return True


def _read_sr_os(line: SyslogLine, text: str) -> bool:
    match = _SR_OS.match(text)
    if match is None:
        return False
    line.dialect = "sr_os"
    parts = (match["application"], match["severity"], match["name"], match["number"])
    line.mnemonic = "-".join(filter(None, parts))
    line.event = f"{match['application']}-{match['name']}"
    line.perceived_severity = severity_named(match["severity"])
    line.sequence = int(match["sequence"])
    line.location = match["subject"]
    line.message = text[match.end() :].strip()
    return True


def _read_tag(line: SyslogLine, text: str) -> bool:
    match = _TAG.match(text)
    if match is None:
        return False
    facility, level, name = match.groups()
    line.own_severity = int(level)
    line.mnemonic, line.event = f"{facility}-{level}-{name}", f"{facility}-{name}"
    line.message = text[match.end() :].strip()
    return True


def _read_csv_system(line: SyslogLine, text: str) -> bool:
    match = _CSV_SYSTEM.search(text, 0, TAG_REACH)
    if match is None:
        return False
    line.dialect = "csv_system"
    line.mnemonic = line.event = match["event"]
    line.process = match["module"] or match["subtype"]
    line.own_severity = SYSLOG_LEVELS.get(match["level"])
    line.message = match["message"].strip()
    if match["object"]:
        line.fields["object"] = match["object"]
    return True


def _read_cef(line: SyslogLine, text: str) -> bool:
    match = _CEF.search(text, 0, TAG_REACH)
    if match is None:
        return False
    line.dialect = "cef"
    line.mnemonic = line.event = match["id"]
    line.process = match["product"] or match["vendor"] or None
    level = match["level"] or ""
    if level.isdecimal() and int(level) < len(_CEF_LEVELS):
        line.own_severity = _CEF_LEVELS[int(level)]
    else:
        line.own_severity = {"low": 6, "medium": 4, "high": 3, "very-high": 2}.get(level.lower())
    extension = text[match.end() :].strip()
    line.message = ": ".join(filter(None, (match["name"], extension)))
    return True


def _read_component(line: SyslogLine, text: str) -> bool:
    match = _COMPONENT.match(text)
    if match is None:
        return False
    level = match["level"] or match["before"]
    line.mnemonic = line.event = match["component"]
    line.own_severity = None if level is None else _level(level)
    line.message = text[match.end() :].strip()
    return True


def _read_topics(line: SyslogLine, text: str) -> bool:
    match = _TOPICS.match(text)
    if match is None:
        return False
    topics = match["topics"].split(",")
    levels = [_level(topic) for topic in topics]
    line.own_severity = next((level for level in levels if level is not None), None)
    if line.own_severity is None:
        return False
    line.process = topics[0]
    line.message = text[match.end() :].strip()
    return True


def _read_process(line: SyslogLine, text: str) -> None:
    if line.process is None and (match := _LEVEL_FIRST.match(text)):
        line.own_severity = _level(match["level"])
        text = text[match.end() :]
    if line.process is None and (match := _BODY_PROCESS.match(text)):
        line.process, line.process_id = match.groups()
        text = text[match.end() :]
    if line.process is not None and line.process.isdecimal():
        line.sequence, line.process = int(line.process[:10]), None
    if match := _PRIORITY_TAG.match(text):
        line.own_severity = int(match.group(1))
        text = text[match.end() :]
    if _read_component(line, text):
        return
    if match := _PIPED.match(text):
        line.mnemonic = line.event = match["number"]
        line.own_severity = _level(match["level"])
        line.message = text[match.end() :].strip()
        return
    if match := _BARE_TAG.search(text, 0, _BARE_TAG_REACH):
        line.mnemonic = line.event = match.group(1)
        line.message = text[match.end() :].strip()
        return
    if match := _JUNOS_EVENT.match(text):
        line.mnemonic = line.event = match["event"]
        line.own_severity = int(match["level"]) if match["level"] else line.own_severity
        text = text[match.end() :]
        line.dialect = "junos"
    if line.process in _JUNOS_DAEMONS:
        line.dialect = "junos"
    line.message = text.strip()


def _level(word: str) -> int | None:
    word = word.lower()
    return {"fatal": 2, "trace": 7, "verbose": 7}.get(word, SYSLOG_LEVELS.get(word))


_READERS: tuple[BodyReader, ...] = (
    _read_vrp,
    _read_sr_os,
    _read_tag,
    _read_csv_system,
    _read_cef,
    _read_component,
    _read_topics,
)
