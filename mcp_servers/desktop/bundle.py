"""The `.mcpb` bundle: one file that a desktop client installs, with the bridge inside.

Source: MCPB manifest 0.4 (https://github.com/modelcontextprotocol/mcpb). The token is asked for by
the client at installation and kept in the operating system's key store (`sensitive`).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mcp_servers.serving.server_factory import ToolSet

BRIDGE = "server/bridge.py"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The same input gives the same bundle, byte for byte."""


def manifest(toolset: ToolSet, *, url: str) -> dict[str, Any]:
    """Describe the bundle to a desktop client; JSON, hence Any.

    Args:
        toolset: What the site serves.
        url: The site's address, offered as a default.
    """
    return {
        "manifest_version": "0.4",
        "name": "tierwise-site",
        "display_name": "tierwise site",
        "version": version("tierwise"),
        "description": "Alarms, tickets and configurations of a telecom site, read through its "
        "egress gate.",
        "long_description": "Connects to the tool servers of one telecom site. Everything that "
        "arrives here has passed the site's egress gate, which treats this client as outside the "
        "site: identifiers of subscribers arrive as their kind alone.",
        "author": {"name": "The tierwise authors"},
        "license": "Apache-2.0",
        "server": {
            "type": "python",
            "entry_point": BRIDGE,
            "mcp_config": {
                "command": "python3",
                "args": ["${__dirname}/" + BRIDGE],
                "env": {
                    "TIERWISE_URL": "${user_config.url}",
                    "TIERWISE_TOKEN": "${user_config.token}",
                    "TIERWISE_CA_FILE": "${user_config.ca_file}",
                },
                "platform_overrides": {"win32": {"command": "python"}},
            },
        },
        "tools": [{"name": tool.name, "description": tool.title} for tool in toolset.tools],
        "prompts_generated": True,
        "compatibility": {"runtimes": {"python": ">=3.9"}},
        "user_config": {
            "url": {
                "type": "string",
                "title": "Site address",
                "description": "Ends in /all/mcp; your site's operator knows it.",
                "default": url,
                "required": True,
            },
            "token": {
                "type": "string",
                "title": "Access token",
                "description": "As `tierwise-site token SITE --caller mcp-client "
                "--scopes alarms:read,tickets:read,configs:read` prints it.",
                "sensitive": True,
                "required": True,
            },
            "ca_file": {
                "type": "file",
                "title": "Certificate authority",
                "description": "PEM file, where the site has its own authority.",
                "required": False,
                "default": "",
            },
        },
    }


def write_bundle(file: Path, toolset: ToolSet, *, url: str) -> Sequence[str]:
    """Write the bundle; the names of what is in it."""
    described = json.dumps(manifest(toolset, url=url), indent=2) + "\n"
    bridge = Path(__file__).with_name("bridge.py").read_text(encoding="utf-8")
    parts = {"manifest.json": described, BRIDGE: bridge}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in parts.items():
            bundle.writestr(zipfile.ZipInfo(name, _EPOCH), text)
    return tuple(parts)
