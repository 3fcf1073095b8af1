"""Passages: what is embedded, searched and cited, cut by structure, with offsets.

A passage is a verbatim slice of a ticket's field or of a document's text. Cuts fall between
paragraphs, else sentences, else words, and the pieces of one section are of like size.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from telecom.ticket import Ticket
from telecom.tokens import estimate_tokens

TOKEN_BUDGET = 220
"""Leaves room for the context within the 256 tokens that the embedding model reads."""

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_WORD = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of a source, with its place and the words it stands under."""

    part: str
    """The ticket's field, or the document's section."""
    start: int
    end: int
    """Character offsets in the part's text (tickets) or the document's text (documents)."""
    text: str
    locator: str
    context: str
    """Title, object, headings: embedded and searched with the text, never quoted."""

    @property
    def embedded_text(self) -> str:
        """What the embedding model reads."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def digest(self) -> str:
        """Changes exactly when the vector has to."""
        return hashlib.sha256(self.embedded_text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document under one heading."""

    start: int
    end: int
    headings: tuple[str, ...] = ()
    anchor: str = ""
    """`#slug` of the heading or `page 3`; empty for a text without structure."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as a reader gives it: its text, and where its sections are."""

    title: str
    text: str
    sections: tuple[Section, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)


def ticket_passages(ticket: Ticket) -> list[Passage]:
    """Cut a ticket: what was seen (`description`) and what was done (`close_note`).

    A ticket without either is one passage of its title.
    """
    where = [ticket.title, ticket.managed_object or ""]
    seen = _field_passages("description", ticket.description, _context(*where))
    done = _field_passages(
        "close_note", ticket.close_note or "", _context(ticket.title, ticket.cause or "")
    )
    if seen or done:
        return seen + done
    context = _context(ticket.managed_object or "", ticket.cause or "")
    return _field_passages("title", ticket.title, context)


def document_passages(document: Document) -> list[Passage]:
    """Cut a document section by section; empty sections give nothing."""
    passages: list[Passage] = []
    for section in document.sections:
        context = _context(document.title, *section.headings)
        for start, end in split_span(document.text, section.start, section.end):
            place = f"chars {start}-{end}"
            passages.append(
                Passage(
                    part=section.anchor or "text",
                    start=start,
                    end=end,
                    text=document.text[start:end],
                    locator=f"{section.anchor} {place}" if section.anchor else place,
                    context=context,
                )
            )
    return passages


def split_span(
    text: str, start: int, end: int, *, budget: int = TOKEN_BUDGET
) -> Iterator[tuple[int, int]]:
    """Cut `text[start:end]` into stripped slices of at most about `budget` tokens, of like size."""
    units = list(_units(text, start, end, budget, (_PARAGRAPH, _SENTENCE, _WORD)))
    total = sum(tokens for _, _, tokens in units)
    target = max(1.0, total / max(1, math.ceil(total / budget)))
    packed: list[tuple[int, int]] = []
    size = 0.0
    for unit_start, unit_end, tokens in units:
        # A unit belongs to the slice in which most of it fits.
        if packed and size + tokens <= budget and size + tokens / 2 <= target:
            packed[-1] = (packed[-1][0], unit_end)
            size += tokens
        else:
            packed.append((unit_start, unit_end))
            size = tokens
    yield from packed


def _units(
    text: str, start: int, end: int, budget: int, separators: Sequence[re.Pattern[str]]
) -> Iterator[tuple[int, int, int]]:
    """Pieces of at most `budget` tokens, with their size, cut as coarsely as that allows."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start == end:
        return
    tokens = estimate_tokens(text[start:end])
    if tokens <= budget:
        yield start, end, tokens
    elif not separators:  # one unbroken word: cut anywhere
        step = max(1, (end - start) * budget // tokens)
        for cut in range(start, end, step):
            yield cut, min(cut + step, end), budget
    else:
        separator, *finer = separators
        at = start
        for match in separator.finditer(text, start, end):
            yield from _units(text, at, match.start(), budget, finer)
            at = match.end()
        yield from _units(text, at, end, budget, finer)


def _field_passages(part: str, text: str, context: str) -> list[Passage]:
    slices = list(split_span(text, 0, len(text)))
    whole = len(slices) == 1
    return [
        Passage(
            part=part,
            start=start,
            end=end,
            text=text[start:end],
            locator=part if whole else f"{part} chars {start}-{end}",
            context=context,
        )
        for start, end in slices
    ]


def _context(*words: str) -> str:
    return ". ".join(dict.fromkeys(word.strip() for word in words if word.strip()))
