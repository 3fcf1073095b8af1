"""`tierwise backup`: a copy of the state while orchestrators go on working."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.command_line import notes, reported
from orchestrator.commands.settings_options import ConfigOption, settings_of


def backup(
    *,
    target: Annotated[Path, typer.Option("--to", metavar="FILE", help="A new file.")],
    config: ConfigOption = None,
) -> None:
    """Copy the state: incidents, reports, decisions, pins of tools, the ledger of model requests.

    Orchestrators go on meanwhile. To go back to it, stop them and put the file in the place of the
    state. It holds what sites released. A state in PostgreSQL is backed up by `pg_dump`.

    Example: `tierwise backup --to /backup/state-2026-11-28.sqlite`
    """
    with reported():
        from orchestrator.storage.state_backup import back_up_state  # noqa: PLC0415

        settings = settings_of(config)
        size = back_up_state(settings.state_address, target)
        notes.print(f"{target}: {size / 1e6:.1f} MB", highlight=False)
