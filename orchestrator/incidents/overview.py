"""What became of the incidents, and the way back for one that was parked."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.storage.database import Row, stamp
from orchestrator.storage.state import State
from telecom.errors import InvalidArgumentError
from telecom.report import RootCauseReport

STATUSES = ("queued", "running", "finished", "parked")
_COLUMNS = (
    "incident_id, status, principal, opened_at, window_start, window_end, perceived_severity,"
    " follows, attempts, finished_at, message"
)


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """An incident that was opened by a trigger."""

    incident_id: str
    status: str
    principal: str
    opened_at: str
    window_start: str
    window_end: str
    perceived_severity: str
    follows: str | None
    """The incident that it looks into again."""
    attempts: int
    finished_at: str | None
    message: str | None
    """Why it waits or was parked."""
    sites: tuple[str, ...]
    triggers: int
    """Reports of trouble that it answers."""


class Overview:
    """Reads the incidents for people."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def incidents(
        self, *, status: str | None = None, limit: int = 100
    ) -> list[IncidentRecord]:
        """The newest incidents first."""
        where = "" if status is None else " WHERE status = ?"
        rows = await self._state.database.fetch(
            f"SELECT {_COLUMNS} FROM incidents{where} ORDER BY opened_at DESC LIMIT ?",  # noqa: S608
            *(() if status is None else (status,)),
            limit,
        )
        return [await self._record(row) for row in rows]

    async def incident(self, incident_id: str) -> IncidentRecord | None:
        """One incident; None when there is none of that id."""
        rows = await self._state.database.fetch(
            f"SELECT {_COLUMNS} FROM incidents WHERE incident_id = ?",  # noqa: S608
            incident_id,
        )
        return await self._record(rows[0]) if rows else None

    async def report(self, incident_id: str) -> RootCauseReport | None:
        """What was found; None as long as it is not finished."""
        try:
            return await self._state.get(incident_id, "report", RootCauseReport)
        except KeyError:
            return None

    async def counts(self) -> dict[str, int]:
        """How many incidents are in each state."""
        rows = await self._state.database.fetch(
            "SELECT status, count(*) FROM incidents GROUP BY status"
        )
        return dict.fromkeys(STATUSES, 0) | dict(rows)

    async def deliveries(self) -> dict[str, int]:
        """How many deliveries are in each state."""
        rows = await self._state.database.fetch(
            "SELECT status, count(*) FROM outbox GROUP BY status"
        )
        return dict(rows)

    async def retry(self, incident_id: str) -> None:
        """Investigate a parked incident from the start.

        Raises:
            InvalidArgumentError: There is none of that id that is parked.
        """
        await self._state.checkpointer.adelete_thread(incident_id)
        async with self._state.database.transaction() as work:
            changed = await work.execute(
                "UPDATE incidents SET status = 'queued', attempts = 0, begun_with = NULL,"
                " message = NULL, finished_at = NULL, not_before = ?, opened_at = ?"
                " WHERE incident_id = ? AND status = 'parked'",
                stamp(),
                stamp(),
                incident_id,
            )
            if not changed:
                raise InvalidArgumentError(
                    "incident_id",
                    f"no parked incident is called {incident_id!r}; "
                    "`tierwise incidents list --status parked` has them",
                )
            await work.execute("DELETE FROM findings WHERE incident_id = ?", incident_id)

    async def _record(self, row: Row) -> IncidentRecord:
        database = self._state.database
        named = await database.fetch(
            "SELECT site FROM incident_sites WHERE incident_id = ? ORDER BY site", row[0]
        )
        [(triggers,)] = await database.fetch(
            "SELECT count(*) FROM inbox WHERE incident_id = ?", row[0]
        )
        return IncidentRecord(*(*row, tuple(site for (site,) in named), triggers))
