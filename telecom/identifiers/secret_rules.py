"""Device secrets: what opens a network element, as vendors write it in configurations and text."""

from __future__ import annotations

import re

import re2

from telecom.identifiers.kinds import IdentifierKind
from telecom.identifiers.rules import LABELLED, SHAPED, Candidate, Rule

# Values end at a blank, a quote or a statement's end; quoted values may contain blanks.
_VALUE = r"(?:\\?[\"'](?P<q>[^\"'\n]+)\\?[\"']|(?P<v>[^\s\"';,{}\[\]()<>]+))"
_ENCODING = (
    r"(?:(?:0|4|5|6|7|8|9|10|14|encrypted|clear(?:-?text)?|plain(?:-?text)?(?:-password)?|cipher"
    r"|irreversible-cipher|simple|sha-?(?:1|256|384|512)?|sha2-(?:256|512)|md5"
    r"|hmac-\S+|text|ascii(?:-text)?"
    r"|hexadecimal|hex|key-string|string|role \S+|privilege \d+|local|remote|level"
    r" \d+|hash2?)[ \t]+)*"
)
_WORDS = (
    r"(?:pass ?words?|passwd|passwort|pwd|pass ?phrase|pass ?code|secret(?:[_"
    r" -]?key)?|pre-?shared[-_ ]?(?:key|secret)"
    r"|(?:wpa[-_ ]?)?psk|shared[-_ ]?(?:secret|key)|(?:auth(?:entication)?"
    r"|encryption|privacy|priv|session|master|api"
    r"|access|secret|signing|private|server|license|pmk)[-_ ]?(?:key|password|token)"
    r"|key[-_ ]?string|token"
    r"|credentials?|community(?:[-_ ]?(?:string|name))?\b)"
)
_ORDINARY: re.Pattern[bytes] = re2.compile(
    # What prose says after "password", and the keywords that may stand before a value.
    rb"(?i)^(?:\*+|x{3,}|<[^>]*>|\d{1,4}|none|null|nil|true|false|yes|no|not|required|expired?"
    rb"|expires"
    rb"|reset|policy|policies|change[ds]?|invalid|incorrect|wrong|failed|failure|is|was|for|of"
    rb"|and|or"
    rb"|to|in|on|the|a|an|with|by|from|at|has|must|should|removed|redacted|hidden|encryption"
    rb"|encrypted|authentication|strong|weak|default|recovery|manager|management|rotation|rotated"
    rb"|aging|length|minimum|maximum|history|prompt|check|mismatch|error|accepted|rejected|disabled"
    rb"|enabled|type|level|bucket|ring|additive|no-export|no-advertise|internet|local-as|gshut"
    rb"|delete|add|members?|lists?|set|values?|attributes?|standard|extended|large|ro|rw|it|this"
    rb"|that|them|we|you|string|name|known|unknown"
    rb"|cipher|irreversible-cipher|simple|plain|md5|sha\d*|sha-\d+|hmac-\S+|ascii-text|hexadecimal"
    rb"|read|write|key-string|key-?chain|hash2?|role|3?des|aes"
    rb"|unchanged|needed|missing|down|up|correct|case-sensitive|mismatched|refused|valid|used|lost"
    rb"|misconfigured|empty|blank|same|identical|different|ok|fine|too|so|only|also|now|still|never"
    rb"|already|here|there|what|which|who|sent|shown|kept|given|based|part|being|been|as|if|when"
    rb"|b|unique|public-key|generate|chain)$"
)
_SAID: re.Pattern[bytes] = re2.compile(rb"(?i)\b(?:is|was)[ \t]*$")
_PARTICIPLE: re.Pattern[bytes] = re2.compile(
    rb"^(?:un|in|mis|dis|non-?)?[a-z-]+(?:ed|ing|able|ible|ive|ful|less|ary|ous|ly|ical|ent)$"
)
"""What a sentence says of a password after "is" or "was"."""
_SIM_KEY = (
    r"(?:e?opc?|ki|k|k4|adm1?|(?:enc)?(?:permanent|opc?|topc?)key(?:value)?|opc?value|kausf|kseaf"
    r"|kamf|kasme|k[eg]nb|ck|ik|ck'|ik'|authentication[ _]key)"
)
_HOST_KEYWORD: re.Pattern[bytes] = re2.compile(
    rb"(?i)^(?:versions?|traps?|informs?|(?:use-|filter-)?vrf|source-interface"
    rb"|udp-port|port|community"
    rb"|auth|noauth|priv|encrypted|clear|1|2c|3)$"
)
_BGP_COMMUNITY: re.Pattern[bytes] = re2.compile(
    rb"(?i)^(?:\d+|\d+:\d+(?::\d+)?|0x[0-9a-f]+|no-export\S*|no-advertise|internet"
    rb"|local-as|graceful-shutdown"
    rb"|accept-own|none|additive|add|delete|blackhole|target:\S+|origin:\S+)$"
)


