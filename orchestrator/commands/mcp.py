"""`tierwise mcp`: the orchestrator's own tools for another agent, over stdio."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

from orchestrator.commands.command_line import quiet_logs, reported
from orchestrator.commands.settings_options import ConfigOption
from orchestrator.commands.site_options import (
    AnalystOption,
    SiteDirOption,
    SiteOption,
    TokenOption,
    settings_of_flags,
)


def mcp(
    *,
    site: SiteOption = None,
    token_file: TokenOption = None,
    site_dir: SiteDirOption = None,
    analyst: AnalystOption = None,
    config: ConfigOption = None,
) -> None:
    """Serve investigate, get_report, list_incidents and explain_placement over stdin and stdout.

    For Claude Desktop, HolmesGPT and other agents: one call answers a root cause. Over HTTP the
    same tools are at /agents/mcp of `tierwise serve`, with a bearer token.

    Example, in a client's configuration: command "tierwise", args ["mcp", "--site-dir", "/srv/s"]
    """
    with reported():
        import asyncio

        from orchestrator.agent_door.opening import serve_stdio

        quiet_logs()
        settings = settings_of_flags(site, token_file, site_dir, analyst, config)
        asyncio.run(serve_stdio(settings))
