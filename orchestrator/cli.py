"""`tierwise`: the cloud half's command. Heavy parts are imported by the command that needs them."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.agentcore import agentcore
from orchestrator.commands.assess import assess_app
from orchestrator.commands.backup import backup
from orchestrator.commands.command_line import (
    FAILED,
    ConfigOption,
    notes,
    output,
    print_json,
    quiet_logs,
    reported,
)
from orchestrator.commands.console import console_app
from orchestrator.commands.evaluate import evaluate
from orchestrator.commands.ledger import ledger
from orchestrator.commands.mcp import mcp
from orchestrator.commands.people import people_app
from orchestrator.commands.place import place_app
from orchestrator.commands.serve import approvals_app, incidents_app, serve
from orchestrator.commands.site_options import (
    AnalystOption,
    SiteDirOption,
    SiteOption,
    TokenOption,
    settings_of_flags,
)
from orchestrator.commands.tools import tools_app
from orchestrator.commands.tune import tune_app

if TYPE_CHECKING:
    from orchestrator.investigating.investigation import Inquiry
    from orchestrator.settings import Settings
    from telecom.report import RootCauseReport


app = typer.Typer(
    name="tierwise",
    help="Find the root cause of network incidents; ask the placement policy before anything "
    "leaves a site.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(place_app, name="place")
app.add_typer(assess_app, name="assess")
app.add_typer(incidents_app, name="incidents")
app.add_typer(approvals_app, name="approvals")
app.add_typer(console_app, name="console")
app.command()(serve)
app.command()(mcp)
app.command()(agentcore)
app.command()(evaluate)
app.add_typer(tools_app, name="tools")
app.command()(ledger)
app.command()(backup)
app.add_typer(tune_app, name="tune")
app.add_typer(people_app, name="people")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415

        sys.stdout.write(f"tierwise {version('tierwise')}\n")
        raise typer.Exit


@app.callback()
def before_any_command(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Take what stands before the name of a command."""


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


