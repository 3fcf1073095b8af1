"""The site's small model as `site.yaml` declares it: who calls it, and how it is called."""

from __future__ import annotations

from agents.models.edge_slm import EdgeModel, EdgeModelSettings
from mcp_servers.serving.identity import Caller, site_issuer
from mcp_servers.site_directory import EdgeModelServer

PAUSE_SECONDS = 60.0
"""After a failed call: a storm must not wait for a dead server each time."""
_LARGEST_ANSWER = 256 * 1024


def edge_caller(server: EdgeModelServer, site_id: str) -> Caller:
    """Whom the gate releases to, and whom the ledger names, when the small model is asked."""
    return Caller(
        principal="site/edge-slm",
        issuer=site_issuer(site_id),
        client="edge-slm",
        tier=server.tier,
        scopes=frozenset(),
        transport="http",
    )


def edge_model(server: EdgeModelServer) -> EdgeModel:
    """The model, asked once, within the time that is declared; nothing is called yet."""
    return EdgeModel(
        EdgeModelSettings(
            server.base_url,
            server.model,
            first_token_s=server.seconds,
            total_s=server.seconds,
            attempts=1,
            max_answer_bytes=_LARGEST_ANSWER,
        )
    )
