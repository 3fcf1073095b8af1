"""The shared grammar of events: what a log line says, in any vendor's words.

`understand` finds the row of `event_table` that a line belongs to, then its parts: which port,
which neighbour, which way, why, and who started it. Layouts of the row come first; the expressions
here fill what they leave open and carry to wordings no row has seen. Every expression is bounded
and looks at the first 2,000 characters at most, so no input makes it slow.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Literal

from telecom.alarm import OccurrenceKind
from telecom.formats.event_table import (
    ADDRESS,
    DOWN_STATES,
    EVENT_PATTERNS,
    INITIATORS,
    UP_STATES,
    EventPattern,
    State,
)
from telecom.formats.syslog_headers import SyslogLine

UNDERSTOOD_CHARACTERS = 2_000
"""A message says what happened at its beginning; the grammar does not look further."""


@dataclass(slots=True)
class Meaning:
    """What one line says happened."""

    pattern: EventPattern
    state: State = "noted"
    interface: str | None = None
    neighbor: str | None = None
    neighbor_as: int | None = None
    vrf: str | None = None
    reason: str | None = None
    initiator: Literal["local", "remote"] | None = None
    details: dict[str, str] = field(default_factory=dict)
    """What else a layout names: user, terminal, states before and after, limits."""


@dataclass(frozen=True, slots=True)
class _Row:
    pattern: EventPattern
    layouts: tuple[re.Pattern[str], ...]


_SESSIONS = frozenset(
    {
        OccurrenceKind.BGP_SESSION,
        OccurrenceKind.OSPF_ADJACENCY,
        OccurrenceKind.ISIS_ADJACENCY,
        OccurrenceKind.LDP_SESSION,
        OccurrenceKind.BFD_SESSION,
    }
)
_WITH_PORT = _SESSIONS | {
    OccurrenceKind.INTERFACE,
    OccurrenceKind.LACP,
    OccurrenceKind.OPTICS,
    OccurrenceKind.TUNNEL,
    OccurrenceKind.CLOCK,
    OccurrenceKind.THRESHOLD,
    OccurrenceKind.HARDWARE,
    OccurrenceKind.OTHER,
}

_FAMILIES = (
    r"(?:(?:Ten|TwentyFive|Forty|Fifty|Hundred|TwoHundred|FourHundred|EightHundred|Two|Five|X)?"
    r"Gig(?:abit)?(?:E|Eth|Ethernet)?|FastEthernet|Ethernet|[Ee]thernet|Eth-?[Tt]runk|[Ee]th|"
    r"Bundle-(?:Ether|POS)|[Pp]ort-?[Cc]hannel|MgmtEth|Management|mgmt|Vlan(?:if)?|Vlan-interface|"
    r"Loop[Bb]ack|Tunnel(?:-ip|-te)?|tunnel-te|tunnel-ip|Serial|[Pp][Oo][Ss]|Bridge-Aggregation|"
    r"Route-Aggregation|BVI|nve|Optics|Hun?|Te|Twe|Fo|Gi|Fa|Fi|Fou|Be|BE|Po|Et|Vl|lag|irb|ae|xe|ge|"
    r"et|so|st|gr|ps|fxp|em|me|reth|wan|lan|port|\d{1,3}GE)"
)
_PORT_NUMBER = r"[ -]?\d+(?:/(?:RS?P|CPU)?\d+|[:.]\d+){0,6}"
_FAMILY_PORT = re.compile(rf"(?<![\w/.:-]){_FAMILIES}{_PORT_NUMBER}(?![\w/])")
_LABELLED_PORT = re.compile(
    r"\b(?:[Ii]nterface|INTERFACE|[Ii]f[Nn]ame|[Ii]ntf|[Pp]ort|[Ll]ink)(?:\s+name)?[\s:=]+['\"(]?"
    r"([A-Za-z][\w-]{0,30}\d[\w/.:-]{0,40}|[A-Za-z]{2,12} \d+/\d+(?:/\d+){0,3}"
    r"|(?:\w{1,8}-)?\d{1,4}/[\w/.:-]{0,30}\d|\d{1,4}(?=[\s,;]|$))"
)
_NEIGHBOR = re.compile(
    r"\b(?:neighbou?r|nbr|nei|peer|adjacency|session|rtr|remote)\w{0,8}\b[\s:=(\['\"]{0,3}"
    r"(?:(?:state|id|ip|addr|address|router|rid|router-id|is|with|on|at|to|for|from|of|the|session|"
    r"group \S{1,60}|name|ipv[46]|vrf \S{1,60})[\s:=(\['\"]{1,3}){0,3}"
    rf"({ADDRESS})",
    re.IGNORECASE,
)
_ANY_ADDRESS = re.compile(ADDRESS)
_AUTONOMOUS_SYSTEM = re.compile(r"\b(?:remote[- ]?|peer[- ]?)?AS[\s:=#]{0,3}(\d{1,10})(?:\.(\d{1,5}))?\b", re.I)
_VRF = re.compile(
    r"\b(?:vrf|vpn-?instance|vpn|routing[- ]instance|instance|vprn)(?:[ -]?name)?[\s:=]{1,3}['\"(]?"
    r"([A-Za-z_][\w.:-]{0,60})",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"(?:\b(?:reason|cause|diagnostic|diag)(?:[ -]?code)?\s*[:=(]+\s*|\b(?:due to|because of|because|caused by)\s+"
    r"|\bneighbor down:\s*|\s-\s)(.{2,200})",
    re.IGNORECASE,
)
_REASON_END = re.compile(r"\s*(?:[;]|,\s*(?:vrf|ifindex|processid|instance)\b|\.\s|\)\s*$|\.?\s*$)", re.I)
_LAST_PARENTHESIS = re.compile(r"\(([^()=]{3,120})\)\s*\.?\s*$")
_TRANSITION = re.compile(
    r"\b(?:from|old state:?|previous state:?|moved from)\s+(?:the\s+)?(?:higher |lower )?(?:state\s+)?['\"]?"
    r"([A-Za-z0-9][\w-]{0,20})['\"]?(?:\s+state)?,?\s+(?:event\s+\S{1,40}\s+)?"
    r"(?:to|into|new state:?|->)\s+(?:the\s+)?(?:higher |lower )?(?:state\s+)?['\"]?([A-Za-z0-9][\w-]{0,20})",
    re.IGNORECASE,
)
_TARGET = re.compile(
    r"\b(?:changed (?:its )?(?:\w+ )?(?:state|status) to|changed to|(?:state|status)(?: is| has| was)?(?: now)?"
    r"(?: changed| transitioned| set| moved)?(?: to)?[ :=]{1,2}|went|goes|go|became|becomes|turned into|turned|"
    r"entered (?:the )?|transitioned to|moved (?:in)?to|->|is now|is|are|has|has been|was)\s*['\"(]?"
    r"(administratively down|admin(?:istratively)? up|admin down|not \w+|no longer \w+|[A-Za-z][\w-]{1,20})",
    re.IGNORECASE,
)
_SCAN = re.compile(
    r"\b(?:(?P<negated>(?:not|no longer|never|isn't|n't)[ -](?:\w{1,12}[ -])?"
    r"(?:up|operational|ready|ok|active|present|available|reachable|responding|synchroni[sz]ed|"
    r"locked|established|received|running|functioning|detected))"
    r"|(?P<down>down|lost|loss|fail(?:ed|s|ure|ures|ing)?|unreachable|inactive|offline|disconnected|"
    r"terminated|expired|timed[ -]out|timeout|dead|died|absent|missing|removed|closed|crash(?:ed)?|"
    r"abort(?:ed)?|broken|faulty|fault|los|lof|lol|holdover|unlocked|unsynchroni[sz]ed|"
    r"out of service|outage|exited|dumped|rejected|killed|abnormal(?:ly)?|detached)"
    r"|(?P<degraded>degraded|degradation|exceed(?:s|ed|ing)?|above|below|high|low|rising|"
    r"flap(?:s|ping|ped)?|mismatch(?:ed)?|reached|exhausted|full|insufficient|overload(?:ed)?|"
    r"out of range|conflict|errors?|critical|alarm)"
    r"|(?P<up>up(?! to\b)|established|restored|recovered|cleared|clears?|online|operational|inserted|"
    r"reachable|resumed|normal|ok|active|synchroni[sz]ed|locked|connected|joined|falling|attached))\b",
    re.IGNORECASE,
)
_MNEMONIC_STATE = re.compile(
    r"(?P<down>DOWN|LOST|LOSS|LOS\b|FAIL|EXPIRED|TIMEOUT|REMOVE|ABSENT|CRASH|BACKWARD|_TODWN|DISCONNECT)"
    r"|(?P<degraded>RISING|EXCEED|OVER|HIGH|MISMATCH)"
    r"|(?P<up>UP(?!DOWN)|CLEAR|RESTORE|RECOVER|FALLING|NORMAL|ESTABLISHED|INSERT|_OK\b|RESUME)",
    re.IGNORECASE,
)
_UP_OR_DOWN = re.compile(r"UP_?DOWN|UP_?OR_?DOWN", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MESSAGE_WORD = re.compile(r"[a-z0-9]+")
_PAIR = re.compile(r'([A-Za-z][\w.-]{0,40})\s?=\s?("[^"]{0,200}"|[^\s,;()=]{1,120}(?: [A-Za-z-]+(?!\s?=))*)')

_PORT_KEYS = "interfacename ifname portname intf interface port localinterface bindinterfacename ifdescr srcintf".split()
_NEIGHBOR_KEYS = (
    "peeripaddress peeripaddr peerip peeraddress peeraddr peerid neighboraddress neighborip neighborid nbripaddr"
    " nbrip nbraddr nbrid bgppeerremoteaddr peer neighbor remoteaddress remoteip remip lsrid peerlsrid systemid"
    " isisadjneighsysid peerlinkaddr"
).split()  # fmt: skip
_AS_KEYS = "peeras remoteas peerasn asnumber bgppeerremoteas".split()
_VRF_KEYS = "vpninstance vpninstancename vpnname vrf vrfname instancename routinginstance instance".split()
_REASON_KEYS = (
    "reason statechangereason reasondescription downreason errordescription diagnostic cause causedescription"
    " lasterror neighbordowndirectreason sessiondownreason neighborchangereason failreason"
).split()  # fmt: skip
_STATE_KEYS = (
    "neighborcurrentstate currentstate newstate operstatus ifoperstatus sessionstate adjstate status state"
    " linkstatus adjacencystate"
).split()  # fmt: skip
_PREVIOUS_KEYS = "neighborpreviousstate previousstate oldstate laststate".split()


def understand(line: SyslogLine) -> Meaning | None:
    """Say what a log line reports.

    Returns:
        None when no row of the table fits: the line keeps its mnemonic and its words.
    """
    message = line.message[:UNDERSTOOD_CHARACTERS]
    rows = _rows_of_mnemonic(line.event) if line.event is not None else ()
    for row in rows:
        return _read(row, message, line)
    for row in _rows_of_words(message, line):
        meaning = _read(row, message, line)
        if meaning.state != "noted" or not row.pattern.needs_state:
            return meaning
    return None


def initiator_of(reason: str) -> Literal["local", "remote"] | None:
    """Tell which end started it, where the words of the reason say so."""
    for expression, initiator in _initiators():
        if expression.search(reason):
            return initiator
    return None


@cache
def _initiators() -> tuple[tuple[re.Pattern[str], Literal["local", "remote"] | None], ...]:
    return tuple((re.compile(words, re.IGNORECASE), end) for words, end in INITIATORS)


@cache
def _table() -> tuple[tuple[_Row, re.Pattern[str] | None], ...]:
    """Compile the rows at first use: importing this module must cost nothing."""
    return tuple(
        (
            _Row(pattern, tuple(re.compile(layout) for layout in pattern.layouts)),
            re.compile(pattern.mnemonic, re.IGNORECASE) if pattern.mnemonic else None,
        )
        for pattern in EVENT_PATTERNS
    )


@cache
def _rows_by_word() -> dict[str, list[tuple[int, frozenset[str], _Row]]]:
    index: dict[str, list[tuple[int, frozenset[str], _Row]]] = defaultdict(list)
    for rank, (row, _) in enumerate(_table()):
        for alternative in row.pattern.words:
            words = alternative.split()
            index[words[0]].append((rank, frozenset(words), row))
    return dict(index)


@lru_cache(maxsize=8192)
def _rows_of_mnemonic(event: str) -> tuple[_Row, ...]:
    for row, mnemonic in _table():
        if mnemonic is not None and mnemonic.fullmatch(event):
            return (row,)
    return ()


@lru_cache(maxsize=8192)
def _words_of_mnemonic(event: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(event))


def _rows_of_words(message: str, line: SyslogLine) -> list[_Row]:
    words = set(_MESSAGE_WORD.findall(message.lower()))
    if line.event is not None:
        words |= _words_of_mnemonic(line.event)
    if line.process is not None:
        words |= _words_of_mnemonic(line.process)
    index = _rows_by_word()
    found = {
        rank: row
        for word in words & index.keys()
        for rank, wanted, row in index[word]
        if wanted <= words
    }
    return [found[rank] for rank in sorted(found)]


def _read(row: _Row, message: str, line: SyslogLine) -> Meaning:
    meaning = Meaning(row.pattern)
    for layout in row.layouts:
        match = layout.search(message)
        if match is not None:
            _read_layout(meaning, match)
            break
    else:
        _read_by_grammar(meaning, message, line)
    if meaning.reason is not None:
        meaning.initiator = initiator_of(meaning.reason)
    return meaning


def _read_layout(meaning: Meaning, match: re.Match[str]) -> None:
    values = {name: value.strip() for name, value in match.groupdict().items() if value}
    meaning.interface = values.pop("interface", None) or values.pop("interface_on", None)
    meaning.neighbor = values.pop("neighbor", None)
    asn = values.pop("neighbor_as", None)
    meaning.neighbor_as = None if asn is None else int(asn)
    meaning.vrf = values.pop("vrf", None) or values.pop("vrf_inline", None)
    if meaning.vrf is None and "instance" in values:
        meaning.vrf = values.pop("instance")
    meaning.reason = values.pop("reason", None)
    word = values.pop("state", None)
    if word is not None:
        meaning.state = _state_of_word(word) or "noted"
        _note_port_state(meaning, word, values)
    elif "state_to" in values:
        meaning.state = _state_of_transition(
            meaning.pattern.kind, values.get("state_from"), values["state_to"]
        )
    else:
        meaning.state = _scan(match.string) or "noted"
    if meaning.pattern.state is not None:
        meaning.state = meaning.pattern.state
    meaning.details = values


def _note_port_state(meaning: Meaning, word: str, details: dict[str, str]) -> None:
    """Tell an operator's shutdown from a failure, as the two statuses of RFC 2863 do."""
    if meaning.pattern.kind is not OccurrenceKind.INTERFACE:
        return
    word = word.lower()
    if word.startswith("admin"):
        details["admin_status"] = "UP" if word.endswith("up") else "DOWN"
        if word.endswith("up"):
            meaning.state = "changed"
        else:
            meaning.reason = meaning.reason or "administratively down"
        return
    if word in {"up", "down"}:
        details["oper_status"] = word.upper()
    if "admin_status" in details:
        details["admin_status"] = details["admin_status"].upper()


