"""People: names, addresses, accounts, where a label says so.

Unlabelled names are harvested from ticket fields, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import replace

import re2
from stdnum import iban

from telecom.identifiers.kinds import IdentifierKind
from telecom.identifiers.numbering import is_luhn
from telecom.identifiers.rules import LABELLED, SHAPED, Candidate, Rule

_UPPER = r"\p{Lu}"
_LETTERS = r"[\pL\pM'’.-]"
_PARTICLE = r"(?:van|von|der|den|de|del|della|da|di|dos|la|le|el|al|bin|ibn|zu|af|of)"
_NAME_WORD = rf"{_UPPER}{_LETTERS}*"
_NAME = rf"{_NAME_WORD}(?:,?[ ]+(?:{_PARTICLE}[ ]+){{0,2}}{_NAME_WORD}){{0,4}}"
_MIXED_WORD = r"(?:\p{Lu}\.|\p{Lu}[\pL\pM'’-]*\p{Ll}[\pL\pM'’-]*)"
_FULL_NAME = rf"{_MIXED_WORD}(?: (?:{_PARTICLE} ){{0,2}}{_MIXED_WORD}){{1,3}}"
_PERSON_LABEL = (
    r"(?:reported[ _]?by|reporter(?:[ _]?name)?|raised[ _]?by|opened[ _]?by|closed[ _]?by"
    r"|resolved[ _]?by|requested[ _]?by|requester"
    r"|requestor|created[ _]?by|updated[ _]?by|approved[ _]?by|approver|submitted[ _]?by"
    r"|submitter|assigned[ _]?to|assignee"
    r"|caller(?:[ _]?name)?|contact(?:[ _]?(?:person|name))?|customer(?:[ _]?name)?"
    r"|cust|client[ _]?name|subscriber[ _]?name"
    r"|account[ _]?(?:holder|name|owner)|full[ _]?name|first[ _]?name|last[ _]?name"
    r"|given[ _]?name|family[ _]?name|surname"
    r"|display[ _]?name|technician|field[ _]?engineer|engineer|on[- ]call"
    r"|(?:account|service|project|duty|shift|site)[ _]?manager"
    r"|operator[ _]?name|attn|kunde|name des kunden|melder|ansprechpartner(?:in)?|kontakt"
    r"|anrufer(?:in)?"
    r"|teilnehmer(?:in)?|bearbeiter(?:in)?|gemeldet von|erfasst von|abonn[eé]|demandeur|titular"
    r"|cliente)"
)
_ROLE = (
    r"(?:customers?|subscriber|end[- ]user|callers?|contact(?:ed|ing)?(?: person)?|complainant"
    r"|(?:account|service|project|duty|shift|site) manager|technician|engineer|informed|notified"
    r"|(?:reported|requested|raised|opened|escalated|confirmed|approved|called) by"
    r"|(?:assigned|escalated|handed over|spoke|talked) to|spoke with|on behalf of)"
)
"""Words of a sentence behind which a person's name may stand."""
_STREET = r"(?i:street|road|avenue|ave|boulevard|blvd|lane|drive|court|terrace|crescent)"

