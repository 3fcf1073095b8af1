"""Network addresses: a subscriber's are identifiers, a network element's stay readable."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import re2

from telecom.errors import SettingsError
from telecom.identifiers.kinds import IdentifierKind
from telecom.identifiers.rules import LABELLED, LIKELY, SHAPED, Candidate, Rule

_IPV4 = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}"
_IPV6 = (
    r"(?:[0-9a-f]{1,4}:){1,7}(?:(?::[0-9a-f]{1,4}){1,7}|[0-9a-f]{1,4}|:)(?:\.\d{1,3}){0,3}"
    r"|::(?:[0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4}(?:\.\d{1,3}){0,3}"
)
_SUBSCRIBER_ADDRESS = (
    r"(?:(?:ue|served[-_ ]?party|subscriber|customer|cust|client|user|end[-_ ]?user|cpe|host|mobile"
    r"|handset|pdu(?:[-_ ]?session)?|pdn|pdp|ms|bearer|session|victim|caller"
    r"|source[-_ ]?ue)"
    r"['s]{0,2}[-_ ]?(?:public|private|wan|lan|assigned|allocated|static"
    r"|dynamic)?[-_ ]?(?:ip(?:v[46])?|address|addr|prefix)(?:[-_ ]?(?:ip(?:v[46])?"
    r"|address(?:es)?|addr|prefix))*"
    r"|framed[-_ ]?ip(?:v6)?[-_ ]?(?:address|prefix)|delegated[-_ ]?ipv6[-_ ]?prefix"
    r"|paa|pdn[-_ ]?address|ue[-_ ]?ip(?:v[46])?)"
)
_MAC = (
    r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}"
    r"|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}|[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}"
)

_ELEMENT_MAC_BEFORE: re.Pattern[bytes] = re2.compile(
    rb"(?i)(?:\bbia|address(?:es)?(?: is)?|hardware(?: address)?|burned[- ]in|bridge"
    rb"(?:[- ](?:id|address|identifier|mac))?|system(?:[- ](?:id|mac(?: address)?))?"
    rb"|router|chassis(?:[- ]?id)?|base(?: ethernet)?(?: mac)?(?: address)?|root"
    rb"(?: id| bridge)?|lacp|actor|partner|peer|neighbor|interface|local|switch|port"
    rb"|device|virtual|hsrp|vrrp|anycast|designated|engine[- ]?id"
    rb"|gateway|next[- ]hop|rd|esi|bmc|ptp|clock(?:[- ]?id(?:entity)?)?|grandmaster"
    rb"|priority \d+|\d+[.:/]"
    rb"|net|lldp|cdp|isis|is-is|oui|stp|spanning|motherboard|line ?card|supervisor"
    rb"|mgmt\w*|eth\w*|gi\w*|te\w*|vlan\s?\d*)[\s:=,(\[\"']{0,24}(?:mac"
    rb"(?:[- ]address)?[\s:=,(]{0,3})?$"
)
_SUBSCRIBER_WORD: re.Pattern[bytes] = re2.compile(
    rb"(?i)\b(?:ue|subscriber|customer|client|cpe|station|sta|user|handset|phone|ont"
    rb"|onu|modem|home|calling-station-id|lease|dhcp\w*|end[- ]?host|imsi|msisdn|wifi"
    rb"|wlan|supplicant|pppoe)\b"
)
_REACH = 48
_EMBEDDING = (b"::ffff:", b"64:ff9b::")
"""What IPv6 puts in front of a whole IPv4 address: mapped (RFC 4291) and translated (RFC 6052)."""


def _mac(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge a MAC-shaped value: element addresses, groups of longer hex and constants stay."""
    left, right = text[max(0, start - 1) : start], text[end : end + 2]
    if left in (b":", b"-", b".") or (right[:1] in (b":", b"-", b".") and right[1:].isalnum()):
        return None
    digits = bytes(byte for byte in text[start:end].lower() if byte not in b":-.")
    if len(set(digits)) == 1 or digits.startswith((b"0180c2", b"01005e", b"3333", b"01000c")):
        return None
    before = text[max(0, start - _REACH) : start].rpartition(b"\n")[2]
    if _SUBSCRIBER_WORD.search(before) is not None:
        return Candidate(start, end, IdentifierKind.MAC, LABELLED)
    if digits.isdigit() and text[start + 4 : start + 5] in (b".", b"-"):  # an IS-IS system id
        return None
    if _ELEMENT_MAC_BEFORE.search(before) is not None:
        return None
    return Candidate(start, end, IdentifierKind.MAC, SHAPED)


