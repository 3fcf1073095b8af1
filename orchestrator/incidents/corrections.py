"""`Corrections`: what a person says about a cause, on its way into the site's knowledge base.

Kept here before it is answered and handed to every site of the incident by its `confirm_cause`
tool, until the site has it: a site that cannot be reached gets it when it is back. Deciding again
about the same incident takes the earlier word's place, there as here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from orchestrator.site_access.peoples_words import refuse_identifiers
from orchestrator.site_access.site_client import Purpose
from orchestrator.site_access.sites import Sites
from orchestrator.storage.database import Row, stamp
from orchestrator.storage.state import State
from telecom.errors import (
    BudgetExceededError,
    InvalidArgumentError,
    SiteUnavailableError,
    StateUnavailableError,
    TierwiseError,
    ToolTimeoutError,
)
from telecom.report import RootCauseReport

log = logging.getLogger(__name__)

Verdict = Literal["this", "not_this"]
Progress = Literal["waiting", "recorded", "refused"]

_COLUMNS = (
    "number, incident_id, site, verdict, cause, note, reviewer, decided_at, status, message,"
    " ticket_id, attempts"
)
_LONGEST_WORDS = 4_000
_MOST_SYMPTOMS, _MOST_TICKETS = 8, 10
_POLL_S = 2.0
_LEASE_S = 120.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 300.0
_LATER = (SiteUnavailableError, ToolTimeoutError, BudgetExceededError)
"""A site that says one of these may take the same decision another time."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One person's word about one incident, for one site."""

    number: int
    incident_id: str
    site: str
    verdict: Verdict
    cause: str
    note: str
    reviewer: str
    decided_at: str
    status: Progress
    message: str | None
    """Why it waits or was refused."""
    ticket_id: str | None
    """Under which the site's knowledge base finds it."""
    attempts: int


