"""`tierwise serve`, `incidents`, `approvals`: the long-lived process and a look into its state."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from orchestrator.commands.command_line import (
    ConfigOption,
    config_file,
    notes,
    output,
    print_json,
    quiet_logs,
    reported,
)
from orchestrator.commands.console import console_door

if TYPE_CHECKING:
    from orchestrator.incidents.approvals import Decision
    from orchestrator.service.running import RunningService
    from orchestrator.settings import Settings
    from orchestrator.storage.state import State

Result = TypeVar("Result")

incidents_app = typer.Typer(
    help="Incidents that triggers opened: what became of them.", no_args_is_help=True
)
approvals_app = typer.Typer(
    help="Writes outside that wait for a person, and what waits on a site.", no_args_is_help=True
)

JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
PrincipalOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help="Your token as one of `principals`; by default the file of TIERWISE_TOKEN_FILE.",
    ),
]


class Status(StrEnum):
    """Where an incident is."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    PARKED = "parked"


def serve(
    *,
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Instead of service.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Instead of service.port.")] = None,
    console: Annotated[
        bool, typer.Option("--console", help="The NOC console at /, too (extra `console`).")
    ] = False,
) -> None:
    """Take triggers, investigate them, tell the sinks; API, health and metrics on one port.

    SIGTERM stops it: what runs may finish for service.drain_seconds, the rest is handed back.

    Examples:
    - `tierwise serve --config tierwise.yaml`
    - `tierwise serve --console`: prints a link that signs you in, once
    """
    with reported():
        import gc  # noqa: PLC0415

        import uvloop  # noqa: PLC0415

        from orchestrator.service import serving  # noqa: PLC0415

        quiet_logs()
        settings = _settings(config)
        listen = {"host": host, "port": port}
        given = {key: value for key, value in listen.items() if value is not None}
        settings = settings.model_copy(
            update={"service": settings.service.model_copy(update=given)}
        )
        door = console_door(settings) if console else None

        async def listening(url: str, service: RunningService) -> None:
            # What is loaded by now stays: looked through again, it stops everybody for 0.1 s.
            gc.collect()
            gc.freeze()
            notes.print(f"serving: {url}")
            if door is not None:
                await door.invite(url, service)

        uvloop.run(
            serving.serve(settings, listening=listening, pages=None if door is None else door.open)
        )


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

        found = _with_state(
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

        _with_state(config, lambda state: Overview(state).retry(incident_id))
        notes.print(f"{incident_id} waits for a worker")


@approvals_app.command("list")
def list_approvals(
    *,
    every: Annotated[bool, typer.Option("--all", help="Decided and expired ones, too.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what waits for a person, word for word.

    What waits on a site is shown without being decided here: that is its operator's, with
    `tierwise-site approvals`.

    Example: `tierwise approvals list`
    """
    with reported():
        from orchestrator.incidents.approvals import Approvals  # noqa: PLC0415

        async def look(state: State) -> dict[str, list[dict[str, Any]]]:
            approvals = Approvals(state)
            listed = await approvals.all(waiting_only=not every)
            on_sites = await approvals.on_sites()
            return {
                "approvals": [asdict(one) for one in listed],
                "waiting_on_sites": [asdict(one) for one in on_sites],
            }

        found = _with_state(config, look)
        if as_json:
            print_json(json.dumps(found, indent=2))
        else:
            _print_approvals(found)


@approvals_app.command("approve")
def approve(
    approval_id: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    token_file: PrincipalOption = None,
    config: ConfigOption = None,
) -> None:
    """Let a write go out, once.

    Example: `tierwise approvals approve 4f1c --token-file me.token`
    """
    _decide(approval_id, "approved", token_file, config)


@approvals_app.command("deny")
def deny(
    approval_id: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    token_file: PrincipalOption = None,
    config: ConfigOption = None,
) -> None:
    """Let a write never go out.

    Example: `tierwise approvals deny 4f1c --token-file me.token`
    """
    _decide(approval_id, "denied", token_file, config)


def _decide(
    approval_id: str, decision: Decision, token_file: Path | None, config: Path | None
) -> None:
    with reported():
        from orchestrator.incidents.approvals import Approvals  # noqa: PLC0415
        from orchestrator.secret_files import read_secret  # noqa: PLC0415
        from orchestrator.triggers.sources import Callers  # noqa: PLC0415

        named = token_file or os.environ.get("TIERWISE_TOKEN_FILE")
        if named is None:
            raise typer.BadParameter("give --token-file, or set TIERWISE_TOKEN_FILE")
        headers = {"authorization": f"Bearer {read_secret(Path(named)).decode()}"}
        principal = Callers(_settings(config)).principal("approvals:decide", headers)
        decided = _with_state(
            config,
            lambda state: Approvals(state).decide(approval_id, decision, by=principal.name),
        )
        notes.print(f"{decided.effect_key} is {decided.status} by {decided.decided_by}")


def _print_approvals(found: dict[str, list[dict[str, Any]]]) -> None:
    from rich.table import Table  # noqa: PLC0415

    from orchestrator.rendering.terminal import text  # noqa: PLC0415

    table = Table("id", "status", "incident", "sink", "expires", "what would be sent")
    for one in found["approvals"]:
        table.add_row(
            one["effect_key"],
            one["status"] + (f" by {one['decided_by']}" if one["decided_by"] else ""),
            one["incident_id"],
            text(one["sink"]),
            one["expires_at"],
            text(json.dumps(one["payload"], indent=1, ensure_ascii=False)),
        )
    output.print(table)
    for waits in found["waiting_on_sites"]:
        output.print(
            text(f"waits on a site: {waits['what']} of {waits['incident_id']}: {waits['why']}")
        )


def _settings(config: Path | None) -> Settings:
    from orchestrator.settings import load_settings  # noqa: PLC0415

    return load_settings(config_file(config), environment=os.environ)


def _with_state(
    config: Path | None, look: Callable[[State], Coroutine[Any, Any, Result]]
) -> Result:
    """Open the state for one question."""
    import asyncio  # noqa: PLC0415

    from orchestrator.incidents.tables import TABLES  # noqa: PLC0415
    from orchestrator.storage.state import open_state  # noqa: PLC0415

    async def run() -> Result:
        async with open_state(_settings(config).state_address) as state:
            await state.database.create_tables(TABLES)
            return await look(state)

    return asyncio.run(run())
