"""Listens for sites that did not answer, so that what waits for them begins soon after they do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx

from orchestrator.site_access.site_client import SiteClient
from orchestrator.site_access.sites import Sites

_EVERY_S = 2.0
_PATIENCE_S = 2.0
"""A silent cut must not hold up the next question for longer than a return may go unnoticed."""


async def listen_for_sites(sites: Sites, heard: Callable[[], None]) -> None:
    """Ask every unreachable site's `/healthz` again and again, for as long as the process runs.

    Sites without a URL of their own (stdio, gateway) are tried by the next call instead.

    Args:
        sites: The declared sites.
        heard: Called when one is back.
    """
    async with httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=False) as http:
        while True:
            await asyncio.sleep(_EVERY_S)
            down = [client for client in sites.by_name.values() if client.breaker.failing]
            back = await asyncio.gather(*(_answers(http, client) for client in down))
            for client, answered in zip(down, back, strict=True):
                if answered:
                    client.breaker.heard()
            if any(back):
                heard()


async def _answers(http: httpx.AsyncClient, client: SiteClient) -> bool:
    declaration = client.declaration
    if declaration.url is None or declaration.transport == "gateway":
        return False
    try:
        async with asyncio.timeout(_PATIENCE_S):
            async with http.stream("GET", f"{declaration.url.rstrip('/')}/healthz") as answer:
                return answer.status_code < 500
    except (httpx.HTTPError, TimeoutError):
        return False
