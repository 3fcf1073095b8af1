"""The database port: the same promises on SQLite and on PostgreSQL."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from orchestrator.investigating.front_door import run_investigation
from orchestrator.investigating.investigation import Inquiry
from orchestrator.storage.database import open_database, read_rows, stamp
from orchestrator.storage.state import kept_calls, kept_decisions, newest_incident, open_state
from orchestrator.storage.state_backup import back_up_state
from telecom.errors import SettingsError
from telecom.report import RootCauseReport

_TABLE = "CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, number BIGINT NOT NULL)"


def test_a_transaction_that_fails_leaves_nothing(state_address):
    """Issue 9: nothing half-written."""

    async def fail():
        async with open_database(state_address) as database:
            await database.create_tables(_TABLE)
            async with database.transaction() as work:
                await work.execute("INSERT INTO counts VALUES (?, ?)", "a", 1)
                raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(fail())
    assert read_rows(state_address, "SELECT * FROM counts") == []


def test_transactions_of_one_lock_follow_one_another(state_address):
    """Issue 9: two workers that read and then write lose no update."""

    async def count():
        async with open_database(state_address) as one, open_database(state_address) as other:
            await one.create_tables(_TABLE)
            await one.execute("INSERT INTO counts VALUES (?, ?)", "a", 0)

            async def raise_by_one(database):
                async with database.transaction(lock="a") as work:
                    [(number,)] = await work.fetch("SELECT number FROM counts WHERE name = ?", "a")
                    await work.execute("UPDATE counts SET number = ?", number + 1)

            await asyncio.gather(*(raise_by_one(db) for db in (one, other) * 20))
        return read_rows(state_address, "SELECT number FROM counts WHERE name = ?", "a")

    assert asyncio.run(count()) == [(40,)]


def test_who_is_cancelled_while_it_waits_holds_no_lock(state_address):
    """Us: a cancelled investigation must not stop every other process from writing."""

    async def cancel():
        async with open_database(state_address) as one, open_database(state_address) as other:
            await one.create_tables(_TABLE)

            async def write(database, name):
                async with database.transaction(lock="a") as work:
                    await work.execute("INSERT INTO counts VALUES (?, ?)", name, 1)

            async with one.transaction(lock="a") as work:
                waiting = asyncio.create_task(write(other, "cancelled"))
                await asyncio.sleep(0.2)  # it is waiting for the lock by then
                waiting.cancel()
                await asyncio.wait({waiting}, timeout=0.1)
                await work.execute("INSERT INTO counts VALUES (?, ?)", "first", 1)
            await asyncio.wait({waiting})
            await asyncio.gather(write(one, "second"), write(other, "third"))
        return read_rows(state_address, "SELECT name FROM counts ORDER BY name")

    assert asyncio.run(cancel()) == [("first",), ("second",), ("third",)]


def test_checkpoints_of_cancelled_writers_are_whole_when_the_file_is_closed(tmp_path):
    """Us: closed between a statement and its commit, a connection keeps the file's write lock."""
    file = tmp_path / "state.sqlite"
    config = {"configurable": {"thread_id": "inc-1", "checkpoint_ns": "", "checkpoint_id": "1"}}

    async def leave():
        async with open_database(file) as database:
            writers = [
                asyncio.create_task(
                    database.checkpointer.aput_writes(config, [("found", number)], f"task{number}")
                )
                for number in range(20)
            ]
            await asyncio.sleep(0)  # they have begun
            for writer in writers:
                writer.cancel()
            await asyncio.gather(*writers, return_exceptions=True)

    asyncio.run(leave())
    with closing(sqlite3.connect(file, timeout=0)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert connection.execute("SELECT count(*) FROM writes").fetchall() == [(20,)]


def test_tables_that_are_there_are_left_alone(state_address):
    """Us: every start creates what is missing and keeps the rest."""

    async def create():
        async with open_database(state_address) as database:
            await database.create_tables(_TABLE)
            changed = await database.execute("INSERT INTO counts VALUES (?, ?)", "a%b", 2**40)
        async with open_database(state_address) as database:
            await database.create_tables(_TABLE)
            rows = await database.fetch("SELECT name, number FROM counts")
            return changed, rows, await database.columns("counts")

    assert asyncio.run(create()) == (1, [("a%b", 2**40)], {"name", "number"})


def test_an_investigation_is_kept_wherever_the_state_is(state_address, site, settings_for):
    """Issue 9: SQLite by default, PostgreSQL by URL, the same investigation on both."""
    settings = settings_for(site, state=state_address)
    report = asyncio.run(run_investigation(Inquiry(), settings))

    async def kept():
        async with open_state(state_address) as state:
            return await state.get(report.incident_id, "report", RootCauseReport)

    assert asyncio.run(kept()) == report
    assert newest_incident(state_address) == report.incident_id
    assert len(list(kept_calls(state_address))) == len(site.calls)
    decided = {record.decision.decision_id for record in kept_decisions(state_address)}
    assert decided >= {step.decision_id for step in report.provenance if step.decision_id}


def test_a_database_that_is_not_there_is_named_without_its_password():
    """STYLE: no secret in a message."""

    async def refuse():
        async with open_database("postgresql://me:hush@127.0.0.1:1/none"):
            pass

    with pytest.raises(SettingsError, match=r"127\.0\.0\.1/none") as refused:
        asyncio.run(refuse())
    assert "hush" not in str(refused.value)


def test_moments_sort_as_text():
    """Us: what is oldest comes first on both databases."""
    assert stamp() <= stamp()
    assert len({len(stamp()) for _ in range(3)}) == 1


def test_a_copy_of_the_state_is_whole_while_somebody_writes(tmp_path):
    """Issue 12: the cloud half's state by one command, or by the database's own tools."""
    address, copy = str(tmp_path / "state.sqlite"), tmp_path / "copy.sqlite"

    async def copy_while_writing():
        async with open_database(address) as database:
            await database.create_tables(_TABLE)
            await database.execute("INSERT INTO counts VALUES (?, ?)", "committed", 1)
            async with database.transaction() as work:
                await work.execute("INSERT INTO counts VALUES (?, ?)", "not yet", 2)
                await asyncio.to_thread(back_up_state, address, copy)

    asyncio.run(copy_while_writing())
    assert read_rows(copy, "SELECT name FROM counts") == [("committed",)]
    assert copy.stat().st_mode & 0o077 == 0
    for wrong, says in (
        (("postgresql://db/tierwise", tmp_path / "x"), "pg_dump"),
        ((address, copy), "exists already"),
        ((str(tmp_path / "none"), tmp_path / "x"), "no state file"),
    ):
        with pytest.raises(SettingsError, match=says):
            back_up_state(*wrong)
