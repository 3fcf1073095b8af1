"""The option that names the settings file, and the settings it gives."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from orchestrator.settings import Settings

_DEFAULT_FILE = Path("tierwise.yaml")

ConfigOption = Annotated[
    Path | None, typer.Option(help="Settings; by default tierwise.yaml in this folder.")
]


def config_file(given: Path | None) -> Path | None:
    """The settings file: the flag's, the environment's, else one in this folder."""
    if given is not None:
        return given
    if named := os.environ.get("TIERWISE_CONFIG"):
        return Path(named)
    return _DEFAULT_FILE if _DEFAULT_FILE.is_file() else None


def settings_of(config: Path | None, **flags: Any) -> Settings:
    """Settings of this process: flags over environment over file; a flag that is None says nothing.

    Raises:
        SettingsError: A key does not fit; every problem is named.
    """
    from orchestrator.settings import load_settings  # noqa: PLC0415

    return load_settings(config_file(config), environment=os.environ, flags=flags)
