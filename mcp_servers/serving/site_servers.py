"""The MCP servers of a site: which tools each serves, over HTTP or over a stream."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import MCPServer

from mcp_servers.alarms.server import AlarmTools
from mcp_servers.configs.server import ConfigTools
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.serving.identity import Caller
from mcp_servers.serving.policy_resources import PolicyResources
from mcp_servers.serving.prompts import SITE_PROMPTS
from mcp_servers.serving.server_factory import ToolSet, build_server
from mcp_servers.tickets.server import TicketTools

SERVERS = ("tickets", "alarms", "configs")


def toolset_of(host: SiteHost, name: str) -> ToolSet:
    """What one server serves, or all three together.

    Args:
        host: The site.
        name: One of `SERVERS`, or `all`.
    """
    sets = {
        "tickets": lambda: TicketTools(
            host.knowledge_of, host.site.tickets, host.site.timezone
        ).declared(),
        "alarms": lambda: AlarmTools(lambda: host.alarms).declared(),
        "configs": lambda: ConfigTools(host.configs, host.site.timezone).declared(),
    }
    parts = [sets[part]() for part in (SERVERS if name == "all" else (name,))]
    rules = PolicyResources(lambda: host.policy, host.site.settings.country)
    return ToolSet(
        name,
        "\n\n".join(part.instructions for part in parts),
        tuple(tool for part in parts for tool in part.tools),
        (
            *(resource for part in parts for resource in part.resources),
            *rules.declared(parts[0].tools[0].scope),
        ),
        SITE_PROMPTS,
    )


def server_of(
    host: SiteHost, name: str, *, stream_caller: Caller | None = None
) -> MCPServer[Any]:  # the type of its life-cycle state, which it has none of
    """Build a server: over HTTP with bearer tokens, or for whoever holds the stream.

    Args:
        host: The site.
        name: One of `SERVERS`, or `all`.
        stream_caller: Who calls over a stream; None serves HTTP only.
    """
    return build_server(
        toolset_of(host, name),
        host.gate,
        known_classes=host.policy.catalogue.classes,
        stream_caller=stream_caller,
        verifier=host.verifier if stream_caller is None else None,
        people=host.people,
        limiter=None if stream_caller is None else host.limiter,
        figures=host.calls,
    )
