"""Rates: a burst is served, a flood is told when to come back, and others do not notice."""

from __future__ import annotations

import httpx
import pytest

from mcp_servers.serving.http_app import build_app
from mcp_servers.serving.identity import STDIO_CALLER
from mcp_servers.serving.rate_limits import RateLimiter
from mcp_servers.serving.server_factory import build_server
from mcp_servers.site_directory import RateSettings, ServingSettings
from placement.live import LivePolicy
from tests.mcp_servers.fixture_tools import Guard, serving, toolset
from tests.mcp_servers.serving.test_server_factory import bearer, call


class Clock:
    def __init__(self) -> None:
        self.moment = 100.0

    def __call__(self) -> float:
        return self.moment


def test_a_burst_passes_and_the_next_call_is_told_how_long_to_wait() -> None:
    """Issue 4: per-principal rate limits per second and minute, with retry-after."""
    clock = Clock()
    limiter = RateLimiter(RateSettings(calls_per_second=5, calls_per_minute=12), now=clock)
    assert [limiter.wait_for("a") for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    assert limiter.wait_for("b") == 0
    clock.moment += 1
    assert [limiter.wait_for("a") for _ in range(5)] == [0] * 5
    clock.moment += 1
    waits = [limiter.wait_for("a") for _ in range(5)]
    assert waits[:2] == [0, 0]
    assert waits[-1] == 3  # twelve a minute: one every five seconds, two of which are over
    clock.moment += 5
    assert limiter.wait_for("a") == 0


def test_a_refused_call_costs_nothing() -> None:
    """Us: who keeps knocking is served as soon as who waits."""
    clock = Clock()
    limiter = RateLimiter(RateSettings(calls_per_second=1, calls_per_minute=60), now=clock)
    assert limiter.wait_for("a") == 0
    assert {limiter.wait_for("a") for _ in range(100)} == {1}
    clock.moment += 1
    assert limiter.wait_for("a") == 0


def test_over_http_it_is_429_with_retry_after_for_that_principal_only(guard: Guard) -> None:
    """Issue 4 and RFC 6585."""
    server = build_server(
        toolset(),
        guard.gate,
        known_classes=guard.policy.catalogue.classes,
        verifier=guard.verifier,
    )
    app = build_app(
        {"alarms": server},
        guard.verifier,
        ServingSettings(rate=RateSettings(calls_per_second=2, calls_per_minute=2)),
        missing=lambda: (),
        policy=lambda: LivePolicy().status,
    )
    accept = {"Accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    with serving(app) as url, httpx.Client(base_url=url, timeout=20) as client:

        def ask(caller: str) -> httpx.Response:
            headers = accept | bearer(guard, caller=caller)
            return client.post("/alarms/mcp", json=body, headers=headers)

        assert [ask("region").status_code for _ in range(2)] == [200, 200]
        refused = ask("region")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"] == "rate_limited"
        assert ask("site").status_code == 200


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_over_stdio_it_is_an_error_that_says_when_to_retry(guard: Guard, mode: str) -> None:
    """Issue 4: a clear tool error where there is no HTTP status."""
    server = build_server(
        toolset(),
        guard.gate,
        known_classes=guard.policy.catalogue.classes,
        stream_caller=STDIO_CALLER,
        limiter=RateLimiter(RateSettings(calls_per_second=1, calls_per_minute=1)),
    )
    assert not call(server, "echo", {"text": "x"}, mode).is_error
    refused = call(server, "echo", {"text": "x"}, mode)
    assert refused.is_error
    assert refused.meta["tierwise/error"]["code"] == "rate_limited"
    assert "try again in" in refused.content[0].text
