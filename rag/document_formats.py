"""Document readers: Markdown, text, HTML, PDF and DOCX to text with sections.

Offsets count characters of the text as read here: of the file itself for Markdown and text, of the
extracted text for the others.
"""

from __future__ import annotations

import logging
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from rag.filters import attribute_name
from rag.passages import Document, Section
from telecom.errors import InvalidArgumentError

LARGEST_FILE = 64 * 2**20
"""Bytes; also of what a DOCX unpacks to."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$", re.MULTILINE)
_UNDERLINED = re.compile(r"^(\S[^\n]*)\n(=+|-{3,})[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*\n", re.MULTILINE | re.DOTALL)
_STEPS = re.compile(r"^steps:[ \t]*$", re.MULTILINE)
_WORD_XML = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


_NO_DOCX = (
    zipfile.BadZipFile,
    zlib.error,
    ElementTree.ParseError,
    EOFError,
    KeyError,
    RuntimeError,  # encrypted
    ValueError,  # among them names in no known encoding
)
"""What a damaged file surfaces as."""
_NO_PDF = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,  # among them NotImplementedError and RecursionError
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What a damaged file surfaces as inside pypdf, beside pypdf's own errors."""


def read_document(file: Path) -> Document:
    """Read one document by its suffix.

    Raises:
        InvalidArgumentError: It cannot be read; the message is the reason, without its path.
    """
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise InvalidArgumentError("file", f"is larger than {LARGEST_FILE // 2**20} MiB")
        return READERS[file.suffix.lower()](file)
    except OSError as exc:
        raise InvalidArgumentError("file", f"cannot be read: {exc.strerror or exc}") from exc


def read_markdown(file: Path) -> Document:
    """Sections by headings (`#` and underlined); front matter becomes attributes."""
    text = _text_of(file)
    attributes: dict[str, str] = {}
    start = 0
    front = _FRONT_MATTER.match(text)
    if front is not None:
        start = front.end()
        for line in front[1].splitlines():
            key, colon, value = line.partition(":")
            if colon and value.strip():
                attributes[attribute_name(key)] = value.strip().strip("\"'")
    fences = [match.span() for match in _FENCE.finditer(text)]
    marks = sorted(
        [(m.start(), m.end(), len(m[1]), m[2]) for m in _HEADING.finditer(text, start)]
        + [
            (m.start(), m.end(), 1 if m[2].startswith("=") else 2, m[1])
            for m in _UNDERLINED.finditer(text, start)
            if not m[1].startswith(("#", "|", "-"))
        ]
    )
    headings = [mark for mark in marks if not any(begin <= mark[0] < end for begin, end in fences)]
    title = attributes.get("title") or (headings[0][3] if headings else _name_as_title(file))
    sections = tuple(_sections(text, start, headings))
    if front is not None and _STEPS.search(front[1]):
        # A runbook's checklist is what people search it for.
        sections = (Section(front.start(1), front.end(1), ("Runbook",), "#checklist"), *sections)
    return Document(title, text, sections, attributes)


def read_text(file: Path) -> Document:
    """One section; the file's name is the title."""
    text = _text_of(file)
    return Document(_name_as_title(file), text, (Section(0, len(text)),))


def read_html(file: Path) -> Document:
    """The visible text, sections by `h1` to `h6`."""
    page = _Page()
    page.read(_text_of(file))
    return _assembled(file, page.text_blocks(), page.title)


def read_docx(file: Path) -> Document:
    """Paragraphs, those of tables included; sections by heading styles."""
    try:
        with zipfile.ZipFile(file) as archive:
            entry = archive.getinfo("word/document.xml")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise InvalidArgumentError("file", "is compressed in a way that Word does not use")
            if entry.file_size > LARGEST_FILE:
                raise InvalidArgumentError("file", f"unpacks to more than {LARGEST_FILE} bytes")
            # The expat that Python ships refuses entity expansion attacks.
            root = ElementTree.fromstring(archive.read(entry))  # noqa: S314
    except _NO_DOCX as exc:
        raise InvalidArgumentError("file", "is not a Word document (.docx)") from exc
    blocks: list[tuple[int, str]] = []
    for paragraph in root.iter(f"{_WORD_XML}p"):
        style = paragraph.find(f"{_WORD_XML}pPr/{_WORD_XML}pStyle")
        name = "" if style is None else style.get(f"{_WORD_XML}val", "")
        heading = re.fullmatch(r"(?:Heading|berschrift|Titre|Title)\s?([1-6]?)", name)
        level = 0 if heading is None else int(heading[1] or 1)
        words = "".join(_word_text(node) for node in paragraph.iter())
        blocks.append((level, words))
    return _assembled(file, blocks, "")


def _word_text(node: ElementTree.Element) -> str:
    if node.tag == f"{_WORD_XML}t":
        return node.text or ""
    return " " if node.tag in (f"{_WORD_XML}tab", f"{_WORD_XML}br") else ""


