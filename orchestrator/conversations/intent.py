"""What a person wants in a conversation about an incident: read in code, not guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "why",
    "why_not",
    "what_if",
    "show",
    "diff",
    "similar",
    "handover",
    "runbook",
    "gaps",
    "placed",
    "new",
    "help",
    "other",
]


@dataclass(frozen=True, slots=True)
class Intent:
    """What is wanted, and what about."""

    kind: Kind
    about: str = ""
    """The rest of the words: an element, or a part of one's name."""


_COMMANDS: dict[str, Kind] = {
    "why": "why",
    "whynot": "why_not",
    "whatif": "what_if",
    "show": "show",
    "diff": "diff",
    "similar": "similar",
    "handover": "handover",
    "runbook": "runbook",
    "gaps": "gaps",
    "placed": "placed",
    "new": "new",
    "help": "help",
}
COMMANDS: dict[str, str] = {
    "/why [ELEMENT]": "what the answer rests on",
    "/whynot ELEMENT": "what speaks against an element",
    "/whatif ELEMENT": "what would be left if an element were fine",
    "/show [ELEMENT or evidence id]": "the decisive lines, verbatim",
    "/diff [ELEMENT]": "configuration changes before onset",
    "/similar": "past incidents with their close notes",
    "/runbook [WORDS]": "the operator's checklist, ticked as far as the evidence goes",
    "/handover": "the summary for the next shift",
    "/gaps": "what could not be looked at",
    "/placed": "what ran where, and what left the site",
    "/new QUESTION": "another investigation",
}
"""For people: each command and what it gives."""

_WORDED: Sequence[tuple[str, Kind]] = (
    (r"\bwhat\s+(?:would|happens?|happened|changes?)?\s*if\b(?P<about>.*)", "what_if"),
    (r"\b(?:suppose|assume|assuming)\b(?P<about>.*)", "what_if"),
    (
        r"\bwhy\s+(?:not|isn'?t\s+it|wasn'?t\s+it|is\s+it\s+not|(?:did|do)\s+you\s+(?:not|rule"
        r"\s+out))\b(?P<about>.*)",
        "why_not",
    ),
    (r"\b(?:rule[sd]?\s+out|could\s+it\s+(?:not\s+)?be)\b(?P<about>.*)", "why_not"),
    (
        r"\b(?:show|see|quote|read|print|give)\b.*?\b(?:lines?|evidence|logs?|records?|proof|"
        r"alarms?)\b(?P<about>.*)",
        "show",
    ),
    (r"\b(?:what|which|who|show)\b.*?\b(?:chang|commit|diff)\w*(?P<about>.*)", "diff"),
    (r"\b(?:before|similar|history|tickets?)\b(?P<about>.*)", "similar"),
    (r"\b(?:hand\s?-?over|next\s+shift)\b(?P<about>.*)", "handover"),
    (
        r"\b(?:runbook|checklist|procedure|what\s+(?:should|can|do)\s+(?:i|we)\s+do|"
        r"what\s+next)\b(?P<about>.*)",
        "runbook",
    ),
    (r"\b(?:gaps?|missing|don'?t\s+you\s+know|not\s+looked|unknown)\b(?P<about>.*)", "gaps"),
    (r"\b(?:left\s+the\s+site|which\s+tier|ran\s+where|what\s+did\s+it\s+cost)\b", "placed"),
    (r"\bwhy\b(?P<about>.*)", "why"),
    (r"^\s*help\b", "help"),
)
_PHRASES = tuple((re.compile(pattern, re.I), kind) for pattern, kind in _WORDED)


def read_intent(words: str) -> Intent:
    """Read a slash command, or the phrases people use; anything else is `other`."""
    text = words.strip()
    if text.startswith("/"):
        command, _, rest = text[1:].partition(" ")
        return Intent(_COMMANDS.get(command.lower(), "help"), rest.strip())
    for pattern, kind in _PHRASES:
        match = pattern.search(text)
        if match is not None:
            about = match.groupdict().get("about") or ""
            return Intent(kind, about.strip(" ?.!,:"))
    return Intent("other", text)
