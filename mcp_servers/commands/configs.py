"""`config show|diff|changes`: what is set, and what changed."""

# ruff: noqa: PLC0415, PLR0917 - a command imports its heavy half when called; its options are named

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcp_servers.commands.output import print_json, print_text
from mcp_servers.commands.site import AsJson, Directory
from telecom.errors import SiteDirectoryError

if TYPE_CHECKING:
    from mcp_servers.configs.repository import ConfigRepository
    from mcp_servers.site_directory import SiteDirectory

app = typer.Typer(no_args_is_help=True, help="Read configurations and their history.")

Element = Annotated[str, typer.Argument(metavar="OBJECT", help="device, or device:port.")]


@app.command()
def show(
    directory: Directory,
    managed_object: Element,
    section: Annotated[str | None, typer.Option(help="Such as 'router bgp'.")] = None,
    at: Annotated[str | None, typer.Option(help="ISO 8601; the state at that time.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the configuration of an element with file, commit and line numbers.

    Example: tierwise-site config show site leaf1:Hu0/0/0/1
    """
    from telecom.times import parse_instant

    site, configs = _open(directory)
    moment = None if at is None else parse_instant(at, zone=site.timezone, argument="--at")
    blocks = configs.blocks(managed_object, section=section, at=moment)
    if as_json:
        print_json([block.model_dump(mode="json") for block in blocks])
        return
    for block in blocks:
        commit = (block.commit or "working copy")[:12]
        print_text(f"# {block.file}@{commit}:{block.first_line}-{block.last_line}")
        print_text(block.text)


@app.command()
def diff(
    directory: Directory,
    managed_object: Element,
    from_time: Annotated[str, typer.Option("--from", help="ISO 8601.")],
    to_time: Annotated[str, typer.Option("--to", help="ISO 8601.")],
    as_json: AsJson = False,
) -> None:
    """Show what changed on one element between two times.

    Example: tierwise-site config diff site pe1 --from 2026-03-01 --to 2026-03-02
    """
    from telecom.times import Window, parse_instant

    site, configs = _open(directory)
    window = Window(
        parse_instant(from_time, zone=site.timezone, argument="--from"),
        parse_instant(to_time, zone=site.timezone, argument="--to"),
    )
    found = configs.diff(managed_object, window.start, window.end)
    _print_changes([item.model_dump(mode="json") for item in found], as_json=as_json)


@app.command()
def changes(
    directory: Directory,
    since: Annotated[str, typer.Option(help="ISO 8601.")],
    until: Annotated[str, typer.Option(help="ISO 8601.")],
    around: Annotated[
        list[str] | None, typer.Option(help="Suspected element; may be given several times.")
    ] = None,
    hops: Annotated[int, typer.Option(min=0, help="How far around them.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 500,
    as_json: AsJson = False,
) -> None:
    """List configuration changes of a window, most suspicious first.

    Example: tierwise-site config changes site --since 2026-03-01 --until 2026-03-02 --around pe1
    """
    from telecom.times import Window, parse_instant

    site, configs = _open(directory)
    window = Window(
        parse_instant(since, zone=site.timezone, argument="--since"),
        parse_instant(until, zone=site.timezone, argument="--until"),
    )
    found = configs.list_changes(window, around=tuple(around or ()), hops=hops, limit=limit)
    _print_changes([item.model_dump(mode="json") for item in found], as_json=as_json)


def _open(directory: Path) -> tuple[SiteDirectory, ConfigRepository]:
    from mcp_servers.configs.repository import ConfigRepository
    from mcp_servers.site_directory import SiteDirectory

    site = SiteDirectory.open(directory)
    if not site.configs.is_dir():
        raise SiteDirectoryError(
            f"{site.configs} is missing; it is a git repository with one file per device, "
            "as Oxidized writes it"
        )
    return site, ConfigRepository.open(site.configs, site.topology, site.timezone)


def _print_changes(found: list[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    from mcp_servers.twins import changes_text

    print_text(changes_text({"changes": found, "gaps": []}))
