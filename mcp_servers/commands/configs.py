"""`config show|diff|changes|find|check|neighbors`: what is set, changed, joined and wrong."""

# ruff: noqa: PLC0415, PLR0917 - a command imports its heavy half when called; its options are named

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcp_servers.commands.output import print_json, print_text, say
from mcp_servers.commands.site import AsJson, Directory
from telecom.errors import SiteDirectoryError

if TYPE_CHECKING:
    from mcp_servers.ownership.owner_protocol import JsonValue

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
    blocks = _ask(
        directory,
        "show_config",
        {"managed_object": managed_object, "section": section},
        {"--at": at},
    )
    if as_json:
        print_json(blocks)
        return
    for block in blocks:
        commit = (block["commit"] or "working copy")[:12]
        print_text(f"# {block['file']}@{commit}:{block['first_line']}-{block['last_line']}")
        print_text(block["text"])


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
    found = _ask(
        directory,
        "diff_config",
        {"managed_object": managed_object},
        {"--from": from_time, "--to": to_time},
    )
    _print_changes(found, as_json=as_json)


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
    found = _ask(
        directory,
        "list_config_changes",
        {"around": around or [], "hops": hops, "limit": limit},
        {"--since": since, "--until": until},
    )
    _print_changes(found, as_json=as_json)


@app.command()
def find(
    directory: Directory,
    pattern: Annotated[str, typer.Argument(help="RE2, any case; such as '10[.]0[.]3[.]'.")],
    at: Annotated[str | None, typer.Option(help="ISO 8601; the state at that time.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many lines at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Find the lines of all configurations that match a pattern.

    Example: tierwise-site config find site 'route-map .*CUSTOMER'
    """
    found = _ask(directory, "find_config", {"pattern": pattern, "limit": limit}, {"--at": at})
    if as_json:
        print_json(found)
        return
    for block in found:
        path = " > ".join(block["path"])
        print_text(
            f"{block['file']}:{block['first_line']}  {path and path + ' > '}{block['text'].strip()}"
        )


@app.command()
def check(
    directory: Directory,
    around: Annotated[
        list[str] | None, typer.Option(help="Only these elements; may be given several times.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="ISO 8601; the state at that time.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find contradictions: ends of a link that do not agree, references to nothing.

    Example: tierwise-site config check site --around pe1
    """
    found = _ask(directory, "check_configs", {"around": around or []}, {"--at": at})
    if as_json:
        print_json(found)
        return
    for finding in found:
        print_text(f"{finding['kind']}: {finding['summary']}")
        for side in finding["sides"]:
            print_text(f"  {side['file']}:{side['line']}  {side['text'].strip()}")
    say("no contradiction found" if not found else f"{len(found)} contradictions")


@app.command()
def neighbors(
    directory: Directory,
    managed_object: Element,
    hops: Annotated[int, typer.Option(min=1, max=5, help="How far.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Show what is joined to an element, who says so, and where the sources disagree.

    Example: tierwise-site config neighbors site pe1 --hops 2
    """
    from mcp_servers.commands.opening import open_site

    with open_site(directory) as access:
        found = access.call("list_neighbors", {"managed_object": managed_object, "hops": hops})
    if as_json:
        print_json(found)
        return
    from mcp_servers.serving.twins import neighborhood_text

    print_text(neighborhood_text({"links": found}))


def _ask(
    directory: Path,
    operation: str,
    arguments: dict[str, JsonValue],
    moments: Mapping[str, str | None],
) -> JsonValue:
    """Ask whoever owns the store; times are read in the site's zone, by the name of their flag."""
    from mcp_servers.commands.opening import open_site
    from mcp_servers.site_directory import SiteDirectory
    from telecom.times import format_instant, parse_instant

    site = SiteDirectory.open(directory)
    if not site.configs.is_dir():
        raise SiteDirectoryError(
            f"{site.configs} is missing; it is a git repository with one file per device, "
            "as Oxidized writes it"
        )
    arguments["times"] = [
        format_instant(parse_instant(text, zone=site.timezone, argument=flag))
        for flag, text in moments.items()
        if text is not None
    ]
    with open_site(directory) as access:
        return access.call(operation, arguments)


def _print_changes(found: JsonValue, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    from mcp_servers.serving.twins import changes_text

    print_text(changes_text({"changes": found, "gaps": []}))