def _read_by_grammar(meaning: Meaning, message: str, line: SyslogLine) -> None:
    kind = meaning.pattern.kind
    pairs = _pairs(message, line)
    if kind in _WITH_PORT:
        meaning.interface = _first(pairs, _PORT_KEYS) or _find_port(message)
    if kind in _SESSIONS or kind in {OccurrenceKind.TUNNEL, OccurrenceKind.SIGNALLING, OccurrenceKind.CLOCK}:
        meaning.neighbor = _first(pairs, _NEIGHBOR_KEYS) or _find_neighbor(message, kind)
    if kind is OccurrenceKind.BGP_SESSION:
        meaning.neighbor_as = _find_as(pairs, message)
    if kind in _SESSIONS:
        vrf = _VRF.search(message)
        meaning.vrf = _first(pairs, _VRF_KEYS) or (vrf.group(1) if vrf else None)
    meaning.reason = _first(pairs, _REASON_KEYS) or _find_reason(message)
    meaning.state = meaning.pattern.state or _find_state(meaning, message, line, pairs)


def _pairs(message: str, line: SyslogLine) -> dict[str, str]:
    pairs = {_key(name): value for name, value in line.fields.items()}
    if "=" in message:
        for name, value in _PAIR.findall(message):
            pairs.setdefault(_key(name), value.strip('"').strip())
    return pairs


