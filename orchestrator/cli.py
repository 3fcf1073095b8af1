"""`tierwise`: the cloud half's command. Heavy parts are imported by the command that needs them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from orchestrator.commands.agentcore import agentcore
from orchestrator.commands.approvals import approvals_app
from orchestrator.commands.assess import assess_app
from orchestrator.commands.backup import backup
from orchestrator.commands.chat import chat
from orchestrator.commands.console import console_app
from orchestrator.commands.doctor import doctor
from orchestrator.commands.evaluate import evaluate
from orchestrator.commands.incidents import incidents_app
from orchestrator.commands.investigate import ask, investigate
from orchestrator.commands.ledger import ledger
from orchestrator.commands.mcp import mcp
from orchestrator.commands.people import people_app
from orchestrator.commands.place import place_app
from orchestrator.commands.serve import serve
from orchestrator.commands.show import show
from orchestrator.commands.tools import tools_app
from orchestrator.commands.tune import tune_app

app = typer.Typer(
    name="tierwise",
    help="Find the root cause of network incidents; ask the placement policy before anything "
    "leaves a site.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for command in (
    investigate,
    ask,
    chat,
    show,
    doctor,
    serve,
    mcp,
    agentcore,
    evaluate,
    ledger,
    backup,
):
    app.command()(command)
app.add_typer(place_app, name="place")
app.add_typer(assess_app, name="assess")
app.add_typer(incidents_app, name="incidents")
app.add_typer(approvals_app, name="approvals")
app.add_typer(console_app, name="console")
app.add_typer(tools_app, name="tools")
app.add_typer(tune_app, name="tune")
app.add_typer(people_app, name="people")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415

        sys.stdout.write(f"tierwise {version('tierwise')}\n")
        raise typer.Exit


@app.callback()
def before_any_command(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Take what stands before the name of a command."""


def main() -> None:
    """Run the command."""
    app()
