"""The options that say which sites to ask and who reasons, and the settings they make."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.command_line import config_file, sites_of_flags

if TYPE_CHECKING:
    from orchestrator.settings import Settings


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


def settings_of_flags(
    site: list[str] | None,
    token_file: list[Path] | None,
    site_dir: list[Path] | None,
    analyst: Analyst | None,
    config: Path | None,
) -> Settings:
    """Settings of this process: flags over environment over file.

    Raises:
        SettingsError: A key does not fit; every problem is named.
    """
    from orchestrator.settings import load_settings  # noqa: PLC0415

    flags = {
        "sites": sites_of_flags(site or [], token_file or [], site_dir or []),
        "analyst": None if analyst is None else analyst.value,
        "escalation": None if analyst is None else "always",
    }
    return load_settings(config_file(config), environment=os.environ, flags=flags)
