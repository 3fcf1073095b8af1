"""One soak: incidents in, orchestrators killed at random moments, effects counted outside."""

from __future__ import annotations

import asyncio
import json
import math
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
    seconds: float = math.inf,
    progress: Callable[[int, int], None] = lambda done, killed: None,
) -> Outcome:
    """Send incidents through orchestrators that are killed while they work.

    Args:
        folder: For settings and logs.
        state: SQLite file or PostgreSQL URL, empty.
        incidents: How many are sent.
        kills: How many SIGKILLs, spread over the run.
        seed: Of which process dies when.
        seconds: After so long nothing more is sent or killed; what was sent is counted.
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
            pace = _Pace(incidents, kills, until=asyncio.get_running_loop().time() + seconds)
            accepted, _ = await asyncio.gather(
                _send(orchestrators, pace, chance),
                _kill(orchestrators, sink, pace, chance, progress),
            )
            await _finished(sink, len(accepted), lambda: progress(_reports(sink), pace.killed))
        finally:
            for one in orchestrators:
                await one.kill()
        return _outcome(site, sink, accepted, pace.killed)


class _Pace:
    """As many incidents as the kills need: each kill meets work, however long a start takes."""

    _AHEAD = 2
    """Kills' worth of incidents that are sent before the first."""

    def __init__(self, incidents: int, kills: int, *, until: float) -> None:
        self.incidents = incidents
        self.kills = kills
        self.killed = 0
        self._until = until
        self._over = False
        self._moved = asyncio.Condition()

    @property
    def due(self) -> float:
        """Reports that come before the next kill."""
        return self.killed * self.incidents * 0.95 / self.kills

    def goes_on(self) -> bool:
        """Whether there is another kill to make, and time for it."""
        return self.killed < self.kills and asyncio.get_running_loop().time() < self._until

    async def was_killed(self) -> None:
        """A kill was made: the next incidents may be sent."""
        async with self._moved:
            self.killed += 1
            self._moved.notify_all()

    async def end(self) -> None:
        """No more kills: with all of them made everything may be sent, else nothing further."""
        async with self._moved:
            self._over = True
            self._moved.notify_all()

    async def may_send(self, number: int) -> bool:
        """Wait for an incident's turn; False when it has none any more."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._over or self._allowed(number))
            return self._allowed(number)

    def _allowed(self, number: int) -> bool:
        ahead = self.incidents * (self.killed + self._AHEAD) / self.kills
        return self.killed == self.kills or number < ahead


async def _send(orchestrators: list[Orchestrator], pace: _Pace, chance: random.Random) -> set[str]:
    """Send every envelope until it has a receipt; the investigations that were promised."""
    accepted: set[str] = set()
    room = asyncio.Semaphore(8)

    async def send(http: httpx.AsyncClient, number: int) -> None:
        body = incident.envelope(number).model_dump_json().encode()
        if not await pace.may_send(number):
            return
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
        await asyncio.gather(*(send(http, number) for number in range(pace.incidents)))
    return accepted


async def _kill(
    orchestrators: list[Orchestrator],
    sink: SinkDouble,
    pace: _Pace,
    chance: random.Random,
    progress: Callable[[int, int], None],
) -> None:
    """Kill one or the other again and again, until the last before the work is done."""
    while pace.goes_on():
        await asyncio.to_thread(_wait_for_reports, sink, pace.due)
        victim = chance.choice(orchestrators)
        await asyncio.sleep(chance.uniform(0, 0.5))
        await victim.kill()
        await pace.was_killed()
        progress(_reports(sink), pace.killed)
        await victim.start()
    await pace.end()


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