@app.command()
def investigate(
    *,
    site: SiteOption = None,
    token_file: TokenOption = None,
    site_dir: SiteDirOption = None,
    from_time: Annotated[
        str | None, typer.Option("--from", help="Begin of the window, ISO 8601.")
    ] = None,
    to_time: Annotated[str | None, typer.Option("--to", help="End of the window.")] = None,
    alarm: Annotated[str | None, typer.Option(help="Investigate around this alarm id.")] = None,
    question: Annotated[str | None, typer.Option(help="What you want to know.")] = None,
    analyst: AnalystOption = None,
    output_format: FormatOption = Format.TEXT,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Find the root cause of an incident and report it with its evidence.

    Without a window or an alarm it looks at each site's newest incident. Times without a zone are
    in the site's own.

    Examples:
    - `tierwise investigate --site-dir ./site --from 2026-03-01T10:00 --to 2026-03-01T11:00`
    - `tierwise investigate --site core=http://noc:8700 --token-file noc.jwt --question "Why is
      cell 12 down?"`
    - `tierwise investigate --site-dir ./site --analyst bedrock --json > report.json`
    """
    with reported():
        window = _window(from_time, to_time)
        if window is not None and alarm is not None:
            raise typer.BadParameter("give --from and --to, or --alarm, not both")
        settings = settings_of_flags(site, token_file, site_dir, analyst, config)
        from orchestrator.investigating.investigation import Inquiry  # noqa: PLC0415

        inquiry = Inquiry(question=_masked(question, settings), window=window, alarm_id=alarm)
        _print(_run(inquiry, settings), Format.JSON if as_json else output_format)


@app.command()
def ask(
    *,
    text: Annotated[str, typer.Argument(help="The question.")],
    site: SiteOption = None,
    token_file: TokenOption = None,
    site_dir: SiteDirOption = None,
    analyst: AnalystOption = None,
    output_format: FormatOption = Format.TEXT,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask about the newest incident.

    Example: `tierwise ask "Why did the BGP sessions drop?" --site-dir ./site`
    """
    investigate(
        site=site,
        token_file=token_file,
        site_dir=site_dir,
        question=text,
        analyst=analyst,
        output_format=output_format,
        as_json=as_json,
        config=config,
    )


@app.command()
def chat(
    *,
    words: Annotated[str | None, typer.Argument(help="What you say first.")] = None,
    site: SiteOption = None,
    token_file: TokenOption = None,
    site_dir: SiteDirOption = None,
    from_time: Annotated[
        str | None, typer.Option("--from", help="Begin of the window, ISO 8601.")
    ] = None,
    to_time: Annotated[str | None, typer.Option("--to", help="End of the window.")] = None,
    resume: Annotated[
        str | None, typer.Option(help="Go on with this conversation; `last` is the newest.")
    ] = None,
    incident: Annotated[
        str | None, typer.Option(help="Talk about this investigation (its incident id).")
    ] = None,
    analyst: AnalystOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a turn.")] = False,
    config: ConfigOption = None,
) -> None:
    """Talk about an incident; the first words begin an investigation.

    Later questions are answered from its findings, or looked up at the site. Conversations are
    kept. /help lists the slash commands.

    Examples:
    - `tierwise chat --site-dir ./site "why are the cells behind the ring down?"`
    - then: `why not the UPF?`, `what if the uplink were fine?`, `show me the line`, `/runbook`
    - `tierwise chat --site-dir ./site --resume last`
    """
    with reported():
        import asyncio  # noqa: PLC0415

        window = _window(from_time, to_time)
        settings = settings_of_flags(site, token_file, site_dir, analyst, config)
        from orchestrator.commands.chat import run_chat  # noqa: PLC0415
        from orchestrator.investigating.investigation import Inquiry  # noqa: PLC0415

        quiet_logs()
        asyncio.run(
            run_chat(
                settings,
                first=words,
                inquiry=None if window is None else Inquiry(window=window),
                resume=resume,
                incident=incident,
                as_json=as_json,
            )
        )


@app.command()
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
        _print(_kept_report(file), output_format)


@app.command()
def doctor(
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Document every key of tierwise.yaml.")
    ] = False,
    site: SiteOption = None,
    token_file: TokenOption = None,
    site_dir: SiteDirOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    config: ConfigOption = None,
) -> None:
    """Say what is configured, reachable and safe, what is not, and what to do next.

    Reach, clocks, certificates, tokens and their scopes, access to models, what the account keeps
    of prompts, versions of the policy here and on each site, disk. Exit code 1 when something is
    broken; what cannot be asked from here is `not checked`, with the command that answers it.

    Examples: `tierwise doctor --site-dir ./site`, `tierwise doctor --explain`
    """
    with reported():
        import asyncio  # noqa: PLC0415

        from orchestrator.examination import doctor as examination  # noqa: PLC0415
        from telecom.examination import failed  # noqa: PLC0415

        if explain:
            examination.print_explanation(output, as_json=as_json)
            return
        quiet_logs()
        settings = settings_of_flags(site, token_file, site_dir, None, config)
        checks = asyncio.run(examination.examine(settings))
        examination.print_checks(checks, output, as_json=as_json)
        if failed(checks):
            raise typer.Exit(FAILED)


def _window(begin: str | None, end: str | None) -> tuple[datetime, datetime] | None:
    if begin is None and end is None:
        return None
    if begin is None or end is None:
        raise typer.BadParameter("a window needs --from and --to")
    start, stop = (_moment(name, text) for name, text in (("--from", begin), ("--to", end)))
    if (start.tzinfo is None) != (stop.tzinfo is None):
        raise typer.BadParameter("give both --from and --to a zone, or neither")
    if stop < start:
        raise typer.BadParameter(f"--to {end} is before --from {begin}")
    return start, stop


def _moment(name: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise typer.BadParameter(
            f"{name} must be ISO 8601 such as 2026-03-01T10:15:00Z, got {text!r}"
        ) from exc


def _masked(question: str | None, settings: Settings) -> str | None:
    if question is None:
        return None
    from orchestrator.site_access.peoples_words import masked_words  # noqa: PLC0415

    return masked_words(question, settings.sites)


def _run(inquiry: Inquiry, settings: Settings) -> RootCauseReport:
    """Run one investigation; progress goes to stderr where somebody watches."""
    import asyncio  # noqa: PLC0415

    from orchestrator.investigating.front_door import run_investigation  # noqa: PLC0415

    quiet_logs()
    with notes.status("asking the sites") as status:
        return asyncio.run(
            run_investigation(
                inquiry, settings, progress=lambda step: status.update(f"{step} done")
            )
        )


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


def _print(report: RootCauseReport, output_format: Format) -> None:
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
        from orchestrator.rendering.terminal import print_report  # noqa: PLC0415

        print_report(report, output)


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


def main() -> None:
    """Run the command."""
    app()
