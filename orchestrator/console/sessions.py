"""Who is at the console: engineers, their sessions, and one-time links that begin one.

The state keeps digests of session ids and links, never what a browser sends: who reads the state
cannot sign in with it. Sessions survive a restart, and end at their time, at sign-out, or when the
state says so.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from nicegui import context

from orchestrator.console_settings import Role
from orchestrator.storage.database import Database, stamp
from telecom.errors import IdentityError

SCOPE_KEY = "tierwise.engineer"
"""Where the guard leaves the engineer in an ASGI scope."""
LINK_MINUTES = 10
"""How long a one-time link may wait to be used."""
_BYTES = 32
_TABLES = """
CREATE TABLE IF NOT EXISTS console_sessions (
    digest TEXT PRIMARY KEY, principal TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
    ends_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS console_links (
    digest TEXT PRIMARY KEY, principal TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
    ends_at TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Engineer:
    """Somebody who is signed in."""

    principal: str
    """Stable and unique: records go by it."""
    name: str
    """For other people to read."""
    role: Role


def current_engineer() -> Engineer:
    """Who looks at the page that is being built or has sent the event that is being handled."""
    return engineer_in(context.client.request.scope)


def engineer_in(scope: object) -> Engineer:
    """The engineer whom the guard let in.

    Raises:
        IdentityError: The request did not pass the guard.
    """
    found = scope.get(SCOPE_KEY) if isinstance(scope, dict) else None
    if not isinstance(found, Engineer):
        raise IdentityError("sign in to use the console")
    return found


class Sessions:
    """Sessions and one-time links in the state's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Create the tables, once."""
        await self._database.create_tables(_TABLES)

    async def begin(self, engineer: Engineer, *, hours: float) -> str:
        """Begin a session under a fresh id; gives the id, which is nowhere else."""
        return await self._issue("console_sessions", engineer, timedelta(hours=hours))

    async def engineer(self, session_id: str) -> Engineer | None:
        """Whose session it is; None when it has ended or never was."""
        return _engineer(
            await self._database.fetch(
                "SELECT principal, name, role FROM console_sessions"
                " WHERE digest = ? AND ends_at > ?",
                _digest(session_id),
                stamp(),
            )
        )

    async def end(self, session_id: str) -> None:
        """Sign out."""
        await self._database.execute(
            "DELETE FROM console_sessions WHERE digest = ?", _digest(session_id)
        )

    async def note(self, engineer: Engineer, *, ends_at: float) -> None:
        """Remember who is here without a session of ours, until their sign-in ends (Unix time)."""
        until = stamp(datetime.fromtimestamp(ends_at, UTC))
        await self._database.execute(
            "INSERT INTO console_sessions VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE"
            " SET name = excluded.name, role = excluded.role, ends_at = excluded.ends_at",
            f"elsewhere {engineer.principal}",
            engineer.principal,
            engineer.name,
            engineer.role,
            until,
        )

    async def people(self, roles: Collection[Role]) -> list[Engineer]:
        """Who is signed in with one of these roles, by name."""
        rows = await self._database.fetch(
            "SELECT DISTINCT principal, name, role FROM console_sessions WHERE ends_at > ?"
            " ORDER BY name",
            stamp(),
        )
        everybody = (Engineer(principal, name, role) for principal, name, role in rows)
        return [engineer for engineer in everybody if engineer.role in roles]

    async def issue_link(self, engineer: Engineer) -> str:
        """A link's secret: whoever has it may sign in as `engineer`, once, for ten minutes."""
        return await self._issue("console_links", engineer, timedelta(minutes=LINK_MINUTES))

    async def linked(self, link: str) -> Engineer | None:
        """Whom a link would sign in; it is not used up by asking."""
        return _engineer(
            await self._database.fetch(
                "SELECT principal, name, role FROM console_links WHERE digest = ? AND ends_at > ?",
                _digest(link),
                stamp(),
            )
        )

    async def use_link(self, link: str) -> Engineer:
        """Use a link up.

        Raises:
            IdentityError: It was used, is too old, or never was.
        """
        async with self._database.transaction(lock="console_links") as work:
            rows = await work.fetch(
                "SELECT principal, name, role FROM console_links WHERE digest = ? AND ends_at > ?",
                _digest(link),
                stamp(),
            )
            await work.execute(
                "DELETE FROM console_links WHERE digest = ? OR ends_at <= ?", _digest(link), stamp()
            )
        engineer = _engineer(rows)
        if engineer is None:
            raise IdentityError(
                "this link was used or is too old; `tierwise console link` prints another"
            )
        return engineer

    async def _issue(self, table: str, engineer: Engineer, holds: timedelta) -> str:
        secret = secrets.token_urlsafe(_BYTES)
        async with self._database.transaction() as work:
            await work.execute(f"DELETE FROM {table} WHERE ends_at <= ?", stamp())  # noqa: S608
            await work.execute(
                f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - one of the two above
                _digest(secret),
                engineer.principal,
                engineer.name,
                engineer.role,
                stamp(datetime.now(UTC) + holds),
            )
        return secret


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _engineer(rows: list[tuple[str, str, str]]) -> Engineer | None:
    if not rows:
        return None
    principal, name, role = rows[0]
    return Engineer(principal, name, cast("Role", role))
