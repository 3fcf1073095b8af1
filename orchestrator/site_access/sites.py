"""The sites of this process: a client for each, opened once and closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path

import jwt

from orchestrator.executors import Executor, McpEndpoint
from orchestrator.settings import Settings, SiteDeclaration
from orchestrator.site_access.mcp_transports import HttpTarget, StdioTarget
from orchestrator.site_access.person_statements import PersonStatements
from orchestrator.site_access.site_client import SiteClient
from orchestrator.site_access.site_process import site_process
from orchestrator.storage.database import Database
from orchestrator.storage.tool_pins import ToolPins
from telecom.errors import IdentityError
from telecom.times import format_instant

SERVERS = ("alarms", "tickets", "configs")


class Sites:
    """Clients by site name, and by whatever other endpoint a tier's executor names."""

    def __init__(self, settings: Settings, database: Database | None = None) -> None:
        self._settings = settings
        self._pins = ToolPins(settings.state_address, database)
        self._clients: dict[str, SiteClient] = {
            site.name: self._client(site, targets_of(site)) for site in settings.sites
        }
        self._elsewhere: dict[tuple[str, str], SiteClient] = {}

    @property
    def by_name(self) -> Mapping[str, SiteClient]:
        """Every declared site."""
        return self._clients

    @cached_property
    def people(self) -> PersonStatements:
        """Names the people who ask, and vouches for them towards sites.

        Raises:
            IdentityError: The key cannot be used.
        """
        return PersonStatements.open(self._settings.statement_key)

    def among(self, names: Collection[str]) -> Sites:
        """The same clients, of some sites only; closing them is still this object's."""
        view = Sites.__new__(Sites)
        view._settings = self._settings
        view._pins = self._pins
        view._clients = {name: self._clients[name] for name in names if name in self._clients}
        view._elsewhere = self._elsewhere
        return view

    @property
    def unreachable(self) -> frozenset[str]:
        """Sites that have failed and not been heard of since."""
        return frozenset(name for name, site in self._clients.items() if site.breaker.is_open)

    def outages(self, site: SiteDeclaration) -> Mapping[str, str]:
        """Tiers whose tools for a site cannot be reached now, and since when: what placement sees.

        A tier is out when everything is that the settings put behind it for the site's tools.
        """
        reached: dict[str, list[SiteClient]] = {}
        for tier, executors in self._settings.declared_executors().items():
            for executor in executors:
                if isinstance(executor, McpEndpoint):
                    there = self._elsewhere.get((site.name, executor.url))
                    reached.setdefault(tier, []).extend(() if there is None else (there,))
        reached.setdefault(site.tier, []).append(self._clients[site.name])
        found: dict[str, str] = {}
        for tier, clients in reached.items():
            since = [client.breaker.failing_since for client in clients if client.breaker.is_open]
            if since and len(since) == len(clients):
                first = min(moment for moment in since if moment is not None)
                found[tier] = f"{tier} unreachable since {format_instant(first)}"
        return found

    def behind(self, executor: Executor, site: str) -> SiteClient:
        """The tools that do a site's work: its own, or those of the endpoint that was declared."""
        own = self._clients[site]
        if not isinstance(executor, McpEndpoint):
            return own
        key = (site, executor.url)
        if key not in self._elsewhere:
            there = own.declaration.model_copy(update={"url": executor.url, "site_dir": None})
            self._elsewhere[key] = self._client(there, targets_of(there))
        return self._elsewhere[key]

    def _client(
        self, site: SiteDeclaration, targets: Mapping[str, HttpTarget | StdioTarget]
    ) -> SiteClient:
        if site.site_id is None and (named := _site_of_token(targets)):
            site = site.model_copy(update={"site_id": named})
        patience = site.tool_seconds or self._settings.budgets.tool_seconds
        return SiteClient(
            site,
            targets,
            timeout_s=patience,
            pins=self._pins,
            people=lambda: self.people,
        )

    async def close(self) -> None:
        """Close every client."""
        for client in (*self._clients.values(), *self._elsewhere.values()):
            await client.close()
        await self._pins.aclose()


def targets_of(site: SiteDeclaration) -> Mapping[str, HttpTarget | StdioTarget]:
    """Where the three servers of a site are.

    Raises:
        IdentityError: The token file cannot be read.
        MissingExtraError: `site_dir` without the site half.
    """
    if site.site_dir is not None:
        child = site_process(site.site_dir)
        return dict.fromkeys(SERVERS, child)
    base = (site.url or "").rstrip("/")
    token = None if site.token_file is None else _token(site.token_file)
    if site.transport == "gateway":
        return dict.fromkeys(SERVERS, HttpTarget(base, token, site.ca_file))
    return {server: HttpTarget(f"{base}/{server}/mcp", token, site.ca_file) for server in SERVERS}


def _site_of_token(targets: Mapping[str, HttpTarget | StdioTarget]) -> str | None:
    """The site that issued the token for itself; None for no token, or one of another issuer.

    Nothing is trusted here: the site itself checks its token.
    """
    for target in targets.values():
        if isinstance(target, HttpTarget) and target.token is not None:
            try:
                claims = jwt.decode(target.token, options={"verify_signature": False})
            except jwt.PyJWTError:
                return None
            kind, _, site_id = str(claims.get("iss")).partition(":")
            return site_id or None if kind == "tierwise-site" else None
    return None


def _token(file: Path) -> str:
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise IdentityError(
            f"the token file {file} cannot be read; `tierwise-site token` prints a token"
        ) from exc
    if not token or any(character.isspace() for character in token):
        raise IdentityError(
            f"the token file {file} does not hold one token; `tierwise-site token` prints one"
        )
    return token


@asynccontextmanager
async def open_sites(settings: Settings, database: Database | None = None) -> AsyncIterator[Sites]:
    """The declared sites for the length of a block; connections open with the first call.

    Args:
        settings: Whose sites.
        database: The open state, where there is one: it has the pins of the sites' tools.
    """
    sites = Sites(settings, database)
    try:
        yield sites
    finally:
        await sites.close()
