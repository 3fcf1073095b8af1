"""Tools that behave and misbehave, and a server thread for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from mcp_servers.egress.gate import EgressGate
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.serving.identity import TokenIssuer, TokenVerifier
from mcp_servers.serving.server_factory import ToolSet
from mcp_servers.serving.tool_declarations import DeclaredTool
from placement import Policy
from telecom.errors import RecordNotFoundError, SiteDirectoryError
from telecom.schema import ProductModel

IMSI = "262011234567890"
SITE_ID = "testsite"


@dataclass
class Guard:
    """What surrounds tools on a site, without a site's data."""

    gate: EgressGate
    policy: Policy
    ledger: EgressLedger
    issuer: TokenIssuer
    verifier: TokenVerifier


class Note(ProductModel):
    """An answer of the fixture tools."""

    text: str


def echo(text: str = "", times: int = 1) -> Note:
    """Say it again."""
    return Note(text=text * times)


def leak() -> Note:
    """Name a subscriber, as careless tools do."""
    return Note(text=f"IMSI={IMSI} lost its session")


def fail_with_identifier() -> Note:
    """Fail with a subscriber in the message."""
    raise RecordNotFoundError("subscriber", f"imsi-{IMSI}", hint="nothing to do")


def crash_with_identifier() -> Note:
    """Crash with a subscriber in the message."""
    raise RuntimeError(f"imsi-{IMSI} not in cache")


def need_operator() -> Note:
    """Fail for a reason that only the operator can mend."""
    raise SiteDirectoryError("/srv/site/topology.csv:3: a row needs a device")


def twin(answer: dict[str, object]) -> str:
    """The text beside the answer."""
    return f"note: {answer['text']}"


def toolset(*functions: Callable[..., ProductModel]) -> ToolSet:
    """Declare fixture tools as alarm tools."""
    chosen = functions or (echo, leak, fail_with_identifier, crash_with_identifier, need_operator)
    return ToolSet(
        "alarms",
        "Fixture tools.",
        tuple(
            DeclaredTool(function, ("alarms_raw",), "alarms:read", twin, function.__name__)
            for function in chosen
        ),
    )


@contextmanager
def serving(app: ASGIApp, *, tls: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Serve an app on a free loopback port; the base URL when it answers.

    Args:
        app: What to serve.
        tls: Certificate and key; None serves plain HTTP.
    """
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: object = None) -> None:
            await super().startup(sockets=sockets)  # type: ignore[arg-type]
            started.set()

    certificate, key = tls or (None, None)
    server = Server(
        uvicorn.Config(
            app,
            port=0,
            log_config=None,
            access_log=False,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert started.wait(10), "the server did not start"
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