_NOT_PEOPLE: re.Pattern[bytes] = re2.compile(
    rb"(?i)\b(?:noc|team|group|support|operations?|ops|transport|core|ran|field"
    rb"|service|desk|tier|level|shift"
    rb"|engineering|planning|system|monitoring|automation|bot|auto|none|unknown"
    rb"|unassigned|vendor|tac|cisco|juniper"
    rb"|nokia|ericsson|huawei|arista|network|access|security|admin|administrator|root"
    rb"|n/a|edge|impact|affected"
    rb"|complain\w*|report\w*|device|router|switch|interface|port|link|vlan|vrf"
    rb"|facing|side|premises?|not)\b"
)
_WORDS_AROUND: re.Pattern[bytes] = re2.compile(
    rb"(?i)\b(?:care|cent(?:er|re)|helpdesk|hotline|portal|experience|satisfaction|management"
    rb"|manager|relations?|success|equipment|account|order|profile|identit(?:y|ies)|identifiers?"
    rb"|permanent|subscription|data|database|circuit|vpn|traffic|connection|connectivity|outage"
    rb"|incident|ticket|problem|priority|sla|id|number|name|details?|info\w*|phone|mobile"
    rb"|e?-?mail|customers?|subscribers?|callers?|contacts?|users?|site|office|line|call"
    rb"|assessment|notification|update|feedback|visit|voice|mode|the|this|that|all|please|yes|no"
    rb"|via|our|your|when|after|before|copyright)\b"
)
"""In a sentence these stand beside a name or instead of one; behind a colon they may follow it."""
_SENTENCE_END: re.Pattern[bytes] = re2.compile(rb"[\pL\pM'-]{3,}(\.) ")
"""A full stop behind more than an initial or a title."""
_LOGIN = r"[a-zA-Z][a-zA-Z0-9._-]{2,31}"
_SHARED_ACCOUNTS = frozenset(
    b"admin administrator ansible automation backup cisco console daemon enable guest juniper lab"
    b" local monitor netadmin netconf noc nobody nokia operator oxidized rancid readonly root"
    b" service super support system tacacs test tester unknown user vagrant vty".split()
)
_WORD: re.Pattern[bytes] = re2.compile(rb"[^ ]+")


