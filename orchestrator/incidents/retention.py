"""Retention: what is over is forgotten after the days that the settings name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from orchestrator.conversations.store import ConversationStore
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
    conversations = ConversationStore(state.database)
    while True:
        try:
            before = datetime.now(UTC) - keep
            await prune(state, before)
            await conversations.prepare()
            await conversations.forget(before)
        except StateUnavailableError as exc:
            log.warning("%s", exc)
        await asyncio.sleep(_EVERY_S)


async def prune(state: State, before: datetime) -> int:
    """Forget what ended before an instant, with all that is kept about it.

    Returns:
        How many investigations, whether triggers opened them or people asked for them.
    """
    pruned = 0
    while over := await _ended(state, before):
        await _forget(state, over)
        pruned += len(over)
    asked = await _asked(state, before)
    for first in range(0, len(asked), _AT_ONCE):
        await _forget(state, asked[first : first + _AT_ONCE])
    # Ends of incidents that nobody looked into belong to none.
    await state.database.execute(
        "DELETE FROM inbox WHERE incident_id IS NULL AND received_at < ?", stamp(before)
    )
    return pruned + len(asked)


async def _ended(state: State, before: datetime) -> list[str]:
    """Some of the incidents that triggers opened and that are over."""
    rows = await state.database.fetch(
        "SELECT incident_id FROM incidents WHERE status IN ('finished', 'parked')"
        " AND finished_at < ? LIMIT ?",
        stamp(before),
        _AT_ONCE,
    )
    return [incident_id for (incident_id,) in rows]


async def _asked(state: State, before: datetime) -> list[str]:
    """Investigations that somebody asked for; each was decided about, and then no more."""
    rows = await state.database.fetch(
        "SELECT d.incident_id FROM decisions d WHERE NOT EXISTS"
        " (SELECT 1 FROM incidents i WHERE i.incident_id = d.incident_id)"
        " GROUP BY d.incident_id HAVING max(d.decided_at) < ?",
        stamp(before),
    )
    return [incident_id for (incident_id,) in rows]


async def _forget(state: State, incident_ids: Sequence[str]) -> None:
    for incident_id in incident_ids:
        await state.checkpointer.adelete_thread(incident_id)
    async with state.database.transaction() as work:
        for incident_id in incident_ids:
            await work.execute(
                "DELETE FROM approvals WHERE effect_key IN"
                " (SELECT effect_key FROM outbox WHERE incident_id = ?)",
                incident_id,
            )
            for table in _OF_AN_INCIDENT:
                await work.execute(f"DELETE FROM {table} WHERE incident_id = ?", incident_id)  # noqa: S608
