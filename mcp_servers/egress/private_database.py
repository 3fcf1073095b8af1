"""A SQLite file that only the site's own user can read, and that forgets what is deleted."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from telecom.errors import StoreDamagedError


def open_private_database(file: Path, schema: str, *, what: str, cure: str) -> sqlite3.Connection:
    """Open or create a file with mode 0600.

    Args:
        file: The database.
        schema: `CREATE ... IF NOT EXISTS` statements.
        what: What the message calls a file that cannot be used, such as `not a vault`.
        cure: What would help then.

    Raises:
        StoreDamagedError: The file is no database.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    try:
        connection = sqlite3.connect(file, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.executescript(schema)
    except sqlite3.DatabaseError as exc:
        raise StoreDamagedError(f"{file} is {what}: {exc}; {cure}") from exc
    return connection
