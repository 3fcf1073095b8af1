"""Registers the site's listener with TMF642 alarm servers, and keeps it registered.

A TMF642 server sends events to the callback that was posted to its `/hub` (TMF642 v4, Notification;
TMF630, part 2). Few can be told to send a credential with them, so the callback itself is one: its
path holds a secret of 32 random bytes that is made anew with each registration and opens the
`tmf642` intake and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from mcp_servers.site_directory import AlarmHub, SiteDirectory
from telecom.errors import SettingsError

RENEW_SECONDS = 6 * 3600.0
"""A server that forgot its listeners has them again within this."""
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 300.0
HUB_PATH = "hub/"
"""What a callback's path begins with, below `/intake/tmf642/`."""
_PATIENCE_SECONDS = 10.0
_LARGEST_ANSWER = 64 * 1024
_REMEMBERED_FILE = "tmf642-hubs.json"

_logger = logging.getLogger(__name__)


class AlarmHubs:
    """The registrations of `site.yaml: intake.hubs`."""

    def __init__(self, site: SiteDirectory, hubs: Sequence[AlarmHub]) -> None:
        """Prepare.

        Raises:
            SettingsError: A token file cannot be read.
        """
        self._hubs = {hub.name: hub for hub in hubs}
        self._headers = {hub.name: _headers(site.path, hub) for hub in hubs}
        self._cas = {
            hub.name: True if hub.ca_file is None else str(site.path / hub.ca_file) for hub in hubs
        }
        self._file = site.store / _REMEMBERED_FILE
        self._secrets: dict[str, tuple[str, ...]] = {}
        """The secret in force and, while a registration changes, the one before."""
        self._ids: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self.states: dict[str, str] = dict.fromkeys(self._hubs, "not registered")
        """By hub: `registered`, or what keeps it from that."""

    def admits(self, rest: str) -> bool:
        """Whether the path of a delivery below `/intake/tmf642/` is a callback of ours."""
        given = rest.removeprefix(HUB_PATH).partition("/")[0].encode()
        if not rest.startswith(HUB_PATH):
            return False
        known = [secret for pair in self._secrets.values() for secret in pair]
        # Every one is compared, so that the time tells nothing.
        return sum(hmac.compare_digest(given, secret.encode()) for secret in known) > 0

    async def start(self) -> list[str]:
        """Begin to register; the site serves meanwhile."""
        self._ids = _read(self._file)
        self._stopping.clear()
        self._tasks = [
            asyncio.create_task(self._stay(hub), name=f"tmf642-hub-{name}")
            for name, hub in self._hubs.items()
        ]
        return [f"events of TMF642 server {name}" for name in self._hubs]

    async def stop(self) -> None:
        """Unregister; a server that cannot be reached finds nobody at the callback any more."""
        # Not cancelled: a registration that is under way would stay without our knowing its id.
        self._stopping.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._leave(hub) for hub in self._hubs.values()))
        self._secrets.clear()

    async def _stay(self, hub: AlarmHub) -> None:
        wait = FIRST_WAIT_SECONDS
        while not self._stopping.is_set():
            try:
                await self._register(hub)
            except (httpx.HTTPError, _HubRefusal) as exc:
                self.states[hub.name] = f"not registered: {exc or type(exc).__name__}"
                _logger.warning(
                    "TMF642 server %s: %s; next try in %g s", hub.name, type(exc).__name__, wait
                )
                await self._pause(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            else:
                wait = FIRST_WAIT_SECONDS
                await self._pause(RENEW_SECONDS)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _register(self, hub: AlarmHub) -> None:
        """Register anew, and only then drop the registration before: no event falls between."""
        fresh = secrets.token_urlsafe(32)
        before = self._secrets.get(hub.name, ())[:1]
        self._secrets[hub.name] = (fresh, *before)
        wanted = {"callback": f"{hub.callback.rstrip('/')}/intake/tmf642/{HUB_PATH}{fresh}"}
        if hub.query is not None:
            wanted["query"] = hub.query
        answer = await self._ask(hub, "POST", "/hub", wanted)
        identity = answer.get("id")
        if not isinstance(identity, str | int):
            raise _HubRefusal("the server's answer has no id")
        old = self._ids.get(hub.name)
        self._ids[hub.name] = str(identity)
        _write(self._file, self._ids)
        if old is not None and old != str(identity):
            await self._drop(hub, old)
        self._secrets[hub.name] = (fresh,)
        self.states[hub.name] = "registered"
        _logger.info("registered with TMF642 server %s", hub.name)

    async def _leave(self, hub: AlarmHub) -> None:
        identity = self._ids.pop(hub.name, None)
        if identity is not None and await self._drop(hub, identity):
            _write(self._file, self._ids)
        self.states[hub.name] = "not registered"

    async def _drop(self, hub: AlarmHub, identity: str) -> bool:
        """Delete a registration; one that the server does not know is gone as well."""
        try:
            await self._ask(hub, "DELETE", f"/hub/{quote(identity, safe='')}")
        except (httpx.HTTPError, _HubRefusal) as exc:
            _logger.warning(
                "a registration with TMF642 server %s stays (%s)", hub.name, type(exc).__name__
            )
            return False
        return True

    async def _ask(
        self, hub: AlarmHub, method: str, path: str, body: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """One request: no redirect, a few seconds, a small answer (JSON, hence Any).

        Raises:
            httpx.HTTPError: The server cannot be reached, or is slow.
            _HubRefusal: It says no, or something that is no answer.
        """
        url = f"{hub.url.rstrip('/')}{path}"
        async with (
            httpx.AsyncClient(
                timeout=_PATIENCE_SECONDS, trust_env=False, verify=self._cas[hub.name]
            ) as client,
            client.stream(method, url, json=body, headers=self._headers[hub.name]) as answer,
        ):
            content = b""
            async for part in answer.aiter_raw():  # packed, a few kilobytes may be gigabytes
                content += part
                if len(content) > _LARGEST_ANSWER:
                    raise _HubRefusal("the server's answer is too long")
            if method == "DELETE" and answer.status_code == httpx.codes.NOT_FOUND:
                return {}
            if not answer.is_success:
                raise _HubRefusal(f"the server answered {answer.status_code}")
        try:
            told = json.loads(content) if content.strip() else {}
        except (ValueError, RecursionError) as exc:
            raise _HubRefusal("the server's answer is no JSON") from exc
        return told if isinstance(told, dict) else {}


class _HubRefusal(Exception):  # noqa: N818 - an answer of a server, handled here
    """A server does not register us."""


def _headers(folder: Path, hub: AlarmHub) -> dict[str, str]:
    plain = {"Accept-Encoding": "identity"}
    if hub.token_file is None:
        return plain
    try:
        token = (folder / hub.token_file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"intake.hubs: {hub.token_file} cannot be read") from exc
    return plain | {"Authorization": f"Bearer {token}"}


def _read(file: Path) -> dict[str, str]:
    """Registrations that an earlier process left behind; none where the file is damaged."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        return {str(name): str(identity) for name, identity in known.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _write(file: Path, ids: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as stream:
        json.dump(ids, stream)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
