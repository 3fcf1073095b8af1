"""`tierwise approvals list|approve|deny`: writes outside that wait for a person."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.command_line import JsonOption, notes, output, print_json, reported
from orchestrator.commands.kept_state import with_state
from orchestrator.commands.settings_options import ConfigOption, settings_of

if TYPE_CHECKING:
    from orchestrator.incidents.approvals import Decision
    from orchestrator.storage.state import State

approvals_app = typer.Typer(
    help="Writes outside that wait for a person, and what waits on a site.", no_args_is_help=True
)

PrincipalOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help="Your token as one of `principals`; by default the file of TIERWISE_TOKEN_FILE.",
    ),
]


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

        found = with_state(config, look)
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
        principal = Callers(settings_of(config)).principal("approvals:decide", headers)
        decided = with_state(
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
