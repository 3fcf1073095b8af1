"""Tables and small drawings as HTML: read by people, by screen readers and on paper."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from nicegui import ui

from orchestrator.console.safe_text import text


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with more than words in it."""

    words: str
    note: str = ""
    """In small letters below."""
    style: str = ""
    """A class of `console.css`."""
    href: str | None = None
    """A path of the console."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A share from 0 to 1, written and drawn."""

    share: float
    note: str = ""
    """In small letters below."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is set apart."""

    cells: Sequence[str | Cell | Bar]
    style: str = ""
    names: str = field(default="", kw_only=True)
    """`data-name`, by which it is found."""


def table(
    caption: str,
    headings: Sequence[str],
    rows: Iterable[Row | Sequence[str | Cell | Bar]],
    *,
    numbers: Collection[int] = (),
    empty: str = "Nothing.",
) -> ui.html:
    """A table in a region that scrolls by itself when it is too wide.

    Args:
        caption: What the table says; the first thing a screen reader hears.
        headings: Of the columns.
        rows: Cells as words, or as `Cell` and `Bar`.
        numbers: Columns whose cells are figures.
        empty: Said instead of a table without rows.
    """
    return ui.html(table_html(caption, headings, rows, numbers=numbers, empty=empty), sanitize=True)


def table_html(
    caption: str,
    headings: Sequence[str],
    rows: Iterable[Row | Sequence[str | Cell | Bar]],
    *,
    numbers: Collection[int] = (),
    empty: str = "Nothing.",
) -> str:
    """The same as HTML."""
    body = "".join(_row(row if isinstance(row, Row) else Row(row), numbers) for row in rows)
    if not body:
        return f'<p class="dim">{text(empty)}</p>'
    head = "".join(
        f'<th scope="col"{_number(column, numbers)}>{text(heading)}</th>'
        for column, heading in enumerate(headings)
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(caption)}">'
        f'<table class="grid"><caption>{text(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: Row, numbers: Collection[int]) -> str:
    cells = "".join(_cell(cell, column, numbers) for column, cell in enumerate(row.cells))
    style = f' class="{text(row.style)}"' if row.style else ""
    named = f' data-name="{text(row.names)}"' if row.names else ""
    return f"<tr{style}{named}>{cells}</tr>"


def _cell(cell: str | Cell | Bar, column: int, numbers: Collection[int]) -> str:
    tag, scope = ("th", ' scope="row"') if column == 0 else ("td", "")
    return f"<{tag}{scope}{_number(column, numbers)}>{_content(cell)}</{tag}>"


def _content(cell: str | Cell | Bar) -> str:
    if isinstance(cell, str):
        return text(cell)
    if isinstance(cell, Bar):
        share = max(0.0, min(1.0, cell.share))
        drawn = f'<span class="share"><i style="width:{share * 100:.0f}%"></i></span>'
        return f"{share:.2f}{drawn}<small>{text(cell.note)}</small>"
    shown = text(cell.words)
    if cell.style:
        shown = f'<span class="{text(cell.style)}">{shown}</span>'
    if cell.href is not None:
        shown = f'<a href="{text(cell.href)}">{shown}</a>'
    return shown + (f"<small>{text(cell.note)}</small>" if cell.note else "")


def _number(column: int, numbers: Collection[int]) -> str:
    return ' class="n"' if column in numbers else ""
