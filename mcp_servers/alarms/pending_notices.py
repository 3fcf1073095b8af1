"""What incidents have not been told yet: table `notices`, from intake to the incident log.

A notice is written in the transaction that stores its record and deleted in the one that stores
what it did, so a process that dies in between tells it again, once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from agents.alarm_notices import Notice

_SEPARATOR = "\x1f"
_HOLDERS = ", ".join("?" * len(Notice._fields))


def keep_notices(connection: sqlite3.Connection, notices: Sequence[Notice]) -> None:
    """Write notices down; one of the same record is replaced."""
    connection.executemany(
        f"INSERT OR REPLACE INTO notices VALUES ({_HOLDERS})",  # noqa: S608 - question marks
        [(*notice[:-1], _SEPARATOR.join(notice.related)) for notice in notices],
    )


def oldest_notices(connection: sqlite3.Connection, limit: int) -> list[Notice]:
    """Read the first ones in order of time."""
    rows = connection.execute("SELECT * FROM notices ORDER BY time, record LIMIT ?", (limit,))
    return [
        Notice._make((*row[:-1], tuple(row[-1].split(_SEPARATOR)) if row[-1] else ()))
        for row in rows
    ]


def forget_notices(connection: sqlite3.Connection, notices: Sequence[Notice]) -> None:
    """Delete notices that have been told."""
    connection.execute(
        "DELETE FROM notices WHERE record IN (SELECT value FROM json_each(?))",
        (json.dumps([notice.record for notice in notices]),),
    )
