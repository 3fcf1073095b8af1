"""`tierwise tools list|accept`: what sites say about their tools, and whether it changed."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from orchestrator.commands.command_line import JsonOption, output, quiet_logs, reported
from orchestrator.commands.settings_options import ConfigOption, settings_of

tools_app = typer.Typer(
    no_args_is_help=True,
    help="""See what sites say about their tools, and accept a change.

    Descriptions are pinned at first contact. A tool that reads differently later is not called
    until its change was accepted: text from elsewhere could lead a model astray.""",
)


@tools_app.command("list")
def list_tools(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """List the tools of every site in tierwise.yaml, and whether they are as they were.

    Example: `tierwise tools list`
    """
    with reported():
        rows = _look(config, accept=None)
        if as_json:
            output.file.write(json.dumps(rows, indent=2) + "\n")
            return
        _print(rows)


@tools_app.command()
def accept(
    site: Annotated[str, typer.Argument(metavar="SITE", help="A site's name in tierwise.yaml.")],
    config: ConfigOption = None,
) -> None:
    """Accept what a site says about its tools now; prints what changed.

    Example: `tierwise tools accept core`
    """
    with reported():
        _print(_look(config, accept=site))


def _look(config: Any, *, accept: str | None) -> list[dict[str, str]]:
    import asyncio  # noqa: PLC0415

    from orchestrator.site_access.pinned_tools import look_at_tools  # noqa: PLC0415

    quiet_logs()
    settings = settings_of(config)
    return asyncio.run(look_at_tools(settings, accept=accept))


def _print(rows: list[dict[str, str]]) -> None:
    from orchestrator.rendering.terminal import text  # noqa: PLC0415

    table = Table("site", "tool", "state", "says", "said before")
    for row in rows:
        table.add_row(*(text(row[key]) for key in ("site", "tool", "state", "says", "before")))
    output.print(table)
