"""`gateway-policy`: the second lock, for the Gateway that offers this site's tools in the cloud."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from mcp_servers.commands.output import print_text, say
from mcp_servers.commands.site import Directory


def gateway_policy(
    directory: Directory,
    gateway_arn: Annotated[str, typer.Option(help="The AgentCore Gateway that the rules are for.")],
) -> None:
    """Print Cedar rules for AgentCore Gateway: tools whose classes never reach the Region stay out.

    Generated from the tool declarations under this site's policy; targets are called tickets,
    alarms and configs. It decides by tool name; everything else is the egress gate's.

    Example:
        tierwise-site gateway-policy site --gateway-arn arn:aws:bedrock-agentcore:...:gateway/noc
    """
    from mcp_servers.ownership.site_host import SiteHost
    from mcp_servers.serving.site_servers import SERVERS, toolset_of
    from mcp_servers.site_directory import SiteDirectory
    from placement.second_lock import GatewayTool, second_lock

    site = SiteDirectory.open(directory)
    with closing(SiteHost(site)) as host:
        tools = [
            GatewayTool(server, tool.name, tool.data_classes)
            for server in SERVERS
            for tool in toolset_of(host, server).tools
        ]
        lock = second_lock(host.policy, tools, home=site.home, gateway_arn=gateway_arn)
    print_text(lock.cedar)
    closed = ", ".join(tool.action for tool in lock.forbidden) or "none"
    say(f"{len(lock.allowed)} tools may be offered; forbidden: {closed}")
