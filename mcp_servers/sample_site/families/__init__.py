"""Fault families: each writes one kind of incident onto a scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcp_servers.sample_site.families import transport_config
from mcp_servers.sample_site.scene import Scene

WRITERS: Mapping[str, Callable[[Scene], None]] = {
    "transport_config": transport_config.write,
}

DEFAULT = "transport_config"
"""The demo incident."""

FAMILIES: tuple[str, ...] = tuple(WRITERS)
"""Names of all families, in the order in which they are listed."""
