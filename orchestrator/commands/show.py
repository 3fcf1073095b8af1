"""`tierwise show`, and the forms in which every command prints a report."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.command_line import output, print_json, reported

if TYPE_CHECKING:
    from telecom.report import RootCauseReport


class Format(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    HTML = "html"
    CONCISE = "concise"
    HANDOVER = "handover"
    PDF = "pdf"


FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        help="How the report is printed: for a terminal, as a document, for tier 1 (concise) or "
        "for the shift lead (handover).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The same as --format json.")]


def show(
    file: Annotated[Path, typer.Argument(help="A report as --json printed it.")],
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Print a report that was kept as JSON, without investigating again.

    Examples:
    - `tierwise show report.json --format html > report.html`: one file with drawings
    - `tierwise show report.json --format pdf > report.pdf`: for paper (extra `console`)
    - `tierwise show report.json --format handover`: for the shift lead
    """
    with reported():
        print_report(_kept_report(file), output_format)


def print_report(report: RootCauseReport, output_format: Format) -> None:
    """Print a report to stdout, for whoever reads it."""
    if output_format is Format.JSON:
        print_json(report.model_dump_json(indent=2))
    elif output_format is Format.MARKDOWN:
        from agents.report_markdown import to_markdown  # noqa: PLC0415

        sys.stdout.write(to_markdown(report))
    elif output_format is Format.HTML:
        from orchestrator.rendering.html import to_html  # noqa: PLC0415

        sys.stdout.write(to_html(report))
    elif output_format is Format.PDF:
        sys.stdout.buffer.write(_pdf(report))
    elif output_format in (Format.CONCISE, Format.HANDOVER):
        from orchestrator.rendering.briefing import to_concise, to_handover  # noqa: PLC0415

        brief = to_concise if output_format is Format.CONCISE else to_handover
        sys.stdout.write(brief(report))
    else:
        from orchestrator.rendering import terminal  # noqa: PLC0415

        terminal.print_report(report, output)


def _pdf(report: RootCauseReport) -> bytes:
    """The report on paper.

    Raises:
        MissingExtraError: fpdf2 is not installed.
    """
    from importlib.util import find_spec  # noqa: PLC0415

    from telecom.errors import MissingExtraError  # noqa: PLC0415

    if find_spec("fpdf") is None:
        raise MissingExtraError("console", "reports as PDF")
    from orchestrator.rendering.pdf import document_pdf  # noqa: PLC0415
    from orchestrator.rendering.report_document import report_document  # noqa: PLC0415

    return document_pdf(report.headline, report_document(report))


def _kept_report(file: Path) -> RootCauseReport:
    """Read a report.

    Raises:
        InvalidArgumentError: The file cannot be read, or holds no report.
    """
    from pydantic import ValidationError  # noqa: PLC0415

    from telecom.errors import InvalidArgumentError  # noqa: PLC0415
    from telecom.report import RootCauseReport  # noqa: PLC0415

    try:
        return RootCauseReport.model_validate_json(file.read_bytes())
    except OSError as exc:
        raise InvalidArgumentError("file", f"{file} cannot be read: {exc.strerror}") from exc
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise InvalidArgumentError("file", f"{file} is no report: {where}: {first['msg']}") from exc
