"""What incidents have not been told yet: table `notices`, from intake to the incident log.

A record is noted in the transaction that stores it and struck out in the one that stores what it
did, so a process that dies in between tells it again, once. Most are told at once, so the notices
themselves wait in memory, up to a limit; one that is not there, because another process noted it
or there were too many, is made again from its stored alarm.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from agents.alarm_notices import Notice, notice_of
from mcp_servers.alarms.alarm_rows import Spelling, stored_alarm
from mcp_servers.alarms.database import AlarmDatabase

_AT_HAND = 100_000
"""Notices in memory, half a kilobyte each."""


@dataclass(frozen=True, slots=True)
class DueNotices:
    """The notices that are to be told next."""

    notices: Sequence[Notice]
    """Oldest first."""
    noted: Sequence[tuple[float, int]]
    """Time and record of each, and of those whose record is gone."""
    more: bool
    """Whether others may wait behind them."""


def keep_notices(database: AlarmDatabase, notices: Sequence[Notice]) -> None:
    """Note down, within a transaction, what is to be told of new records."""
    database.connection.executemany(
        "INSERT OR REPLACE INTO notices VALUES (?, ?)",
        [(notice.time, notice.record) for notice in notices],
    )
    for notice in notices:
        if len(database.notices) < _AT_HAND:
            database.notices[notice.record] = notice
        else:
            database.notices.pop(notice.record, None)


def drop_notices(database: AlarmDatabase, records: Sequence[int]) -> None:
    """Strike out, within a transaction, what was to be told of records that are no more.

    Looks through all that is noted: little, outside a first ingest.
    """
    if records:
        database.connection.execute(
            "DELETE FROM notices WHERE record IN (SELECT value FROM json_each(?))",
            (json.dumps(records),),
        )
        for record in records:
            database.notices.pop(record, None)


def due_notices(database: AlarmDatabase, spelling: Spelling, *, limit: int) -> DueNotices:
    """Read what is to be told first, `limit` notices at most."""
    due: list[tuple[float, int]] = database.connection.execute(
        "SELECT time, record FROM notices ORDER BY time, record LIMIT ?", (limit,)
    ).fetchall()
    remade = _made_again(
        database, spelling, [record for _, record in due if record not in database.notices]
    )
    notices = [
        notice
        for _, record in due
        if (notice := database.notices.get(record) or remade.get(record)) is not None
    ]
    return DueNotices(notices, due, len(due) == limit)


def _made_again(
    database: AlarmDatabase, spelling: Spelling, records: Sequence[int]
) -> dict[int, Notice]:
    """Notices by record; none for a record that is gone."""
    if not records:
        return {}
    made = {}
    for record, body in database.connection.execute(
        "SELECT id, body FROM alarms WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(records),),
    ):
        alarm = stored_alarm(body, "")
        _, _, place = spelling.of(alarm.managed_object)
        notice = notice_of(alarm, record, place, spelling.topology)
        if notice is not None:
            made[record] = notice
    return made


def forget_notices(database: AlarmDatabase, told: DueNotices) -> None:
    """Strike out, within a transaction, what has been told."""
    database.connection.executemany("DELETE FROM notices WHERE time = ? AND record = ?", told.noted)
    if not told.more:
        database.notices.clear()
        return
    for notice in told.notices:
        database.notices.pop(notice.record, None)
