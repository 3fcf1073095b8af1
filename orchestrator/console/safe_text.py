"""The one way to put words that others wrote on a page: tickets, alarms, models, engineers.

`text` and `words` show a string as it is, whatever HTML, Markdown or terminal escape is in it.
`markdown` shows an answer's Markdown: our own renderer writes it, the browser's DOMPurify cleans
it, and it can neither load nor link to anything outside.
"""

from __future__ import annotations

import re
from html import escape

from nicegui import ui

from agents.plain_text import plain

_IMAGE = re.compile(r"!\s*\[")
_ADDRESS = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]*:(?=//|[^\s/])|www\.)")
_INSIDE = re.compile(r"\]\((/[^\s()/\\][^\s()\\]*)\)")


def text(value: str) -> str:
    """A string for HTML: no markup, no control or bidirectional characters; lines are kept."""
    return "\n".join(escape(plain(line)) for line in value.splitlines())


def words(value: str, *, classes: str = "") -> ui.label:
    """A label with a string as it is."""
    return ui.label("\n".join(plain(line) for line in value.splitlines())).classes(classes)


def heading(value: str, level: int = 1) -> ui.html:
    """A title; each page has one of level 1."""
    style = "headline" if level == 1 else "title"
    return ui.html(text(value), sanitize=True, tag=f"h{level}").classes(style)


def quotation(value: str) -> ui.element:
    """A verbatim quotation, line by line, in a fixed-width block."""
    return ui.html(f"<pre class='quote' tabindex='0'>{text(value)}</pre>", sanitize=True)


def markdown(value: str) -> ui.markdown:
    """An answer in Markdown; HTML in it is text, and its links stay inside the console."""
    return ui.markdown(inert(value), extras=["fenced-code-blocks", "tables"], sanitize=True)


def inert(value: str) -> str:
    """Markdown without HTML, pictures and links to elsewhere, which are shown as they are written.

    Links that begin with a single `/` are the console's own and stay.
    """
    shown = "\n".join(plain(line) for line in value.splitlines())
    shown = shown.replace("&", "&amp;").replace("<", "&lt;")
    shown = _IMAGE.sub("&#33;&#91;", shown)
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found.group(1))
        return f"\x00{len(kept) - 1}\x00"

    shown = _INSIDE.sub(keep, shown)
    shown = shown.replace("](", "]&#40;").replace("]:", "]&#58;").replace("][", "]&#91;")
    for number, path in enumerate(kept):
        shown = shown.replace(f"\x00{number}\x00", f"]({path})")
    return _ADDRESS.sub(lambda found: found.group(0).replace(":", "&#58;"), shown)
