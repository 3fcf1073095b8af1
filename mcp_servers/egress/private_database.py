"""A SQLite file that only the site's own user can read, and that forgets what is deleted."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telecom.errors import EgressRefusedError, SiteDirectoryError, StoreDamagedError


def open_private_database(file: Path, schema: str, *, what: str, cure: str) -> sqlite3.Connection:
    """Open or create a file with mode 0600.

    Args:
        file: The database.
        schema: `CREATE ... IF NOT EXISTS` statements.
        what: What the message calls a file that cannot be used, such as `not a vault`.
        cure: What would help then.

    Raises:
        StoreDamagedError: The file is no database.
        SiteDirectoryError: It cannot be opened now: a full disk says nothing against the file.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(file, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.executescript(schema)
    except (OSError, sqlite3.OperationalError) as exc:
        raise SiteDirectoryError(
            f"{file} cannot be opened ({exc}); keep it, and make room or mend the disk"
        ) from exc
    except sqlite3.DatabaseError as exc:
        raise StoreDamagedError(f"{file} is {what}: {exc}; {cure}") from exc
    return connection


@contextmanager
def writing(connection: sqlite3.Connection, what: str) -> Iterator[None]:
    """One transaction on a private database; rolled back when the block raises.

    Raises:
        EgressRefusedError: It cannot be written, so nothing that would have to stand in it leaves.
    """
    try:
        with connection:
            yield
    except sqlite3.OperationalError as exc:
        raise EgressRefusedError(
            f"{what} cannot be written ({exc}), so nothing leaves",
            rule="gate.store",
            remedy="the site's operator makes room or mends the disk",
        ) from exc
