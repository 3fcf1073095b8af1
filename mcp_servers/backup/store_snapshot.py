"""Which files a backup keeps, and a consistent copy of each while the site goes on working.

The ledger is copied first and the keys last: what the copied ledger says has left can then be
revealed from the copied vault, whose rows the copied keys open.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcp_servers.alarms.file_intake import RECEIVED
from mcp_servers.egress.ledger import LEDGER_FILE
from mcp_servers.site_directory import SiteDirectory
from rag.confirmed_causes import FILE_NAME as CONFIRMED_CAUSES
from rag.index_keeper import VECTOR_FOLDERS
from telecom.errors import OperatorError, SiteDirectoryError, StoreDamagedError

KEYS = "keys"
_SQLITE = b"SQLite format 3\0"
_PASSING = ("-wal", "-shm", "-journal", ".lock", ".sock", ".part", ".new")
"""Ends of names that mean nothing to another process or another day."""
_LOCKS = ("lock",)
_DRAFTS = ".backup"
_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file that a backup keeps."""

    path: Path
    name: str
    """Its path below the site directory, with `/`."""

    @property
    def is_key(self) -> bool:
        """Whether it opens the vault, or signs tokens and the ledger."""
        return self.name.startswith(f"store/{KEYS}/")


def kept_files(site: SiteDirectory) -> Iterator[KeptFile]:
    """What tierwise itself wrote and could not make again, in the order to copy it.

    The vector index is left out: SQLite keeps the vectors. The operator's own files (exports,
    documents, configurations) have their own source.
    """
    ledger = site.store / LEDGER_FILE
    own = [site.tickets / CONFIRMED_CAUSES]
    received = site.path / RECEIVED
    others = [*_below(site.store), *own, *_below(received)]
    for path in sorted({ledger, *others}, key=lambda path: _order(site, path)):
        if path.is_file() and not path.is_symlink():
            yield KeptFile(path, path.relative_to(site.path).as_posix())


def _order(site: SiteDirectory, path: Path) -> tuple[int, Path]:
    if path == site.store / LEDGER_FILE:
        return 0, path
    return (2 if (site.store / KEYS) in path.parents else 1), path


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        passing = path.name in _LOCKS or path.name.endswith(_PASSING)
        if passing or any(part.startswith(".") for part in inside):
            continue
        if not any(Path(part).match(VECTOR_FOLDERS) for part in inside):
            yield path


@contextmanager
def draft_folder(store: Path) -> Iterator[Path]:
    """A private folder on the store's own disk for one backup at a time.

    Raises:
        OperatorError: Another backup of this store is running.
        SiteDirectoryError: The store cannot be written.
    """
    folder = store / _DRAFTS
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as exc:
        raise SiteDirectoryError(f"{store} cannot be written: {exc.strerror}") from exc
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise OperatorError("another backup of this site is running; wait for it") from exc
        for left in folder.iterdir():  # by a backup that was killed
            left.unlink()
        yield folder
        shutil.rmtree(folder)
    finally:
        os.close(descriptor)


def copy_consistently(file: Path, drafts: Path) -> Path:
    """A copy that is whole, of a file that others may be writing.

    A database is copied as of its last commit, a list of lines up to its last whole line. Anything
    else is written by renaming, and so whole at any time.

    Raises:
        FileNotFoundError: The file went away meanwhile.
        SiteDirectoryError: The copy cannot be written.
        StoreDamagedError: A database cannot be read.
    """
    target = drafts / "copy"
    target.unlink(missing_ok=True)
    with file.open("rb") as stream:
        is_database = stream.read(len(_SQLITE)) == _SQLITE
    if is_database:
        _copy_database(file, target)
        return target
    try:
        shutil.copyfile(file, target)
        if file.suffix == ".jsonl":
            _cut_half_a_line(target)
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise SiteDirectoryError(f"{drafts} cannot be written: {exc.strerror}") from exc
    return target


def _copy_database(file: Path, target: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.execute(f"PRAGMA busy_timeout = {int(_WAIT_S * 1000)}")
            source.backup(copy)  # in one step: a writer could make it begin again for ever
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as exc:
        raise StoreDamagedError(f"{file} cannot be copied: {exc}") from exc


def _cut_half_a_line(file: Path) -> None:
    with file.open("r+b") as stream:
        end = stream.seek(0, os.SEEK_END)
        begin = max(0, end - (1 << 20))
        stream.seek(begin)
        tail = stream.read()
        whole = tail.rfind(b"\n") + 1
        if whole or begin == 0:
            stream.truncate(begin + whole)


def check_database(file: Path) -> None:
    """See that a file that looks like a database is a whole one.

    Raises:
        StoreDamagedError: It is not.
    """
    with file.open("rb") as stream:
        if stream.read(len(_SQLITE)) != _SQLITE:
            return
    try:
        uri = f"{file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as exc:
        raise StoreDamagedError(f"the backup's {file.name} is damaged ({exc})") from exc
    if found != "ok":
        raise StoreDamagedError(f"the backup's {file.name} is damaged: {found}")
