"""A no-op tool call through the whole gate against a bare SDK server with bearer auth, in one run.

Both serve streamable HTTP on loopback in this process. Calls of the two and flushes to disk take
turns, so what else the machine does hits all; the gate may cost at most 1.35 times the bare call
and one flush. Under load callers share a flush (group commit), and 16 of them
get at least 0.6 times the calls a second that the bare server answers.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from pydantic import AnyHttpUrl
from starlette.types import ASGIApp

from mcp_servers.egress.gate import EgressGate, detector_of
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.serving.bearer import BearerVerifier
from mcp_servers.serving.http_app import build_app
from mcp_servers.serving.identity import SiteKeys, TokenIssuer, TokenVerifier, site_issuer
from mcp_servers.serving.server_factory import ToolSet, build_server
from mcp_servers.serving.tool_declarations import DeclaredTool
from mcp_servers.site_directory import (
    BudgetSettings,
    CallerSettings,
    RateSettings,
    ServingSettings,
    SiteSettings,
)
from placement import load_policy
from placement.live import LivePolicy
from telecom.schema import ProductModel
from telecom.workload import Home

CALLS = 300
CALLERS = 8
MANY_CALLERS = 16
ROUNDS = 6
_SITE = "bench"
_MANY = 10**9
_REQUEST = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "noop", "arguments": {}},
}


class Nothing(ProductModel):
    """The answer of a tool that does nothing."""

    text: str = "nothing"


def noop() -> Nothing:
    """Do nothing."""
    return Nothing()


def run() -> list[dict[str, Any]]:
    """Measure; rows of {name, value, unit, ratio, limit, ok}."""
    with tempfile.TemporaryDirectory() as folder, _site(Path(folder)) as site:
        bare, gated = _callers(site)
        for call in (bare, gated) * 20:
            call()
        rounds = [
            (_seconds(bare), _seconds(gated), _seconds(lambda: _flush(site.store)))
            for _ in range(CALLS)
        ]
        together = _under_load(site)
        rates = [(_rate(site.bare_url, site), _rate(site.gated_url, site)) for _ in range(ROUNDS)]
    plain, through, flush = map(statistics.median, zip(*rounds, strict=True))
    allowed = 1.35 * plain + flush
    bare_rate = statistics.median(first for first, _ in rates)
    share = statistics.median(second / first for first, second in rates)
    return [
        _row("bare SDK server with bearer auth", plain * 1e3, "ms a call"),
        _row("one flush to disk", flush * 1e3, "ms"),
        {
            **_row("through the whole gate", through * 1e3, "ms a call"),
            "ratio": round(through / plain, 3),
            "limit": f"1.35x + flush = {allowed * 1e3:.2f} ms",
            "ok": through <= allowed,
        },
        {
            **_row(f"flushes a call, {CALLERS} callers", together, "group commit"),
            "ratio": round(together, 3),
            "limit": 1.0,
            "ok": together <= 1.0,
        },
        _row(f"bare SDK server, {MANY_CALLERS} callers", bare_rate, "calls/s"),
        {
            **_row(f"through the whole gate, {MANY_CALLERS} callers", bare_rate * share, "calls/s"),
            "ratio": round(share, 3),
            "limit": ">= 0.6x",
            "ok": share >= 0.6,
        },
    ]


class _Site:
    """Both servers and what they need."""

    def __init__(self, store: Path, ledger: EgressLedger) -> None:
        settings = SiteSettings(
            site_id=_SITE,
            country="DE",
            callers=(CallerSettings(issuer=site_issuer(_SITE), client="region", tier="region"),),
            budgets=BudgetSettings(
                tokens_per_hour=_MANY, records_per_hour=_MANY, identifiers_per_hour=_MANY
            ),
        )
        keys = SiteKeys.open(store / "keys")
        verifier = TokenVerifier.open(_SITE, keys, settings.callers)
        policy = load_policy()
        gate = EgressGate(
            policy,
            Home(site=_SITE, country="DE", on_premises=True),
            settings,
            detector_of(settings),
            Pseudonymizer.open(store),
            ledger,
        )
        tool = DeclaredTool(noop, ("alarms_raw",), "alarms:read", _twin, "No-op")
        server = build_server(
            ToolSet("alarms", "Bench.", (tool,)),
            gate,
            known_classes=policy.catalogue.classes,
            verifier=verifier,
        )
        self.store = store
        self.ledger = ledger
        self.gated_app = build_app(
            {"alarms": server},
            verifier,
            ServingSettings(rate=RateSettings(calls_per_second=_MANY, calls_per_minute=_MANY)),
            missing=lambda: (),
            policy=lambda: LivePolicy().status,
        )
        self.bare_app = _bare_app(verifier)
        self.token = TokenIssuer(_SITE, keys).issue(("alarms:read",), "region", timedelta(hours=1))
        self.bare_url = self.gated_url = ""


def _twin(answer: dict[str, Any]) -> str:
    return str(answer["text"])


def _bare_app(verifier: TokenVerifier) -> ASGIApp:
    """The SDK's own server: the same tool and token, nothing of ours around it."""
    server: MCPServer[Any] = MCPServer(
        "bare",
        token_verifier=BearerVerifier(verifier),
        auth=AuthSettings(
            issuer_url=AnyHttpUrl("http://127.0.0.1"),
            resource_server_url=None,
            required_scopes=["alarms:read"],
            validate_token_resource=False,
        ),
        log_level="WARNING",
    )
    server.add_tool(noop, name="noop", description="Do nothing.")
    return server.streamable_http_app(
        streamable_http_path="/alarms/mcp", stateless_http=True, json_response=False
    )


