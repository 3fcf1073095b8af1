"""The options that say which sites to ask and who reasons, and the settings they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from orchestrator.commands.settings_options import settings_of

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
    """The settings with what these options say.

    Raises:
        SettingsError: A key does not fit; every problem is named.
    """
    sites = sites_of_flags(site or [], token_file or [], site_dir or [])
    return settings_of(config, sites=sites, **analyst_flags(analyst))


def analyst_flags(analyst: Analyst | None) -> dict[str, str | None]:
    """Who was asked for reasons about every incident, not only where the rules are unsure."""
    return {
        "analyst": None if analyst is None else analyst.value,
        "escalation": None if analyst is None else "always",
    }


def sites_of_flags(
    sites: Sequence[str], token_files: Sequence[Path], site_dirs: Sequence[Path]
) -> list[dict[str, Any]] | None:
    """Declare the sites given on the command line; None when there are none.

    Raises:
        typer.BadParameter: A site is not NAME=URL, or the number of token files does not fit.
    """
    if len(token_files) not in {0, 1, len(sites)}:
        raise typer.BadParameter("give --token-file once, or once for each --site")
    declared: list[dict[str, Any]] = []
    for number, text in enumerate(sites):
        name, equals, url = text.partition("=")
        if not (equals and name and url.startswith(("http://", "https://"))):
            raise typer.BadParameter(
                f"--site must be NAME=URL such as core=http://noc:8700: {text}"
            )
        token = token_files[number if len(token_files) > 1 else 0] if token_files else None
        declared.append({"name": name, "url": url, "token_file": token})
    declared.extend(_declared_directory(directory) for directory in site_dirs)
    return declared or None


def _declared_directory(directory: Path) -> dict[str, Any]:
    """Name, tier and country as the site's own `site.yaml` has them; the site checks the rest."""
    content: Mapping[str, Any] = {}
    try:
        loaded = yaml.safe_load((directory / "site.yaml").read_text(encoding="utf-8"))
        content = loaded if isinstance(loaded, dict) else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        pass  # the site's own command says what is wrong with it
    declared = {"name": directory.resolve().name or "site", "site_dir": directory}
    if isinstance(content.get("site_id"), str):
        declared["name"] = content["site_id"]
    for key in ("tier", "country"):
        if isinstance(content.get(key), str):
            declared[key] = content[key]
    return declared