@lru_cache(maxsize=2048)
def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _first(pairs: dict[str, str], keys: list[str]) -> str | None:
    if not pairs:
        return None
    for key in keys:
        if value := pairs.get(key):
            return value
    return None


def _find_port(message: str) -> str | None:
    match = _FAMILY_PORT.search(message)
    if match is not None:
        return match.group()
    match = _LABELLED_PORT.search(message)
    return None if match is None else match.group(1).rstrip(".:,-")


def _find_neighbor(message: str, kind: OccurrenceKind) -> str | None:
    match = _NEIGHBOR.search(message)
    if match is not None:
        return match.group(1)
    if kind in _SESSIONS:
        anywhere = _ANY_ADDRESS.search(message)
        return anywhere.group() if anywhere else None
    return None


def _find_as(pairs: dict[str, str], message: str) -> int | None:
    value = _first(pairs, _AS_KEYS)
    if value is not None and value.isdigit():
        return int(value[:10])
    match = _AUTONOMOUS_SYSTEM.search(message)
    if match is None:
        return None
    high, low = match.groups()
    return int(high) if low is None else int(high) * 65_536 + int(low)


def _find_reason(message: str) -> str | None:
    match = _REASON.search(message)
    if match is not None:
        reason = match.group(1)
        end = _REASON_END.search(reason)
        return (reason[: end.start()] if end else reason).strip(" '\"(") or None
    last = _LAST_PARENTHESIS.search(message)
    if last is not None and " " in last.group(1) and not _VRF.search(last.group(1)):
        return last.group(1).strip()
    return None