@contextlib.contextmanager
def _site(folder: Path) -> Iterator[_Site]:
    keys = SiteKeys.open(folder / "keys")
    with EgressLedger.open(folder, keys.signing_key) as ledger:
        site = _Site(folder, ledger)
        with _served(site.bare_app) as site.bare_url, _served(site.gated_app) as site.gated_url:
            yield site


@contextlib.contextmanager
def _served(app: ASGIApp) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def _callers(site: _Site) -> tuple[Callable[[], None], Callable[[], None]]:
    return _caller(site.bare_url, site.token), _caller(site.gated_url, site.token)


def _caller(url: str, token: str) -> Callable[[], None]:
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
    }
    client = httpx.Client(base_url=url, headers=headers, timeout=30)

    def call() -> None:
        answer = client.post("/alarms/mcp", json=_REQUEST)
        if answer.status_code != httpx.codes.OK or '"isError":true' in answer.text:
            raise RuntimeError(answer.text)

    return call


def _under_load(site: _Site) -> float:
    """Flushes to disk per call when several callers ask at once."""
    flushes = 0
    real = os.fsync

    def counted(descriptor: int) -> None:
        nonlocal flushes
        flushes += 1
        real(descriptor)

    calls = [_caller(site.gated_url, site.token) for _ in range(CALLERS)]
    os.fsync = counted  # type: ignore[assignment]
    try:
        with ThreadPoolExecutor(CALLERS) as pool:
            list(pool.map(lambda call: [call() for _ in range(20)], calls))
    finally:
        os.fsync = real
    return flushes / (CALLERS * 20)


def _rate(url: str, site: _Site) -> float:
    """Calls a second when many callers ask at once."""
    calls = [_caller(url, site.token) for _ in range(MANY_CALLERS)]
    for call in calls:
        call()
    with ThreadPoolExecutor(MANY_CALLERS) as pool:
        seconds = _seconds(lambda: list(pool.map(lambda call: [call() for _ in range(8)], calls)))
    return MANY_CALLERS * 8 / seconds


def _flush(store: Path) -> None:
    """Append a line of an entry's size and wait until it is on disk."""
    with (store / "flush").open("ab") as stream:
        stream.write(b"x" * 700 + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _row(name: str, value: float, unit: str) -> dict[str, Any]:
    return {"name": f"gate: {name}", "value": round(value, 3), "unit": unit}
