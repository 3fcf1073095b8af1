"""Identifier terms: ticket ids, interfaces, error codes and addresses, found and normalised.

A dense model hardly tells `INC0042` from `INC0043`, and a word tokenizer takes `Hu0/0/0/1` apart.
So identifiers are looked up exactly, in one normal form: lower case, short port names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from telecom.topology import port_key

_TOKEN = re.compile(r"[A-Za-z0-9]+(?:(?:::|[-_./:])[A-Za-z0-9]+)*")
_CODE = re.compile(r"[A-Z]{2,}(?:[-_][A-Z]{2,})+")
_NOT_AN_IDENTIFIER = re.compile(
    r"""\d{1,4}([.,]\d+)?%?                     # a count, a year, a decimal
    |\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?             # a time of day
    |\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}.*)?      # a date
    |\d{1,2}[./]\d{1,2}[./]\d{2,4}
    |\d+(st|nd|rd|th|s|x|k|m|g|ms|us|ns|km|db|dbm|hz|khz|mhz|ghz|kbps|mbps|gbps|bit|bits)""",
    re.VERBOSE | re.IGNORECASE,
)
_SPACED_PORT = re.compile(r"\b([A-Za-z][A-Za-z-]{1,24}) (\d+(?:/\d+)+(?:[.:]\d+)?)\b")
_SUBINTERFACE = re.compile(r"(.*/\d+)[.:]\d+")
_DIGIT = re.compile(r"\d")
_LONGEST = 128


def identifier_terms(text: str) -> list[str]:
    """Every identifier in `text` and its parts, normalised, each once, in order of mention.

    `pe1:HundredGigE0/0/0/1.100` gives `pe1:hu0/0/0/1.100`, `pe1`, `hu0/0/0/1.100`, `hu0/0/0/1`.
    """
    terms: dict[str, None] = {}
    for token in _tokens(text):
        for term in _with_parts(token):
            terms.setdefault(term)
    return list(terms)


def asked_identifiers(query: str) -> list[str]:
    """What a query may name, whole and normalised, each once, in order of mention.

    Beside identifiers any compound word (`eberwang-cell`): only a look-up tells whether an object
    has that name.
    """
    joined = dict.fromkeys(normal_form(token) for token in _spaced_ports(query))
    for match in _TOKEN.finditer(query):
        token = match[0]
        if _is_identifier(token) or not (token.isalnum() or any(map(str.isdigit, token))):
            joined.setdefault(normal_form(token))
    return list(joined)


def without_identifiers(text: str) -> str:
    """A text with the bits of identifiers taken out that say nothing as words.

    `pe1:Hu0/0/0/1` leaves `pe1 Hu0`, `ROUTING-BGP-5-ADJCHANGE` its words, an address nothing.
    """
    return _TOKEN.sub(_telling_parts, text)


def _telling_parts(match: re.Match[str]) -> str:
    token = match[0]
    if token.isalnum() or not _is_identifier(token):
        return token
    parts = re.split(r"[^A-Za-z0-9]+", token)
    return " ".join(
        part for part in parts if len(part) > 1 and any(letter.isalpha() for letter in part)
    )


def is_distinctive(term: str) -> bool:
    """Whether a term is an identifier by its shape alone; `5g`, `r16` and `ipv6` are not."""
    digits = sum(character.isdigit() for character in term)
    if any(separator in term for separator in "-_/:."):
        return digits > 0 or len(term) >= 8
    return len(term) >= 6 and digits >= 2


def normal_form(identifier: str) -> str:
    """Lower case, ports in their short spelling: the form in which equals are equal."""
    device, colon, port = identifier.partition(":")
    if colon and port and not port.replace(":", "").isalnum():
        return f"{device.lower()}:{port_key(port)}"
    return identifier.lower() if colon else port_key(identifier)


def _tokens(text: str) -> Iterator[str]:
    yield from _spaced_ports(text)
    for match in _TOKEN.finditer(text):
        if _is_identifier(match[0]):
            yield match[0]


def _spaced_ports(text: str) -> Iterator[str]:
    """`GigabitEthernet 0/1` as one name."""
    for match in _SPACED_PORT.finditer(text):
        joined = match[1] + match[2]
        if port_key(joined) != joined.lower():
            yield joined


def _is_identifier(token: str) -> bool:
    if len(token) > _LONGEST:
        return False
    if _DIGIT.search(token):
        return _NOT_AN_IDENTIFIER.fullmatch(token) is None
    return _CODE.fullmatch(token) is not None


def _with_parts(token: str) -> Iterator[str]:
    yield normal_form(token)
    parts = [token]
    if token.count(":") == 1:
        parts = token.split(":")
    elif re.match(r"[A-Za-z]", token) and "." in token and "/" not in token:
        parts = token.split(".", 1)[:1]  # a host name's first label
    for part in parts:
        if part != token and _is_identifier(part):
            yield normal_form(part)
        subinterface = _SUBINTERFACE.fullmatch(part)
        if subinterface is not None:
            yield normal_form(subinterface[1])
