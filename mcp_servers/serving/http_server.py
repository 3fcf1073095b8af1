"""The two ways a site is served: HTTP on a port, and a stdio client's pipe."""

from __future__ import annotations

import logging
import socket
import ssl
from datetime import UTC, datetime
from typing import Any, BinaryIO

import uvicorn

from mcp_servers.commands.output import say
from mcp_servers.egress.budgets import BUDGET_WINDOW
from mcp_servers.egress.gate import detector_of
from mcp_servers.egress.guess_limit import GuessLimit
from mcp_servers.intake.live_intake import LiveIntake
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.ownership.site_operations import OwnedSite
from mcp_servers.ownership.store_access import StoreAccess
from mcp_servers.serving.http_app import LOOPBACK_HOSTS, REQUEST_SECONDS, build_app
from mcp_servers.serving.log_output import log_to_stderr
from mcp_servers.serving.page_guard import PageGuard
from mcp_servers.serving.people_pages import PeoplePages
from mcp_servers.serving.site_figures import egress_metrics
from mcp_servers.serving.site_servers import SERVERS, server_of
from mcp_servers.serving.stdio_bridge import StdioBridge
from mcp_servers.site_directory import SiteDirectory
from telecom.errors import SettingsError

_logger = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DRAIN_SECONDS = 10
"""How long requests under way may take when the server is stopped."""


def serve_site(site: SiteDirectory, *, host: str, port: int) -> None:
    """Own the store and serve it over HTTP until interrupted.

    Raises:
        OperatorError: The site cannot be served: settings, topology, policy, keys, port, or another
            process keeps the store.
    """
    log_to_stderr(detector_of(site.settings))
    listener = _listen(host, port)
    with listener, StoreAccess(site.store, lambda: _checked(site)) as access:
        opened = access.own_or_fail().opened
        assert isinstance(opened, OwnedSite)  # the opener above makes nothing else
        hosted = opened.host
        if site.settings.cloud is not None:
            opened.watch().start()
        app = build_app(
            {name: server_of(hosted, name) for name in (*SERVERS, "all")},
            hosted.verifier,
            site.settings.serving,
            missing=hosted.missing,
            policy=lambda: hosted.live_policy.status,
            knowledge=hosted.knowledge_watch.state,
            intake=LiveIntake(site, hosted.alarms),
            people=_people_pages(hosted).routes(),
            figures=lambda: [*hosted.calls.metrics(), *egress_metrics(hosted.ledger.totals)],
        )
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            **tls_options(site, host),
        )
        _Server(config, host).run(sockets=[listener])


def serve_stdio(site: SiteDirectory, server: str, stdin: BinaryIO, stdout: BinaryIO) -> None:
    """Serve a stdio client, as owner of the store or through the process that owns it.

    Raises:
        OperatorError: The site cannot be served, or its owner does not answer.
    """
    log_to_stderr(detector_of(site.settings))
    with StoreAccess(site.store, lambda: _checked(site)) as access:
        StdioBridge(access, site.store, server, stdin, stdout).run()


class _Server(uvicorn.Server):
    """Says when it answers, and on which port."""

    def __init__(self, config: uvicorn.Config, host: str) -> None:
        super().__init__(config)
        self._host = host

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and sockets:
            port = sockets[0].getsockname()[1]
            name = f"[{self._host}]" if ":" in self._host else self._host
            served = (f"/{server}/mcp" for server in (*SERVERS, "all"))
            paths = ", ".join([*served, "/intake/{format}"])
            scheme = "https" if self.config.is_ssl else "http"
            say(f"ready: {scheme}://{name}:{port} ({paths})")


def _checked(site: SiteDirectory) -> OwnedSite:
    """Open a site and see that it can be served at all."""
    opened = OwnedSite(site)
    try:
        opened.host.check()
    except BaseException:
        opened.close()
        raise
    log_to_stderr(opened.host.detector)
    opened.host.warm_up()
    if site.settings.country is None:
        _logger.warning(
            "site.yaml names no country, so the policy treats it as the most closed one and "
            "refuses most answers to callers outside the site; set `country`"
        )
    return opened


def _people_pages(host: SiteHost) -> PeoplePages:
    serving = host.site.settings.serving
    return PeoplePages(
        host.site.settings.name or host.site.settings.site_id,
        host.gate,
        host.pseudonymizer,
        host.ledger,
        host.verifier,
        PageGuard((*LOOPBACK_HOSTS, *serving.allowed_hosts), serving.page_parents),
        host.limiter,
        GuessLimit(
            host.site.settings.budgets.typed_identifiers_per_hour,
            host.ledger.since(datetime.now(UTC) - BUDGET_WINDOW),
        ),
    )


def tls_options(site: SiteDirectory, host: str) -> dict[str, Any]:
    """What uvicorn is to be told about TLS (options of several types, hence Any).

    Raises:
        SettingsError: A certificate or key cannot be used.
    """
    tls = site.settings.serving.tls
    if tls is None:
        if host not in _LOOPBACK:
            _logger.warning(
                "serving plain HTTP on %s: tokens cross the network readable unless a proxy in "
                "front ends TLS; `serving.tls` in site.yaml names a certificate",
                host,
            )
        return {}
    options: dict[str, Any] = {
        "ssl_certfile": str(site.path / tls.certificate),
        "ssl_keyfile": str(site.path / tls.key),
    }
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(options["ssl_certfile"], options["ssl_keyfile"])
        if tls.client_ca is not None:
            options["ssl_ca_certs"] = str(site.path / tls.client_ca)
            options["ssl_cert_reqs"] = ssl.CERT_REQUIRED
            context.load_verify_locations(options["ssl_ca_certs"])
    except OSError as exc:
        raise SettingsError(f"serving.tls: {exc}; check the files in {site.path}") from exc
    return options


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Connections take this over: who never reads what waits for him is cut off by the system.
        patience_ms = int(REQUEST_SECONDS * 1000)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience_ms)
    try:
        listener.bind((host, port))
    except OSError as exc:
        listener.close()
        raise SettingsError(
            f"cannot listen on {host} port {port}: {exc.strerror}; choose another with --port"
        ) from exc
    return listener
