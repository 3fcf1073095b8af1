"""`Board`: the open incidents of the NOC, and who has taken them.

An incident is open until somebody closes it, whatever became of its investigation. Taking one is a
row in the state: of two who take the same incident, one has it and the other is told who.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agents.findings import AlarmSummary
from orchestrator.storage.database import Row, stamp
from orchestrator.storage.state import State
from telecom.errors import InvalidArgumentError
from telecom.report import ReportStatus, RootCauseReport

_COLUMNS = (
    "i.incident_id, i.status, i.perceived_severity, i.opened_at, i.window_start, i.finished_at,"
    " i.message, h.taken_by, h.taken_name, h.taken_at, h.closed_by, h.closed_at"
)
_FROM = "incidents i LEFT JOIN handling h ON h.incident_id = i.incident_id"
MOST_SHOWN = 500
"""Open incidents on a board; more than that is no board but a search."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a finished investigation says, in the words of one line."""

    headline: str
    status: ReportStatus
    confidence: float | None
    """Of the first cause; None when none is asserted."""
    alarms: int
    """Alarms that the sites folded."""
    groups: int
    """Groups that they folded them into."""


@dataclass(frozen=True, slots=True)
class BoardIncident:
    """One line of the board."""

    incident_id: str
    status: str
    """Of the investigation: queued, running, finished or parked."""
    perceived_severity: str
    opened_at: datetime
    window_start: datetime
    sites: tuple[str, ...]
    message: str | None
    """Why it waits or was parked."""
    taken_by: str | None
    """Principal of who has it."""
    taken_name: str | None
    taken_at: datetime | None
    closed_at: datetime | None
    findings: Findings | None
    """None as long as there is no report."""


class TakenError(InvalidArgumentError):
    """Somebody else has the incident."""

    def __init__(self, incident_id: str, name: str) -> None:
        super().__init__("incident_id", f"{name} has taken {incident_id} already")
        self.name = name