def _find_state(
    meaning: Meaning, message: str, line: SyslogLine, pairs: dict[str, str]
) -> State:
    kind = meaning.pattern.kind
    if word := _first(pairs, _STATE_KEYS):
        previous = _first(pairs, _PREVIOUS_KEYS)
        if previous is not None:
            meaning.details.update(state_from=previous, state_to=word)
            return _state_of_transition(kind, previous, word)
        if state := _state_of_word(word):
            _note_port_state(meaning, word, meaning.details)
            return state
    if match := _TRANSITION.search(message):
        before, after = match.groups()
        if _is_state(before) or _is_state(after):
            meaning.details.update(state_from=before, state_to=after)
            return _state_of_transition(kind, before, after)
    for match in _TARGET.finditer(message):
        if state := _state_of_word(match.group(1)):
            _note_port_state(meaning, match.group(1), meaning.details)
            return meaning.state if meaning.state == "changed" else state
    if line.event is not None and (state := _state_of_mnemonic(line.event)):
        return state
    return _scan(message) or "noted"


def _scan(message: str) -> State | None:
    match = _SCAN.search(message)
    if match is None:
        return None
    group = match.lastgroup
    if group == "up":
        return "up"
    return "degraded" if group == "degraded" else "down"


@lru_cache(maxsize=8192)
def _state_of_mnemonic(event: str) -> State | None:
    match = _MNEMONIC_STATE.search(_UP_OR_DOWN.sub("", event))
    if match is None or match.lastgroup is None:
        return None
    states: dict[str, State] = {"down": "down", "degraded": "degraded", "up": "up"}
    return states[match.lastgroup]


