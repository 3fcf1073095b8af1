"""A running service over a site double, and how one talks to it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import httpx
import pytest

from orchestrator.doubles.sink import SinkDouble
from orchestrator.service.app import build_app
from orchestrator.service.running import open_service
from placement.policy import load_policy
from telecom.envelope import EnvelopeCounts, SiteEnvelope
from telecom.webhook_signature import SIGNATURE_HEADER, sign_webhook

SECRET = b"between site1 and us"
TOKEN = "a-token-of-the-alarm-system"
ME = {"Authorization": "Bearer my-own-token"}
MOMENT = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)


_shipped_policy = lru_cache(load_policy)


@pytest.fixture(autouse=True)
def policy_read_once(monkeypatch):
    """Read the shipped policy once for all these tests: it takes longer than most of them."""
    monkeypatch.setattr("placement.live.load_policy", _shipped_policy)


class Talk:
    """A running service and a client of it."""

    def __init__(self, service, http):
        self.service = service
        self.http = http

    async def envelope(self, number=1, **keys):
        """Send a site's envelope, signed."""
        body = envelope(number, **keys).model_dump_json().encode()
        return await self.signed("/triggers/site", body)

    async def signed(self, path, body, *, at=None, secret=SECRET):
        signature = sign_webhook(secret, body, at=at or datetime.now(UTC))
        return await self.http.post(path, content=body, headers={SIGNATURE_HEADER: signature})

    async def foreign(self, kind, document, token=TOKEN):
        """Send a foreign system's webhook."""
        headers = {"Authorization": f"Bearer {token}"}
        return await self.http.post(
            f"/triggers/{kind}", content=json.dumps(document), headers=headers
        )

    async def settled(self, **wanted):
        """Wait until nothing waits or runs, and until so many deliveries are in a state."""
        async with asyncio.timeout(30):
            while True:
                counts = await self.service.overview.counts()
                deliveries = await self.service.overview.deliveries()
                idle = not (counts["queued"] or counts["running"])
                if idle and all(deliveries.get(key, 0) >= n for key, n in wanted.items()):
                    return counts
                await asyncio.sleep(0.02)


def envelope(number=1, **keys):
    """A site's word about an incident."""
    given = {
        "envelope_id": f"env-{number}",
        "sequence": number,
        "site": "site1",
        "incident_id": f"site-inc-{number}",
        "event": "opened",
        "window": (MOMENT, MOMENT + timedelta(minutes=5)),
        "perceived_severity": "MAJOR",
        "counts": EnvelopeCounts(alarms=14, open_groups=2, groups=2, managed_objects=3),
        "created_at": MOMENT + timedelta(minutes=6),
        "ledger_head": "0" * 64,
    }
    return SiteEnvelope.model_validate(given | keys)


@asynccontextmanager
async def running(settings, *, working=True):
    """A service for the length of a block; without `working` it only takes in."""
    async with open_service(settings) as service:
        transport = httpx.ASGITransport(app=build_app(service))
        stopping = asyncio.Event()
        work = asyncio.create_task(service.run(stopping)) if working else None
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://tierwise") as http:
                yield Talk(service, http)
        finally:
            stopping.set()
            if work is not None:
                await work


@pytest.fixture
def file(tmp_path):
    """Write a secret to a file."""

    def write(name, content):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.fixture
def declared(settings_for, file):
    """Settings with a signing site, a foreign system, a principal, and quick reactions."""

    def settings(*doubles, **keys):
        everything = tuple(f"site{number}" for number in range(1, len(doubles) + 1))
        secret, token = file("secret", SECRET), file("token", TOKEN.encode())
        given = {
            "triggers": [
                *(
                    {"name": f"{name}-notifier", "kind": "site", "sites": [name]}
                    | {"secret_file": secret if name == "site1" else file(name, name.encode())}
                    for name in everything
                ),
                *(
                    {"name": f"noc-{kind}", "kind": kind, "sites": everything, "token_file": token}
                    for kind in ("alertmanager", "tmf642", "ves", "eventbridge", "generic")
                ),
            ],
            "principals": [
                {
                    "name": "ada",
                    "token_file": file("me", b"my-own-token"),
                    "scopes": ["incidents:read", "incidents:write", "approvals:decide"],
                },
                {"name": "eve", "token_file": file("eve", b"eves-token")},
            ],
        }
        # Through the model's own validation, as tierwise.yaml goes.
        plain = settings_for(*doubles)
        return type(plain).model_validate(plain.model_dump(exclude_unset=True) | given | keys)

    return settings


@pytest.fixture
def sink():
    """A foreign system that is told."""
    with SinkDouble() as double:
        yield double
