"""A copy of the state while orchestrators go on working; PostgreSQL has its own tools for that."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from orchestrator.settings import is_database_url
from telecom.errors import SettingsError


def back_up_state(address: str, target: Path) -> int:
    """Write the last committed state to a new file of mode 0600, and check it; its size in bytes.

    Raises:
        SettingsError: The state is in PostgreSQL, is none of ours, or the file exists already or
            cannot be written.
    """
    if is_database_url(address):
        raise SettingsError(
            "the state is in PostgreSQL, which is backed up by its own tools: "
            f"pg_dump --format=custom --file={target} DATABASE"
        )
    if not Path(address).is_file():
        raise SettingsError(f"there is no state file {address}; an investigation writes one")
    if target.exists():
        raise SettingsError(f"{target} exists already; name a file that does not")
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        _copy(Path(address), draft)
        draft.rename(target)
    except (OSError, sqlite3.Error) as exc:
        raise SettingsError(f"the state cannot be copied to {target}: {exc}") from exc
    finally:
        draft.unlink(missing_ok=True)
    return target.stat().st_size


def _copy(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as state,
        closing(sqlite3.connect(target)) as copy,
    ):
        state.backup(copy)  # in one step: a writer could make it begin again for ever
        copy.execute("PRAGMA journal_mode = DELETE")
        (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"the copy is damaged: {found}")
