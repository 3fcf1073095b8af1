"""A PostgreSQL server of our own for the length of a block, where the binaries are there."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ENVIRONMENT = "TIERWISE_TEST_POSTGRESQL"
"""URL of a server to use instead of starting one; its user may create databases."""


def why_not() -> str | None:
    """Why no server can be had here; None when one can."""
    if os.environ.get(ENVIRONMENT) or _binaries() is not None:
        return None
    return f"no PostgreSQL binaries here (apt-get install postgresql), and no {ENVIRONMENT}"


def _binaries() -> Path | None:
    """The folder of `initdb`, newest version first; None without one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found:
        return found[0].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def local_postgresql(*, durable: bool = False) -> Iterator[str]:
    """Start a server on a socket in a temporary folder.

    Args:
        durable: Write through to the disk, as production does; without it commits are quick.

    Yields:
        The URL of its `postgres` database.
    """
    if named := os.environ.get(ENVIRONMENT):
        yield named
        return
    binaries = _binaries()
    if binaries is None:
        raise RuntimeError(why_not())
    # A socket's path may have 107 characters, too few for a test's own folder.
    folder = Path(tempfile.mkdtemp(prefix="tw-pg-", dir="/tmp"))
    user = _unprivileged(folder)
    data = folder / "data"
    try:
        initdb = [binaries / "initdb", "-D", data, "-U", "tierwise", "--auth=trust", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
        sync = "on" if durable else "off"
        options = f"-k {folder} -c listen_addresses='' -c fsync={sync} -c synchronous_commit={sync}"
        start = [binaries / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log"]
        subprocess.run(
            [*start, "start"], check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder
        )
        try:
            yield f"postgresql://tierwise@/postgres?host={folder}"
        finally:
            stop = [binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
            subprocess.run(stop, check=False, stdout=subprocess.DEVNULL, user=user, cwd=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> int | None:
    """Whom to run as: the server refuses root. None is whoever we are."""
    if os.geteuid() != 0:
        return None
    try:
        user = pwd.getpwnam("postgres").pw_uid
    except KeyError:
        user = pwd.getpwnam("nobody").pw_uid
    os.chown(folder, user, -1)
    return user


@contextmanager
def fresh_database(server: str, name: str) -> Iterator[str]:
    """An empty database of a server; dropped afterwards.

    Yields:
        Its URL.
    """
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield server.replace("/postgres?", f"/{name}?")
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
