"""The shared grammar of events: what a log line says, in any vendor's words.

`understand` finds the row of `event_table` that a line belongs to, then its parts: which port,
which neighbour, which way, why, and who started it. Layouts of the row come first; the expressions
here fill what they leave open and carry to wordings no row has seen. Every expression is bounded
and looks at the first 2,000 characters at most, so no input makes it slow.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Literal

from telecom.alarm import Occurrence, OccurrenceKind
from telecom.formats.assembly import typed_occurrence
from telecom.formats.event_parts import (
    find_as,
    find_neighbor,
    find_person,
    find_port,
    find_reason,
    find_vrf,
    read_pairs,
)
from telecom.formats.event_states import read_state, state_of_step, state_of_word
from telecom.formats.event_table import EVENT_PATTERNS, INITIATORS, EventPattern, State
from telecom.formats.syslog_line import SyslogLine

UNDERSTOOD_CHARACTERS = 2_000
"""A message says what happened at its beginning; the grammar does not look further."""
_LONGEST_MNEMONIC = 200


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
    _occurrence: Occurrence | None = None

    @property
    def occurrence(self) -> Occurrence:
        """The same as alarms carry it; one for all lines that share the meaning."""
        if self._occurrence is None:
            self._occurrence = typed_occurrence(
                kind=self.pattern.kind,
                state=self.state,
                interface=self.interface,
                neighbor=self.neighbor,
                neighbor_as=self.neighbor_as,
                vrf=self.vrf,
                reason=self.reason,
                initiator=self.initiator,
            )
        return self._occurrence


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
_WITH_ADDRESSES = _SESSIONS | {OccurrenceKind.SIGNALLING}
"""Any address in their text is the other end's."""
_WITH_NEIGHBOR = _WITH_ADDRESSES | {
    OccurrenceKind.TUNNEL,
    OccurrenceKind.CLOCK,
    OccurrenceKind.OTHER,
}
_ABOUT_PEOPLE = frozenset(
    {OccurrenceKind.CONFIGURATION, OccurrenceKind.LOGIN, OccurrenceKind.AUTHENTICATION}
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

_TIMER = re.compile(INITIATORS[0][0], re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MESSAGE_WORD = re.compile(r"[a-z0-9]+")


def understand(line: SyslogLine) -> Meaning | None:
    """Say what a log line reports; the answer is shared with equal lines and must not be changed.

    Returns:
        None when no row of the table fits: the line keeps its mnemonic and its words.
    """
    if line.fields:
        return _understood(line)
    return _understood_words(
        line.message[:UNDERSTOOD_CHARACTERS], line.event, line.process, line.location
    )


@lru_cache(maxsize=8192)
def _understood_words(
    message: str, event: str | None, process: str | None, location: str | None
) -> Meaning | None:
    """A storm says the same again and again: what flaps, flaps in the same words."""
    return _understood(
        SyslogLine("words", message, event=event, process=process, location=location)
    )


def _understood(line: SyslogLine) -> Meaning | None:
    message = line.message[:UNDERSTOOD_CHARACTERS]
    if line.event is not None and len(line.event) > _LONGEST_MNEMONIC:
        line = replace(line, event=None)  # a payload may hold anything where its event is named
    rows = _rows_of_mnemonic(line.event) if line.event is not None else ()
    for row in rows:
        return _read(row, message, line)
    for row in _rows_of_words(message, line):
        meaning = _read(row, message, line)
        if meaning.state != "noted" or not row.pattern.needs_state:
            return meaning
    return None


@lru_cache(maxsize=2048)
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
    """Compile the rows at first use: a process that reads no logs does not pay for them."""
    return tuple(
        (
            _Row(pattern, tuple(re.compile(layout, re.IGNORECASE) for layout in pattern.layouts)),
            re.compile(pattern.mnemonic, re.IGNORECASE) if pattern.mnemonic else None,
        )
        for pattern in EVENT_PATTERNS
    )


@cache
def _rows_by_word() -> dict[str, list[tuple[int, frozenset[str], _Row]]]:
    index: dict[str, list[tuple[int, frozenset[str], _Row]]] = defaultdict(list)
    for rank, (row, _) in enumerate(_table()):
        for alternative in filter(None, row.pattern.words.split(",")):
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


@lru_cache(maxsize=2048)
def _words_of_process(process: str) -> frozenset[str]:
    """A daemon is called after what it does: `ospfd`, `bgpd`."""
    words = _words_of_mnemonic(process)
    return words | {word[:-1] for word in words if word.endswith("d")}


def _rows_of_words(message: str, line: SyslogLine) -> list[_Row]:
    lower = message.lower()
    words = set(_MESSAGE_WORD.findall(lower))
    if "is-is" in lower:
        words.add("isis")
    if line.event is not None:
        words |= _words_of_mnemonic(line.event)
    if line.process is not None:
        words |= _words_of_process(line.process)
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
            _read_layout(meaning, match, line)
            break
    else:
        _read_by_grammar(meaning, message, line)
    if meaning.reason is not None:
        meaning.initiator = initiator_of(meaning.reason)
        direction = meaning.details.get("direction")
        if direction is not None and not _TIMER.search(meaning.reason):
            meaning.initiator = "remote" if direction == "received" else "local"
    return meaning


def _read_layout(meaning: Meaning, match: re.Match[str], line: SyslogLine) -> None:
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
        meaning.state = state_of_word(word) or "noted"
        _note_port_state(meaning, word, values)
    elif "state_to" in values:
        meaning.state = state_of_step(
            meaning.pattern.kind, values.get("state_from"), values["state_to"]
        )
    elif meaning.pattern.state is None:
        meaning.state = read_state(meaning.pattern.kind, match.string, line.event, {}).state
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
    pairs = read_pairs(message, line.fields)
    if kind in _WITH_PORT:
        meaning.interface = find_port(message, pairs) or find_port(line.location or "", {})
    if kind in _WITH_NEIGHBOR:
        meaning.neighbor = find_neighbor(message, pairs, unlabelled=kind in _WITH_ADDRESSES)
    if kind is OccurrenceKind.BGP_SESSION:
        meaning.neighbor_as = find_as(message, pairs)
    if kind in _SESSIONS:
        meaning.vrf = find_vrf(message, pairs)
    if kind in _ABOUT_PEOPLE:
        meaning.details.update(find_person(message, pairs))
    meaning.reason = find_reason(message, pairs)
    if meaning.reason == meaning.interface:
        meaning.reason = None
    if meaning.pattern.state is not None:
        meaning.state = meaning.pattern.state
        return
    reading = read_state(kind, message, line.event, pairs)
    meaning.state = reading.state
    if reading.before is not None and reading.word is not None:
        meaning.details.update(state_from=reading.before, state_to=reading.word)
    elif reading.word is not None:
        _note_port_state(meaning, reading.word, meaning.details)
