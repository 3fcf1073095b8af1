"""Untrusted strings made harmless: what a device or a stranger wrote never drives a terminal."""

from __future__ import annotations

import re
import unicodedata

# Besides control characters: format characters (bidirectional overrides, zero-width) and what
# cannot be encoded.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def plain(text: str) -> str:
    """Show control and format characters as escapes; line breaks and tabs become blanks."""
    return "".join(
        " "
        if character in "\n\t\r"
        else f"\\x{ord(character):02x}"
        if unicodedata.category(character) in _HIDDEN
        else character
        for character in text
    )


def markdown(text: str) -> str:
    """Escape what Markdown or HTML would read as markup."""
    return _MARKDOWN.sub(r"\\\1", plain(text))


def code_span(text: str) -> str:
    """Quote verbatim in a Markdown code span."""
    shown = plain(text)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def agent_shown(agent: str) -> str:
    """An agent's name for people, who need not read a claim into it."""
    return agent.replace("root_cause_analyst", "analyst").replace("_", " ")