def _is_address(spelled: bytes) -> bool:
    try:
        ip_address(spelled.decode())
    except ValueError:
        return False
    return True


def _labelled_address(text: bytes, start: int, end: int) -> Candidate | None:
    if not _is_address(text[start:end]):
        return None
    return Candidate(start, end, IdentifierKind.IP, LABELLED)


ADDRESS_RULES: tuple[Rule, ...] = (
    Rule(
        IdentifierKind.IP,
        rf"{_SUBSCRIBER_ADDRESS}[^\n]{{0,12}}[0-9a-f:]",
        rf"(?i)\b{_SUBSCRIBER_ADDRESS}[\"'\\]{{0,2}}[ \t]*(?:[:=>]|=>|is|was"
        rf"|of)?[ \t]*[\"'\\(\[{{]{{0,2}}(?P<v>{_IPV4}|{_IPV6})",
        judge=_labelled_address,
    ),
    Rule(
        IdentifierKind.IP,
        r"\b(?:subscriber|customer|handset|mobile|ue)[ \t]+(?:\w+[ \t]+){0,2}[0-9a-f]{0,4}[.:]",
        r"(?i)\b(?:subscriber|customer|handset|mobile|ue)[ \t]+(?:(?:at|on|from|with|using|has)"
        rf"[ \t]+(?:ip[ \t]+)?)?(?P<v>{_IPV4}|{_IPV6})\b",
        judge=_labelled_address,
    ),
    Rule(
        IdentifierKind.IP,
        r"ipv[46]\[",
        # A user-plane session as open 5G cores log it.
        rf"(?i)\b(?:dnn|apn)\[[^\]\n]*\][^\n]{{0,40}}?\bipv[46]\[(?P<v>{_IPV4}|{_IPV6})\]",
        judge=_labelled_address,
    ),
    Rule(
        IdentifierKind.MAC,
        r"[0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-]"
        r"|[0-9a-f]{4}[.-][0-9a-f]{4}[.-][0-9a-f]{4}",
        rf"(?i)\b(?P<v>{_MAC})\b",
        judge=_mac,
    ),
    Rule(
        IdentifierKind.MAC,
        r"mac[^\n]{0,12}[0-9a-f]{12}",
        r"(?i)\b(?:(?:ue|client|subscriber|customer|cpe|station|sta|user)[-_ ]?)?mac"
        r"(?:[-_ ]?addr(?:ess)?)?[\"' :=]{1,4}(?P<v>[0-9a-f]{12})\b",
        confidence=LIKELY,
    ),
)
"""Rules for addresses that labels or shapes betray."""


def prefix_rules(prefixes: Sequence[str], *, every_address: bool) -> tuple[Rule, ...]:
    """Rules for a site's subscriber prefixes, or for every address.

    Raises:
        SettingsError: A prefix is not a CIDR.
    """
    networks = [_network(prefix) for prefix in prefixes]
    if not networks and not every_address:
        return ()

    def judge(text: bytes, start: int, end: int) -> Candidate | None:
        left, right = text[max(0, start - 1) : start], text[end : end + 1]
        embedded = text[max(0, start - 9) : start].lower().endswith(_EMBEDDING)
        if (
            (left in (b".", b":") and not embedded)
            or right == b":"
            or (right == b"." and text[end + 1 : end + 2].isdigit())
        ):
            return None
        try:
            address = ip_address(text[start:end].decode())
        except ValueError:
            return None
        if any(address in network for network in networks):
            return Candidate(start, end, IdentifierKind.IP, LABELLED)
        if not every_address or address.is_unspecified or _is_mask(str(address)):
            return None
        return Candidate(start, end, IdentifierKind.IP, SHAPED)

    return (
        Rule(IdentifierKind.IP, r"\d\.\d{1,3}\.\d", rf"\b(?P<v>{_IPV4})\b", judge=judge),
        Rule(IdentifierKind.IP, r"[0-9a-f]:[0-9a-f:]*:|::", rf"(?i)(?P<v>{_IPV6})", judge=judge),
    )


def _network(prefix: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(prefix, strict=False)
    except ValueError as exc:
        raise SettingsError(
            f"subscriber_prefixes takes CIDRs such as '100.64.0.0/10', got {prefix!r}"
        ) from exc


def _is_mask(address: str) -> bool:
    """Tell a netmask or wildcard from an address."""
    return address.startswith(("255.", "0."))
