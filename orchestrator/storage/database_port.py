"""`Database`: the little SQL that the state needs; SQLite and PostgreSQL are behind it.

Statements are written once, with `?` for values. Columns are TEXT, BIGINT or DOUBLE PRECISION;
`{serial}` is a number that the database counts up. Moments are TEXT as `stamp` writes them, so that
they sort as they passed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol, TypeAlias

from langgraph.checkpoint.base import BaseCheckpointSaver

Value: TypeAlias = str | int | float | None
Row: TypeAlias = tuple[Any, ...]  # columns of any type


class Work(Protocol):
    """Where statements are run: a database, or a transaction of one."""

    async def fetch(self, sql: str, *values: Value) -> list[Row]:
        """Run a statement and read all its rows."""
        ...

    async def execute(self, sql: str, *values: Value) -> int:
        """Run a statement; how many rows it changed."""
        ...

    async def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run a statement once for each row of values."""
        ...


class Database(ABC):
    """An open database; a statement outside a transaction is committed when it returns."""

    skip_locked: ClassVar[str]
    """Ends a SELECT whose rows are taken by one of several workers."""
    checkpointer: BaseCheckpointSaver[Any]  # its versions are the back end's own
    """LangGraph's checkpoints, in the same database."""

    @abstractmethod
    def transaction(self, *, lock: str | None = None) -> AbstractAsyncContextManager[Work]:
        """All or nothing of what is run in the block; committed to disk when it ends.

        Args:
            lock: Blocks of the same name follow one another, across processes.
        """

    @abstractmethod
    async def create_tables(self, script: str) -> None:
        """Run the `CREATE ... IF NOT EXISTS` statements of a script, `;` between them."""

    @abstractmethod
    async def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns."""

    async def fetch(self, sql: str, *values: Value) -> list[Row]:
        """Run a statement and read all its rows."""
        async with self.transaction() as work:
            return await work.fetch(sql, *values)

    async def execute(self, sql: str, *values: Value) -> int:
        """Run a statement; how many rows it changed."""
        async with self.transaction() as work:
            return await work.execute(sql, *values)


def stamp(moment: datetime | None = None) -> str:
    """Write a moment, now by default, so that text order is time order."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
