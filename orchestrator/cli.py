"""`tierwise`: the cloud half's command. Heavy parts are imported by the command that needs them."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli_assess import assess_app
from orchestrator.cli_place import place_app
from orchestrator.cli_tune import tune_app
from orchestrator.command_line import (
    FAILED,
    ConfigOption,
    config_file,
    notes,
    output,
    print_json,
    quiet_logs,
    reported,
    sites_of_flags,
)

if TYPE_CHECKING:
    from orchestrator.investigation import Inquiry
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
app.add_typer(tune_app, name="tune")


class Format(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


class Analyst(StrEnum):
    """Who reasons."""

    RULES = "rules"
    BEDROCK = "bedrock"
    SLM = "slm"


SiteOption = Annotated[
    list[str] | None,
    typer.Option("--site", metavar="NAME=URL", help="A site's tool servers; may be repeated."),
]
TokenOption = Annotated[
    list[Path] | None,
    typer.Option("--token-file", help="Bearer token for --site; once, or once for each."),
]
SiteDirOption = Annotated[
    list[Path] | None,
    typer.Option("--site-dir", help="A site directory on this machine; may be repeated."),
]
AnalystOption = Annotated[
    Analyst | None, typer.Option(help="Who reasons; the default is the deterministic analyst.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How the report is printed.")]
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
        settings = _settings(site, token_file, site_dir, analyst, config)
        from orchestrator.investigation import Inquiry  # noqa: PLC0415

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
def show(
    file: Annotated[Path, typer.Argument(help="A report as --json printed it.")],
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Print a report that was kept as JSON, without investigating again.

    Example: `tierwise show report.json --format markdown > report.md`
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
    """Say what is configured, reachable and safe, and what is not.

    Examples: `tierwise doctor --site-dir ./site`, `tierwise doctor --explain`
    """
    with reported():
        import asyncio  # noqa: PLC0415

        from orchestrator import doctor as examination  # noqa: PLC0415

        if explain:
            examination.print_explanation(output, as_json=as_json)
            return
        quiet_logs()
        settings = _settings(site, token_file, site_dir, None, config)
        checks = asyncio.run(examination.examine(settings))
        examination.print_checks(checks, output, as_json=as_json)
        if any(check.verdict == "broken" for check in checks):
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


def _settings(
    site: list[str] | None,
    token_file: list[Path] | None,
    site_dir: list[Path] | None,
    analyst: Analyst | None,
    config: Path | None,
) -> Settings:
    from orchestrator.settings import load_settings  # noqa: PLC0415

    flags = {
        "sites": sites_of_flags(site or [], token_file or [], site_dir or []),
        "analyst": None if analyst is None else analyst.value,
    }
    return load_settings(config_file(config), environment=os.environ, flags=flags)


def _masked(question: str | None, settings: Settings) -> str | None:
    if question is None:
        return None
    from orchestrator.peoples_words import without_identifiers  # noqa: PLC0415

    directories = [site.site_dir for site in settings.sites if site.site_dir is not None]
    return without_identifiers(question, site_dir=directories[0] if directories else None)


def _run(inquiry: Inquiry, settings: Settings) -> RootCauseReport:
    """Run one investigation; progress goes to stderr where somebody watches."""
    import asyncio  # noqa: PLC0415

    from orchestrator.front_door import run_investigation  # noqa: PLC0415

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
        from orchestrator.rendering.markdown import to_markdown  # noqa: PLC0415

        sys.stdout.write(to_markdown(report))
    else:
        from orchestrator.rendering.terminal import print_report  # noqa: PLC0415

        print_report(report, output)


def main() -> None:
    """Run the command."""
    app()
