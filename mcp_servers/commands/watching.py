"""`watch`: the site follows its own incidents, reports on them, and tells the cloud half."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from mcp_servers.commands.output import print_text, say
from mcp_servers.commands.site import Directory
from telecom.identifiers.sanitizing import sanitize_text

if TYPE_CHECKING:
    from mcp_servers.ownership.owner_protocol import JsonValue

_LOOK_SECONDS = 1.0


def watch(
    directory: Directory,
    once: Annotated[
        bool, typer.Option("--once", help="Do one pass over what there is, then end.")
    ] = False,
) -> None:
    """Fold, triage and report on the site by itself; tell the cloud half when it is reachable.

    Reports are files in store/reports, JSON and Markdown. Where `cloud` in site.yaml names a cloud
    half, an envelope for each incident goes there: ids, severity, cause and counts, no raw text.
    While the WAN is cut it waits, and the report says what it lacks. `serve` watches too, where a
    cloud half is named. Stop it with Ctrl-C.

    Examples:
        tierwise-site watch site

        tierwise-site watch site --once
    """
    from mcp_servers.commands.opening import open_site

    with open_site(directory) as site:
        if once:
            _print_news(site.call("watch_once", {}))
            return
        say(f"watching {directory}; stop with Ctrl-C")
        seen = 0
        while True:
            # Asked each time: the owner may have ended, and another, or this process, taken over.
            site.call("start_watching", {})
            news = site.call("watch_news", {"after": seen})
            _print_news(news)
            seen = max((each["number"] for each in news), default=seen)
            time.sleep(_LOOK_SECONDS)


def _print_news(news: JsonValue) -> None:
    for each in news:
        # A headline may quote what a device wrote, which must not drive the terminal.
        print_text(f"{each['time']}  {sanitize_text(each['text'])}")
