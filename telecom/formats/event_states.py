"""States of an event in its text: did something go down, come up, or just happen?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from telecom.alarm import OccurrenceKind
from telecom.formats.event_parts import first_pair
from telecom.formats.event_table import DOWN_STATES, UP_STATES, State


@dataclass(frozen=True, slots=True)
class StateReading:
    """A state, and the words that gave it."""

    state: State
    word: str | None = None
    """The state now, as printed, where a phrase names it."""
    before: str | None = None
    """The state it left, as printed."""


_ARROW = re.compile(r"\b([A-Za-z][\w-]{1,20})\s?(?:->|=>|-->|\bto\b)\s?([A-Za-z][\w-]{1,20})\b")
_OPERATIONAL = re.compile(
    r"\b(?:if)?oper(?:ational)?[ _-]?(?:state|status)?(?: is| changed to|\s?[:=])?[\s\"']{0,2}"
    r"(up|down|in-?service|out-?of-?service|enabled|disabled)\b",
    re.IGNORECASE,
)
_ALARM_STEP = re.compile(
    r"\balarm\W{1,3}(?:is |was |has been )?(?:(set|raised|asserted|active|detected|on)"
    r"|(cleared|clear|deasserted|removed|off|ceased))\b",
    re.IGNORECASE,
)
_TRANSITION = re.compile(
    r"\b(?:from|old state:?|previous state:?|moved from)\s+(?:the\s+)?(?:higher |lower )?"
    r"(?:state\s+)?['\"]?([A-Za-z0-9][\w-]{0,20})['\"]?(?:\s+state)?,?\s+"
    r"(?:event\s+\S{1,40}\s+)?(?:to|into|new state:?|->)\s+(?:the\s+)?(?:higher |lower )?"
    r"(?:state\s+)?['\"]?([A-Za-z0-9][\w-]{0,20})",
    re.IGNORECASE,
)
_TARGET = re.compile(
    r"\b(?:changed (?:its )?(?:\w+ )?(?:state|status) to|changed to|(?:state|status)"
    r"(?: is| has| was(?= (?:now |changed|transitioned|set|moved)))?(?: now)?"
    r"(?: changed| transitioned| set| moved)?(?: to)?[ :=]{1,2}|"
    r"went|goes|go|became|becomes|turned into|turned|entered (?:the )?|transitioned to|"
    r"moved (?:in)?to|->|is now|is|are|has|has been|(?<!state )(?<!status )was)\s*['\"(]?"
    r"(administratively down|admin(?:istratively)? up|admin down|not \w+|no longer \w+|"
    r"[A-Za-z][\w-]{1,20})",
    re.IGNORECASE,
)
_SCAN = re.compile(
    r"\b(?:(?P<negated>(?:not|no longer|never|isn't|n't)[ -](?:\w{1,12}[ -])?"
    r"(?:up|operational|ready|ok|active|present|available|reachable|responding|synchroni[sz]ed|"
    r"locked|established|received|running|functioning|detected))"
    r"|(?P<down>down|lost|loss|fail(?:ed|s|ure|ures|ing)?|unreachable|inactive|offline|disconnected|"
    r"terminated|expired|timed[ -]out|timeout|dead|died|absent|missing|removed|closed|crash(?:ed)?|"
    r"abort(?:ed)?|broken|faulty|fault|los|lof|lol|holdover|unlocked|unsynchroni[sz]ed|"
    r"out of service|outage|exited|dumped|left|rejected|killed|abnormal(?:ly)?|detached)"
    r"|(?P<degraded>degraded|degradation|exceed(?:s|ed|ing)?|above|below|high|low|rising|"
    r"flap(?:s|ping|ped)?|mismatch(?:ed)?|reached|exhausted|full|insufficient|overload(?:ed)?|"
    r"out of range|out of limits|crossed|over(?= threshold| limit)|conflict|errors?|critical|"
    r"alarm)|(?P<up>up(?! to\b)|established|restored|recovered|cleared|clears?|online|"
    r"operational(?! speed| mode| duplex)|inserted|reachable|resumed|normal|ok|active|"
    r"synchroni[sz]ed|locked|connected|joined|falling|attached))\b",
    re.IGNORECASE,
)
_STEP_FROM = re.compile(r"UP_TO_|DOWN_TO_|UP_?(?:OR_?)?DOWN", re.IGNORECASE)
_DOWN_ENDINGS = tuple("down dwn lost loss fail failed failure expired timeout crash".split())
_DOWN_WORDS = frozenset(
    "los remove removed absent backward disconnect disconnected teardown".split()
)
_DEGRADED_WORDS = frozenset("rising exceed exceeded over high mismatch flap flapping".split())
_UP_WORDS = frozenset(
    "up clear cleared restore restored recover recovered falling normal established insert inserted"
    " ok resume resumed nbrup adjup linkup sessionup ifup portup peerup neighborup phyup".split()
)
_MNEMONIC_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_STATE_NAMES = tuple(
    "neighborcurrentstate currentstate newstate operationalstatus operstatus ifoperstatus"
    " sessionstate adjstate status state linkstatus adjacencystate".split()
)
_PREVIOUS_NAMES = ("neighborpreviousstate", "previousstate", "oldstate", "laststate")
_SESSION_STATES = frozenset(
    "idle connect active opensent openconfirm established init attempt 2way two-way exstart"
    " exchange loading full down admindown nonexistent initialized openreceived openrec operational"
    " up degraded standby learning listening forwarding blocking discarding"
    " slave master passive uncalibrated faulty premaster grand_master".split()
)
_ESTABLISHED = {
    OccurrenceKind.BGP_SESSION: frozenset({"established"}),
    OccurrenceKind.OSPF_ADJACENCY: frozenset({"full"}),
    OccurrenceKind.CLOCK: frozenset({"slave", "locked", "synchronized", "synchronised", "synced"}),
}
_BETWEEN = frozenset({"idle", "active", "connect"})


def read_state(
    kind: OccurrenceKind, message: str, event: str | None, pairs: Mapping[str, str]
) -> StateReading:
    """Find the state that a text reports.

    What is most explicit decides: a field that holds the state, a step from one state to another,
    a phrase such as "changed state to down", the mnemonic, and last any word of the text.
    """
    if word := first_pair(pairs, _STATE_NAMES):
        before = first_pair(pairs, _PREVIOUS_NAMES)
        if before is not None:
            return StateReading(state_of_step(kind, before, word), word, before)
        if state := state_of_word(word):
            return StateReading(state, word)
    if operational := _OPERATIONAL.search(message):
        word = operational.group(1)
        return StateReading(state_of_word(word.replace("-", "")) or "noted", word)
    if step := _TRANSITION.search(message):
        before, after = step.groups()
        if _is_state(before) or _is_state(after):
            return StateReading(state_of_step(kind, before, after), after, before)
    if alarm := _ALARM_STEP.search(message):
        return StateReading("degraded" if alarm.group(1) else "up")
    return _in_a_phrase(kind, message) or StateReading(
        (_state_of_mnemonic(event) if event else None) or state_in_words(message) or "noted"
    )


def _in_a_phrase(kind: OccurrenceKind, message: str) -> StateReading | None:
    for step in _ARROW.finditer(message):
        before, after = step.groups()
        if _is_state(before) and _is_state(after):
            return StateReading(state_of_step(kind, before, after), after, before)
    for phrase in _TARGET.finditer(message):
        if state := state_of_word(phrase.group(1)):
            return StateReading(state, phrase.group(1))
    return None


def state_in_words(message: str) -> State | None:
    """Read the first word of a text that tells a state; None when no word does."""
    match = _SCAN.search(message)
    if match is None:
        return None
    group = match.lastgroup
    if group == "up":
        return "up"
    return "degraded" if group == "degraded" else "down"


@lru_cache(maxsize=8192)
def _state_of_mnemonic(event: str) -> State | None:
    """Read a state off the words of a mnemonic: `linkDown`, `RPD_LDP_NBRUP`, `PS_FAIL`."""
    words = [word.lower() for word in _MNEMONIC_WORD.findall(_STEP_FROM.sub("", event))]
    # `linkDown_clear` names the alarm and says that it is over.
    if words and words[-1] in {"clear", "cleared", "clr", "resume", "resumed"}:
        return "up"
    for word in words:
        if word.endswith(_DOWN_ENDINGS) or word in _DOWN_WORDS:
            return "down"
    for word in words:
        if word in _DEGRADED_WORDS:
            return "degraded"
        if word in _UP_WORDS:
            return "up"
    return None


@lru_cache(maxsize=2048)
def state_of_word(word: str) -> State | None:
    """Read one word for a state, such as `Down`, `not ready`, `down(2)`; None for any other."""
    word = re.sub(r"\(\d+\)$", "", word.lower().strip())
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


def state_of_step(kind: OccurrenceKind, before: str | None, after: str) -> State:
    """Read a step of a state machine: only reaching or leaving its last state is up or down."""
    established = _ESTABLISHED.get(kind, UP_STATES)
    after = after.lower()
    was_established = before is not None and before.lower() in established
    if after in established:
        return "up"
    if was_established or (after in DOWN_STATES and after not in _BETWEEN):
        return "down"
    return "changed"