def read_pdf(file: Path) -> Document:
    """The text of each page, one section a page."""
    try:
        from pypdf import PdfReader  # noqa: PLC0415 - optional, and slow to import
        from pypdf.errors import DependencyError, PyPdfError  # noqa: PLC0415
    except ImportError as exc:
        raise InvalidArgumentError(
            "file", "PDF needs the extra 'site': pip install 'tierwise[site]'"
        ) from exc
    # Its warnings quote the file, and are of no use to whoever ingests a thousand.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(file)
        pages = [page.extract_text() for page in reader.pages]
        title = (reader.metadata.title if reader.metadata else None) or ""
    except (PyPdfError, DependencyError, *_NO_PDF) as exc:
        raise InvalidArgumentError("file", "is not a PDF that can be read") from exc
    text, sections = "", []
    for number, page in enumerate(pages, 1):
        start = len(text)
        text += _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", page).replace("\0", " ") + "\n\n"
        sections.append(Section(start, len(text), anchor=f"page {number}"))
    return Document(title.strip() or _name_as_title(file), text, tuple(sections))


READERS: dict[str, Callable[[Path], Document]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
}


class _Page(HTMLParser):
    """Collects blocks of visible text with the level of their heading, 0 for a paragraph."""

    _HIDDEN = frozenset({"script", "style", "template", "noscript", "nav", "head"})
    _BLOCKS = frozenset(
        "address article aside blockquote br dd div dl dt figure footer form header hr li main ol "
        "p pre section table td th tr ul".split()
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[tuple[int, list[str]]] = [(0, [])]
        self.title = ""
        self._hidden = 0
        self._in_title = False

    def read(self, text: str) -> None:
        """Take a page in, in time linear in its length.

        The parser looks for the end of a comment, a marked section or a tag from each beginning
        anew. So comments are taken out before, what begins like one after that is made a
        declaration, which ends at the next `>`, and behind the last `>` there are words only.
        """
        plain = _without_comments(text).replace("<!--", "<?").replace("<![", "<?")
        tags, close, words = plain.rpartition(">")
        self.feed(tags + close)
        self.close()
        self.handle_data(words)

    def text_blocks(self) -> list[tuple[int, str]]:
        """What was collected, in order."""
        return [(level, "".join(pieces)) for level, pieces in self._blocks]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._in_title = tag == "title"
        self._hidden += tag in self._HIDDEN
        if re.fullmatch(r"h[1-6]", tag):
            self._blocks.append((int(tag[1]), []))
        elif tag in self._BLOCKS:
            self._blocks.append((0, []))

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False
        if tag in self._HIDDEN and self._hidden:
            self._hidden -= 1
        if re.fullmatch(r"h[1-6]", tag):
            self._blocks.append((0, []))

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data.strip()
        elif not self._hidden:
            self._blocks[-1][1].append(data)


def _without_comments(page: str) -> str:
    """A page without its comments; one that does not end is the rest of the page."""
    pieces: list[str] = []
    at = 0
    while (begin := page.find("<!--", at)) >= 0:
        pieces.append(page[at:begin])
        end = page.find("-->", begin + 2)  # `<!-->` is a whole one
        if end < 0:
            return "".join(pieces)
        at = end + 3
    return "".join([*pieces, page[at:]])


def _assembled(file: Path, blocks: list[tuple[int, str]], title: str) -> Document:
    """Join blocks into one text and find its sections."""
    text = ""
    headings: list[tuple[int, int, int, str]] = []
    for level, raw in blocks:
        words = re.sub(r"[ \t\r\f\v]+", " ", _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", raw))
        words = words.replace("\0", " ").strip()
        if not words:
            continue
        if level:
            headings.append((len(text), len(text) + len(words), level, words))
        text += words + "\n\n"
    title = title or (headings[0][3] if headings else _name_as_title(file))
    return Document(title, text, tuple(_sections(text, 0, headings)))


def _sections(
    text: str, start: int, headings: list[tuple[int, int, int, str]]
) -> Iterator[Section]:
    """Stretches between headings, each with the headings it stands under."""
    above: dict[int, str] = {}
    anchor, at, used = "", start, dict[str, int]()
    for begin, end, level, words in [*headings, (len(text), len(text), 0, "")]:
        if text[at:begin].strip():
            yield Section(at, begin, tuple(above.values()), anchor)
        above = {depth: name for depth, name in above.items() if depth < level}
        above[level] = words
        slug = re.sub(r"[^\w]+", "-", words.lower()).strip("-")
        used[slug] = used.get(slug, 0) + 1
        anchor = f"#{slug}" if used[slug] == 1 else f"#{slug}-{used[slug] - 1}"
        at = end


def _name_as_title(file: Path) -> str:
    """The words of a file's name; a bare number says nothing about the content."""
    words = re.sub(r"[-_]+", " ", file.stem).strip()
    return "" if words.isdigit() else words


def _text_of(file: Path) -> str:
    """Decode a text file: UTF-8, UTF-16 with its mark, else Windows-1252 if it looks like text."""
    data = file.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
            if text.count("\N{REPLACEMENT CHARACTER}") > len(text) // 100:
                raise InvalidArgumentError("file", "is not a text file") from None
    if _CONTROL.search(text):
        raise InvalidArgumentError("file", "is not a text file (holds control characters)")
    return text
