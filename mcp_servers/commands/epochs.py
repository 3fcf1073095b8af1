"""`epochs list|start|forget`: the keys under which pseudonyms are made, and how to forget one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mcp_servers.commands.output import print_json, print_table, print_text, say
from mcp_servers.commands.site import AsJson, Directory

app = typer.Typer(
    no_args_is_help=True,
    help="""Rotate the key of pseudonyms, or destroy one.

    All pseudonyms of an epoch are made with its key. A new epoch changes every pseudonym from then
    on; a forgotten one can never be revealed again, by nobody.""",
)
Epoch = Annotated[int, typer.Argument(metavar="EPOCH", min=1, help="As `epochs list` shows it.")]


@app.command("list")
def list_epochs(directory: Directory, as_json: AsJson = False) -> None:
    """Show which epochs can still be revealed, and which one makes pseudonyms now.

    Example: tierwise-site epochs list site
    """
    told = _call(directory, "list_epochs")
    if as_json:
        print_json(told)
        return
    print_table(
        "key epochs",
        ("epoch", ""),
        [(each, "current" if each == told["current"] else "") for each in told["epochs"]],
    )


@app.command()
def start(directory: Directory) -> None:
    """Begin a new epoch; old pseudonyms can still be revealed.

    Example: tierwise-site epochs start site
    """
    told = _call(directory, "start_epoch")
    print_text(f"epoch {told['current']} makes pseudonyms now")


@app.command()
def forget(
    directory: Directory,
    epoch: Epoch,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Destroy an epoch's key: its pseudonyms can never be revealed again.

    Example: tierwise-site epochs forget site 1 --yes
    """
    if not sure:
        typer.confirm(
            f"Nobody can reveal pseudonyms of epoch {epoch} afterwards. Go on?", abort=True
        )
    told = _call(directory, "forget_epoch", epoch=epoch)
    say(f"epoch {epoch} is forgotten; epoch {told['current']} makes pseudonyms now")


def _call(directory: Directory, operation: str, **arguments: int) -> dict[str, Any]:
    from mcp_servers.commands.opening import open_site  # noqa: PLC0415 - the heavy half, when called

    with open_site(directory) as site:
        told: dict[str, Any] = site.call(operation, arguments)
    return told
