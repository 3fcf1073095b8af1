"""`tierwise investigate` and `tierwise ask`: one report about one incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.command_line import notes, quiet_logs, reported
from orchestrator.commands.settings_options import ConfigOption
from orchestrator.commands.show import Format, FormatOption, JsonOption, print_report
from orchestrator.commands.site_options import (
    AnalystOption,
    SiteDirOption,
    SiteOption,
    TokenOption,
    settings_of_flags,
)
from orchestrator.commands.window_options import FromOption, ToOption, window_of_flags

if TYPE_CHECKING:
    from orchestrator.investigating.investigation import Inquiry
    from orchestrator.settings import Settings
    from telecom.report import RootCauseReport


def investigate(
    *,
    site: SiteOption = None,
    token_file: TokenOption = None,
    site_dir: SiteDirOption = None,
    from_time: FromOption = None,
    to_time: ToOption = None,
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
        window = window_of_flags(from_time, to_time)
        if window is not None and alarm is not None:
            raise typer.BadParameter("give --from and --to, or --alarm, not both")
        settings = settings_of_flags(site, token_file, site_dir, analyst, config)
        from orchestrator.investigating.investigation import Inquiry  # noqa: PLC0415

        inquiry = Inquiry(question=_masked(question, settings), window=window, alarm_id=alarm)
        print_report(_run(inquiry, settings), Format.JSON if as_json else output_format)


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
