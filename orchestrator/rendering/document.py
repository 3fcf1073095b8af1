"""A document for paper, as values: what is said once can be Markdown, HTML or PDF.

The texts in it are as they were found; each writer makes them harmless in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from agents.plain_text import markdown, plain
from orchestrator.rendering.page_style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 is the document's, 2 a chapter's, 3 a section's."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str
    quiet: bool = False
    """Set apart from what matters most."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[str, ...]
    boxes: bool = False
    """With a box to tick before each."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody's words or a record, verbatim."""

    text: str
    source: str = ""


Block: TypeAlias = Heading | Paragraph | Items | Grid | Quote


def filled(title: str, blocks: Iterable[Block], *, level: int = 2) -> Iterator[Block]:
    """A heading and what stands under it; nothing when nothing does."""
    kept = [block for block in blocks if not _is_empty(block)]
    if kept:
        yield Heading(title, level)
        yield from kept


def document_html(title: str, blocks: Sequence[Block]) -> str:
    """One HTML file without script or request, styled for paper."""
    body = "".join(map(_html, blocks))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_text(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><main>{body}</main></body></html>\n"
    )


def document_markdown(blocks: Sequence[Block]) -> str:
    """The document in Markdown."""
    return "\n\n".join(map(_markdown, blocks)) + "\n"


def _is_empty(block: Block) -> bool:
    match block:
        case Items(items):
            return not items
        case Grid(_, rows):
            return not rows
        case Heading(text) | Paragraph(text) | Quote(text):
            return not text


def _text(value: str) -> str:
    return escape(plain(value))


def _html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{_text(text)}</h{level}>"
        case Paragraph(text, quiet):
            return f'<p class="dim">{_text(text)}</p>' if quiet else f"<p>{_text(text)}</p>"
        case Items(items, boxes):
            box = "☐ " if boxes else ""
            return f"<ul>{''.join(f'<li>{box}{_text(item)}</li>' for item in items)}</ul>"
        case Grid(headings, rows):
            head = "".join(f"<th>{_text(heading)}</th>" for heading in headings)
            body = "".join(
                f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows
            )
            return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        case Quote(text, source):
            lines = "\n".join(map(_text, text.splitlines()))
            return f"<blockquote><small>{_text(source)}</small><pre>{lines}</pre></blockquote>"


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {markdown(text)}"
        case Paragraph(text):
            return markdown(text)
        case Items(items, boxes):
            box = "[ ] " if boxes else ""
            return "\n".join(f"- {box}{markdown(item)}" for item in items)
        case Grid(headings, rows):
            lines = (headings, tuple("---" for _ in headings), *rows)
            return "\n".join(f"| {' | '.join(map(markdown, line))} |" for line in lines)
        case Quote(text, source):
            quoted = "\n".join(f"> {markdown(line)}" for line in text.splitlines())
            return f"{quoted}\n>\n> {markdown(source)}" if source else quoted
