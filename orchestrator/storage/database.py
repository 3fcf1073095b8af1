"""The state's database, opened: SQLite here, PostgreSQL in its own module.

SQLite is the default: one file, several processes of one machine. A `postgresql://` URL lets
orchestrators on several machines share the work:

    async with open_database("state.sqlite") as database:
        await database.create_tables("CREATE TABLE IF NOT EXISTS notes (id TEXT PRIMARY KEY, ...)")
        async with database.transaction(lock="notes") as work:
            await work.execute("INSERT INTO notes VALUES (?, ?)", "n1", "text")
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
)
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from orchestrator.settings import is_database_url
from orchestrator.storage.database_port import Database, Row, Value, Work, stamp
from telecom.errors import MissingExtraError, SettingsError, StateUnavailableError

__all__ = ["Database", "Row", "Value", "Work", "open_database", "read_rows", "stamp"]

Written = TypeVar("Written")

_WAIT_S = 30.0
"""How long a statement waits for another process's write, and a caller for a connection."""
_OF_THE_DISK = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
"""Primary result codes that say nothing against the file."""


@asynccontextmanager
async def open_database(address: str | Path) -> AsyncIterator[Database]:
    """Open (and create) the database at a file path or a `postgresql://` URL.

    Raises:
        SettingsError: It cannot be used.
        MissingExtraError: A URL without the extra `postgresql`.
    """
    opened = (
        _open_postgresql(str(address)) if is_database_url(address) else _open_sqlite(Path(address))
    )
    async with opened as database:
        yield database


def read_rows(address: str | Path, sql: str, *values: Value) -> list[Row]:
    """Read rows without a loop, for commands that only look.

    Raises:
        SettingsError: There is no state, or it is not ours.
        StateUnavailableError: The disk does not let it be read now.
    """
    if is_database_url(address):
        _require_postgresql()
        from orchestrator.storage.postgresql import read_postgresql  # noqa: PLC0415 - an extra

        return read_postgresql(str(address), sql, values)
    file = Path(address)
    if not file.is_file():
        raise SettingsError(f"there is no state file {file}; an investigation writes one")
    try:
        with closing(sqlite3.connect(file, timeout=_WAIT_S)) as connection:
            return connection.execute(sql, values).fetchall()
    except sqlite3.Error as exc:
        if exc.sqlite_errorcode & 0xFF in _OF_THE_DISK:
            raise StateUnavailableError(str(exc)) from exc
        raise SettingsError(f"{file} is no state file of tierwise: {exc}") from exc


def _require_postgresql() -> None:
    if find_spec("psycopg") is None or find_spec("psycopg_pool") is None:
        raise MissingExtraError("postgresql", "state in PostgreSQL")


@asynccontextmanager
async def _open_postgresql(url: str) -> AsyncIterator[Database]:
    _require_postgresql()
    from orchestrator.storage.postgresql import open_postgresql  # noqa: PLC0415 - an extra

    async with open_postgresql(url) as database:
        yield database


class _SqliteWork:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    # Each call is one trip to the connection's thread: in a storm the trips are what costs.

    async def fetch(self, sql: str, *values: Value) -> list[Row]:
        return [tuple(row) for row in await self._connection.execute_fetchall(sql, values)]

    async def execute(self, sql: str, *values: Value) -> int:
        return (await self._connection.execute(sql, values)).rowcount

    async def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        await self._connection.executemany(sql, rows)


class _WholeCheckpoints(AsyncSqliteSaver):
    """Checkpoints that are written whole, whoever is cancelled or closes the file meanwhile.

    Left between a statement and its commit, a connection keeps the file's write lock: one that was
    cancelled until it is closed, one that was closed until its last cursor is gone.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        super().__init__(connection)
        self._under_way: set[asyncio.Task[Any]] = set()

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return await self._whole(super().aput(config, checkpoint, metadata, new_versions))

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        await self._whole(super().aput_writes(config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        await self._whole(super().adelete_thread(thread_id))

    async def settled(self) -> None:
        """Return when nothing is being written."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _whole(self, writing: Coroutine[Any, Any, Written]) -> Written:
        task = asyncio.create_task(writing)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)


class SqliteDatabase(Database):
    """One SQLite file; its one writer at a time serves every lock name."""

    skip_locked = ""

    def __init__(
        self,
        connection: aiosqlite.Connection,
        reader: aiosqlite.Connection,
        checkpointer: AsyncSqliteSaver,
    ) -> None:
        self._connection = connection
        self._reader = _SqliteWork(reader)
        # SQLite lets one write at a time, and makes whoever comes second sleep and ask again; here
        # checkpoints and transactions queue up instead, first come, first served.
        self._one_at_a_time = checkpointer.lock
        self.checkpointer = checkpointer

    @asynccontextmanager
    async def transaction(self, *, lock: str | None = None) -> AsyncIterator[Work]:
        """All or nothing of the block."""
        async with self._one_at_a_time:
            try:
                with _named_sqlite_failure():
                    # IMMEDIATE: a transaction that reads first could not become a writer later.
                    await self._connection.execute("BEGIN IMMEDIATE")
                    yield _SqliteWork(self._connection)
            except BaseException:
                # Whoever is cancelled while it begins has begun it all the same.
                await self._connection.rollback()
                raise
            with _named_sqlite_failure():
                await self._connection.commit()

    async def fetch(self, sql: str, *values: Value) -> list[Row]:
        """Run a statement and read all its rows, beside whoever writes."""
        with _named_sqlite_failure():
            return await self._reader.fetch(sql, *values)

    async def create_tables(self, script: str) -> None:
        """Create what is missing."""
        async with self.transaction() as work:
            for statement in _statements(script.replace("{serial}", "INTEGER PRIMARY KEY")):
                await work.execute(statement)

    async def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns."""
        rows = await self.fetch("SELECT name FROM pragma_table_info(?)", table)
        return frozenset(row[0] for row in rows)


@contextmanager
def _named_sqlite_failure() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as exc:
        raise StateUnavailableError(str(exc)) from exc


@asynccontextmanager
async def _open_sqlite(file: Path) -> AsyncIterator[Database]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _unusable(file, exc) from exc
    async with (
        aiosqlite.connect(file, timeout=_WAIT_S, isolation_level=None) as connection,
        aiosqlite.connect(file, timeout=_WAIT_S, isolation_level=None) as reader,
        aiosqlite.connect(file, timeout=_WAIT_S) as checkpoints,
    ):
        try:
            await connection.execute("PRAGMA journal_mode=WAL")
            await connection.execute("PRAGMA synchronous=FULL")
            checkpointer = _WholeCheckpoints(checkpoints)
            await checkpointer.setup()
        except sqlite3.Error as exc:
            raise _unusable(file, exc) from exc
        try:
            yield SqliteDatabase(connection, reader, checkpointer)
        finally:
            await checkpointer.settled()


def _unusable(file: Path, exc: Exception) -> SettingsError:
    return SettingsError(
        f"the state file {file} cannot be used ({exc}); set `state:` or TIERWISE_STATE"
    )


@lru_cache
def _statements(script: str) -> tuple[str, ...]:
    return tuple(filter(None, (statement.strip() for statement in script.split(";"))))
