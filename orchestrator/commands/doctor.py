"""`tierwise doctor`: is this orchestrator, with its sites and its account, fit to work?"""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.commands.command_line import FAILED, JsonOption, output, quiet_logs, reported
from orchestrator.commands.settings_options import ConfigOption
from orchestrator.commands.site_options import (
    SiteDirOption,
    SiteOption,
    TokenOption,
    settings_of_flags,
)


def doctor(
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Document every key of tierwise.yaml.")
    ] = False,
    site: SiteOption = None,
    token_file: TokenOption = None,
    site_dir: SiteDirOption = None,
    as_json: JsonOption = False,
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
