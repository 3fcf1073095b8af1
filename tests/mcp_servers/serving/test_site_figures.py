"""`/metrics` of a site, scraped from the app that serves it."""

from __future__ import annotations

from datetime import timedelta

import httpx

from mcp_servers.egress.release_totals import ReleaseTotals
from mcp_servers.serving.http_app import build_app
from mcp_servers.serving.server_factory import build_server
from mcp_servers.serving.site_figures import CallFigures, egress_metrics
from mcp_servers.site_directory import ServingSettings
from placement.live import LivePolicy
from tests.mcp_servers.fixture_tools import IMSI, Guard, serving, toolset

_ACCEPT = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


def scrape_after(guard: Guard, *calls: tuple[str, dict[str, object]]) -> str:
    """What a scrape says after some calls of a caller in the Region."""
    figures = CallFigures()
    server = build_server(
        toolset(),
        guard.gate,
        known_classes=guard.policy.catalogue.classes,
        verifier=guard.verifier,
        figures=figures,
    )
    app = build_app(
        {"alarms": server},
        guard.verifier,
        ServingSettings(),
        missing=lambda: (),
        policy=lambda: LivePolicy().status,
        figures=lambda: [*figures.metrics(), *egress_metrics(guard.ledger.totals)],
    )
    token = guard.issuer.issue(["alarms:read"], "region", timedelta(minutes=5))
    headers = _ACCEPT | {"Authorization": f"Bearer {token}"}
    with serving(app) as url:
        for name, arguments in calls:
            params = {"name": name, "arguments": arguments}
            request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            httpx.post(f"{url}/alarms/mcp", json=request, headers=headers, timeout=10)
        answer = httpx.get(f"{url}/metrics", timeout=10)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


def test_a_scrape_counts_calls_by_outcome_and_what_left_by_tier(guard: Guard) -> None:
    """INTERFACES: `serve` has `/metrics`; whoever watches the site sees refusals and releases."""
    text = scrape_after(guard, ("leak", {}), ("leak", {}), ("echo", {"txt": "?"}))
    samples = set(text.splitlines())
    assert 'tierwise_site_calls_total{tool="leak",outcome="answered"} 2' in samples
    assert 'tierwise_site_calls_total{tool="echo",outcome="invalid_argument"} 1' in samples
    assert 'tierwise_site_masked_identifiers_total{kind="SUBSCRIBER"} 2' in samples
    assert "tierwise_site_ready 1" in samples
    released = [line for line in samples if line.startswith("tierwise_site_released_bytes_total{")]
    assert [line.rpartition(" ")[0].partition("{")[2] for line in released] == ['tier="region"}']


def test_a_scrape_names_no_caller_and_no_data(guard: Guard) -> None:
    """Us: the path is open to whoever reaches the port, so it says counts and nothing else."""
    text = scrape_after(guard, ("leak", {}), (f"imsi-{IMSI}", {}), ("echo", {IMSI: "x"}))
    assert IMSI not in text
    assert "tierwise-site:" not in text  # an issuer, and with it a principal


def test_an_empty_ledger_gives_empty_figures() -> None:
    """Us: a scrape right after the start is a whole scrape."""
    assert all(not list(metric.samples) for metric in egress_metrics(ReleaseTotals()))
