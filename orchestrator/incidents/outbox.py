"""`Outbox`: what is sent outside about an incident, each effect under one key for ever.

Rows are written in the transaction that finishes the incident, so that there is a delivery exactly
when there is a report. The key travels with every try: a receiver that keeps it takes an effect
once, however often a killed process sends it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.service_settings import Sink
from orchestrator.settings import Settings
from orchestrator.sinks.payloads import payload_for
from orchestrator.storage.database import Database, Work, stamp
from telecom.report import RootCauseReport

_COLUMNS = "effect_key, incident_id, sink, payload, created_at, attempts"
_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One effect that is due."""

    effect_key: str
    incident_id: str
    sink: str
    payload: str
    created_at: datetime
    attempts: int
    """Counting this one."""


def effect_key(incident_id: str, effect: str, number: int = 1) -> str:
    """Name an effect: the same incident, effect and number give the same key everywhere."""
    text = f"{incident_id}\n{effect}\n{number}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Outbox:
    """The deliveries that wait, and what became of them."""

    def __init__(self, database: Database, settings: Settings, *, lease_s: float = 60.0) -> None:
        self._database = database
        self._sinks = settings.sinks
        self._approval = timedelta(hours=settings.service.approval_hours)
        self._patience = timedelta(hours=settings.service.delivery_hours)
        self._lease = timedelta(seconds=lease_s)

    async def enqueue(self, work: Work, report: RootCauseReport) -> None:
        """Write a delivery for every sink that has something to say about a report."""
        now = datetime.now(UTC)
        for sink in self._sinks:
            key = effect_key(report.incident_id, sink.name)
            payload = payload_for(sink, report, key=key, at=now)
            if payload is None:
                continue
            await self._write(work, report.incident_id, sink, key, payload)

    async def propose(self, incident_id: str, sink: Sink, effect: str, payload: str) -> str:
        """Write a delivery that a person asks for; it waits for an approval, whatever the sink.

        The same effect again is the same delivery. Returns its key.
        """
        key = effect_key(incident_id, f"{sink.name}/{effect}")
        async with self._database.transaction() as work:
            await self._write(work, incident_id, sink, key, payload, approval=True)
        return key

    async def _write(
        self,
        work: Work,
        incident_id: str,
        sink: Sink,
        key: str,
        payload: str,
        *,
        approval: bool = False,
    ) -> None:
        now = datetime.now(UTC)
        waits = approval or sink.waits_for_approval
        await work.execute(
            "INSERT INTO outbox (effect_key, incident_id, sink, status, payload, created_at,"
            " attempts, not_before) VALUES (?, ?, ?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
            key,
            incident_id,
            sink.name,
            "approval" if waits else "pending",
            payload,
            stamp(now),
            stamp(now),
        )
        if waits:
            await work.execute(
                "INSERT INTO approvals (effect_key, asked_at, expires_at) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                key,
                stamp(now),
                stamp(now + self._approval),
            )

    async def claim(self, *, busy: Collection[str] = ()) -> Delivery | None:
        """Take the delivery that is due longest; None when none is.

        Args:
            busy: Sinks that have enough to do.
        """
        now = datetime.now(UTC)
        others = f" AND sink NOT IN ({', '.join('?' * len(busy))})" if busy else ""
        async with self._database.transaction() as work:
            rows = await work.fetch(
                f"SELECT {_COLUMNS} FROM outbox WHERE status = 'pending' AND not_before <= ?"  # noqa: S608
                f" AND (lease_until IS NULL OR lease_until < ?){others}"
                f" ORDER BY created_at, effect_key LIMIT 1{self._database.skip_locked}",
                stamp(now),
                stamp(now),
                *sorted(busy),
            )
            if not rows:
                return None
            [(key, incident_id, sink, payload, created_at, attempts)] = rows
            await work.execute(
                "UPDATE outbox SET lease_until = ?, attempts = attempts + 1 WHERE effect_key = ?",
                stamp(now + self._lease),
                key,
            )
        created = datetime.fromisoformat(created_at)
        return Delivery(key, incident_id, sink, payload, created, attempts + 1)

    async def sent(self, delivery: Delivery) -> None:
        """The receiver has it."""
        await self._end(delivery, "sent", None)

    async def failed(self, delivery: Delivery, why: str, *, for_good: bool = False) -> None:
        """Try again later, unless it is hopeless or has been tried long enough."""
        if for_good or datetime.now(UTC) - delivery.created_at > self._patience:
            await self._end(delivery, "failed", why)
            return
        pause = min(_FIRST_PAUSE_S * 2 ** min(delivery.attempts - 1, 10), _LONGEST_PAUSE_S)
        await self._database.execute(
            "UPDATE outbox SET lease_until = NULL, not_before = ?, message = ?"
            " WHERE effect_key = ? AND status = 'pending'",
            stamp(datetime.now(UTC) + timedelta(seconds=pause)),
            why,
            delivery.effect_key,
        )

    async def _end(self, delivery: Delivery, status: str, why: str | None) -> None:
        await self._database.execute(
            "UPDATE outbox SET status = ?, ended_at = ?, lease_until = NULL, message = ?"
            " WHERE effect_key = ? AND status = 'pending'",
            status,
            stamp(),
            why,
            delivery.effect_key,
        )
