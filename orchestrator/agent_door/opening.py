"""Opening the agent door: over stdio for a client on this machine, over HTTP beside the service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from mcp.server.auth.provider import AccessToken
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette

from orchestrator.agent_door.answers import ListedIncident
from orchestrator.agent_door.desk import InvestigationDesk
from orchestrator.agent_door.server import SCOPE, AgentTools, build_agent_server
from orchestrator.incidents.overview import Overview
from orchestrator.incidents.tables import TABLES
from orchestrator.investigating.investigation import Services
from orchestrator.service.running import RunningService
from orchestrator.service_settings import LOOPBACK
from orchestrator.settings import Settings
from orchestrator.site_access.peoples_words import without_identifiers
from orchestrator.site_access.sites import open_sites
from orchestrator.storage.state import State, open_state
from orchestrator.triggers.sources import Callers
from placement.live import LivePolicy
from telecom.errors import IdentityError
from telecom.report import RootCauseReport


async def serve_stdio(settings: Settings) -> None:
    """Serve one client over stdin and stdout until it leaves.

    Raises:
        OperatorError: Settings, policy, state or a site cannot be used.
    """
    policies = LivePolicy(settings.policy.catalogue, settings.policy.rules)
    async with (
        open_state(settings.state_address) as state,
        open_sites(settings, state.database) as sites,
    ):
        await state.database.create_tables(TABLES)
        desk, tools = _tools(
            settings, state, lambda: Services(settings, policies.current(), sites, state)
        )
        try:
            await build_agent_server(tools).run_stdio_async()
        finally:
            await desk.close()


def http_door(service: RunningService) -> tuple[InvestigationDesk, MCPServer[Any]]:
    """The door beside a running service, for principals with a token."""
    desk, tools = _tools(
        service.settings,
        service.state,
        lambda: Services(
            service.settings, service.policies.current(), service.sites, service.state
        ),
        service.people.waiting,
    )
    return desk, build_agent_server(tools, verifier=_PrincipalVerifier(service.callers))


def agent_app(server: MCPServer[Any], settings: Settings) -> Starlette:
    """The door on HTTP, at `/mcp` under wherever it is mounted; Host and Origin are checked."""
    own = settings.service.host
    hosts = [f"{name}:*" for name in (*LOOPBACK, own)]
    return server.streamable_http_app(
        streamable_http_path="/mcp",
        stateless_http=True,
        json_response=False,  # a JSON response would drop progress
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[*hosts, *settings.service.allowed_hosts],
            allowed_origins=[f"http://{host}" for host in hosts],
        ),
    )


def _tools(
    settings: Settings,
    state: State,
    services: Callable[[], Services],
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[InvestigationDesk, AgentTools]:
    directories = [site.site_dir for site in settings.sites if site.site_dir is not None]

    async def mask(text: str) -> str:
        first = directories[0] if directories else None
        return await asyncio.to_thread(without_identifiers, text, site_dir=first)

    desk = InvestigationDesk(services, waiting=waiting)
    return desk, AgentTools(desk, services, mask, _Incidents(state).newest)


class _Incidents:
    """Lists what triggers opened and what was asked for by hand, newest first."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._overview = Overview(state)

    async def newest(self, limit: int) -> list[ListedIncident]:
        """The newest incidents, at most `limit`."""
        opened = {one.incident_id: one for one in await self._overview.incidents(limit=limit)}
        rows = await self._state.database.fetch(
            "SELECT incident_id, content FROM findings WHERE name = 'report'"
            " ORDER BY incident_id LIMIT ?",
            limit,
        )
        reports = {key: RootCauseReport.model_validate_json(content) for key, content in rows}
        listed = [
            ListedIncident(
                incident_id=key,
                state="finished" if key not in opened else opened[key].status,
                headline=reports[key].headline if key in reports else None,
                opened_at=datetime.fromisoformat(opened[key].opened_at) if key in opened else None,
                sites=opened[key].sites if key in opened else (),
            )
            for key in (*opened, *(key for key in reports if key not in opened))
        ]
        return listed[:limit]


class _PrincipalVerifier:
    """Knows the principals of the settings by their bearer tokens."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def verify_token(self, token: str) -> AccessToken | None:
        """The principal as the SDK wants it; None for a stranger."""
        try:
            principal = self._callers.principal(SCOPE, {"authorization": f"Bearer {token}"})
        except IdentityError:
            return None
        return AccessToken(
            token=token, client_id=principal.name, scopes=list(principal.scopes), expires_at=None
        )
