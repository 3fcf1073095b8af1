"""Egress approvals: what waits for a named person's yes, and what they said.

An approval is bound to one payload (by its digest), one caller, one tool and one tier, lasts for a
while and lets the bytes out once. Only somebody at the site can give it. What waits lies in the
store in the form in which it would leave, so that people see what they approve.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from mcp_servers.egress.private_database import open_private_database, writing
from telecom.errors import (
    EgressRefusedError,
    InvalidArgumentError,
    RecordNotFoundError,
)
from telecom.schema import ProductModel

WAITS = timedelta(hours=24)
"""How long a request waits for somebody."""
HOLDS = timedelta(hours=1)
"""How long a yes can be used."""
MOST_WAITING = 50
"""Requests of one caller that may wait at a time; a flood would train people to say yes."""

State = Literal["waiting", "approved", "denied", "used", "expired"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS approvals (
    id TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    client TEXT NOT NULL,
    tier TEXT NOT NULL,
    tool TEXT NOT NULL,
    data_classes TEXT NOT NULL,
    form TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    payload TEXT NOT NULL,
    payload_sha256 TEXT NOT NULL,
    investigation TEXT,
    asked_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    state TEXT NOT NULL,
    decided_by TEXT,
    decided_at TEXT,
    note TEXT
);
CREATE INDEX IF NOT EXISTS approvals_by_payload ON approvals (payload_sha256, principal);
"""
_COLUMNS = (
    "id, principal, client, tier, tool, data_classes, form, tokens, payload, payload_sha256, "
    "investigation, asked_at, expires_at, state, decided_by, decided_at, note"
)


class Approval(ProductModel):
    """One release that a person decides about."""

    id: str
    principal: str
    client: str
    tier: str
    """Where it would go."""
    tool: str
    data_classes: tuple[str, ...]
    form: Literal["raw", "pseudonymized", "anonymized"]
    tokens: int
    payload: str
    """What would leave, exactly."""
    payload_sha256: str
    investigation: str | None = None
    asked_at: datetime
    expires_at: datetime
    state: State
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None
    """What the person wrote; data for people at the site, never sent."""


