"""Words that others wrote stay words: HTML, Markdown and terminal tricks are inert."""

import html
import re

import pytest
from nicegui.elements.markdown import prepare_content

from orchestrator.console.safe_text import inert, text

TRICKS = [
    "<script>alert(1)</script>",
    '<img src="x" onerror="alert(1)">',
    "[click](javascript:alert(1))",
    "[click](https://evil.test/?q=1)",
    "[click]: https://evil.test/\n\n[click]",
    "![pixel](https://evil.test/p.png)",
    "<https://evil.test/>",
    "https://evil.test/ and www.evil.test",
    "[a][b]\n\n[b]: //evil.test",
    "[x](\n//evil.test)",
    "[x](/\\evil.test)",
    "\x1b[2J\x1b]8;;http://evil.test\x07here\x1b]8;;\x07",
    "\u202egnp.exe",
    "&lt;img src=x&gt; &#106;avascript:alert(1)",
]


def rendered(words):
    """The HTML that reaches the browser."""
    return prepare_content(inert(words), "fenced-code-blocks tables")


@pytest.mark.parametrize("trick", TRICKS)
def test_markdown_of_others_loads_nothing_and_leads_nowhere(trick):
    """Issue 10: model text and tickets; the browser's sanitizer is only the second lock."""
    shown = rendered(trick)
    tags = set(re.findall(r"<([a-z0-9]+)", shown))
    assert tags <= {"p", "em", "strong", "code", "br"}
    assert not re.search(r"<[^>]*(href|src)=", shown)


def test_markdown_keeps_what_an_answer_is_made_of():
    """Issue 10: headings, lists, code, and links within the console."""
    shown = rendered("# Why\n\n- one\n- `two`\n\n[the incident](/incidents/inc-1)\n\na < b & c")
    assert {"<h1", "<li>", "<code>"} <= {t for t in ("<h1", "<li>", "<code>") if t in shown}
    assert 'href="/incidents/inc-1"' in shown
    assert "a &lt; b &amp; c" in shown


@pytest.mark.parametrize("trick", TRICKS)
def test_text_is_shown_as_it_was_written(trick):
    """Issue 10: no markup, no control character; and nothing is swallowed."""
    shown = text(trick)
    assert "<" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    if trick.isprintable():
        assert html.unescape(shown) == trick
