"""`keys list|rotate`: the keys that a site made for itself, and how another follows."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

from typing import Annotated

import typer

from mcp_servers.commands.output import print_json, print_table, say
from mcp_servers.commands.site import AsJson, Directory

app = typer.Typer(
    no_args_is_help=True,
    help="""Show the keys of a site, or replace the one that signs.

    The key of pseudonyms is replaced by `tierwise-site epochs start`, a release key by naming
    another in site.yaml.""",
)


@app.command("list")
def list_keys(directory: Directory, as_json: AsJson = False) -> None:
    """Show every key, how old it is and what it still does; no secret is printed.

    Example: tierwise-site keys list site
    """
    from mcp_servers.site_directory import SiteDirectory
    from mcp_servers.site_keys.listing import list_keys as keys_of

    site = SiteDirectory.open(directory)
    found = keys_of(site)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    print_table(
        f"keys of {site.settings.site_id}",
        ("key", "id", "since", "what it does"),
        [
            (each.what, each.id, f"{each.since:%Y-%m-%d}" if each.since else "", each.does)
            for each in found
        ],
    )


@app.command()
def rotate(
    directory: Directory,
    leaked: Annotated[
        bool, typer.Option("--leaked", help="It is in other hands: no token of it holds any more.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a new signing key; the ledger holds over the change, pseudonyms stay as they are.

    The site must be stopped. Tokens that the old key signed hold until they end, 30 days at most;
    after a leak they are void at once, and ids of alarms are made anew. The old key is destroyed.

    Examples:
        tierwise-site keys rotate site

        tierwise-site keys rotate site --leaked
    """
    from mcp_servers.site_directory import SiteDirectory
    from mcp_servers.site_keys.handover import TOKENS_HOLD
    from mcp_servers.site_keys.rotation import rotate_signing_key

    done = rotate_signing_key(SiteDirectory.open(directory), leaked=leaked)
    if as_json:
        print_json(done.model_dump(mode="json"))
        return
    say(f"signing key {done.successor} follows {done.predecessor}, which is destroyed")
    say(
        f"ledger: {done.ledger_entries} entries keep the old signature and are fixed by the new one"
    )
    if leaked:
        say("tokens signed so far are void")
        say(f"next: tierwise-site ingest {directory} alarms --rebuild; then new tokens")
    else:
        say(f"tokens signed so far hold until they end, {TOKENS_HOLD.days} days at most")
    say(
        f"next: tierwise-site backup {directory}; a restore of an older one brings the old key back"
    )
