"""Subscribers, their devices and SIMs: formats of 3GPP TS 23.003 and TS 29.571, E.164, E.118."""

from __future__ import annotations

import re
from functools import partial

import phonenumbers
import re2

from telecom.identifiers.kinds import IdentifierKind
from telecom.identifiers.numbering import (
    is_counted,
    is_imei_shaped,
    is_in_imsi_plan,
    is_luhn,
    is_part_of_number,
    is_telephone_number,
    is_timestamp,
)
from telecom.identifiers.rules import LABELLED, LIKELY, SHAPED, Candidate, Rule

# What may stand between a label and its value: `IMSI: `, `"imsi": "`, `imsi=`, `IMSI is `,
# `IMSI number 262...`, `<imsi>262...`, `imsi[262...]`, `imsi\":\"` (JSON inside JSON).
JOINER = (
    r"(?:[\s_-]{0,2}(?:number|num|no|nr|id|value|digits|addr(?:ess)?|tbcd|bcd|hex|string)\b\.?)?"
    r"(?:[\s\"'\\)\]_]|%2[02]|%3[ad]){0,4}(?:[:=#>~|,]|=>|->|:=|\(|\[|\bis\b|\bwas\b|\bof\b"
    r"|\bfor\b)?"
    r"[\s\"'\\(\[{<]{0,4}"
)
TYPED = r"(?:(?:imsi|msisdn|imeisv|imei|supi|gpsi|tel|sip)[-:=]\s?)?"

IMSI_LABEL = (
    r"(?:imsi|supi|msin|ue[_ -]?id|subscriber[_ -]?(?:identifier|id|identity|number)"
    r"|chargeable[_ -]?user[_ -]?id(?:entity)?|subscriber)"
)
PHONE_LABEL = (
    r"(?:(?:served)?ms[-_ ]?isdn|gpsi|mdn|isdn|calling[-_ ]?(?:station|party|line|number|id)"
    r"|called[-_ ]?(?:party|line|number)|caller[-_ ]?(?:id|number)?|callee"
    r"|(?:tele)?phone|telefon|mobile|handy|desk|cell[-_ ]?phone|fax|[ab][-_ ]?"
    r"(?:number|party|subscriber)"
    r"|subscription[-_ ]?id(?:[-_ ]?data)?|rufnummer|num[eé]ro|n[uú]mero"
    r"|cli|ani|dialled|dialed|contact|callback|call[-_ ]back|hotline|whats ?app|e\.?164|tel)"
)
_PHONE_VALUE = (
    r"(?:\+|\b)\d{6,15}|\+?\(?\d{1,4}\)?(?:[ ./-]{1,2}\(?\d{1,8}\)?){1,6}(?:\s?(?:x"
    r"|ext\.? ?)\d{1,6})?"
)
_TEMPORARY = (
    r"(?:(?:5g|4g)?[-_ ]?s?[-_]?guti|(?:5g[-_ ]?)?(?:s[-_]|m[-_]|p[-_])?tmsi|ue[-_"
    r" ]?temporary[-_ ]?id)"
)
DEVICE_LABEL = (
    r"(?:imei(?:[-_ /]?sv)?|pei|(?:user[-_ ]?)?equipment[-_ ]?id(?:entity)?"
    r"|equipment[-_ ]info[-_ ]value|meid|device[-_ ]?id(?:entity)?)"
)
_SIM_LABEL = r"(?:icc[-_ ]?id|e?u?icc|eid|sim(?:[-_ ]?(?:card|serial))?)"


_LABELS_BEFORE = frozenset(
    label + joint for label in (b"imsi", b"imei") for joint in (b" ", b"-", b"=", b":")
)


