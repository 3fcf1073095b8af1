"""Frames of the sites' own pages: where people's words are typed and pseudonyms are looked up.

A site offers its frame to a console by name (`serving.page_parents` in its `site.yaml`). Whether it
does is asked of the site itself, so that nobody looks at an empty frame.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from orchestrator.settings import Settings, SiteDeclaration

SANDBOX = (
    "allow-scripts allow-forms allow-same-origin allow-popups "
    "allow-popups-to-escape-sandbox allow-storage-access-by-user-activation"
)
"""A site's page may do its work, and cannot lead the console elsewhere."""
_PATIENCE_S = 2.0
_HOLDS_S = 30.0
"""How long an answer holds; a site that was away is asked again after it."""


@dataclass(frozen=True, slots=True)
class SiteFrame:
    """A site whose frames the browser can show."""

    name: str
    origin: str


class SiteFrames:
    """Which sites let a console frame their pages."""

    def __init__(self, settings: Settings) -> None:
        self._sites = tuple(site for site in settings.sites if site.url is not None)
        self._known: dict[tuple[str, str], tuple[float, SiteFrame | None]] = {}

    async def offered(
        self, console_origin: str, *, among: Collection[str] = ()
    ) -> SiteFrame | None:
        """The first site that offers its frames to a page of `console_origin`.

        Args:
            console_origin: As the engineer's browser writes it.
            among: Names of the sites that are talked about; they come first.
        """
        first = sorted(self._sites, key=lambda site: site.name not in among)
        found = await asyncio.gather(*(self._asked(site, console_origin) for site in first))
        return next((frame for frame in found if frame is not None), None)

    async def _asked(self, site: SiteDeclaration, console_origin: str) -> SiteFrame | None:
        key = (site.name, console_origin)
        asked_at, frame = self._known.get(key, (float("-inf"), None))
        if time.monotonic() - asked_at > _HOLDS_S:
            frame = await _ask(site, console_origin)
            self._known[key] = (time.monotonic(), frame)
        return frame


async def _ask(site: SiteDeclaration, console_origin: str) -> SiteFrame | None:
    at = urlsplit(site.url or "")
    frame = SiteFrame(site.name, f"{at.scheme}://{at.netloc}")
    trusted = True if site.ca_file is None else ssl.create_default_context(cafile=str(site.ca_file))
    try:
        async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=_PATIENCE_S) as http:
            answer = await http.head(f"{frame.origin}/compose")
    except (httpx.HTTPError, OSError):
        return None
    policy = answer.headers.get("content-security-policy", "")
    parents = policy.partition("frame-ancestors ")[2].partition(";")[0].split()
    return frame if answer.is_success and console_origin in parents else None
