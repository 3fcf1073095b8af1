"""`tierwise ledger`: what this orchestrator sent to models."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from orchestrator.commands.command_line import JsonOption, output, reported
from orchestrator.commands.settings_options import ConfigOption, settings_of


def ledger(
    *,
    investigation: Annotated[
        str | None, typer.Option(help="Of one investigation only, by its incident id.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what was sent to models, under which decision; fails when an entry was altered.

    It is the counterpart of `tierwise-site ledger show`. The last hash is the head to keep.

    Example: `tierwise ledger --investigation inc-42`
    """
    with reported():
        from orchestrator.rendering.terminal import text  # noqa: PLC0415
        from orchestrator.storage.model_ledger import recorded_requests  # noqa: PLC0415

        settings = settings_of(config)
        entries = [
            entry.model_dump(mode="json")
            for entry in recorded_requests(settings.state_address, investigation)
        ]
        if as_json:
            output.file.write(json.dumps(entries, indent=2) + "\n")
            return
        table = Table("time (UTC)", "investigation", "model on tier", "tokens", "decision", "hash")
        for entry in entries:
            table.add_row(
                text(entry["time"][:19].replace("T", " ")),
                text(entry["investigation"]),
                text(f"{entry['model_id']} on {entry['tier']}"),
                text(str(entry["tokens"])),
                text(entry["decision_id"][:19]),
                text(entry["hash"][:16]),
            )
        output.print(table)
