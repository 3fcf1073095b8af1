"""Retention: what is over is forgotten after the days that the settings name."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from orchestrator.storage.database import stamp
from orchestrator.storage.state import State
from telecom.errors import StateUnavailableError

log = logging.getLogger(__name__)

_EVERY_S = 3600.0
_AT_ONCE = 100
"""Incidents of one transaction, so that intake never waits long."""
_OF_AN_INCIDENT = (
    "findings",
    "decisions",
    "calls",
    "outbox",
    "inbox",
    "corrections",
    "incident_sites",
    "spending",
    "handling",
    "incidents",
)


async def keep_pruning(state: State, keep: timedelta) -> None:
    """Prune again and again, for as long as the process runs."""
    while True:
        try:
            await prune(state, datetime.now(UTC) - keep)
        except StateUnavailableError as exc:
            log.warning("%s", exc)
        await asyncio.sleep(_EVERY_S)


async def prune(state: State, before: datetime) -> int:
    """Forget incidents that ended before an instant, with all that is kept about them.

    Returns:
        How many incidents.
    """
    pruned = 0
    while True:
        rows = await state.database.fetch(
            "SELECT incident_id FROM incidents WHERE status IN ('finished', 'parked')"
            " AND finished_at < ? LIMIT ?",
            stamp(before),
            _AT_ONCE,
        )
        for (incident_id,) in rows:
            await state.checkpointer.adelete_thread(incident_id)
        async with state.database.transaction() as work:
            for (incident_id,) in rows:
                await work.execute(
                    "DELETE FROM approvals WHERE effect_key IN"
                    " (SELECT effect_key FROM outbox WHERE incident_id = ?)",
                    incident_id,
                )
                for table in _OF_AN_INCIDENT:
                    await work.execute(f"DELETE FROM {table} WHERE incident_id = ?", incident_id)  # noqa: S608
            if not rows:
                # Ends of incidents that nobody looked into belong to none.
                await work.execute(
                    "DELETE FROM inbox WHERE incident_id IS NULL AND received_at < ?", stamp(before)
                )
        pruned += len(rows)
        if not rows:
            return pruned
