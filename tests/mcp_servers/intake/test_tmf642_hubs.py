"""Registered with a TMF642 server: its events come in, and nobody else's."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcp_servers.alarms.store import AlarmQuery
from mcp_servers.intake import tmf642_hubs
from mcp_servers.intake.live_intake import LiveIntake
from mcp_servers.intake.tmf642_hubs import AlarmHubs
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.serving.http_app import build_app
from mcp_servers.site_directory import AlarmHub, SiteDirectory
from tests.mcp_servers.fixture_tools import serving as served

EVENT = {
    "eventId": "e-1",
    "eventTime": "2026-03-01T10:00:00Z",
    "eventType": "AlarmCreateEvent",
    "event": {
        "alarm": {
            "id": "ALM-7",
            "alarmType": "communicationsAlarm",
            "perceivedSeverity": "major",
            "probableCause": "lossOfSignal",
            "specificProblem": "LOS on port 3",
            "alarmedObject": {"id": "pe1"},
            "alarmRaisedTime": "2026-03-01T10:00:00Z",
            "state": "raised",
        }
    },
}


class HubDouble:
    """A TMF642 server's `/hub`."""

    def __init__(self, *, failures: int = 0) -> None:
        self.listeners: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.tokens: set[str | None] = set()
        self.registered = threading.Event()
        self._failures = failures

    async def register(self, request: Request) -> Response:
        self.asked.append("POST")
        self.tokens.add(request.headers.get("authorization"))
        if len(self.asked) <= self._failures:
            return JSONResponse({"code": "60"}, status_code=500)
        identity = f"listener-{len(self.asked)}"
        self.listeners[identity] = await request.json()
        self.registered.set()
        return JSONResponse({"id": identity, **self.listeners[identity]}, status_code=201)

    async def drop(self, request: Request) -> Response:
        self.asked.append("DELETE")
        found = self.listeners.pop(request.path_params["id"], None)
        return Response(status_code=404 if found is None else 204)

    @contextmanager
    def serving(self) -> Iterator[str]:
        routes = [
            Route("/tmf/hub", self.register, methods=["POST"]),
            Route("/tmf/hub/{id}", self.drop, methods=["DELETE"]),
        ]
        with served(Starlette(routes=routes)) as url:
            yield f"{url}/tmf"


def site_with(folder: Path, url: str) -> SiteDirectory:
    """A site that registers with one server."""
    hub = {
        "name": "oss",
        "url": url,
        "callback": "https://site.example.net:8700",
        "query": "eventType=AlarmCreateEvent",
        "token_file": "oss.token",
    }
    (folder / "oss.token").write_text("token-of-the-oss\n")
    (folder / "site.yaml").write_text(
        json.dumps({"site_id": "muc-1", "country": "DE", "intake": {"hubs": [hub]}})
    )
    return SiteDirectory.open(folder)


def registering(site: SiteDirectory, work: Callable[[AlarmHubs], Awaitable[None]]) -> None:
    """Run `work` while the site is registered, or tries to be."""

    async def run() -> None:
        hubs = AlarmHubs(site, site.settings.intake.hubs)
        async with asyncio.timeout(20):
            await hubs.start()
            try:
                await work(hubs)
            finally:
                await hubs.stop()

    asyncio.run(run())


async def registered(hubs: AlarmHubs) -> None:
    while hubs.states["oss"] != "registered":  # noqa: ASYNC110 - `registering` bounds it
        await asyncio.sleep(0.01)


def test_a_site_registers_and_leaves_again(tmp_path: Path) -> None:
    """Issue 5; TMF642 v4: POST /hub at the start, DELETE /hub/{id} at the end."""
    double = HubDouble()
    with double.serving() as url:
        seen: list[dict[str, Any]] = []

        async def work(hubs: AlarmHubs) -> None:
            await registered(hubs)
            seen.extend(double.listeners.values())

        registering(site_with(tmp_path, url), work)
    (listener,) = seen
    assert listener["query"] == "eventType=AlarmCreateEvent"
    assert listener["callback"].startswith("https://site.example.net:8700/intake/tmf642/hub/")
    assert (double.asked, double.listeners) == (["POST", "DELETE"], {})
    assert double.tokens == {"Bearer token-of-the-oss"}


def test_a_server_that_fails_is_asked_again_and_a_registration_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 5: re-register; the new one stands before the old one goes."""
    monkeypatch.setattr(tmf642_hubs, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(tmf642_hubs, "RENEW_SECONDS", 0.01)
    double = HubDouble(failures=2)

    async def work(_: AlarmHubs) -> None:
        while len(double.asked) < 6:  # noqa: ASYNC110 - `registering` bounds it
            await asyncio.sleep(0.01)

    with double.serving() as url:
        registering(site_with(tmp_path, url), work)
    assert double.asked[:6] == ["POST", "POST", "POST", "POST", "DELETE", "POST"]
    assert double.listeners == {}


def test_what_an_earlier_process_left_registered_is_dropped(tmp_path: Path) -> None:
    """Us: a killed process leaves no listener that nobody answers."""
    double = HubDouble()
    double.listeners["left-over"] = {"callback": "https://site.example.net:8700/old"}
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "tmf642-hubs.json").write_text('{"oss": "left-over"}')
    with double.serving() as url:
        registering(site_with(tmp_path, url), registered)
    assert double.listeners == {}
    assert double.asked == ["POST", "DELETE", "DELETE"]


def test_events_come_in_over_the_callback_and_over_no_other(tmp_path: Path) -> None:
    """Issue 5: `/listener/alarmCreateEvent`; the callback is the credential."""
    double = HubDouble()
    with double.serving() as url:
        site = site_with(tmp_path, url)
        host = SiteHost(site)
        app = build_app(
            {},
            host.verifier,
            site.settings.serving,
            missing=host.missing,
            policy=lambda: host.live_policy.status,
            intake=LiveIntake(site, host.alarms),
        )
        try:
            with served(app) as here:
                assert double.registered.wait(10)
                (listener,) = double.listeners.values()
                path = urlsplit(listener["callback"]).path
                statuses = [
                    httpx.post(f"{here}{tried}", json=EVENT).status_code
                    for tried in (
                        f"{path}/listener/alarmCreateEvent",
                        path,
                        f"{path[:-1]}x/listener/alarmCreateEvent",
                        "/intake/tmf642/hub/",
                        "/intake/tmf642/listener/alarmCreateEvent",
                        path.replace("/tmf642/", "/ves/"),
                    )
                ]
            alarms = host.alarms.store.page(AlarmQuery(), limit=50).alarms
        finally:
            host.close()
    assert statuses == [202, 202, 401, 401, 401, 401]
    assert {alarm.alarm_id for alarm in alarms} == {"ALM-7"}


def test_a_callback_in_clear_text_is_refused() -> None:
    """Us: it carries a credential."""
    with pytest.raises(ValueError, match="https"):
        AlarmHub(name="oss", url="https://oss.example.net", callback="http://site.example.net")
