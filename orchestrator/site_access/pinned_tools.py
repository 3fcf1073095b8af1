"""Looking at what sites say about their tools, and accepting a change of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from orchestrator.settings import Settings, SiteDeclaration
from orchestrator.site_access.mcp_connection import McpConnection
from orchestrator.site_access.mcp_transports import HttpTarget
from orchestrator.site_access.sites import targets_of
from orchestrator.storage.tool_pins import ToolPins
from telecom.errors import InvalidArgumentError


async def look_at_tools(settings: Settings, *, accept: str | None) -> list[dict[str, str]]:
    """One row for each tool of each site's servers: site, tool, state, what it says and said.

    Args:
        settings: Whose sites; a site directory has no pins, its command is of this installation.
        accept: Pin what this site says now.

    Raises:
        InvalidArgumentError: No such site with a URL.
        SiteUnavailableError: A site does not answer.
    """
    sites = [site for site in settings.sites if site.url is not None]
    if accept is not None:
        sites = [site for site in sites if site.name == accept]
        if not sites:
            raise InvalidArgumentError(
                "site", f"no site {accept!r} with a url in tierwise.yaml; a site_dir needs no pins"
            )
    async with aclosing(ToolPins(settings.state_address)) as pins:
        return await _looked_at(sites, settings, pins, accept=accept is not None)


async def _looked_at(
    sites: Sequence[SiteDeclaration], settings: Settings, pins: ToolPins, *, accept: bool
) -> list[dict[str, str]]:
    rows = []
    for site in sites:
        for target in dict.fromkeys(targets_of(site).values()):
            assert isinstance(target, HttpTarget)
            connection = McpConnection(site.name, target, timeout_s=settings.budgets.tool_seconds)
            try:
                offered = await connection.offered()
            finally:
                await connection.close()
            known = await pins.of(site.name, target.url)
            for tool in offered:
                before = known.get(tool.name)
                state = (
                    "new"
                    if before is None
                    else "as it was"
                    if before.sha256 == tool.sha256
                    else "changed"
                )
                rows.append(
                    {
                        "site": site.name,
                        "tool": tool.name,
                        "state": f"{state}, accepted" if accept and state != "as it was" else state,
                        "says": tool.description[:300],
                        "before": before.description[:300] if before and state == "changed" else "",
                    }
                )
            if accept:
                await pins.accept(site.name, target.url, offered)
    return rows
