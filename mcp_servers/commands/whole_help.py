"""Help texts as they were written: whole summaries, each example on a line of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import typer.main

if TYPE_CHECKING:
    from typer._click.core import Command

_FIRST_EXAMPLE = re.compile(r"^(Examples?:)\n(?=\s+\S)", re.MULTILINE)


def whole_help(app: typer.Typer) -> Command:
    """The command of an app, with all that its help has to say.

    A list of commands cuts each summary off at the width of a terminal, and the first example would
    be drawn up to the word before it, unless both are told otherwise.
    """
    command = typer.main.get_command(app)
    _tell_all(command)
    return command


def _tell_all(command: Command) -> None:
    text = command.help or ""
    command.help = _FIRST_EXAMPLE.sub(r"\1\n\n", text)
    command.short_help = " ".join(text.partition("\n\n")[0].split())
    for inner in getattr(command, "commands", {}).values():
        _tell_all(inner)
