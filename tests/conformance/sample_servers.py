"""The three real servers of a sample site, also for tools that cannot show a token.

The suite cannot send a bearer token, so a wrapper shows one in its place; everything behind it is
what `tierwise-site serve` serves.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_servers.ownership.corpus_intake import CORPORA
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.ownership.site_operations import OwnedSite
from mcp_servers.sample_site import generate
from mcp_servers.serving.http_app import build_app
from mcp_servers.serving.identity import CONFIRM_SCOPE, READ_SCOPES, TokenIssuer
from mcp_servers.serving.server_factory import ToolSet
from mcp_servers.serving.site_servers import SERVERS, server_of, toolset_of
from mcp_servers.site_directory import SiteDirectory

FIXTURE_FREE = (
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "prompts-list",
    "caching",
    "http-header-validation",
    "dns-rebinding-protection",
)
"""Scenarios that need no fixture tool."""


@dataclass(frozen=True, slots=True)
class SampleServers:
    """A served sample site."""

    url: str
    token: str
    calls: Mapping[str, Mapping[str, Mapping[str, Any]]]
    """Server -> tool -> arguments that it answers."""
    toolset: ToolSet
    """All three together."""


class ShowsToken:
    """Shows a token for a client that cannot."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._header = (b"authorization", f"Bearer {token}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["headers"] = [*scope["headers"], self._header]
        await self._app(scope, receive, send)


@contextmanager
def sample_servers(folder: Path) -> Iterator[SampleServers]:
    """Make a small sample site, ingest it and serve it on a free port."""
    generate(folder, seed=1, size=90)
    site = SiteDirectory.open(folder)
    owned = OwnedSite(site)
    try:
        owned.operations["ingest"]({"corpora": CORPORA}, _quiet)
        host = owned.host
        token = TokenIssuer(site.settings.site_id, host.keys).issue(
            sorted(READ_SCOPES | {CONFIRM_SCOPE}), "region", timedelta(hours=1)
        )
        app = build_app(
            {name: server_of(host, name) for name in SERVERS},
            host.verifier,
            site.settings.serving,
            missing=host.missing,
            policy=lambda: host.live_policy.status,
        )
        with serving(ShowsToken(app, token)) as url:
            yield SampleServers(url, token, _calls(host), toolset_of(host, "all"))
    finally:
        owned.close()


def _quiet(_phrase: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def _calls(host: SiteHost) -> dict[str, dict[str, dict[str, Any]]]:
    """Arguments for every tool, from what the site holds."""
    summary = host.alarms.summarize(host.alarms.window(None, None), 500)
    start, end = (moment.isoformat() for moment in summary.window)
    suspect = summary.root_cause_candidates[0].managed_object
    device = suspect.partition(":")[0]
    alarm = next(key for key in summary.evidence if key.startswith("alarm:"))
    ticket = host.knowledge.search("link down", limit=1)[0].source
    window = {"from_time": start, "to_time": end}
    return {
        "alarms": {
            "summarize_alarms": window | {"budget_tokens": 500},
            "rank_root_causes": window,
            "list_alarms": window | {"limit": 3},
            "get_alarm": {"alarm_id": alarm.removeprefix("alarm:").partition("#")[0]},
        },
        "tickets": {
            "search_tickets": {"query": "link down", "limit": 2},
            "get_ticket": {"ticket_id": ticket},
            "find_similar_incidents": {"symptoms": ["link down"], "managed_objects": [device]},
            "search_documents": {"query": "fibre cut", "limit": 2},
            "confirm_cause": {
                "incident_id": "inc-inspected",
                "cause": "fibre cut",
                "reviewer": "noc",
                "symptoms": ["link down"],
            },
        },
        "configs": {
            "list_changes": window | {"limit": 2},
            "lookup_config": {"managed_object": device},
            "diff_config": window | {"managed_object": device},
            "get_neighbors": {"managed_object": device},
            "check_consistency": {"around": [device]},
            "find_config": {"pattern": "interface", "limit": 2},
        },
    }


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve an application in a thread; gives its base URL."""
    ready = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            ready.set()

    server = Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    if not ready.wait(60):
        raise RuntimeError("the server did not start")
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(15)
