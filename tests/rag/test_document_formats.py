"""Documents become text with sections, whatever their format; bad ones say why."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from rag.document_formats import READERS, read_document
from rag.passages import document_passages
from telecom.errors import InvalidArgumentError


def test_markdown_is_cut_at_its_headings_and_cited_by_them(tmp_path: Path) -> None:
    """Issue: headings for documents, offsets for citation."""
    file = tmp_path / "runbook.md"
    file.write_text(
        "---\nvendor: Acme\n---\n# Guide\n\nIntro.\n\n## Links\n\nClean them.\n\n"
        "```\n# no heading\n```\n\nPower\n-----\n\nCheck fuses.\n"
    )
    document = read_document(file)
    passages = document_passages(document)
    assert dict(document.attributes) == {"vendor": "Acme"}
    assert [passage.locator.split(" chars")[0] for passage in passages] == [
        "#guide",
        "#links",
        "#power",
    ]
    assert [passage.context for passage in passages] == ["Guide", "Guide. Links", "Guide. Power"]
    assert all(document.text[each.start : each.end] == each.text for each in passages)
    assert passages[1].text == "Clean them.\n\n```\n# no heading\n```"


def test_html_gives_visible_text_under_its_headings(tmp_path: Path) -> None:
    """Issue: HTML."""
    file = tmp_path / "page.html"
    file.write_text(
        "<html><head><title>Manual</title><style>p{}</style></head><body><script>evil()</script>"
        "<h1>Alarms</h1><p>LOS &amp; LOF <b>mean</b> trouble.</p><ul><li>one<li>two</ul>"
    )
    document = read_document(file)
    (passage,) = document_passages(document)
    assert document.title == "Manual"
    assert passage.text == "LOS & LOF mean trouble.\n\none\n\ntwo"
    assert passage.locator.startswith("#alarms chars ")


def test_word_documents_are_read_by_their_heading_styles(tmp_path: Path) -> None:
    """Issue: DOCX."""
    names = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = (
        '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Power</w:t></w:r></w:p>'
        "<w:p><w:r><w:t>Check </w:t></w:r><w:r><w:t>fuses.</w:t></w:r></w:p>"
    )
    file = tmp_path / "manual.docx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "word/document.xml", f"<w:document {names}><w:body>{body}</w:body></w:document>"
        )
    (passage,) = document_passages(read_document(file))
    assert (passage.text, passage.context) == ("Check fuses.", "Power")


def write_pdf(file: Path, packed: str | None = None) -> Path:
    """A PDF of one page, its text packed by a filter of that name."""
    pypdf = pytest.importorskip("pypdf")
    name = pypdf.generic.NameObject
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(300, 300)
    stream = pypdf.generic.StreamObject()
    stream._data = b"BT /F1 12 Tf 20 200 Td (Replace the fan tray.) Tj ET"
    if packed is not None:
        stream[name("/Filter")] = name(packed)
    font = pypdf.generic.DictionaryObject(
        {
            name("/Type"): name("/Font"),
            name("/Subtype"): name("/Type1"),
            name("/BaseFont"): name("/Helvetica"),
        }
    )
    page[name("/Resources")] = pypdf.generic.DictionaryObject(
        {name("/Font"): pypdf.generic.DictionaryObject({name("/F1"): font})}
    )
    page[name("/Contents")] = writer._add_object(stream)
    writer.write(file)
    return file


def test_pdf_pages_are_sections(tmp_path: Path) -> None:
    """Issue: PDF."""
    (passage,) = document_passages(read_document(write_pdf(tmp_path / "manual.pdf")))
    assert passage.text == "Replace the fan tray."
    assert passage.locator.startswith("page 1 chars ")


@pytest.mark.parametrize("suffix", sorted(READERS))
def test_a_file_that_is_not_what_its_name_says_is_refused_with_a_reason(
    tmp_path: Path, suffix: str
) -> None:
    """Issue: a binary file gives a clear message, nothing is lost."""
    file = tmp_path / f"broken{suffix}"
    file.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(InvalidArgumentError):
        read_document(file)


def spoiled_docx(file: Path, *, at: int, value: int) -> Path:
    """A Word document with one byte changed, counted from the first entry's header."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "<w:document>" + "text " * 400 + "</w:document>")
    data = bytearray(file.read_bytes())
    data[at] = value
    file.write_bytes(data)
    return file


@pytest.mark.parametrize(
    ("at", "value"),
    [
        pytest.param(49, 0xFF, id="compressed text"),
        pytest.param(6, 0x01, id="encrypted"),
        pytest.param(-40, 0xFF, id="central directory"),
    ],
)
def test_a_damaged_word_document_is_refused_and_ends_nothing(
    tmp_path: Path, at: int, value: int
) -> None:
    """Issue 6: rejects are listed; one damaged file must not end an ingest."""
    with pytest.raises(InvalidArgumentError):
        read_document(spoiled_docx(tmp_path / "manual.docx", at=at, value=value))


def test_a_pdf_packed_in_an_unknown_way_is_refused_and_ends_nothing(tmp_path: Path) -> None:
    """Issue 6, as above: pypdf says so with errors that are not its own."""
    file = write_pdf(tmp_path / "manual.pdf", packed="/UnknownDecode")
    with pytest.raises(InvalidArgumentError, match="not a PDF"):
        read_document(file)


@pytest.mark.timeout(60)  # looking for each end anew would take an hour
@pytest.mark.parametrize(
    "piece",
    ["<", "<!--", "<!--a>", "<![CDATA[a>", "<<!-- -->!--", "</", "<a b='", "<script></", "<p>"],
)
@pytest.mark.parametrize("end", ["", ">"])
def test_a_hostile_page_costs_no_more_than_its_length(piece: str, end: str, tmp_path: Path) -> None:
    """Issue 6: one page that a stranger wrote must not stop an ingest."""
    file = tmp_path / "page.html"
    file.write_text(f"<p>before</p>{piece * 60_000}{end}")
    assert read_document(file).text.startswith("before")


def test_comments_of_a_page_are_no_text_and_part_no_words(tmp_path: Path) -> None:
    """Issue 6: what a reader of the page sees, and no more."""
    file = tmp_path / "page.html"
    file.write_text("<p>hold<!-- on -->over</p><!--><p>shown</p><p>a < b<!-- the rest <p>hidden")
    assert read_document(file).text.split("\n\n") == ["holdover", "shown", "a < b", ""]