class Approvals:
    """The approvals of one site, in its store; safe to use from several threads."""

    def __init__(
        self, database: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._database = _connect(database)

    @classmethod
    def open(cls, store: Path) -> Approvals:
        """Open `approvals.sqlite` under a site's `store/`.

        Raises:
            StoreDamagedError: It is no database of ours.
        """
        return cls(store / "approvals.sqlite")

    def find(self, wanted: Approval) -> Approval | None:
        """The newest decision or request about the same payload, caller, tool and tier."""
        with self._lock, self._writing():
            self._expire()
            row = self._database.execute(
                f"SELECT {_COLUMNS} FROM approvals WHERE payload_sha256 = ? AND principal = ? "  # noqa: S608 - a constant
                "AND tool = ? AND tier = ? AND state IN ('waiting', 'approved', 'denied') "
                "ORDER BY asked_at DESC LIMIT 1",
                (wanted.payload_sha256, wanted.principal, wanted.tool, wanted.tier),
            ).fetchone()
        return None if row is None else _read(row)

    def ask(self, wanted: Approval) -> None:
        """Let a release wait.

        Raises:
            EgressRefusedError: Too many of this caller's requests wait already.
        """
        with self._lock, self._writing():
            self._expire()
            waiting = self._database.execute(
                "SELECT count(*) FROM approvals WHERE principal = ? AND state = 'waiting'",
                (wanted.principal,),
            ).fetchone()[0]
            if waiting >= MOST_WAITING:
                raise EgressRefusedError(
                    f"{waiting} answers for this caller wait for approval already",
                    rule="gate.too_many_approvals",
                    remedy="have the site decide about those first",
                )
            self._database.execute(
                f"INSERT INTO approvals ({_COLUMNS}) VALUES ({', '.join('?' * 17)})",  # noqa: S608 - constants
                _row(wanted),
            )

    def take(self, approval_id: str) -> bool:
        """Use an approval up; False when somebody else did, or it has expired."""
        with self._lock, self._writing():
            self._expire()
            done = self._database.execute(
                "UPDATE approvals SET state = 'used' WHERE id = ? AND state = 'approved'",
                (approval_id,),
            )
        return done.rowcount == 1

    def decide(
        self, approval_id: str, *, approve: bool, by: str, note: str | None = None
    ) -> Approval:
        """Record a person's yes or no about a waiting release.

        Raises:
            RecordNotFoundError: No such request.
            InvalidArgumentError: It no longer waits, or nobody is named.
        """
        if not by.strip():
            raise InvalidArgumentError("by", "an approval needs the name of who gives it")
        now = self._now()
        with self._lock, self._writing():
            self._expire()
            row = self._database.execute(
                f"SELECT {_COLUMNS} FROM approvals WHERE id = ?",  # noqa: S608 - a constant
                (approval_id,),
            ).fetchone()
            if row is None:
                raise RecordNotFoundError(
                    "approval", approval_id, hint="`tierwise-site approvals list DIR` has them"
                )
            asked = _read(row)
            if asked.state != "waiting":
                raise InvalidArgumentError(
                    "id", f"{approval_id} does not wait, it is {asked.state}"
                )
            decided = asked.model_copy(
                update={
                    "state": "approved" if approve else "denied",
                    "decided_by": by.strip(),
                    "decided_at": now,
                    "expires_at": now + (HOLDS if approve else WAITS),
                    "note": note,
                }
            )
            self._database.execute(
                f"REPLACE INTO approvals ({_COLUMNS}) VALUES ({', '.join('?' * 17)})",  # noqa: S608 - constants
                _row(decided),
            )
        return decided

    def all(self, *, state: State | None = None) -> list[Approval]:
        """What waits or was decided, oldest first; of one state, or of all."""
        with self._lock, self._writing():
            self._expire()
            rows = self._database.execute(
                f"SELECT {_COLUMNS} FROM approvals WHERE ? IS NULL OR state = ? "  # noqa: S608 - a constant
                "ORDER BY asked_at, id",
                (state, state),
            ).fetchall()
        return [_read(row) for row in rows]

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _writing(self) -> AbstractContextManager[None]:
        return writing(self._database, "the list of approvals")

    def _expire(self) -> None:
        """Forget what was over in time, and the payloads of what is decided."""
        now = _instant(self._now())
        self._database.execute(
            "UPDATE approvals SET state = 'expired' "
            "WHERE state IN ('waiting', 'approved', 'denied') AND expires_at <= ?",
            (now,),
        )
        self._database.execute(
            "UPDATE approvals SET payload = '' "
            "WHERE state IN ('expired', 'denied', 'used') AND payload != ''"
        )


def new_request(
    *,
    principal: str,
    client: str,
    tier: str,
    tool: str,
    data_classes: tuple[str, ...],
    form: Literal["raw", "pseudonymized", "anonymized"],
    tokens: int,
    payload: str,
    payload_sha256: str,
    investigation: str | None,
) -> Approval:
    """Word a request, with an id that nobody guesses and the time until which it waits."""
    now = datetime.now(UTC)
    return Approval(
        id=f"ap-{secrets.token_hex(6)}",
        principal=principal,
        client=client,
        tier=tier,
        tool=tool,
        data_classes=data_classes,
        form=form,
        tokens=tokens,
        payload=payload,
        payload_sha256=payload_sha256,
        investigation=investigation,
        asked_at=now,
        expires_at=now + WAITS,
        state="waiting",
    )


def _row(approval: Approval) -> tuple[object, ...]:
    content = approval.model_dump(mode="python")
    content["data_classes"] = " ".join(approval.data_classes)
    return tuple(
        _instant(value) if isinstance(value, datetime) else value
        for value in (content[name] for name in _COLUMNS.replace(" ", "").split(","))
    )


def _instant(moment: datetime) -> str:
    """An instant that sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _read(row: tuple[object, ...]) -> Approval:
    content = dict(zip(_COLUMNS.replace(" ", "").split(","), row, strict=True))
    content["data_classes"] = str(content["data_classes"]).split()
    return Approval.model_validate(content)


def _connect(database: Path) -> sqlite3.Connection:
    return open_private_database(
        database, _SCHEMA, what="no list of approvals", cure="move it away to begin a new one"
    )
