"""`Approvals`: a write to somebody else's record waits for a person with the scope.

Asked once, decided once, executed once; without a decision it expires. What waits on a site (egress
that its gate holds back) is shown as well, and decided there with `tierwise-site approvals`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from orchestrator.storage.database import Database, Row, stamp
from orchestrator.storage.state import State
from telecom.errors import InvalidArgumentError
from telecom.report import RootCauseReport

Decision = Literal["approved", "denied"]
_COLUMNS = (
    "a.effect_key, o.incident_id, o.sink, a.asked_at, a.expires_at, a.decision, a.decided_by,"
    " o.status, o.payload"
)
_LOOKED_THROUGH = 200
"""Newest reports that are searched for what waits on a site."""
_SITE_APPROVAL_RULE = "gate.approval_pending"
"""What a site's gate names when its operator has to release an answer."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A write, and whether somebody has said yes."""

    effect_key: str
    incident_id: str
    sink: str
    asked_at: str
    expires_at: str
    status: Literal["waiting", "approved", "denied", "expired"]
    decided_by: str | None
    delivery: str
    """What became of it: approval, pending, sent, denied, expired or failed."""
    payload: dict[str, object]
    """What would be sent, word for word."""


@dataclass(frozen=True, slots=True)
class WaitsOnSite:
    """Something that a site's own operator has to release."""

    incident_id: str
    what: str
    why: str


class Approvals:
    """What waits for a person."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._database: Database = state.database

    async def all(self, *, waiting_only: bool = True) -> list[Approval]:
        """Every write that waits, or every one that was ever asked for; oldest first."""
        await self.expire()
        only = " WHERE a.decision IS NULL" if waiting_only else ""
        rows = await self._database.fetch(
            f"SELECT {_COLUMNS} FROM approvals a JOIN outbox o ON o.effect_key = a.effect_key"  # noqa: S608
            f"{only} ORDER BY a.asked_at, a.effect_key"
        )
        return [_approval(row) for row in rows]

    async def decide(self, effect_key: str, decision: Decision, *, by: str) -> Approval:
        """Approve or deny a write.

        Args:
            effect_key: The approval's id, or the beginning of it that no other has.
            decision: The answer.
            by: Name of the principal who decides.

        Raises:
            InvalidArgumentError: No such approval, or it is decided or expired.
        """
        await self.expire()
        async with self._database.transaction(lock="approvals") as work:
            rows = await work.fetch(
                f"SELECT {_COLUMNS} FROM approvals a JOIN outbox o"  # noqa: S608 - our own texts
                " ON o.effect_key = a.effect_key WHERE substr(a.effect_key, 1, ?) = ?",
                len(effect_key),
                effect_key,
            )
            if len(rows) != 1 or not effect_key:
                there = "no approval" if not rows else "more than one approval"
                raise InvalidArgumentError(
                    "id", f"{there} begins with {effect_key!r}; `tierwise approvals list` has them"
                )
            asked = _approval(rows[0])
            if asked.status != "waiting":
                who = "" if asked.decided_by is None else f" by {asked.decided_by}"
                raise InvalidArgumentError("id", f"{effect_key} is {asked.status} already{who}")
            now = stamp()
            await work.execute(
                "UPDATE approvals SET decision = ?, decided_by = ?, decided_at = ?"
                " WHERE effect_key = ?",
                decision,
                by,
                now,
                asked.effect_key,
            )
            await work.execute(
                "UPDATE outbox SET status = ?, not_before = ?, created_at = ?"
                " WHERE effect_key = ? AND status = 'approval'",
                "pending" if decision == "approved" else "denied",
                now,
                now,
                asked.effect_key,
            )
        [decided] = [
            a for a in await self.all(waiting_only=False) if a.effect_key == asked.effect_key
        ]
        return decided

    async def expire(self) -> None:
        """Close what nobody decided in time."""
        async with self._database.transaction() as work:
            now = stamp(datetime.now(UTC))
            due = await work.fetch(
                "SELECT effect_key FROM approvals WHERE decision IS NULL AND expires_at <= ?", now
            )
            for (key,) in due:
                await work.execute(
                    "UPDATE approvals SET decision = 'expired', decided_at = ?"
                    " WHERE effect_key = ? AND decision IS NULL",
                    now,
                    key,
                )
                await work.execute(
                    "UPDATE outbox SET status = 'expired', ended_at = ?"
                    " WHERE effect_key = ? AND status = 'approval'",
                    now,
                    key,
                )

    async def on_sites(self) -> list[WaitsOnSite]:
        """What the newest reports could not see because a site's operator has to release it."""
        rows = await self._database.fetch(
            "SELECT f.content FROM incidents i JOIN findings f ON f.incident_id = i.incident_id"
            " WHERE f.name = 'report' AND i.status = 'finished'"
            " ORDER BY i.finished_at DESC LIMIT ?",
            _LOOKED_THROUGH,
        )
        reports = (RootCauseReport.model_validate_json(row[0]) for row in rows)
        return [
            WaitsOnSite(report.incident_id, gap.what, gap.why)
            for report in reports
            for gap in report.gaps
            if gap.rule == _SITE_APPROVAL_RULE
        ]


def _approval(row: Row) -> Approval:
    key, incident_id, sink, asked_at, expires_at, decision, decided_by, delivery, payload = row
    return Approval(
        effect_key=key,
        incident_id=incident_id,
        sink=sink,
        asked_at=asked_at,
        expires_at=expires_at,
        status=decision or "waiting",
        decided_by=decided_by,
        delivery=delivery,
        payload=json.loads(payload),
    )