def _bare_number(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge 15 or 16 digits that nothing labels."""
    if text[max(0, start - 5) : start].lower() in _LABELS_BEFORE:
        return None  # the labelled rules have it
    digits = text[start:end].decode()
    if (
        text[end : end + 1].isalnum()
        or is_timestamp(digits)
        or is_part_of_number(text, start, end)
        or is_counted(text, start, end)
        or len(set(digits)) < 3
    ):
        return None
    if len(digits) == 15:
        return _fifteen(digits, start, end)
    if is_luhn(digits) and digits[0] in "3456":
        return Candidate(start, end, IdentifierKind.ACCOUNT, SHAPED)
    if is_imei_shaped(digits) and digits[:2] in ("01", "35", "86"):
        return Candidate(start, end, IdentifierKind.DEVICE, LIKELY)
    return None


def _fifteen(digits: str, start: int, end: int) -> Candidate | None:
    if digits.startswith(("00101", "999")):  # test and private networks
        return Candidate(start, end, IdentifierKind.SUBSCRIBER, SHAPED)
    if is_imei_shaped(digits) and is_luhn(digits):
        return Candidate(start, end, IdentifierKind.DEVICE, SHAPED)
    if is_in_imsi_plan(digits):
        return Candidate(start, end, IdentifierKind.SUBSCRIBER, SHAPED)
    if is_luhn(digits) and digits[:2] in ("34", "37"):
        return Candidate(start, end, IdentifierKind.ACCOUNT, LIKELY)
    return None


def _sim(text: bytes, start: int, end: int) -> Candidate | None:
    if is_part_of_number(text, start, end) or is_counted(text, start, end):
        return None
    return Candidate(start, end, IdentifierKind.SIM, SHAPED)


def _international(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge `+` and digits: a telephone number unless a unit or a count says otherwise."""
    spelled = text[start:end].decode()
    digits = _digits(spelled.lower().partition("x")[0].partition("e")[0])
    if not 8 <= len(digits) <= 15 or is_part_of_number(text, start, end):
        return None
    if is_telephone_number(spelled):
        return Candidate(start, end, IdentifierKind.SUBSCRIBER, SHAPED)
    if is_counted(text, start, end) or is_timestamp(digits):
        return None
    return Candidate(start, end, IdentifierKind.SUBSCRIBER, LIKELY)


def _north_american(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge three, three and four digits, as North America groups them."""
    if is_counted(text, start, end):
        return None
    return Candidate(start, end, IdentifierKind.SUBSCRIBER, LIKELY)


def _zero_zero(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge a number written with the international prefix 00."""
    digits = text[start:end].decode()
    if is_counted(text, start, end) or is_part_of_number(text, start, end):
        return None
    if not is_telephone_number("+" + digits[2:]):
        return None
    return Candidate(start, end, IdentifierKind.SUBSCRIBER, LIKELY)


def _labelled_phone(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge a number behind a telephone label: a date or an address is none."""
    spelled = text[start:end].decode().rstrip(" ./-(")
    if text[start - 1 : start] == b"(" and 0 < spelled.find(")") < len(spelled) - 1:
        start, spelled = start - 1, f"({spelled}"
    for cut in (" 19", " 20"):  # a date that follows the number
        head, _, tail = spelled.rpartition(cut)
        if head and tail[2:3] in ("-", "/") and len(_digits(head)) >= 7:
            spelled = head
    digits = _digits(spelled)
    if not 7 <= len(digits) <= 20 or _is_date_or_address(spelled) or is_timestamp(digits):
        return None
    return Candidate(start, start + len(spelled), IdentifierKind.SUBSCRIBER, LABELLED)


def _is_date_or_address(spelled: str) -> bool:
    groups = spelled.replace("/", "-").split("-")
    if (
        len(groups) == 3
        and len(groups[0]) == 4
        and len(groups[1]) == 2
        and groups[0][:2] in ("19", "20")
    ):
        return True
    octets = spelled.split(".")
    return len(octets) == 4 and all(part.isdigit() and int(part) < 256 for part in octets)


def _digits(spelled: str) -> str:
    return "".join(filter(str.isdigit, spelled))


def _labelled_hex(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge a labelled hexadecimal value: it has a digit, so it is no word, and some length."""
    value = text[start:end].lower().removeprefix(b"0x")
    if sum(byte in b"0123456789abcdef" for byte in value) < 6:
        return None
    if not any(48 <= byte <= 57 for byte in value) and not text[start:end].startswith(b"0x"):
        return None
    return Candidate(start, end, IdentifierKind.SUBSCRIBER, LABELLED)


_TELEPHONY: re.Pattern[bytes] = re2.compile(
    rb"(?i)\b(?:sms|mms|ussd|calls?|called|calling|voice|volte|cdr|m[ot]-\w+|m[ot] (?:sms|call)"
    rb"|invite"
    rb"|isup|dial\w*|orig\w*|dest\w*|caller|callee|recipient|sender|messages?)\b"
)


def _party(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge digits that somebody called or sent to: a valid number on a line about telephony."""
    digits = text[start:end].decode().lstrip("+")
    line = text[text.rfind(b"\n", 0, start) + 1 : start]
    if _TELEPHONY.search(line[-200:]) is None or is_part_of_number(text, start, end):
        return None
    if is_timestamp(digits) or is_counted(text, start, end):
        return None
    if not (is_telephone_number("+" + digits) or (len(digits) == 15 and is_in_imsi_plan(digits))):
        return None
    return Candidate(start, end, IdentifierKind.SUBSCRIBER, LIKELY)


def _named_user(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge digits behind `user` or `customer`: a subscriber's number, or an account of theirs."""
    digits = text[start:end].decode().lstrip("+")
    if len(digits) == 15:
        return _fifteen(digits, start, end)
    known = is_in_imsi_plan(digits) if len(digits) == 14 else is_telephone_number("+" + digits)
    if not known or is_timestamp(digits) or is_part_of_number(text, start, end):
        return None
    return Candidate(start, end, IdentifierKind.SUBSCRIBER, SHAPED)


def _grouped_imsi(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge labelled groups of digits: an IMSI has fourteen or fifteen."""
    if not 13 <= len(_digits(text[start:end].decode())) <= 16:
        return None
    return Candidate(start, end, IdentifierKind.SUBSCRIBER, LABELLED)


def _national(text: bytes, start: int, end: int, *, country: str) -> Candidate | None:
    """Judge digits behind the trunk prefix 0: a telephone number of `country`, or a count."""
    spelled = text[start:end].decode()
    if (
        _is_date_or_address(spelled)
        or is_counted(text, start, end)
        or is_part_of_number(text, start, end)
        or is_timestamp(_digits(spelled))
        or not is_telephone_number(spelled, country)
    ):
        return None
    return Candidate(start, end, IdentifierKind.SUBSCRIBER, LIKELY)


def national_rules(country: str | None) -> tuple[Rule, ...]:
    """Rules for telephone numbers as a country writes them at home, such as 0171 3920012.

    Args:
        country: ISO 3166-1 alpha-2. Only a trunk prefix 0 tells such a number from other digits, so
            a country without one has no rule.
    """
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country) if country else None
    if country is None or metadata is None or metadata.national_prefix != "0":
        return ()
    return (
        Rule(
            IdentifierKind.SUBSCRIBER,
            r"\b0\d{2,4}\)?[ /-]{0,3}\d{3}",
            r"(?:^|[^\w.+:/-])(?P<v>\(?0\d{2,4}\)?(?: ?[/-] ?| )?\d{3,8}(?:[ -]\d{2,5}){0,3})"
            r"(?:[^\w:]|$)",
            judge=partial(_national, country=country),
        ),
    )


_USER_INFO: re.Pattern[bytes] = re2.compile(rb"://[^\s/@:]*:$")
_MAIL_LOCAL = r"[\pL\pN._%+!#$&'*/?^{}~=-]+"
_DOMAIN = r"(?:[\pL\pN](?:[\pL\pN_-]*[\pL\pN])?\.)+\pL[\pL\pN-]*\pL"


def _address_at(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge `local@domain`: a subscriber's NAI or IMPU, or an e-mail address."""
    if _USER_INFO.search(text[max(0, start - 128) : start]) is not None:
        return None  # a password in a URL, which has its own rule
    local, _, domain = text[start:end].lower().partition(b"@")
    number = local.lstrip(b"+")
    if (
        domain.endswith(b"3gppnetwork.org")
        or domain.startswith((b"ims.", b"nai."))
        or (number.isdigit() and 9 <= len(number) <= 16)
        or b".rid" in local
        or local.startswith((b"extid-", b"nai-", b"imsi-", b"msisdn-"))
    ):
        return Candidate(start, end, IdentifierKind.SUBSCRIBER, LABELLED)
    return Candidate(start, end, IdentifierKind.EMAIL, LABELLED)


SUBSCRIBER_RULES: tuple[Rule, ...] = (
    Rule(
        IdentifierKind.SUBSCRIBER,
        rf"{IMSI_LABEL}[^\n\d]{{0,16}}\d",
        rf"(?i){IMSI_LABEL}{JOINER}{TYPED}"
        r"(?P<v>\d{6,16}f?\b|\d{3}[ -]\d{2,3}[ -]\d{5,10}\b|(?:0x)?[0-9a-f]{2}(?:["
        r" :]?[0-9a-f]{2}){6,7}\b)",
        judge=_labelled_hex,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        rf"{IMSI_LABEL}[^\n\d]{{0,16}}\d",
        rf"(?i){IMSI_LABEL}{JOINER}(?P<v>\d{{2,5}}(?:[ -]\d{{2,6}}){{2,5}})\b",
        judge=_grouped_imsi,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"(?:user|customer|handset|abonn?e)[^\n\d]{0,8}\d{10}",
        r"(?i)\b(?:user(?:[-_ ]?(?:name|id))?|customer|handset|abonn?e(?:nt|[eé])?)[\"' :=#\[]{1,3}"
        r"(?P<v>\+?\d{10,15})\b",
        judge=_named_user,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"(?:from|to|>|orig\w*|dest\w*|src|dst|oa|da|recipient|sender|sms"
        r"|call)[ :=\"'<]{1,3}\+?\d{10}",
        r"(?i)(?:\b(?:from|to|orig\w*|dest\w*|src|dst|oa|da|recipient|sender|sms|call)|->?)"
        r"[ :=\"'<]{1,3}(?P<v>\+?\d{10,15})\b",
        judge=_party,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        # A Diameter AVP as decoders print it.
        r"\(\d{1,5}\)[^\n]{0,40}val(?:ue)?=",
        r"(?i)\b(?:subscription-id-data|user-name|msisdn|user-identity|public-identity"
        r"|private-identity"
        r"|served-party-ip-address|calling-party-address|called-party-address"
        r"|user-equipment-info-value"
        r"|external-identifier|3gpp-imsi|3gpp-imeisv)\b ?\(\d{1,5}\)[^\n]{0,40}?val(?:ue)?="
        r"[\"']?(?P<v>[^\s\"',;]+)",
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        rf"{PHONE_LABEL}[^\n\d]{{0,24}}\d",
        rf"(?i)\b{PHONE_LABEL}s?\.?{JOINER}{TYPED}(?P<v>{_PHONE_VALUE})",
        judge=_labelled_phone,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"(?:call|reach|dial|contact|sms|text|phone|number)\b[^\n\d]{0,28}\d",
        r"(?i)\b(?:call(?:ed|ing|s)?|reach(?:ed|able)?|dial(?:led|ed)?|contact|sms|text"
        r"|phone|number is)\b"
        r"(?: (?:me|us|him|her|them|back|customer|on|at|from|to|via|under|the|my|his|is"
        r"|number|tel\.?|phone)){1,4}"
        rf"[: ]{{1,3}}(?P<v>{_PHONE_VALUE})",
        judge=_labelled_phone,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        rf"{_TEMPORARY}[^\n\d]{{0,20}}[0-9a-f]",
        rf"(?i){_TEMPORARY}{JOINER}(?P<v>(?:0x)?[0-9a-f]{{6,24}}\b|(?:0x)?[0-9a-f]{{1,8}}"
        rf"(?:[-:. ][0-9a-f]{{1,8}}){{2,8}}\b|(?:0x)?[0-9a-f]{{2,6}}[-:.](?:0x)?[0-9a-f]{{8}}\b)",
        judge=_labelled_hex,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"(?:imsi|msisdn|supi|gpsi|extid|nai|guti)-",
        r"(?i)\b(?:imsi|msisdn|supi|gpsi|(?:5g-)?guti)-(?P<v>\+?[0-9a-f-]*\d{5}[0-9a-f-]*)",
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"(?:extid|extgroupid|nai|gci|gli)-",
        r"(?i)\b(?:extid|extgroupid|nai|gci|gli)-(?P<v>[^\s\"'<>,;@]+(?:@[^\s\"'<>,;]+)?)",
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"suci",
        r"(?i)\bsuci[-:= \"']{1,4}(?:suci-)?(?P<v>[0-7]-(?:\d{3}-\d{2,3}"
        r"|[a-z0-9.]+)-[0-9a-f]{1,4}-[0-9a-f]{1,2}-[0-9]{1,3}-[0-9a-z@._-]+)",
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"suci[^\n\d]{0,12}[0-9a-f]",
        rf"(?i)\bsuci{JOINER}(?P<v>(?:0x)?[0-9a-f]{{10,}}\b)",
        judge=_labelled_hex,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"(?:sips?|tel|im|pres):[+\w(]",
        r"(?i)\b(?:sips?|im|pres):(?P<v>[^\s;>\"'@,]+@[^\s;>\"',)\]]+)",
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"(?:sips?|tel):\+?\(?\d",
        r"(?i)\b(?:sips?|tel):(?P<v>\+?\d[\d().\-]{4,20}\d)",
    ),
    Rule(
        IdentifierKind.DEVICE,
        rf"{DEVICE_LABEL}[^\n\d]{{0,16}}\d",
        rf"(?i)\b{DEVICE_LABEL}{JOINER}{TYPED}"
        r"(?P<v>\d{10,17}\b|\d{2}[ -]\d{6}[ -]\d{6}(?:[ -]\d{1,2})?\b|\d{6}[ -]\d{2}["
        r" -]\d{6}(?:[ -]\d{1,2})?\b"
        r"|\d{8}[ -]\d{6}(?:[ -]\d{1,2})?\b)",
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"tel:\d",
        r"(?i)\btel:(?P<v>\d{3,20});phone-context",
    ),
    Rule(
        IdentifierKind.DEVICE,
        r"(?:mac|eui)-[0-9a-f]{2}-",
        # A PEI of a device without IMEI (TS 29.571).
        r"(?i)\b(?:mac|eui)-(?P<v>[0-9a-f]{2}(?:-[0-9a-f]{2}){5,7})\b",
    ),
    Rule(
        IdentifierKind.DEVICE,
        r"imei(?:sv)?-\d",
        r"(?i)\bimei(?:sv)?-(?P<v>\d{13,16})\b",
    ),
    Rule(
        IdentifierKind.DEVICE,
        r"(?:^|[^\d])\d{2}[ -]\d{6}[ -]\d{6}[ -]\d",
        r"(?:^|[^\d-])(?P<v>\d{2}[ -]\d{6}[ -]\d{6}[ -]\d{1,2})\b",
        confidence=SHAPED,
    ),
    Rule(
        IdentifierKind.SIM,
        rf"{_SIM_LABEL}[^\n\d]{{0,16}}\d",
        rf"(?i)\b{_SIM_LABEL}{JOINER}(?P<v>\d{{10,32}}f?\b|\d{{2,6}}(?:[ -]\d{{2,6}}){{2,7}}\b)",
    ),
    Rule(
        IdentifierKind.SIM,
        r"\b89\d{16}",
        r"(?i)\b(?P<v>89\d{17,18}f?|89\d{30})\b",
        judge=_sim,
    ),
    Rule(
        IdentifierKind.SIM,
        r"\b89\d{2}[ -]\d{4}[ -]\d{4}",
        r"\b(?P<v>89\d{2}(?:[ -]\d{4}){3}[ -]\d{3,4})\b",
        confidence=SHAPED,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"(?:\b|_)\d{15}",
        r"(?:\b|_)(?P<v>\d{15,16})",
        judge=_bare_number,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"\+\(?\d",
        r"(?:^|[^\w.+])(?P<v>\+\d{8,15}\b|\+\d{1,3}(?:[ ./-]?\(0\) ?\d{1,8}"
        r"|[ ./-]{1,2}\(?\d{1,8}\)?|\(\d{1,5}\)){1,6}(?:\s?(?:x|ext\.? ?)\d{1,6})?)",
        judge=_international,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"\b\d{3}[-.]\d{3}[-.]\d{4}",
        r"(?:^|[^\w.-])(?P<v>(?:(?:00)?1[-.])?\d{3}-\d{3}-\d{4}(?:x\d{1,6})?"
        r"|(?:(?:00)?1\.)?\d{3}\.\d{3}\.\d{4}(?:x\d{1,6})?)(?:[^\w.-]|[.]?\s|[.]?$)",
        judge=_north_american,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        r"\b00[1-9]\d{8}",
        r"(?:^|[^\w.])(?P<v>00[1-9]\d{8,13})\b",
        judge=_zero_zero,
    ),
    Rule(
        IdentifierKind.EMAIL,
        r"@",
        rf"(?i)(?P<v>{_MAIL_LOCAL}@{_DOMAIN})",
        judge=_address_at,
    ),
)
"""Rules for who somebody is to the network, most specific first."""
