"""Parts of an event in its text: port, neighbour, autonomous system, VRF, reason, user.

The expressions carry to wordings that no vendor's layout covers. They are bounded, so that no text
makes them slow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from telecom.formats.event_table import ADDRESS

_FAMILIES = (
    r"(?:(?:Ten|TwentyFive|Forty|Fifty|Hundred|TwoHundred|FourHundred|EightHundred|Two|Five|X)?"
    r"Gig(?:abit)?(?:E|Eth|Ethernet)?|FastEthernet|Ethernet|[Ee]thernet|Eth-?[Tt]runk|[Ee]th(?:er)?|"
    r"Bundle-(?:Ether|POS)|[Pp]ort-?[Cc]hannel|MgmtEth|Management|mgmt|Vlan(?:if)?|Vlan-interface|"
    r"Loop[Bb]ack|Tunnel(?:-ip|-te)?|tunnel-te|tunnel-ip|Serial|[Pp][Oo][Ss]|Bridge-Aggregation|"
    r"Route-Aggregation|BVI|nve|Optics|Hun?|Te|Twe|Fo|Gi|Fa|Fi|Fou|Be|BE|Po|Et|Vl|lag|irb|ae|xe|ge|"
    r"et|so|st|gr|ps|fxp|em|me|reth|wan|lan|\d{1,3}GE)"
)
_PORT_NUMBER = r"[ -]?\d+(?:/(?:RS?P|CPU)?\d+|[:.]\d+){0,6}"
_FAMILY_PORT = re.compile(rf"(?<![\w/.-])(?<!\S:){_FAMILIES}{_PORT_NUMBER}(?![\w/])")
_PORT_ADDRESS = re.compile(r":\d{1,3}(?:\.\d{1,3}){3}$")
_LABELLED_PORT = re.compile(
    r"\b(?:[Ii]nterface|INTERFACE|[Ii]f[Nn]ame|[Ii]ntf|[Pp]ort|[Ll]ink)(?:\s+name)?[\s:=]+['\"(]?"
    r"([A-Za-z][\w-]{0,30}\d[\w/.:-]{0,40}|[A-Za-z]{2,12} \d+/\d+(?:/\d+){0,3}"
    r"|(?:\w{1,8}-)?\d{1,4}/[\w/.:-]{0,30}\d|\d{1,4}(?::\d{1,4})?(?=[\s,;]|$))"
)
_NEIGHBOR = re.compile(
    r"\b(?:neighbou?r|nbr|nei|peer|adjacency|session|rtr|remote|server|master)\w{0,8}\b[\s:=(\['\"]{0,3}"
    r"(?:(?:state|id|ip|addr|address|router|rid|router-id|is|with|on|at|to|for|from|of|the|session|"
    r"group \S{1,60}|name|ipv[46]|vrf \S{1,60})[\s:=(\['\"]{1,3}){0,3}"
    rf"({ADDRESS})",
    re.IGNORECASE,
)
_ANY_ADDRESS = re.compile(ADDRESS)
_AUTONOMOUS_SYSTEM = re.compile(
    r"\b(?:remote[- ]?|peer[- ]?)?AS[\s:=#]{0,3}(\d{1,10})(?:\.(\d{1,5}))?\b", re.IGNORECASE
)
_USER = re.compile(r"\b[Uu]ser(?:name)?[\s:=]{1,2}['\"]?([\w.@\\-]{1,64})")
_VRF = re.compile(
    r"\b(?:vrf|vpn-?instance|vpn|routing[- ]instance|instance|vprn)(?:[ -]?name)?[\s:=]{1,3}['\"(]?"
    r"([A-Za-z_][\w.:-]{0,60})",
    re.IGNORECASE,
)
_REASONS = (
    re.compile(r"\breason(?:[ -]?code)?\s*[:=(]+\s*(.{2,200})", re.IGNORECASE),
    re.compile(
        r"(?:\b(?:cause|diagnostic|diag)(?:[ -]?code)?\s*[:=(]+\s*|\b(?:due to|because of|because|"
        r"caused by)\s+|\bneighbor down:\s*|\b(?:down|dropped|lost|failed|closed|reset|rejected)\b"
        r"[^:]{0,40}:\s+|\s-\s)(.{2,200})",
        re.IGNORECASE,
    ),
)
_REASON_END = re.compile(
    r"\s*(?:[;]|\((?:vrf|as)\b|,\s*(?:vrf|ifindex|processid|instance)\b|\.\s|\)\s*$|\.?\s*$)", re.I
)
_LAST_PARENTHESIS = re.compile(r"\(([^()=]{3,120})\)\s*\.?\s*$")
_NO_REASON = re.compile(r"\s*(?:vrf|vpn|instance|as\b|serial|jnx\w+index)", re.IGNORECASE)
_PAIR = re.compile(
    r"([A-Za-z][\w.-]{0,40})\s?=\s?"
    r'("[^"]{0,200}"|[^,;()="]{1,120}?(?=\s+[\w.-]{1,40}\s?=|[,;()]|$))'
)


_PORT_NAMES = tuple(
    "interfacename ifname portname intf interface port localinterface bindinterfacename ifdescr"
    " srcintf".split()
)
_NEIGHBOR_NAMES = tuple(
    "peeripaddress peeripaddr peerip peeraddress peeraddr peerid neighboraddress neighborip"
    " neighborid nbripaddr nbrip nbraddr nbrid bgppeerremoteaddr peer neighbor remoteaddress"
    " remoteip remip lsrid peerlsrid systemid isisadjneighsysid peerlinkaddr".split()
)
_AS_NAMES = ("peeras", "remoteas", "peerasn", "asnumber", "bgppeerremoteas")
_VRF_NAMES = tuple(
    "vpninstance vpninstancename vpnname vrf vrfname instancename routinginstance instance".split()
)
_REASON_NAMES = tuple(
    "reason statechangereason reasondescription downreason errordescription diagnostic cause"
    " causedescription lasterror neighbordowndirectreason sessiondownreason neighborchangereason"
    " failreason".split()
)
_PEOPLE = {
    "user": ("user", "username", "ui"),
    "remote_address": ("ip", "srcip", "ipaddress", "address", "sourceip"),
    "command": ("command", "cmd"),
}


def read_pairs(message: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Collect key=value pairs, the line's own fields first; keys as small letters and digits."""
    pairs = {_plain(name): value for name, value in fields.items()}
    if "=" in message:
        for name, value in _PAIR.findall(message):
            pairs.setdefault(_plain(name), value.strip('"').strip())
    return pairs