@lru_cache(maxsize=2048)
def _state_of_word(word: str) -> State | None:
    word = word.lower().strip()
    if word.startswith(("not ", "no longer ", "administratively down", "admin down")):
        return "down"
    if word in {"admin up", "administratively up"}:
        return "changed"
    if word in UP_STATES:
        return "up"
    if word in DOWN_STATES:
        return "down"
    return None


def _is_state(word: str) -> bool:
    word = word.lower()
    return word in UP_STATES or word in DOWN_STATES or word in _SESSION_STATES


_SESSION_STATES = frozenset(
    "idle connect active opensent openconfirm established init attempt 2way two-way exstart"
    " exchange loading full down admindown nonexistent initialized openreceived openrec operational"
    " degraded standby learning listening forwarding blocking discarding".split()
)
_ESTABLISHED = {
    OccurrenceKind.BGP_SESSION: frozenset({"established"}),
    OccurrenceKind.OSPF_ADJACENCY: frozenset({"full"}),
}
_BETWEEN = frozenset({"idle", "active", "connect"})


def _state_of_transition(kind: OccurrenceKind, before: str | None, after: str) -> State:
    """Read a step of a state machine: only reaching or leaving its last state is up or down."""
    established = _ESTABLISHED.get(kind, UP_STATES)
    after = after.lower()
    was_established = before is not None and before.lower() in established
    if after in established:
        return "up"
    if was_established or (after in DOWN_STATES and after not in _BETWEEN):
        return "down"
    return "changed"
