"""`knowledge`: health of the knowledge base, and a new index."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from mcp_servers.commands.output import print_json, print_table, progress_bar, say
from mcp_servers.commands.site import AsJson, Directory

app = typer.Typer(no_args_is_help=True, help="Look after the knowledge base: tickets and docs.")


@app.command()
def health(directory: Directory, as_json: AsJson = False) -> None:
    """Ask the index for a sample of its own vectors; exit code 1 when some are not found.

    Search goes on by words alone while the index is damaged or missing.

    Example:
        tierwise-site knowledge health site
    """
    _report(_call(directory, "knowledge_health"), as_json=as_json)


@app.command()
def rebuild(directory: Directory, as_json: AsJson = False) -> None:
    """Build the vector index anew from the vectors that are kept; nothing is embedded twice.

    To read everything anew from the site's files: `tierwise-site ingest DIR tickets docs --rebuild`

    Example:
        tierwise-site knowledge rebuild site
    """
    _report(_call(directory, "rebuild_knowledge"), as_json=as_json)


def _call(directory: Path, operation: str) -> Any:
    """Run an operation of the owner (its answer is JSON, hence Any)."""
    from mcp_servers.commands.opening import open_site

    with open_site(directory) as site, progress_bar() as progress:
        return site.call(operation, {}, progress=progress)


def _report(health: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(health)
    else:
        print_table(
            "healthy" if health["dense"] else "by words only",
            ("", "sources", "passages", "to embed", "found again"),
            [
                (
                    name,
                    corpus["sources"],
                    corpus["passages"],
                    corpus["pending"],
                    f"{corpus['found']} of {corpus['probed']}",
                )
                for name, corpus in health["corpora"].items()
            ],
        )
    if not health["dense"]:
        say(str(health["problem"]))
        sys.exit(1)
