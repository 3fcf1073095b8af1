"""The Cedar rules of the Gateway, from the tools that the site half really declares."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.serving.site_servers import SERVERS, toolset_of
from mcp_servers.site_directory import SiteDirectory
from placement.second_lock import GatewayTool, SecondLock, second_lock

GATEWAY_ARN = "${Gateway.GatewayArn}"
"""What CloudFormation puts in the rules' place for it."""

_REFERENCE = "site_id: reference\ncountry: DE\n"


def rules_of(site: Path) -> SecondLock:
    """The rules under a site's own policy and catalogue."""
    directory = SiteDirectory.open(site)
    with closing(SiteHost(directory)) as host:
        tools = [
            GatewayTool(server, tool.name, tool.data_classes)
            for server in SERVERS
            for tool in toolset_of(host, server).tools
        ]
        return second_lock(host.policy, tools, home=directory.home, gateway_arn=GATEWAY_ARN)


def rules_of_the_reference() -> SecondLock:
    """The rules under the shipped policy, for a site in Germany."""
    with tempfile.TemporaryDirectory(prefix="tierwise-reference-") as folder:
        (Path(folder) / "site.yaml").write_text(_REFERENCE, encoding="utf-8")
        return rules_of(Path(folder))