def _worded(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge what follows `password` and its like: ordinary words are prose."""
    start, end = _trimmed(text, start, end)
    value = text[start:end]
    if not value or _ORDINARY.search(value) is not None:
        return None
    if _PARTICIPLE.search(value) is not None and _SAID.search(text[max(0, start - 6) : start]):
        return None
    return Candidate(start, end, IdentifierKind.SECRET, LABELLED)


def _mixed(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge a word after `password` without any sign between: a secret has more than letters."""
    start, end = _trimmed(text, start, end)
    value = text[start:end]
    if len(value) < 4 or value.isalpha() or not any(byte > 32 for byte in value):
        return None
    return _worded(text, start, end)


def _community(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge a community: SNMP's is a password, BGP's is a number pair or a well-known name."""
    if _BGP_COMMUNITY.search(text[start:end]) is not None:
        return None
    return _worded(text, start, end)


def _host_community(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge a word of an SNMP host line: the line's own keywords are no community."""
    if _HOST_KEYWORD.search(text[start:end]) is not None:
        return None
    return _worded(text, start, end)


def _prose_community(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge a word after "community is": without SNMP beside it, only more than letters counts."""
    line = text[max(0, text.rfind(b"\n", 0, start)) : start].lower()
    if b"snmp" not in line and b"community" in line[-24:] and text[start:end].isalpha():
        return (
            None if _SAID.search(text[max(0, start - 6) : start]) else _community(text, start, end)
        )
    return _community(text, start, end)


def _opaque(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge what follows `bearer` or `basic`: credentials have digits or padding."""
    if not any(48 <= byte <= 57 or byte == 61 for byte in text[start:end]):
        return None
    return Candidate(start, end, IdentifierKind.SECRET, SHAPED)


def _strong(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge what follows `user/`: a path or a count is none, a password mixes its characters."""
    value = text[start:end].rstrip(b".:?")
    kinds = (
        any(97 <= byte <= 122 for byte in value),
        any(65 <= byte <= 90 for byte in value),
        any(48 <= byte <= 57 for byte in value),
        any(byte in b"!$%&*+=?@^~#" for byte in value),
    )
    if sum(kinds) < 3:
        return None
    return Candidate(start, start + len(value), IdentifierKind.SECRET, SHAPED)


def _element(text: bytes, start: int, end: int) -> Candidate | None:
    """Judge the content of an XML element: `key` is a word of many schemas, the others are not."""
    is_key = text[max(0, start - 24) : start].rpartition(b"<")[2].startswith((b"key", b"KEY"))
    if is_key and (end - start < 8 or text[start:end].isalpha()):
        return None
    return _community(text, start, end)


def _trimmed(text: bytes, start: int, end: int) -> tuple[int, int]:
    while end > start and text[end - 1 : end] in b".:?\\":
        end -= 1
    return start, end


def _secret(trigger: str, pattern: str, **options: object) -> list[Rule]:
    """Make two rules where a value may be quoted, one for each of the groups `v` and `q`."""
    quoted = pattern.replace("(?P<v>", "(?:").replace("(?P<q>", "(?P<v>")
    plain = pattern.replace("(?P<q>", "(?:")
    both = [plain, quoted] if "(?P<q>" in pattern else [plain]
    return [Rule(IdentifierKind.SECRET, trigger, each, **options) for each in both]  # type: ignore[arg-type]  # options are Rule's own


_START = r"(?im)(?:^|[\n\"'>|]|\bset |\bno )[ \t+-]*"

SECRET_RULES: tuple[Rule, ...] = (
    Rule(
        IdentifierKind.SECRET,
        r"-----BEGIN",
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?P<v>.*?)(?:-----END [A-Z0-9"
        r" ]*PRIVATE KEY-----|\z)",
    ),
    Rule(
        IdentifierKind.SECRET,
        r"-----END [A-Z0-9 ]*PRIVATE KEY",
        # The rest of a key whose beginning was cut off.
        r"(?P<v>(?:[A-Za-z0-9+/=]{16,}\s+)*[A-Za-z0-9+/=]{4,}\s+)-----END [A-Z0-9 ]*PRIVATE KEY",
    ),
    Rule(
        IdentifierKind.SECRET,
        r"\$(?:\d{1,2}[a-z]?|2[abxy]|y|sha1|md5|argon2\w*|scrypt|pbkdf2[\w-]*|[A-Za-z])\$\S{4}",
        r"(?P<v>\$(?:\d{1,2}[a-z]?|2[abxy]|y|sha1|md5|argon2\w*|scrypt|pbkdf2[\w-]*|M|S"
        r"|H|P|nt)\$[^\s\"';,]{4,})",
    ),
    Rule(
        IdentifierKind.SECRET,
        r"%\^%#|%@%@|@%@%|%\$%\$|%#%#",
        r"(?P<v>%\^%#.+?%\^%#|%@%@.+?%@%@|@%@%.+?@%@%|%\$%\$.+?%\$%\$|%#%#.+?%#%#)",
    ),
    Rule(
        IdentifierKind.SECRET,
        r"eyJ[A-Za-z0-9_-]{8}",
        r"\b(?P<v>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?)",
    ),
    Rule(
        IdentifierKind.SECRET,
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}|\bgh[pousr]_[A-Za-z0-9]{30}|\bxox[abpr]-",
        r"\b(?P<v>(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}"
        r"|xox[abpr]-[A-Za-z0-9-]{10,})",
    ),
    Rule(
        IdentifierKind.SECRET,
        r"(?:bearer|basic)[ ]+\S{8}",
        r"(?i)\b(?:bearer|basic)[ ]+(?P<v>[A-Za-z0-9+/=._~-]{8,})",
        judge=_opaque,
    ),
    Rule(
        IdentifierKind.SECRET,
        r"://[^\s/@]*:[^\s/@]+@",
        r"://[^\s/@:]*:(?P<v>[^\s/@]+)@",
    ),
    # SNMP: communities and users.
    *_secret(
        r"snmp",
        rf"(?i)\bsnmp-server[ \t]+community[ \t]+(?:(?:0|7|8|encrypted|clear)[ \t]+)?{_VALUE}",
    ),
    *_secret(r"snmp", r"(?i)\bsnmp-server[ \t]+mib[ \t]+community-map[ \t]+(?P<v>[^\s:]+)"),
    *_secret(
        r"snmp",
        r"(?i)\bsnmp-server[ \t]+host[ \t]+(?:(?:inside|outside|ipv[46])[ \t]+)?\S+(?:["
        r" \t]+(?:vrf|use-vrf)[ \t]+\S+)?"
        r"(?:[ \t]+(?:informs?|traps?))?(?:[ \t]+version[ \t]+(?:1|2c|3(?:[ \t]+(?:auth"
        r"|noauth|priv))?))?"
        rf"(?:[ \t]+(?:community|encrypted|clear|[07]))*[ \t]+{_VALUE}",
        judge=_host_community,
    ),
    *_secret(
        r"snmp",
        r"(?i)\bsnmp-server[ \t]+user[ \t].*?\bauth(?:[ \t]+(?:encrypted|clear"
        r"|localizedkey|[07]))?[ \t]+(?:md5|sha\S*)"
        rf"(?:[ \t]+(?:encrypted|clear|[07]))?[ \t]+{_VALUE}",
    ),
    *_secret(
        r"snmp",
        r"(?i)\bsnmp-server[ \t]+user[ \t].*?\bpriv(?:[ \t]+(?:des56|3?des|aes(?:[ -]?\d{3})?))?"
        rf"(?:[ \t]+(?:encrypted|clear|[07]))?[ \t]+{_VALUE}",
        judge=_worded,
    ),
    *_secret(r"snmp", rf"(?i)\bsnmp-community[ \t]+{_VALUE}"),
    *_secret(
        r"snmp",
        r"(?i)\bsnmp(?:-agent|v[123]c?)?\b[^\n]{0,40}?\bcommunity(?:[ \t]+(?:read|write"
        r"|string|name|ro|rw|is|cipher|simple|complexity-check|disable))*"
        rf"[ \t]*[:=]?[ \t]*{_VALUE}",
        judge=_community,
    ),
    *_secret(
        r"snmp-agent",
        rf"(?i)\bsnmp-agent\b[^\n]*?\b(?:securityname|auth(?:entication)?-mode \S+"
        rf"|privacy-mode \S+)(?:[ \t]+(?:cipher|simple))?[ \t]+{_VALUE}",
        judge=_worded,
    ),
    *_secret(
        r"set[ \t]+community",
        rf"\bset[ \t]+community[ \t]+{_VALUE}",
        judge=_community,
    ),
    *_secret(
        r"community",
        rf"(?m)^[ \t+-]*(?:access-)?community[ \t]+{_VALUE}[ \t]*(?:\{{|;|access-permissions"
        rf"|hash2?\b|authorization|ro\b|rw\b|rwa?\b|r\b|version\b|$)",
        judge=_community,
    ),
    *_secret(
        r"community",
        rf"(?i)\bcommunity[-_ ]?(?:string|name)\b[ \t]*(?:is|was|:|=)?[ \t]*{_VALUE}",
        judge=_community,
    ),
    # Commands whose last words are a secret, whatever it looks like.
    *_secret(
        r"password|secret|ike[ \t]+pre-shared",
        r"(?i)\b(?:enable(?:[ \t]+algorithm-type[ \t]+\S+)?|username[ \t]+\S+[^\n]*?"
        r"|user[ \t]+\S+[^\n]*?|neighbor["
        r" \t]+\S+|neighbor-group[ \t]+\S+|local-user[ \t]+\S+"
        r"|isis|lsp|area|domain|ldp|chap|pap|ppp[^\n]*?|line[^\n]*?|hostname|peer["
        r" \t]+\S+|bgp[ \t]+\S+|sent-username[ \t]+\S+"
        r"|super|admin|privilege[ \t]+\d+|login|set[ \t]+authentication|encrypted|simple"
        r"|ip[ \t]+(?:http[ \t]+client|ftp|ssh[^\n]*?)|cts[ \t][^\n]*?|l2tp[^\n]*?|tunnel|vtp|bmp"
        r"[^\n]*?|ike|ipsec|authentication|privacy)[ \t-]+"
        rf"(?:password|secret|pre-shared-key)[ \t]+{_ENCODING}{_VALUE}",
        judge=_worded,
    ),
    *_secret(
        r"password|secret|passphrase|psk|pre-?shared-key|key-string|shared-secret",
        rf"(?im)^[ \t+-]*(?:no[ \t]+|set[ \t][^\n]*?)?(?:[\w-]+-)?(?:password|secret"
        rf"|passphrase|wpa-psk|psk|pre-?shared-key|key-string|shared-secret|secret-key)"
        rf"[ \t]+{_ENCODING}{_VALUE}[ \t]*(?:;|encrypted|hash2?|role[^\n]*|$)",
        judge=_worded,
    ),
    *_secret(
        r"key|secret",
        r"(?i)\b(?:tacacs-server|radius-server|server-private|crypto[ \t]+isakmp|isakmp|ike\S*"
        r"|hwtacacs-server|radius-host|accounting-server|authentication-server"
        r"|auth-port[ \t]+\d+|acct-port[ \t]+\d+)"
        rf"[^\n]*?[ \t](?:key|shared-key|secret|shared-secret)[ \t]+{_ENCODING}{_VALUE}",
        judge=_worded,
    ),
    *_secret(
        r"key|secret",
        # The same where the words are everyday ones: at the beginning of a line only.
        r"(?im)^[ \t+-]*(?:(?:no|set)[ \t][^\n]*?)?(?:tacacs\+?|radius|server|host|client|macsec"
        r"|address[ \t]+\S+|pre-shared-key)"
        rf"[ \t][^\n]*?[ \t]?(?:key|shared-key|secret|shared-secret)[ \t]+{_ENCODING}{_VALUE}",
        judge=_worded,
    ),
    *_secret(
        r"key[ \t]",
        rf"(?m)^[ \t+-]+key[ \t]+{_ENCODING}{_VALUE}[ \t]*$",
        judge=_worded,
    ),
    *_secret(
        r"key[ \t]+[4-9]",
        r"(?i)\bkey[ \t]+(?:4|5|6|7|8|9|14)[ \t]+(?P<v>[0-9A-Za-z$/.+=\"-]{6,})",
    ),
    *_secret(
        r"(?:message-digest|authentication)-key",
        r"(?i)\b(?:message-digest-key[ \t]+\d+[ \t]+\S+|authentication-key(?:[ \t]+\d+)?"
        r"(?:[ \t]+(?:md5|sha\d*|hmac-\S+|cmac-\S+|aes-\S+))?)"
        rf"(?:[ \t]+type[ \t]+\S+[ \t]+value)?[ \t]+{_ENCODING}{_VALUE}",
        judge=_worded,
    ),
    *_secret(
        r"authentication[ \t]",
        r"(?i)\b(?:standby[^\n]*?|vrrp[^\n]*?|glbp[^\n]*?|ip[ \t]+nhrp|nhrp"
        r"|hsrp[^\n]*?)[ \t]authentication(?:[ \t]+(?:text|md5[ \t]+key-string))?"
        rf"[ \t]+{_ENCODING}{_VALUE}",
        judge=_worded,
    ),
    *_secret(
        r"key-(?:octet-)?string|cryptographic-",
        rf"(?i)\bkey-(?:octet-)?string[ \t]+{_ENCODING}{_VALUE}",
        judge=_worded,
    ),
    *_secret(
        r"cipher[ \t]",
        r"(?i)\b(?:password|community|(?:shared-|pre-shared-)key|securityname|read|write)[ \t]+"
        r"(?:irreversible-)?cipher[ \t]+(?P<v>\S+)",
    ),
    *_secret(
        r"cipher|encrypted|\bENC\b|hash2?\b",
        r"(?i)\b(?:irreversible-cipher|cipher|enc)[ \t]+"
        r"(?P<v>[^\s\"';,]*[^\s\"';,a-z-][^\s\"';,]{7,})",
        confidence=SHAPED,
        judge=_mixed,
    ),
    *_secret(r"ENC ", r"\bENC[ \t]+(?P<v>[A-Za-z0-9+/=]{6,})"),
    *_secret(
        r"authentication-mode",
        r"(?i)\bauthentication-mode[ \t]+\S+(?:[ \t]+\d+)?[ \t]+(?:cipher|plain|simple)[ \t]+"
        r"(?P<v>\S+)",
    ),
    *_secret(
        r"\bspi[ \t]",
        r"(?i)\bspi[ \t]+\d+[^\n]*?[ \t](?:[07][ \t]+)?(?P<v>[0-9a-f]{32,})\b",
    ),
    *_secret(
        r"session-key",
        r"(?i)\bsession-key[ \t]+\S+[ \t]+(?:ah|esp)[ \t]+(?:\d+[ \t]+)?"
        r"(?:(?:cipher|authenticator)[ \t]+)?(?P<v>[0-9a-f]{8,})\b",
    ),
    *_secret(
        r"encrypted-password|authentication-password|privacy-password|simple-password"
        r"|plain-text-password|-key \"|secret \"",
        rf"(?i)\b(?:encrypted-password|authentication-password|privacy-password"
        rf"|simple-password|plain-text-password-value"
        rf"|authentication-key|privacy-key|ascii-text|hexadecimal|secret|pre-shared-key)["
        rf" \t]+{_ENCODING}{_VALUE}",
        judge=_mixed,
    ),
    # Anywhere, in prose and in key-value text.
    *_secret(
        rf"{_WORDS}[\s_\"'\\]*(?::|=|\bis\b|\bwas\b)",
        rf"(?i){_WORDS}[\s\"'\\\])_]{{0,3}}(?::=|=>|[:=]|\bis\b(?:[ \t]+set[ \t]+to)?"
        rf"|\bwas\b)[ \t]*(?:[\[(]|b[\"'])?{_VALUE}",
        judge=_prose_community,
    ),
    *_secret(
        r"password[ \t]+(?:for|of|on)\b|\b(?:pw|pass|creds?)[ \t]*(?::|=|is)"
        r"|\buser[ \t]+\S+[ \t]+pass[ \t]",
        r"(?i)\b(?:password[ \t]+(?:for|of|on)(?:[ \t]+\S+){1,4}?[ \t]*(?:[:=]|\bis\b|\bwas\b)"
        rf"|(?:pw|pass|creds?)[ \t]*(?:[:=]|\bis\b)|user[ \t]+\S+[ \t]+pass\b)[ \t]*{_VALUE}",
        judge=_mixed,
    ),
    *_secret(
        r"\b(?:log-?in|cred(?:ential)?s?"
        r"|user(?:name)?)(?:/pass(?:word)?)?[ \t]*[:=]?[ \t]+\S+(?: \S+)? ?/",
        r"(?i)\b(?:log-?in|credentials?|creds|user(?:name)?(?:/pass(?:word)?)?)[ \t]*[:=]?[ \t]+"
        r"(?:with[ \t]+)?[a-z][\w.-]{1,31} ?/ ?(?P<v>[^\s/,;]{6,})(?:[\s,;]|$)",
        confidence=SHAPED,
        judge=_strong,
    ),
    *_secret(
        r"<[^<>\n]*(?:phash|pass\w*|secret|key|psk|community|pwd)(?:[ \t][^<>\n]*)?>[^<>\n]+</",
        r"(?i)<(?:[\w.-]+:)?(?:[\w-]*(?:phash|password|passwd|secret|pre-shared-key|psk|community"
        r"|passphrase|private-key|auth-?pwd|priv-?pwd)|key)(?:[ \t][^<>]*)?>(?P<v>[^<>\n]+)</",
        judge=_element,
    ),
    # What tools beside the devices write.
    *_secret(r"r[ow]community", rf"(?im)^[ \t]*r[ow]community6?[ \t]+{_VALUE}"),
    *_secret(
        r"com2sec", rf"(?i)\bcom2sec6?(?:[ \t]+-Cn[ \t]+\S+)?[ \t]+\S+[ \t]+\S+[ \t]+{_VALUE}"
    ),
    *_secret(
        r"createUser",
        rf"(?i)\bcreateUser[ \t]+(?:-e[ \t]+\S+[ \t]+)?\S+[ \t]+(?:MD5|SHA\S*)[ \t]+{_VALUE}",
    ),
    *_secret(
        r"createUser",
        rf"(?i)\bcreateUser[ \t]+[^\n]*?[ \t](?:AES\S*|DES)[ \t]+{_VALUE}",
    ),
    *_secret(
        r"snmp(?:get|walk|bulk|set|table|trap|inform)",
        rf"\bsnmp(?:get|getnext|walk|bulkwalk|bulkget|set|table|trap"
        rf"|inform)\b[^\n]*?[ ]-[cAX][ ]*{_VALUE}",
    ),
    *_secret(
        r"/snmp",
        rf"/snmp[ /]community\b[^\n]*?\bname={_VALUE}",
    ),
    # What a SIM and the network share (3GPP TS 33.102, TS 33.501).
    *_secret(
        rf"{_SIM_KEY}[^\n]{{0,10}}[0-9a-f]{{8}}",
        rf"(?i)\b{_SIM_KEY}[\"'\\]{{0,2}}[ \t]*[:=\[]{{0,2}}[ \t]*[\"'\\]{{0,2}}(?P<v>(?:0x)?"
        r"(?:[0-9a-f]{32,64}\b|[0-9a-f]{8}(?:[ :-][0-9a-f]{8}){3}\b"
        r"|[0-9a-f]{2}(?:[ :-][0-9a-f]{2}){15}\b))",
    ),
    *_secret(
        r"\bP(?:UK|IN)[12]?\b",
        r"\b(?:PUK[12]?(?:[ -]?code)?[ :=#]{1,3}(?P<v>\d{8})"
        r"|PIN[12]?(?:[ -]?code)?[ :=#]{1,3}(?P<q>\d{4,8}))\b",
    ),
    *_secret(
        rf"{_WORDS}[ \t]+\S",
        rf"(?i)\b(?:pass ?word|passwd|pwd|passphrase|secret|psk|pre-?shared-key|token"
        rf"|credentials?)[ \t]+{_ENCODING}{_VALUE}",
        confidence=SHAPED,
        judge=_mixed,
    ),
)
"""Rules for secrets; a match is always replaced by `[SECRET]`."""
