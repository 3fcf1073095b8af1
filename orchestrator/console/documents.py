"""A document for paper on a page of the console."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from orchestrator.console.safe_text import text
from orchestrator.console.tables import table_html
from orchestrator.rendering.document import Block, Grid, Heading, Items, Paragraph, Quote


def document(blocks: Sequence[Block]) -> ui.html:
    """Put it on the page as one element."""
    return ui.html("".join(map(_html, blocks)), sanitize=True)


def _html(block: Block) -> str:
    match block:
        case Heading(said, level):
            return f"<h{level}>{text(said)}</h{level}>"
        case Paragraph(said, quiet):
            return f"<p{' class=dim' if quiet else ''}>{text(said)}</p>"
        case Items(items, boxes):
            style = ' class="todo"' if boxes else ""
            return f"<ul{style}>{''.join(f'<li>{text(item)}</li>' for item in items)}</ul>"
        case Grid(headings, rows):
            return table_html("Incidents of the shift", headings, rows)
        case Quote(said, source):
            return f"<blockquote><pre>{text(said)}</pre><small>{text(source)}</small></blockquote>"
