"""The cloud half's record of what it sent to models: complete, chained, without text."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.doubles.bedrock import BedrockDouble, Say
from orchestrator.investigating.front_door import run_investigation
from orchestrator.investigating.investigation import Inquiry
from orchestrator.storage.model_ledger import ModelLedger, ModelRequestEntry, recorded_requests
from orchestrator.storage.state import open_state
from telecom.errors import LedgerBrokenError

MODEL = {"analyst": "bedrock", "bedrock_model": "amazon.nova-pro-v1:0"}


def entry(number: int) -> ModelRequestEntry:
    return ModelRequestEntry(
        time=datetime(2026, 3, 1, 10, number, tzinfo=UTC),
        investigation=f"inc-{number % 2}",
        model_id="m",
        tier="region",
        decision_id="pd-1",
        bytes=10,
        tokens=3,
        request_sha256="ab" * 32,
        previous="",
    )


async def _append(address: str, *entries: ModelRequestEntry) -> None:
    async with open_state(address) as state:
        for each in entries:
            await ModelLedger(state.database).append(each)


@pytest.fixture
def book(state_address: str) -> str:
    """A state with four entries; its address."""
    asyncio.run(_append(state_address, *map(entry, range(4))))
    return state_address


def change(address: str, sql: str, *values: Any) -> None:
    async def run() -> None:
        async with open_state(address) as state:
            await state.database.execute(sql, *values)

    asyncio.run(run())


def test_every_request_to_a_model_is_in_the_ledger_of_the_cloud_half(
    site: Any, settings_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 4: the cloud half keeps the matching ledger of what it sent to Bedrock."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    settings = settings_for(site, **MODEL)
    with BedrockDouble([Say("I do not know.")] * 4) as double:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", double.url)
        report = asyncio.run(run_investigation(Inquiry(), settings))
    entries = list(recorded_requests(settings.state_address, report.incident_id))
    assert len(entries) == len(double.requests) > 0
    assert {each.decision_id for each in entries} <= {s.decision_id for s in report.provenance}
    assert not any("OSPF" in each.model_dump_json() for each in entries)


def test_entries_form_one_chain_and_can_be_read_by_investigation(book: str) -> None:
    """Us: the same question as on the site: what left, under which decision."""
    assert [each.time.minute for each in recorded_requests(book, "inc-1")] == [1, 3]


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("UPDATE model_requests SET entry = REPLACE(entry, ?, ?) WHERE number = 2", ("3,", "1,")),
        ("DELETE FROM model_requests WHERE number = ?", (2,)),
        ("UPDATE model_requests SET number = ? WHERE number = 2", (9,)),
        ("UPDATE model_requests SET entry = ? WHERE number = 2", ("{",)),
    ],
    ids=["altered", "removed", "moved", "no entry"],
)
def test_an_altered_or_removed_entry_is_found(book: str, sql: str, values: Any) -> None:
    """Issue 4: any edit or removal is found."""
    change(book, sql, *values)
    with pytest.raises(LedgerBrokenError, match="model ledger"):
        list(recorded_requests(book))


def test_orchestrators_that_write_at_once_fork_no_chain(state_address: str) -> None:
    """Issue 12: on PostgreSQL the ledger belongs to the state, not to a pod; nor do the pins."""

    async def write() -> None:
        async with open_state(state_address) as one, open_state(state_address) as other:
            ledgers = [ModelLedger(one.database), ModelLedger(other.database)] * 5
            await asyncio.gather(
                *(ledger.append(entry(number)) for number, ledger in enumerate(ledgers))
            )

    asyncio.run(write())
    assert len(list(recorded_requests(state_address))) == 10


def test_what_cannot_be_recorded_is_not_sent(book: str) -> None:
    """Issue 4: before the bytes leave."""
    change(book, "UPDATE model_requests SET entry = ?", "{")
    with pytest.raises(LedgerBrokenError, match="no model is asked"):
        asyncio.run(_append(book, entry(5)))
    change(book, "ALTER TABLE model_requests RENAME TO evidence")
    asyncio.run(_append(book, entry(5)))
    assert len(list(recorded_requests(book))) == 1
