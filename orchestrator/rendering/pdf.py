"""A document as PDF, written by fpdf2: no browser, no system library.

A font with more than Latin-1 is taken from the machine where it has one (Debian:
fonts-dejavu-core); without it, letters that Helvetica lacks are shown as `?`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import WrapMode

from agents.plain_text import plain
from orchestrator.rendering.document import Block, Grid, Heading, Items, Paragraph, Quote

_FONT_FOLDERS = (
    Path("/usr/share/fonts/truetype/dejavu"),
    Path("/usr/share/fonts/dejavu-sans-fonts"),
    Path("/usr/share/fonts/dejavu"),
    Path("/usr/share/fonts/TTF"),
)
_CORE_FONT = "Helvetica"
"""One that every reader has; Latin-1."""
_REGULAR, _BOLD = "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"
_BODY_PT, _SMALL_PT, _LINE_MM = 9.5, 8.0, 5.0
_TITLE_PT = {1: 17.0, 2: 12.5, 3: 10.5}
_INK, _DIM, _RULE = (27, 36, 48), (91, 102, 117), (217, 223, 231)
_LATIN = str.maketrans({"→": "->", "☐": "[ ]", "…": "...", "–": "-", "—": "-", "≤": "<="})
_MARGIN_MM = 16
_WITH_HEADING_MM = 28
"""A heading stands on the page of what follows it."""
_LONGEST_WORD = 40


def document_pdf(title: str, blocks: Sequence[Block]) -> bytes:
    """Write a document on A4."""
    return _Paper(title).written(blocks)


class _Pages(FPDF):
    """Numbered pages."""

    def __init__(self) -> None:
        super().__init__(format="A4")
        self.letters = self._add_letters()
        self.set_margin(_MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=_MARGIN_MM)

    def footer(self) -> None:
        """The number at the foot."""
        self.set_y(-12)
        self.write_with(_SMALL_PT, colour=_DIM)
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="R")

    def write_with(
        self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = _INK
    ) -> None:
        """Choose size, weight and colour of what is written next."""
        self.set_font(self.letters, "B" if bold else "", size)
        self.set_text_color(*colour)

    def _add_letters(self) -> str:
        for folder in _FONT_FOLDERS:
            if (folder / _REGULAR).is_file() and (folder / _BOLD).is_file():
                self.add_font("DejaVu", "", folder / _REGULAR)
                self.add_font("DejaVu", "B", folder / _BOLD)
                return "DejaVu"
        return _CORE_FONT


class _Paper:
    """Pages that are written from top to bottom."""

    def __init__(self, title: str) -> None:
        self._pdf = _Pages()
        self._pdf.set_lang("en")
        self._pdf.set_title(self._shown(title))
        self._pdf.set_creator("tierwise")
        self._pdf.add_page()

    def written(self, blocks: Sequence[Block]) -> bytes:
        """Write every block and close the file."""
        for block in blocks:
            self._write(block)
        return bytes(self._pdf.output())

    def _shown(self, text: str) -> str:
        """A line without control characters, in letters that the font has."""
        shown = plain(text)
        if self._pdf.letters == _CORE_FONT:
            shown = shown.translate(_LATIN).encode("latin-1", "replace").decode("latin-1")
        return shown

    def _lines(self, text: str, *, indent: float = 0.0, height: float = _LINE_MM) -> None:
        pdf = self._pdf
        for line in text.splitlines() or [""]:
            pdf.set_x(pdf.l_margin + indent)
            pdf.multi_cell(
                pdf.epw - indent,
                height,
                self._shown(line),
                align="L",
                wrapmode=_wrapping(line),
                new_x="LMARGIN",
                new_y="NEXT",
            )

    def _write(self, block: Block) -> None:
        pdf = self._pdf
        match block:
            case Heading(text, level):
                if level > 1 and pdf.will_page_break(_WITH_HEADING_MM):
                    pdf.add_page()
                pdf.ln(0 if level == 1 else 3)
                self._pdf.write_with(_TITLE_PT[level], bold=True)
                self._lines(text, height=_TITLE_PT[level] * 0.5)
                pdf.ln(1.5)
            case Paragraph(text, quiet):
                self._pdf.write_with(
                    _SMALL_PT if quiet else _BODY_PT, colour=_DIM if quiet else _INK
                )
                self._lines(text)
                pdf.ln(1)
            case Items(items, boxes):
                self._pdf.write_with(_BODY_PT)
                for item in items:
                    self._lines(f"{'☐' if boxes else '•'}  {item}", indent=2)
                pdf.ln(1)
            case Quote(text, source):
                self._pdf.write_with(_SMALL_PT, colour=_DIM)
                self._lines(text, indent=4, height=4)
                if source:
                    self._lines(source, indent=4, height=4)
                pdf.ln(1)
            case Grid(headings, rows):
                self._grid(headings, rows)

    def _grid(self, headings: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> None:
        self._pdf.write_with(_SMALL_PT)
        self._pdf.set_draw_color(*_RULE)
        with self._pdf.table(
            borders_layout="HORIZONTAL_LINES",
            text_align="LEFT",
            line_height=4.2,
            padding=1,
            wrapmode=_wrapping(*(cell for row in rows for cell in row)),
        ) as table:
            for cells in (headings, *rows):
                row = table.row()
                for cell in cells:
                    row.cell(self._shown(cell))
        self._pdf.ln(2)


def _wrapping(*texts: str) -> WrapMode:
    """Between words, unless a word is longer than what a line of paper or a cell takes."""
    long = any(len(word) > _LONGEST_WORD for text in texts for word in text.split())
    return WrapMode.CHAR if long else WrapMode.WORD
