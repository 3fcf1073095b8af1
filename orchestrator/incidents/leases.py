"""`Leases`: which worker has which incident, and for how long without a sign of life.

An incident is one thread of the graph. Whoever holds its lease may run it, and nobody else can
finish it; one that is not renewed expires, and the next worker goes on from the last checkpoint.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.storage.database import Database, Row, Work, stamp

_COLUMNS = (
    "incident_id, principal, opened_at, window_start, window_end, attempts, begun_with, follows"
)

_ELSEWHERE = (
    "SELECT 1 FROM incident_sites s WHERE s.incident_id = i.incident_id AND s.site NOT IN (%s)"
)


@dataclass(frozen=True, slots=True)
class Leased:
    """An incident that this worker has."""

    incident_id: str
    principal: str
    opened_at: datetime
    window: tuple[datetime, datetime]
    attempts: int
    """Counting this one."""
    begun_with: str | None
    """Shape of the graph that began it; None when nobody has."""
    follows: str | None
    """The incident that it looks into again."""
    sites: tuple[str, ...]


class LeaseLostError(Exception):
    """Another worker has the incident by now: nothing of it may be written any more."""


class Leases:
    """The incidents that wait and those that are worked on."""

    def __init__(self, database: Database, *, owner: str, lease_s: float) -> None:
        self._database = database
        self._owner = owner
        self._lease = timedelta(seconds=lease_s)

    async def claim(self, *, unreachable: Collection[str] = ()) -> Leased | None:
        """Take the incident that has waited longest; None when nothing waits.

        Args:
            unreachable: Sites that do not answer now. An incident that is about no other waits; one
                that spans sites is looked into at those that are left.
        """
        now = datetime.now(UTC)
        down = sorted(unreachable)
        somewhere = f" AND EXISTS ({_ELSEWHERE % ', '.join('?' * len(down))})" if down else ""
        async with self._database.transaction() as work:
            rows = await work.fetch(
                f"SELECT {_COLUMNS} FROM incidents i WHERE"  # noqa: S608 - our own texts
                " ((status = 'queued' AND not_before <= ?)"
                f" OR (status = 'running' AND lease_until < ?)){somewhere}"
                f" ORDER BY opened_at, incident_id LIMIT 1{self._database.skip_locked}",
                stamp(now),
                stamp(now),
                *down,
            )
            if not rows:
                return None
            [row] = rows
            await work.execute(
                "UPDATE incidents SET status = 'running', lease_owner = ?, lease_until = ?,"
                " attempts = attempts + 1 WHERE incident_id = ?",
                self._owner,
                stamp(now + self._lease),
                row[0],
            )
            return _leased(row, await _sites(work, row[0]))

    async def renew(self, incident_ids: Sequence[str]) -> frozenset[str]:
        """Say that this worker lives; which of its incidents it still has."""
        kept = []
        async with self._database.transaction() as work:
            for incident_id in incident_ids:
                changed = await work.execute(
                    "UPDATE incidents SET lease_until = ? WHERE incident_id = ?"
                    " AND lease_owner = ? AND status = 'running'",
                    stamp(datetime.now(UTC) + self._lease),
                    incident_id,
                    self._owner,
                )
                kept += [incident_id] * changed
        return frozenset(kept)

    async def begin(self, leased: Leased, graph: str) -> None:
        """Note which graph works on it, before its first step."""
        await self._database.execute(
            "UPDATE incidents SET begun_with = ? WHERE incident_id = ? AND lease_owner = ?",
            graph,
            leased.incident_id,
            self._owner,
        )

    async def finish(self, work: Work, leased: Leased) -> None:
        """It has a report.

        Raises:
            LeaseLostError: Another worker has it; the transaction must not be committed.
        """
        changed = await work.execute(
            "UPDATE incidents SET status = 'finished', finished_at = ?, lease_owner = NULL,"
            " lease_until = NULL, message = NULL"
            " WHERE incident_id = ? AND lease_owner = ? AND status = 'running'",
            stamp(),
            leased.incident_id,
            self._owner,
        )
        if not changed:
            raise LeaseLostError(leased.incident_id)

    async def hand_back(
        self, leased: Leased, *, after_s: float = 0.0, why: str | None = None, counted: bool = True
    ) -> None:
        """Let it be taken again after a while.

        Args:
            leased: The incident.
            after_s: Not before that many seconds.
            why: What happened, for people.
            counted: Whether this attempt counts towards the last one.
        """
        await self._database.execute(
            "UPDATE incidents SET status = 'queued', lease_owner = NULL, lease_until = NULL,"
            " not_before = ?, message = ?, attempts = ? WHERE incident_id = ? AND lease_owner = ?",
            stamp(datetime.now(UTC) + timedelta(seconds=after_s)),
            why,
            leased.attempts if counted else leased.attempts - 1,
            leased.incident_id,
            self._owner,
        )

    async def park(self, leased: Leased, why: str) -> None:
        """Lay it aside for a person, who reads why."""
        await self._database.execute(
            "UPDATE incidents SET status = 'parked', lease_owner = NULL, lease_until = NULL,"
            " finished_at = ?, message = ? WHERE incident_id = ? AND lease_owner = ?",
            stamp(),
            why,
            leased.incident_id,
            self._owner,
        )


async def _sites(work: Work, incident_id: str) -> tuple[str, ...]:
    rows = await work.fetch(
        "SELECT site FROM incident_sites WHERE incident_id = ? ORDER BY site", incident_id
    )
    return tuple(row[0] for row in rows)


def _leased(row: Row, sites: tuple[str, ...]) -> Leased:
    incident_id, principal, opened_at, begin, end, attempts, begun_with, follows = row
    return Leased(
        incident_id=incident_id,
        principal=principal,
        opened_at=datetime.fromisoformat(opened_at),
        window=(datetime.fromisoformat(begin), datetime.fromisoformat(end)),
        attempts=attempts + 1,
        begun_with=begun_with,
        follows=follows,
        sites=sites,
    )
