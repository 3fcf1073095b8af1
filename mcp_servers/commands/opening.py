"""How a command opens a site: its settings, and its store as owner or as the owner's client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mcp_servers.egress.gate import detector_of
from mcp_servers.ownership.site_operations import OwnedSite
from mcp_servers.ownership.store_access import StoreAccess
from mcp_servers.serving.log_output import log_to_stderr
from mcp_servers.site_directory import SiteDirectory


@contextmanager
def open_site(directory: Path) -> Iterator[StoreAccess]:
    """Reach a site's store; whoever owns it does the work.

    Raises:
        OperatorError: The site directory cannot be used; the message names the cure.
    """
    site = SiteDirectory.open(directory)

    def opened() -> OwnedSite:
        log_to_stderr(detector_of(site.settings))
        return OwnedSite(site)

    with StoreAccess(site.store, opened) as access:
        yield access
