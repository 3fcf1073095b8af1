"""`tierwise incidents list|retry`: what became of the incidents that triggers opened."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from orchestrator.commands.command_line import JsonOption, notes, output, print_json, reported
from orchestrator.commands.kept_state import with_state
from orchestrator.commands.settings_options import ConfigOption

incidents_app = typer.Typer(
    help="Incidents that triggers opened: what became of them.", no_args_is_help=True
)


class Status(StrEnum):
    """Where an incident is."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    PARKED = "parked"


@incidents_app.command("list")
def list_incidents(
    *,
    status: Annotated[Status | None, typer.Option(help="In this state only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show the newest incidents.

    Example: `tierwise incidents list --status parked`
    """
    with reported():
        from rich.table import Table  # noqa: PLC0415

        from orchestrator.incidents.overview import Overview  # noqa: PLC0415
        from orchestrator.rendering.terminal import text  # noqa: PLC0415

        found = with_state(
            config, lambda state: Overview(state).incidents(status=status, limit=limit)
        )
        if as_json:
            print_json(json.dumps([asdict(one) for one in found], indent=2))
            return
        table = Table("incident", "status", "opened", "severity", "sites", "triggers", "note")
        for one in found:
            table.add_row(
                one.incident_id,
                one.status,
                one.opened_at,
                one.perceived_severity,
                text(", ".join(one.sites)),
                str(one.triggers),
                text(one.message or ""),
            )
        output.print(table)


@incidents_app.command("retry")
def retry_incident(
    incident_id: Annotated[str, typer.Argument(help="A parked incident.")],
    config: ConfigOption = None,
) -> None:
    """Investigate a parked incident from the start.

    Example: `tierwise incidents retry inc-0123456789ab`
    """
    with reported():
        from orchestrator.incidents.overview import Overview  # noqa: PLC0415

        with_state(config, lambda state: Overview(state).retry(incident_id))
        notes.print(f"{incident_id} waits for a worker")
