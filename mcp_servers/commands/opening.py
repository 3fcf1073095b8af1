"""How a command opens a site: its settings, and its store as owner or as the owner's client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_servers.ownership.store_access import StoreAccess
from mcp_servers.site_directory import SiteDirectory

if TYPE_CHECKING:
    from mcp_servers.ownership.site_operations import OwnedSite


@contextmanager
def open_site(directory: Path) -> Iterator[StoreAccess]:
    """Reach a site's store; whoever owns it does the work.

    Raises:
        OperatorError: The site directory cannot be used; the message names the cure.
    """
    site = SiteDirectory.open(directory)

    def opened() -> OwnedSite:
        # A client of another owner needs none of these.
        from mcp_servers.egress.gate import detector_of  # noqa: PLC0415
        from mcp_servers.ownership.site_operations import OwnedSite  # noqa: PLC0415
        from mcp_servers.serving.log_output import log_to_stderr  # noqa: PLC0415

        log_to_stderr(detector_of(site.settings))
        return OwnedSite(site)

    with StoreAccess(site.store, opened) as access:
        yield access