class Board:
    """Reads the board, and notes who has what."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._found: dict[tuple[str, str], Findings] = {}

    async def open_incidents(self) -> list[BoardIncident]:
        """Every open incident, newest first; at most `MOST_SHOWN`."""
        rows = await self._state.database.fetch(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE h.closed_at IS NULL"  # noqa: S608 - our own texts
            " ORDER BY i.opened_at DESC LIMIT ?",
            MOST_SHOWN,
        )
        named = await self._state.database.fetch(
            "SELECT s.incident_id, s.site FROM incident_sites s"
            " JOIN incidents i ON i.incident_id = s.incident_id"
            " LEFT JOIN handling h ON h.incident_id = i.incident_id WHERE h.closed_at IS NULL"
            " ORDER BY s.site"
        )
        sites: dict[str, list[str]] = {}
        for incident_id, site in named:
            sites.setdefault(incident_id, []).append(site)
        return [await self._incident(row, tuple(sites.get(row[0], ()))) for row in rows]

    async def incident(self, incident_id: str) -> BoardIncident | None:
        """One incident, open or closed; None when there is none of that id."""
        rows = await self._state.database.fetch(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE i.incident_id = ?",  # noqa: S608 - our own texts
            incident_id,
        )
        named = await self._state.database.fetch(
            "SELECT site FROM incident_sites WHERE incident_id = ? ORDER BY site", incident_id
        )
        return await self._incident(rows[0], tuple(s for (s,) in named)) if rows else None

    async def take(self, incident_id: str, *, principal: str, name: str) -> None:
        """Have an incident from now on; taking one's own again changes nothing.

        Raises:
            TakenError: Somebody else has it.
            InvalidArgumentError: There is no such incident, or it is closed.
        """
        async with self._state.database.transaction(lock="handling") as work:
            await self._require_open(incident_id)
            rows = await work.fetch(
                "SELECT taken_by, taken_name FROM handling WHERE incident_id = ?", incident_id
            )
            if rows and rows[0][0] == principal:
                return
            if rows and rows[0][0] is not None:
                raise TakenError(incident_id, rows[0][1])
            await work.execute(_GIVE, incident_id, principal, name, stamp())

    async def assign(self, incident_id: str, *, principal: str, name: str) -> None:
        """Give an incident to somebody, whoever has it.

        Raises:
            InvalidArgumentError: There is no such incident, or it is closed.
        """
        async with self._state.database.transaction(lock="handling") as work:
            await self._require_open(incident_id)
            await work.execute(_GIVE, incident_id, principal, name, stamp())

    async def release(self, incident_id: str, *, principal: str) -> None:
        """Give back what one has; what somebody else has stays with them."""
        await self._state.database.execute(
            "UPDATE handling SET taken_by = NULL, taken_name = NULL, taken_at = NULL"
            " WHERE incident_id = ? AND taken_by = ?",
            incident_id,
            principal,
        )

    async def close(self, incident_id: str, *, principal: str) -> None:
        """Take an incident off the board.

        Raises:
            InvalidArgumentError: There is no such incident, or it is closed.
        """
        async with self._state.database.transaction(lock="handling") as work:
            await self._require_open(incident_id)
            await work.execute(
                "INSERT INTO handling (incident_id, closed_by, closed_at) VALUES (?, ?, ?)"
                " ON CONFLICT (incident_id) DO UPDATE SET closed_by = excluded.closed_by,"
                " closed_at = excluded.closed_at",
                incident_id,
                principal,
                stamp(),
            )

    async def reopen(self, incident_id: str) -> None:
        """Put a closed incident on the board again."""
        await self._state.database.execute(
            "UPDATE handling SET closed_by = NULL, closed_at = NULL WHERE incident_id = ?",
            incident_id,
        )

    async def _require_open(self, incident_id: str) -> None:
        found = await self.incident(incident_id)
        if found is None or found.closed_at is not None:
            what = "no incident is called" if found is None else "nobody takes a closed incident:"
            raise InvalidArgumentError("incident_id", f"{what} {incident_id!r}")

    async def _incident(self, row: Row, sites: tuple[str, ...]) -> BoardIncident:
        key, status, severity, opened, start, finished, message, by, name, taken, _, closed = row
        findings = await self._findings(key, finished) if status == "finished" else None
        return BoardIncident(
            incident_id=key,
            status=status,
            perceived_severity=severity,
            opened_at=datetime.fromisoformat(opened),
            window_start=datetime.fromisoformat(start),
            sites=sites,
            message=message,
            taken_by=by,
            taken_name=name,
            taken_at=None if taken is None else datetime.fromisoformat(taken),
            closed_at=None if closed is None else datetime.fromisoformat(closed),
            findings=findings,
        )

    async def _findings(self, incident_id: str, finished_at: str) -> Findings | None:
        """The report in short; a report does not change, so it is read once."""
        key = (incident_id, finished_at)
        if key not in self._found:
            try:
                report = await self._state.get(incident_id, "report", RootCauseReport)
            except KeyError:
                return None
            self._found[key] = await self._in_short(report)
            while len(self._found) > 2 * MOST_SHOWN:
                del self._found[next(iter(self._found))]
        return self._found[key]

    async def _in_short(self, report: RootCauseReport) -> Findings:
        alarms = groups = 0
        for name in await self._state.names(report.incident_id):
            if name.startswith("alarms:"):
                folded = await self._state.get(report.incident_id, name, AlarmSummary)
                alarms += folded.alarms_total
                groups += len(folded.groups)
        causes = report.root_causes
        return Findings(
            headline=report.headline,
            status=report.status,
            confidence=causes[0].confidence if causes else None,
            alarms=alarms,
            groups=groups,
        )


_GIVE = (
    "INSERT INTO handling (incident_id, taken_by, taken_name, taken_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (incident_id) DO UPDATE SET taken_by = excluded.taken_by,"
    " taken_name = excluded.taken_name, taken_at = excluded.taken_at"
)