@lru_cache(maxsize=2048)
def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def first_pair(pairs: Mapping[str, str], names: Sequence[str]) -> str | None:
    """Look up the first of several keys that has a value."""
    if not pairs:
        return None
    for name in names:
        if value := pairs.get(name):
            return value
    return None


def find_port(message: str, pairs: Mapping[str, str]) -> str | None:
    """Find the port: a field, a name of a known family, or what stands after "interface"."""
    if named := first_pair(pairs, _PORT_NAMES):
        return named
    match = _FAMILY_PORT.search(message)
    if match is not None:
        # `eth1:10.0.0.2` is a port and its address.
        return _PORT_ADDRESS.sub("", match.group())
    match = _LABELLED_PORT.search(message)
    return None if match is None else match.group(1).rstrip(".:,-")


def find_neighbor(message: str, pairs: Mapping[str, str], *, unlabelled: bool) -> str | None:
    """Find the other end's address; `unlabelled` takes any address where none is called that."""
    if named := first_pair(pairs, _NEIGHBOR_NAMES):
        return named
    match = _NEIGHBOR.search(message)
    if match is not None:
        return match.group(1)
    anywhere = _ANY_ADDRESS.search(message) if unlabelled else None
    return None if anywhere is None else anywhere.group()


def find_as(message: str, pairs: Mapping[str, str]) -> int | None:
    """Find the other end's autonomous system, also as `65000.1`."""
    value = first_pair(pairs, _AS_NAMES)
    if value is not None and value.isascii() and value.isdigit():
        return int(value[:10])
    match = _AUTONOMOUS_SYSTEM.search(message)
    if match is None:
        return None
    high, low = match.groups()
    return int(high) if low is None else int(high) * 65_536 + int(low)


def find_vrf(message: str, pairs: Mapping[str, str]) -> str | None:
    """Find the VRF, VPN instance or routing instance."""
    if named := first_pair(pairs, _VRF_NAMES):
        return named
    match = _VRF.search(message)
    return None if match is None else match.group(1)


def find_reason(message: str, pairs: Mapping[str, str]) -> str | None:
    """Find the device's own words for why: a field, what follows "reason", a last parenthesis."""
    if named := first_pair(pairs, _REASON_NAMES):
        return named
    for expression in _REASONS:
        match = expression.search(message)
        if match is not None:
            reason = match.group(1)
            end = _REASON_END.search(reason)
            return (reason[: end.start()] if end else reason).strip(" '\"(") or None
    last = _LAST_PARENTHESIS.search(message)
    if last is not None and " " in last.group(1) and not _NO_REASON.match(last.group(1)):
        return last.group(1).strip()
    return None


def find_person(message: str, pairs: Mapping[str, str]) -> dict[str, str]:
    """Find who did it, from where, and with which command."""
    found = {
        detail: value
        for detail, names in _PEOPLE.items()
        if (value := first_pair(pairs, names)) is not None
    }
    match = _USER.search(message)
    if match is not None:
        found.setdefault("user", match.group(1))
    return found
