"""Identifiers that a notation hides: encoded digits, digits in groups, a number cut by a line end.

Nobody has to mean harm for these: traces print octets in hexadecimal, exports carry base64, and
mail and terminals wrap lines.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import partial

import re2
from stdnum import imsi as imsi_plan

from telecom.identifiers.kinds import IdentifierKind
from telecom.identifiers.numbering import (
    is_counted,
    is_imei_shaped,
    is_in_imsi_plan,
    is_luhn,
    is_part_of_number,
    may_be_subscribers,
)
from telecom.identifiers.rules import LABELLED, SHAPED, Candidate, Rule
from telecom.identifiers.subscriber_rules import (
    DEVICE_LABEL,
    IMSI_LABEL,
    JOINER,
    PHONE_LABEL,
    TYPED,
)

_THREE_DIGITS = "(?-i:[MNO][DTjz][AEIMQUYcgk][wxyz0-5])"
"""Three ASCII digits in base64 (RFC 4648): the upper half of each octet is 3, so half of the bits
are fixed. Ten digits hold two such groups wherever they begin."""
_GROUP: re.Pattern[bytes] = re2.compile(f"{_THREE_DIGITS}{{2}}".encode())
_BASE64 = "[A-Za-z0-9+/_-]"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_NUMBER = re.compile(rb"(?<!\d)\d{10,20}(?!\d)")
_EPOCH_SECONDS = re.compile(r"1\d{9}")

_HEX_DIGIT = "3[0-9]"
_FEWEST_APART = 11
"""Octets that stand apart are numbers of a list just as well; fewer than these say nothing."""

_CUT = r"=?\r?\n[ \t>|]{0,8}"
"""A line end in a value, with the soft break of RFC 2045 before it or quotation marks behind it."""
_WRAPPED = rf"\d{{1,13}}{_CUT}\d{{1,14}}"
_IMSI_AND_IMEI = range(14, 17)
_TELEPHONE = range(10, 16)
"""How many digits there are on both lines."""

_GROUPED = (
    r"\d{3}[ -]\d{2,3}[ -]\d{9,10}|\d{5}[ -]\d{5}[ -]\d{5}|\d{3}(?:[ -]\d{3}){4}"
    r"|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{3}"
)

_GOES_ON_BEFORE = re.compile(rb"\d[ \t,-]{1,3}$")
_GOES_ON = re.compile(rb"[ \t,-]{1,3}\d")


def _base64(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge a run of base64 by the numbers in what it stands for."""
    run = text[start:end].translate(_URL_SAFE)
    first = _GROUP.search(run)
    if first is None:
        return None
    aligned = run[first.start() % 4 :].rstrip(b"=")
    try:
        decoded = base64.b64decode(aligned[: len(aligned) // 4 * 4] + _rest(aligned))
    except binascii.Error:
        return None
    if not any(_is_person(number.decode()) for number in _NUMBER.findall(decoded)):
        return None
    return Candidate(start, end, IdentifierKind.SUBSCRIBER, SHAPED)


def _rest(run: bytes) -> bytes:
    """The last, incomplete group of a run, padded; one character alone says nothing."""
    over = len(run) % 4
    return run[-over:] + b"=" * (4 - over) if over > 1 else b""


def _is_person(digits: str) -> bool:
    if len(digits) > 16:
        return digits.startswith("89") and len(digits) in (19, 20)
    return may_be_subscribers(digits) and not _EPOCH_SECONDS.fullmatch(digits)


def _octets(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge octets in hexadecimal, each of which is a digit."""
    spelled = text[start:end].decode()
    pairs = re.findall(_HEX_DIGIT, spelled)
    digits = "".join(pair[1] for pair in pairs)
    apart = len(spelled) > 2 * len(pairs)
    if apart and (len(pairs) < _FEWEST_APART or pairs == sorted(pairs)):
        return None
    if not _is_person(digits) or len(set(digits)) < 3:
        return None
    return Candidate(start, end, IdentifierKind.SUBSCRIBER, SHAPED)


def _joined(
    text: bytes, start: int, end: int, *, kind: IdentifierKind, digits: range
) -> Candidate | None:
    """Judge a labelled number that goes on in the next line.

    With enough digits on the first line the value is whole, and another number begins the next.
    """
    first = _digits(text[start:end].partition(b"\n")[0])
    if len(first) >= digits.start or len(_digits(text[start:end])) not in digits:
        return None
    if text[end : end + 1] in (b"-", b":", b"/", b".") and text[end + 1 : end + 2].isdigit():
        return None  # the next line begins with a time, a date or an address
    return Candidate(start, end, kind, LABELLED)


def _grouped(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge fifteen digits in groups: of a network that exists, or with an IMEI's check digit."""
    digits = _digits(text[start:end])
    if len(digits) != 15 or is_counted(text, start, end) or is_part_of_number(text, start, end):
        return None
    if len(set(text[start:end]) - set(b"0123456789")) > 1:
        return None  # blanks and dashes mixed: not one number
    if _GOES_ON_BEFORE.search(text[max(0, start - 4) : start]) or _GOES_ON.match(text, end):
        return None  # a row of a table
    if is_imei_shaped(digits) and is_luhn(digits):
        return Candidate(start, end, IdentifierKind.DEVICE, SHAPED)
    if is_in_imsi_plan(digits) and _names_a_network(digits):
        return Candidate(start, end, IdentifierKind.SUBSCRIBER, SHAPED)
    return None


def _names_a_network(digits: str) -> bool:
    """Whether the mobile network code is assigned (ITU-T E.212), or those of test networks."""
    return digits.startswith(("00101", "999")) or len(imsi_plan.split(digits)) == 3


def _digits(spelled: bytes) -> str:
    return "".join(filter(str.isdigit, spelled.decode()))


def _wrapped_rule(kind: IdentifierKind, label: str, digits: range) -> Rule:
    return Rule(
        kind,
        rf"{label}[^\n\d]{{0,16}}\d{{1,13}}{_CUT}\d",
        rf"(?i)\b{label}{JOINER}{TYPED}(?P<v>{_WRAPPED})\b",
        judge=partial(_joined, kind=kind, digits=digits),
    )


DISGUISED_RULES: tuple[Rule, ...] = (
    Rule(
        IdentifierKind.SUBSCRIBER,
        f"{_THREE_DIGITS}{{2}}",
        f"(?P<v>{_BASE64}*{_THREE_DIGITS}{{2}}{_BASE64}*={{0,2}})",
        judge=_base64,
    ),
    Rule(
        IdentifierKind.SUBSCRIBER,
        rf"(?:{_HEX_DIGIT}[ :-]?){{9}}{_HEX_DIGIT}",
        rf"(?P<v>(?:{_HEX_DIGIT}){{10,20}}|{_HEX_DIGIT}(?:[ :-]{_HEX_DIGIT}){{9,19}})",
        judge=_octets,
    ),
    _wrapped_rule(IdentifierKind.SUBSCRIBER, IMSI_LABEL, _IMSI_AND_IMEI),
    _wrapped_rule(IdentifierKind.SUBSCRIBER, PHONE_LABEL, _TELEPHONE),
    _wrapped_rule(IdentifierKind.DEVICE, DEVICE_LABEL, _IMSI_AND_IMEI),
    Rule(
        IdentifierKind.SUBSCRIBER,
        rf"\b(?:{_GROUPED})\b",
        rf"(?:^|[^\w.+:/-])(?P<v>{_GROUPED})\b",
        judge=_grouped,
    ),
)
"""Rules for what the rules for plain spellings cannot see."""
