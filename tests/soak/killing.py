"""One soak: incidents in, orchestrators killed at random moments, effects counted outside."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from orchestrator.doubles.sink import SinkDouble
from orchestrator.doubles.site import SiteDouble
from orchestrator.site_access.site_client import INVESTIGATION_META
from telecom.webhook_signature import SIGNATURE_HEADER, sign_webhook
from tests.soak import incident
from tests.soak.orchestrators import Orchestrator, secret_of, write_settings

_SECRET = secret_of("site1")
_ORCHESTRATORS = 2
_IN_FLIGHT = 4
"""Investigations that one orchestrator works on at the same time."""
_STUCK_S = 300.0
"""Without any progress for so long, what is missing is lost."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a soak counted, as `make soak` prints it."""

    incidents: int
    kills: int
    lost: int
    """Accepted, and no report was ever sent."""
    doubled: int
    """Effects beyond one for an incident, at a receiver that keeps the keys it has seen."""
    repeated_reads: int
    """Calls that a site had answered already for the same investigation."""


async def soak(
    folder: Path,
    *,
    state: str,
    incidents: int,
    kills: int,
    seed: int = 9,
    progress: Callable[[int, int], None] = lambda done, killed: None,
) -> Outcome:
    """Send incidents through orchestrators that are killed while they work.

    Args:
        folder: For settings and logs.
        state: SQLite file or PostgreSQL URL, empty.
        incidents: How many are sent.
        kills: How many SIGKILLs, spread over the run.
        seed: Of which process dies when.
        progress: Called with the number of reports received and of kills made.
    """
    chance = random.Random(seed)
    with (
        SiteDouble(
            incident.summary(), changes=incident.changes(), tickets=incident.tickets()
        ) as site,
        SinkDouble() as sink,
    ):
        config = write_settings(
            folder, state=state, sites=[site.url], sink=f"{sink.url}/hook", concurrent=_IN_FLIGHT
        )
        orchestrators = [
            Orchestrator(config, folder / f"orchestrator{number}.log")
            for number in range(_ORCHESTRATORS)
        ]
        try:
            await orchestrators[0].start()  # creates the tables
            await asyncio.gather(*(one.start() for one in orchestrators[1:]))
            sending = asyncio.create_task(_send(orchestrators, incidents, chance))
            killing = asyncio.create_task(
                _kill(orchestrators, sink, incidents, kills, chance, progress)
            )
            accepted = await sending
            await killing
            await _finished(sink, incidents, lambda: progress(_reports(sink), kills))
        finally:
            for one in orchestrators:
                await one.kill()
        return _outcome(site, sink, accepted, kills)


async def _send(
    orchestrators: list[Orchestrator], incidents: int, chance: random.Random
) -> set[str]:
    """Send every envelope until it has a receipt; the investigations that were promised."""
    accepted: set[str] = set()
    room = asyncio.Semaphore(8)

    async def send(http: httpx.AsyncClient, number: int) -> None:
        body = incident.envelope(number).model_dump_json().encode()
        async with room:
            while True:
                url = f"{chance.choice(orchestrators).url}/triggers/site"
                headers = {
                    SIGNATURE_HEADER: sign_webhook(secret_of("site1"), body, at=datetime.now(UTC))
                }
                with suppress(httpx.HTTPError):
                    answer = await http.post(url, content=body, headers=headers)
                    if answer.status_code in {200, 202}:
                        accepted.add(answer.json()["investigation_id"])
                        return
                await asyncio.sleep(0.1)

    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        await asyncio.gather(*(send(http, number) for number in range(incidents)))
    return accepted


async def _kill(
    orchestrators: list[Orchestrator],
    sink: SinkDouble,
    incidents: int,
    kills: int,
    chance: random.Random,
    progress: Callable[[int, int], None],
) -> None:
    """Kill one or the other again and again, until the last before the work is done."""
    for killed in range(kills):
        due = killed * incidents * 0.95 / kills
        await asyncio.to_thread(_wait_for_reports, sink, due)
        victim = chance.choice(orchestrators)
        await asyncio.sleep(chance.uniform(0, 0.5))
        await victim.kill()
        progress(_reports(sink), killed + 1)
        await victim.start()


async def _finished(sink: SinkDouble, incidents: int, progress: Callable[[], None]) -> None:
    """Wait for every report, or until nothing moves any more."""
    clock = asyncio.get_running_loop()
    seen, moved_at = _reports(sink), clock.time()
    while seen < incidents and clock.time() - moved_at < _STUCK_S:
        await asyncio.sleep(0.1)
        if (now := _reports(sink)) > seen:
            seen, moved_at = now, clock.time()
            progress()
    await asyncio.sleep(1.0)  # whatever would come twice comes now


def _wait_for_reports(sink: SinkDouble, due: float) -> None:
    while _reports(sink) < due:
        sink.wait_for(len(sink.received) + 1, within_s=_STUCK_S)


def _reports(sink: SinkDouble) -> int:
    return len({request.headers["idempotency-key"] for request in list(sink.received)})


def _outcome(site: SiteDouble, sink: SinkDouble, accepted: set[str], kills: int) -> Outcome:
    effects = {
        (request.json["incident_id"], request.headers["idempotency-key"])
        for request in sink.received
    }
    told = Counter(incident_id for incident_id, _ in effects)
    reads = [
        (call.meta.get(INVESTIGATION_META), call.tool, json.dumps(call.arguments, sort_keys=True))
        for call in site.calls
    ]
    return Outcome(
        incidents=len(accepted),
        kills=kills,
        lost=len(accepted - set(told)),
        doubled=len(effects) - len(told) + len(set(told) - accepted),
        repeated_reads=len(reads) - len(set(reads)),
    )