def _person(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge capitalised words behind a label: teams and systems are no people."""
    sentence = _SENTENCE_END.search(text[start:end])
    if sentence is not None:
        end = start + sentence.start(1)
    while text[end : end + 1] in (b":", b"=") and b" " in text[start:end]:
        end = start + text[start:end].rindex(b" ")  # the next label, not a part of the name
    while end > start and text[end - 1 : end] in b".-,' ":
        end -= 1
    name = text[start:end]
    if len(name) < 2 or _NOT_PEOPLE.search(name) is not None or (name.isupper() and len(name) < 3):
        return None
    return Candidate(start, end, IdentifierKind.PERSON, LABELLED)


def _login(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge an account in a device's log: shared and built-in ones name nobody."""
    login = text[start:end].lower()
    if login in _SHARED_ACCOUNTS or login.startswith((b"vty", b"tty", b"con", b"aux")):
        return None
    return Candidate(start, end, IdentifierKind.PERSON, LABELLED)


def _full_name(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge capitalised words of a sentence: what stands around a name is none of it."""
    words = [match.span() for match in _WORD.finditer(text, start, end)]
    while words and _is_around(text, words[0]):
        words.pop(0)
    while words and _is_around(text, words[-1]):
        words.pop()
    if len(words) < 2:
        return None
    judged = _person(text, words[0][0], words[-1][1])
    return judged and replace(judged, confidence=SHAPED)


def _is_around(text: bytes, span: tuple[int, int]) -> bool:
    word = text[slice(*span)]
    return _NOT_PEOPLE.search(word) is not None or _WORDS_AROUND.search(word) is not None


def _bank_account(text: bytes, start: int, end: int) -> Candidate | None:
    if not iban.is_valid(text[start:end].decode()):
        return None
    return Candidate(start, end, IdentifierKind.ACCOUNT, SHAPED)


def _card(text: bytes, start: int, end: int) -> Candidate | None:
    digits = bytes(byte for byte in text[start:end] if 48 <= byte <= 57).decode()
    if not is_luhn(digits):
        return None
    return Candidate(start, end, IdentifierKind.ACCOUNT, SHAPED)


def _labelled_card(text: bytes, start: int, end: int) -> Candidate | None:
    is_sim = text[start : start + 2] == b"89" and end - start >= 18  # ITU-T E.118
    kind = IdentifierKind.SIM if is_sim else IdentifierKind.ACCOUNT
    return Candidate(start, end, kind, LABELLED)


def _account(text: bytes, start: int, end: int) -> Candidate | None:
    if not any(48 <= byte <= 57 for byte in text[start:end]):
        return None
    return Candidate(start, end, IdentifierKind.ACCOUNT, LABELLED)


PERSON_RULES: tuple[Rule, ...] = (
    Rule(
        IdentifierKind.PERSON,
        rf"{_PERSON_LABEL}[\"'\s]*[:=]",
        rf"(?i:\b{_PERSON_LABEL})[\"'\\]{{0,2}}[ \t]*[:=][ \t]*[\"'\\]{{0,2}}(?:(?:Mr|Mrs"
        rf"|Ms|Dr)\.? )?(?P<v>{_NAME})",
        judge=_person,
    ),
    Rule(
        IdentifierKind.PERSON,
        r"(?:my name is|name is|this is|customer|subscriber|reported by|spoke (?:to"
        r"|with)|regards,?|caller|technician|engineer) ",
        rf"(?:(?i:\b(?:my name is|name is|signed|spoke (?:to|with)|called by|reported by"
        rf"|raised by|confirmed by|(?:best |kind )?regards,?))\s|\b(?i:caller|technician"
        rf"|customer|subscriber|engineer) (?:Mr|Mrs|Ms|Miss|Dr)\.? )(?P<v>{_NAME_WORD}"
        rf"(?: {_NAME_WORD}){{0,2}})",
        judge=_person,
    ),
    Rule(
        IdentifierKind.PERSON,
        rf"{_ROLE} \pL",
        rf"\b(?i:{_ROLE}) (?P<v>{_FULL_NAME})",
        judge=_full_name,
    ),
    Rule(
        IdentifierKind.PERSON,
        r"(?:customer|subscriber|caller|contact) \pL+ (?:called|calls|rang|phoned|complain|says)",
        r"\b(?i:customer|subscriber|caller|contact) "
        rf"(?P<v>{_MIXED_WORD}) (?i:called|calls|rang|phoned|complain|says)",
        judge=_person,
    ),
    Rule(
        IdentifierKind.PERSON,
        r"\pL (?:called|rang|phoned)\b",
        rf"\b(?P<v>{_FULL_NAME}) (?:called|rang|phoned)\b",
        judge=_full_name,
    ),
    Rule(
        IdentifierKind.PERSON,
        r"\pL,? [(<\[]?(?:msisdn|gpsi|imsi|supi|\+\d)",
        rf"\b(?P<v>{_FULL_NAME}),? [(<\[]?(?:(?i:msisdn|gpsi|imsi|supi)\b|\+\d)",
        judge=_full_name,
    ),
    Rule(
        IdentifierKind.PERSON,
        r"@",
        rf"\b(?P<v>{_FULL_NAME}),? [(<\[]?[\pL\pN._%+-]+@",
        judge=_full_name,
    ),
    Rule(
        IdentifierKind.PERSON,
        r"\b(?:mr|mrs|ms|miss|dr|prof|herr|frau|mme)\.? ",
        rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Mme|(?i:mr|mrs|dr|prof)\.)\.? "
        rf"(?P<v>{_NAME_WORD}(?: {_NAME_WORD}){{0,2}})",
        confidence=SHAPED,
        judge=_person,
    ),
    Rule(
        IdentifierKind.PERSON,
        r"user(?:name)?[ :=]*['\"][a-z]",
        rf"(?i:\buser(?:name)?)[ :=]*['\"](?P<v>{_LOGIN})['\"]",
        judge=_login,
    ),
    Rule(
        IdentifierKind.PERSON,
        r"\buser [a-z]\S+ (?:from \S+ (?:logged|committed)|logged (?:in|out))",
        rf"(?i:\buser) (?P<v>{_LOGIN}) (?i:from \S+ (?:logged|committed)|logged (?:in|out))",
        judge=_login,
    ),
    Rule(
        IdentifierKind.PERSON,
        r"(?:configured from \S+ by|accepted \S+ for) [a-z]",
        rf"(?i:configured from \S+ by|accepted \S+ for) (?P<v>{_LOGIN})\b",
        judge=_login,
    ),
    Rule(
        IdentifierKind.PERSON,
        r"[.!] /[a-z]{4}",
        r"[.!] /(?P<v>[a-z][a-z.-]{3,24})\s*(?:$|\n|\")",
        judge=_login,
    ),
    Rule(
        IdentifierKind.PERSON,
        r"snmp-server contact|sysContact",
        r"(?i)\b(?:snmp-server contact|syscontact)[ :=\"]+(?P<v>[^\n\";]*[A-Za-z][^\n\";]*)",
    ),
    Rule(
        IdentifierKind.LOCATION,
        r"address[\"'\s]*[:=]",
        r"(?i)\b(?:(?:home|billing|postal|street|installation|service|customer"
        r"|subscriber|delivery|mailing|residential|civic"
        r"|site)[ _-]?)?address[\"'\\]{0,2}[ \t]*[:=][ \t]*[\"'\\]{0,2}"
        r"(?P<v>\d{1,5}[a-z]? +\pL[^\n\"|]{3,100}|\pL[\pL.'’ -]{2,40} \d{1,5}[a-z]?\b[^"
        r"\n\"|]{0,80})",
    ),
    Rule(
        IdentifierKind.LOCATION,
        rf"\d [^\n]{{2,40}}\b{_STREET}\b",
        rf"\b(?P<v>\d{{1,5}}[a-z]? (?:{_NAME_WORD} ){{1,3}}{_STREET})\b",
        confidence=SHAPED,
    ),
    Rule(
        IdentifierKind.LOCATION,
        r"(?:straße|strasse|str\.|platz|weg|allee|gasse) \d",
        r"(?P<v>\p{Lu}[\pL-]*(?:straße|strasse|str\.|platz|weg|allee|gasse) \d{1,4}[a-z]?)\b",
        confidence=SHAPED,
    ),
    Rule(
        IdentifierKind.ACCOUNT,
        r"(?:customer|account|acct|contract|cust|invoice|kunden|passport|ssn"
        r"|social security|id card|national id|driver'?s? licen[sc]e|tax id|aadhaar"
        r"|iban)[^\n]{0,14}\d",
        r"(?i)\b(?:(?:customer|account|acct|contract|cust|kunden)[ _-]?(?:id|no|nr"
        r"|number|ref(?:erence)?|nummer)|passport(?: (?:no|number))?|ssn|social security"
        r"(?: number)?"
        r"|id card(?: (?:no|number))?|national[ _-]id|driver'?s? licen[sc]e(?: (?:no"
        r"|number))?|tax[ _-]id|aadhaar|iban)"
        r"[\"'\\]{0,2}\.?[ \t]*(?:[:=#]|is|was)?[ \t]*[\"'\\#]{0,2}"
        r"(?P<v>[A-Z0-9][A-Z0-9-]{3,33})\b",
        judge=_account,
    ),
    Rule(
        IdentifierKind.ACCOUNT,
        r"\b\d{3}-\d{2}-\d{4}\b",
        r"(?:^|[^\d-])(?P<v>\d{3}-\d{2}-\d{4})(?:[^\d-]|$)",
        confidence=SHAPED,
    ),
    Rule(
        IdentifierKind.ACCOUNT,
        r"\b[3-6]\d{3}[ -]\d{4}[ -]\d{4}",
        r"(?:^|[^\d-])(?P<v>[3-6]\d{3}(?:[ -]\d{4}){3})\b",
        judge=_card,
    ),
    Rule(
        IdentifierKind.ACCOUNT,
        r"\bcard",
        r"(?i)\b(?:card|cc)(?: (?:number|no\.?|#|is|nr))*[ :#]{0,3}(?P<v>\d{12,19})\b",
        judge=_labelled_card,
    ),
    Rule(
        IdentifierKind.ACCOUNT,
        r"\b[a-z]{2}\d{2}[a-z0-9]{11}",
        r"\b(?P<v>[A-Z]{2}\d{2}[A-Z0-9]{11,30})\b",
        judge=_bank_account,
    ),
)
"""Rules for people and what they own or where they live."""
