"""The options that put another policy in the place of the settings'."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CatalogueOption = Annotated[
    Path | None, typer.Option(help="Another catalogue; by default that of the settings.")
]
RulesOption = Annotated[Path | None, typer.Option(help="Other rules (Cedar).")]
