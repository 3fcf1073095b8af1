"""An outage: incidents are reported while their site cannot be reached, and are done after it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from orchestrator.doubles.sink import SinkDouble
from orchestrator.doubles.site import SiteDouble
from orchestrator.doubles.wan import WanDouble
from telecom.webhook_signature import SIGNATURE_HEADER, sign_webhook
from tests.soak import incident
from tests.soak.orchestrators import Orchestrator, secret_of, write_settings

CONCURRENT = 4
_STUCK_S = 300.0
_FOUND_OUT = 'tierwise_site_reachable{site="site1"} 0'


@dataclass(frozen=True, slots=True)
class Return:
    """What came of the incidents of an outage."""

    incidents: int
    outage_s: float
    first_start_s: float
    """From the return of the line to the first question to the site."""
    per_second: float
    """Incidents from the first question to the last report."""
    out_of_order: int
    """Incidents that began before an earlier one, beyond those that are worked on side by side."""
    lost: int
    doubled: int


async def outage(
    folder: Path,
    *,
    state: str,
    incidents: int,
    seconds: float = 0.0,
    progress: Callable[[int], None] = lambda done: None,
) -> Return:
    """Report incidents while nothing answers, and follow them after it.

    The first half of the outage is a silent cut, in the second connections are refused.

    Args:
        folder: For settings and logs.
        state: SQLite file or PostgreSQL URL, empty.
        incidents: How many are reported.
        seconds: How long the outage lasts at least; it is never over before it was found out.
        progress: Called with the number of reports received.
    """
    asked: list[float] = []

    def summary() -> object:
        asked.append(time.monotonic())
        return incident.summary()

    with (
        SiteDouble(
            incident.summary(),
            changes=incident.changes(),
            tickets=incident.tickets(),
            faults={"summarize_alarms": summary},
        ) as site,
        SinkDouble() as sink,
    ):
        async with WanDouble(site.url) as wan:
            config = write_settings(
                folder,
                state=state,
                sites=[wan.url],
                sink=f"{sink.url}/hook",
                concurrent=CONCURRENT,
                tool_seconds=2,
            )
            one = Orchestrator(config, folder / "orchestrator.log")
            await one.start()
            try:
                wan.cut()
                begun = time.monotonic()
                accepted = await _send(one, incidents)
                await asyncio.sleep(seconds / 2)
                await wan.refuse()
                await _found_out(one)
                await asyncio.sleep(begun + seconds - time.monotonic())
                asked.clear()
                already = len(site.calls)
                wan.heal()
                await wan.listen()
                back = time.monotonic()
                await _reported(sink, incidents, progress)
                done = time.monotonic()
            finally:
                await one.kill()
    order = [
        call.arguments["from_time"]
        for call in site.calls[already:]
        if call.tool == "summarize_alarms"
    ]
    effects = Counter(
        request.json["incident_id"]
        for request in {r.headers["idempotency-key"]: r for r in sink.received}.values()
    )
    return Return(
        incidents=len(accepted),
        outage_s=round(back - begun, 1),
        first_start_s=round(asked[0] - back, 2) if asked else float("inf"),
        per_second=round(incidents / (done - asked[0]), 1) if asked else 0.0,
        out_of_order=_misplaced(order),
        lost=len(accepted - set(effects)),
        doubled=sum(effects.values()) - len(effects),
    )


async def _send(one: Orchestrator, incidents: int) -> set[str]:
    """Report every incident; the investigations that were promised."""
    accepted: set[str] = set()
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        for number in range(incidents):
            body = incident.envelope(number).model_dump_json().encode()
            signature = sign_webhook(secret_of("site1"), body, at=datetime.now(UTC))
            answer = await http.post(
                f"{one.url}/triggers/site", content=body, headers={SIGNATURE_HEADER: signature}
            )
            answer.raise_for_status()
            accepted.add(answer.json()["investigation_id"])
    return accepted


async def _found_out(one: Orchestrator) -> None:
    """Wait until the orchestrator counts the site as out."""
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http, asyncio.timeout(_STUCK_S):
        while _FOUND_OUT not in (await http.get(f"{one.url}/metrics")).text:  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def _reported(sink: SinkDouble, incidents: int, progress: Callable[[int], None]) -> None:
    """Wait for every report, or until nothing moves any more."""
    seen, moved_at = -1, time.monotonic()
    while seen < incidents and time.monotonic() - moved_at < _STUCK_S:
        now = len({request.headers["idempotency-key"] for request in list(sink.received)})
        if now > seen:
            seen, moved_at = now, time.monotonic()
            progress(seen)
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.0)  # whatever would come twice comes now


def _misplaced(order: list[str]) -> int:
    """How many began further ahead of their place than the number worked on side by side."""
    places = {moment: place for place, moment in enumerate(sorted(set(order)))}
    firsts = list(dict.fromkeys(order))
    return sum(places[moment] - begun >= CONCURRENT for begun, moment in enumerate(firsts))
