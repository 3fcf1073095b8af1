"""The knowledge base in `/readyz`: red health is said, and the site goes on by words."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx

from mcp_servers.ownership.site_operations import OwnedSite
from mcp_servers.serving.http_app import build_app
from mcp_servers.serving.site_servers import server_of
from mcp_servers.site_directory import SiteDirectory
from mcp_servers.tickets.knowledge_state import CHECK_SECONDS, KnowledgeState, KnowledgeWatch
from tests.mcp_servers.fixture_tools import serving
from tests.mcp_servers.small_site import make_site
from tests.rag.stored import index_in


def readiness(owned: OwnedSite, watch: KnowledgeWatch) -> httpx.Response:
    """What the served site says of itself."""
    host = owned.host
    app = build_app(
        {"tickets": server_of(host, "tickets")},
        host.verifier,
        host.site.settings.serving,
        missing=host.missing,
        policy=lambda: host.live_policy.status,
        knowledge=watch.state,
    )
    with serving(app) as url:
        return httpx.get(f"{url}/readyz", timeout=30)


def test_a_site_whose_vectors_are_gone_stays_ready_and_says_so(tmp_path: Path) -> None:
    """Issue 6: corrupted or missing index: red health, lexical search goes on and says so."""
    moment = [0.0]
    owned = OwnedSite(SiteDirectory.open(make_site(tmp_path / "small")))
    host = owned.host
    watch = KnowledgeWatch(
        lambda: host._parts.get("knowledge"),
        (host.site.store / "knowledge").is_dir,
        now=lambda: moment[0],
    )
    assert watch.state() == KnowledgeState(state="empty")
    owned.operations["ingest"]({"corpora": ["tickets"]}, lambda *_: None)
    assert watch.state() == KnowledgeState(state="whole")
    with index_in(host.site.store) as index:
        index.delete("tickets", index.keys("tickets"))
    assert watch.state().state == "whole"  # it was asked a moment ago
    moment[0] += CHECK_SECONDS
    told = readiness(owned, watch)
    assert (told.status_code, told.json()["status"]) == (200, "ready")
    assert told.json()["knowledge"] == {"state": "lexical", "pending": 0}
    assert "rebuild" not in told.text  # what is wrong, and where, is for the log
    owned.close()


def test_watching_opens_nothing(tmp_path: Path) -> None:
    """Us: whoever asks for readiness does not make the site load a model."""
    folder = make_site(tmp_path / "small")
    first = OwnedSite(SiteDirectory.open(folder))
    first.operations["ingest"]({"corpora": ["tickets"]}, lambda *_: None)
    first.close()
    again = OwnedSite(SiteDirectory.open(folder))
    assert again.host.knowledge_watch.state() == KnowledgeState(state="closed")
    again.close()
    shutil.rmtree(folder / "store" / "knowledge")
    assert again.host.knowledge_watch.state() == KnowledgeState(state="empty")
