"""`bundle`: what a desktop client such as Claude Desktop installs to reach this site."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcp_servers.commands.output import say
from mcp_servers.commands.site import Directory
from telecom.errors import InvalidArgumentError, SettingsError


def bundle(
    directory: Directory,
    url: Annotated[
        str, typer.Option(help="Where the site is served, such as https://noc:8700/all/mcp.")
    ] = "http://127.0.0.1:8700/all/mcp",
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path(
        "tierwise-site.mcpb"
    ),
) -> None:
    """Write an .mcpb bundle: a desktop client installs it, asks for a token, and reaches the site.

    The bundle holds a bridge from stdio to HTTP and no secret. Its caller counts as outside the
    site, whatever the token says, until `callers` in site.yaml binds it to a tier.

    Example:
        tierwise-site bundle site --url https://noc.example.net:8700/all/mcp -o noc.mcpb
    """
    from mcp_servers.desktop.bundle import write_bundle
    from mcp_servers.ownership.site_host import SiteHost
    from mcp_servers.serving.site_servers import toolset_of
    from mcp_servers.site_directory import SiteDirectory

    if not url.startswith(("https://", "http://")):
        raise InvalidArgumentError("--url", f"--url must be http:// or https://, got {url!r}")
    host = SiteHost(SiteDirectory.open(directory))
    try:
        parts = write_bundle(output, toolset_of(host, "all"), url=url)
    except OSError as exc:
        raise SettingsError(f"{output} cannot be written: {exc.strerror}") from exc
    finally:
        host.close()
    say(f"{output}: {', '.join(parts)}; install it in the client and give it a token of this site")
