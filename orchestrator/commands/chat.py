"""`tierwise chat`: talk about an incident."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.commands.command_line import quiet_logs, reported
from orchestrator.commands.settings_options import ConfigOption
from orchestrator.commands.site_options import (
    AnalystOption,
    SiteDirOption,
    SiteOption,
    TokenOption,
    settings_of_flags,
)
from orchestrator.commands.window_options import FromOption, ToOption, window_of_flags


def chat(
    *,
    words: Annotated[str | None, typer.Argument(help="What you say first.")] = None,
    site: SiteOption = None,
    token_file: TokenOption = None,
    site_dir: SiteDirOption = None,
    from_time: FromOption = None,
    to_time: ToOption = None,
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

        window = window_of_flags(from_time, to_time)
        settings = settings_of_flags(site, token_file, site_dir, analyst, config)
        from orchestrator.commands.terminal_chat import run_chat  # noqa: PLC0415
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