class Corrections:
    """Takes decisions about causes and brings them to the sites."""

    def __init__(self, state: State, sites: Sites) -> None:
        self._state = state
        self._database = state.database
        self._sites = sites
        self._due = asyncio.Event()

    async def decide(
        self, report: RootCauseReport, verdict: Verdict, *, cause: str, note: str, by: str
    ) -> list[Correction]:
        """Keep what a person decided; it is on disk when this returns.

        Args:
            report: What was proposed to the person.
            verdict: This was the cause, or not this.
            cause: As decided, in words that the site has released; for `this` it may be empty and
                is then what the report asserts.
            note: What was done about it, in words that the site has released.
            by: Name of the person.

        Returns:
            One for each site of the incident that this process knows.

        Raises:
            InvalidArgumentError: No cause is named, the words are too long or hold an identifier,
                or no site of the incident is known here.
        """
        named = cause.strip() or (_proposed(report) if verdict == "this" else "")
        if not named:
            raise InvalidArgumentError("cause", "say what it was; without a cause nothing is kept")
        for name, words in (("cause", named), ("note", note)):
            if len(words) > _LONGEST_WORDS:
                raise InvalidArgumentError(
                    name, f"{name} must have at most {_LONGEST_WORDS} characters, got {len(words)}"
                )
            refuse_identifiers(words)
        sites = await self._sites_of(report.incident_id)
        if not sites:
            raise InvalidArgumentError(
                "incident", f"no site of {report.incident_id} is known here, so nobody can keep it"
            )
        now = stamp()
        async with self._database.transaction() as work:
            await work.execute("DELETE FROM corrections WHERE incident_id = ?", report.incident_id)
            await work.execute_many(
                "INSERT INTO corrections (incident_id, site, verdict, cause, note, reviewer,"
                " decided_at, status, not_before, attempts)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, 0)",
                [
                    (report.incident_id, site, verdict, named, note.strip(), by, now, now)
                    for site in sites
                ],
            )
        self._due.set()
        return await self.of(report.incident_id)

    async def of(self, incident_id: str) -> list[Correction]:
        """What is decided about an incident, a row for each site."""
        rows = await self._database.fetch(
            f"SELECT {_COLUMNS} FROM corrections WHERE incident_id = ? ORDER BY number",  # noqa: S608
            incident_id,
        )
        return [_correction(row) for row in rows]

    async def newest(self, *, limit: int = 50) -> list[Correction]:
        """The latest decisions about any incident, newest first."""
        rows = await self._database.fetch(
            f"SELECT {_COLUMNS} FROM corrections ORDER BY number DESC LIMIT ?",  # noqa: S608
            limit,
        )
        return [_correction(row) for row in rows]

    async def run(self, stopping: asyncio.Event) -> None:
        """Bring what waits to the sites until `stopping` is set."""
        while not stopping.is_set():
            try:
                more = await self.deliver_one()
            except StateUnavailableError as exc:
                log.warning("%s", exc)
                more = False
            if not more:
                self._due.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_S):
                        await self._due.wait()

    async def deliver_one(self) -> bool:
        """Bring one decision to its site; False when none is due."""
        due = await self._claim()
        if due is None:
            return False
        try:
            ticket_id = await self._record(due)
        except _LATER as exc:
            pause = min(_FIRST_PAUSE_S * 2 ** min(due.attempts, 10), _LONGEST_PAUSE_S)
            await self._note(due, "waiting", str(exc), later=timedelta(seconds=pause))
        except TierwiseError as exc:
            await self._note(due, "refused", str(exc))
        else:
            await self._note(due, "recorded", None, ticket_id=ticket_id)
        return True

    async def _claim(self) -> Correction | None:
        now = datetime.now(UTC)
        async with self._database.transaction() as work:
            rows = await work.fetch(
                f"SELECT {_COLUMNS} FROM corrections WHERE status = 'waiting'"  # noqa: S608
                f" AND not_before <= ? ORDER BY number LIMIT 1{self._database.skip_locked}",
                stamp(now),
            )
            if not rows:
                return None
            due = _correction(rows[0])
            await work.execute(
                "UPDATE corrections SET not_before = ?, attempts = attempts + 1 WHERE number = ?",
                stamp(now + timedelta(seconds=_LEASE_S)),
                due.number,
            )
        return due

    async def _record(self, due: Correction) -> str:
        client = self._sites.by_name.get(due.site)
        if client is None:
            raise InvalidArgumentError("site", f"no site is called {due.site!r} any more")
        report = await self._state.get(due.incident_id, "report", RootCauseReport)
        answer, _ = await client.call(
            "confirm_cause", _arguments(due, report), purpose=Purpose(due.incident_id)
        )
        return str(answer.get("ticket_id", ""))[:128]

    async def _note(
        self,
        due: Correction,
        status: Progress,
        message: str | None,
        *,
        later: timedelta = timedelta(),
        ticket_id: str | None = None,
    ) -> None:
        await self._database.execute(
            "UPDATE corrections SET status = ?, message = ?, ticket_id = ?, not_before = ?"
            " WHERE number = ?",
            status,
            message,
            ticket_id,
            stamp(datetime.now(UTC) + later),
            due.number,
        )

    async def _sites_of(self, incident_id: str) -> list[str]:
        rows = await self._database.fetch(
            "SELECT site FROM incident_sites WHERE incident_id = ? ORDER BY site", incident_id
        )
        named = [site for (site,) in rows] or list(self._sites.by_name)
        return [site for site in named if site in self._sites.by_name]


def _proposed(report: RootCauseReport) -> str:
    return report.root_causes[0].specific_problem if report.root_causes else ""


def _arguments(due: Correction, report: RootCauseReport) -> Mapping[str, Any]:
    """What the site's tool takes (JSON, hence Any)."""
    cause = report.root_causes[0] if report.root_causes else None
    seen = (report.headline, *(f"{at.managed_object}: {at.what}" for at in report.timeline))
    return {
        "incident_id": due.incident_id,
        "symptoms": list(dict.fromkeys(seen))[:_MOST_SYMPTOMS],
        "cause": due.cause,
        "reviewer": due.reviewer,
        "note": due.note,
        "managed_object": cause.managed_object if cause and due.verdict == "this" else None,
        "proposed_cause": None if cause is None else cause.specific_problem,
        "similar_tickets": [
            ticket.ticket_id
            for ticket in report.similar_incidents
            if ticket.agrees and due.verdict == "this"
        ][:_MOST_TICKETS],
    }


def _correction(row: Row) -> Correction:
    return Correction(*row)
