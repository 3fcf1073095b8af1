"""`doctor`: whether a site is safe and will still work tomorrow."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import sys

from mcp_servers.commands.output import print_json, print_table
from mcp_servers.commands.site import AsJson, Directory


def doctor(directory: Directory, as_json: AsJson = False) -> None:
    """Examine a site: settings, policy, disk, keys, ledger, vault, index, artifacts, wire, clocks.

    Some seconds, also while the site is served or cut off. Exit code 1 when something is broken.
    What cannot be asked from here is `not checked`.

    Examples:
        tierwise-site doctor site

        tierwise-site doctor site --json
    """
    from mcp_servers.commands.opening import open_site
    from mcp_servers.examination.store_checks import index_checks, settings_checks, store_checks
    from mcp_servers.examination.wire_checks import wire_checks
    from mcp_servers.site_directory import SiteDirectory
    from telecom.errors import TierwiseError
    from telecom.examination import Check, failed

    site = SiteDirectory.open(directory)
    checks = [*settings_checks(site), *store_checks(site), *wire_checks(site)]
    try:
        with open_site(directory) as access:
            checks += index_checks(site, access)
    except TierwiseError as exc:
        cure = "what stands above it in this list comes first"
        checks.append(Check(what="opening the site", verdict="fail", says=str(exc), next=cure))
    if as_json:
        print_json([check.model_dump() for check in checks])
    else:
        print_table(
            f"{site.settings.site_id}: {site.path}",
            ("what", "verdict", "says", "what to do"),
            [(check.what, check.verdict, check.says, check.next) for check in checks],
        )
    if failed(checks):
        sys.exit(1)
