"""The cloud half's record of what it sent to models: complete, chained, without text."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.doubles.bedrock import BedrockDouble, Say
from orchestrator.front_door import run_investigation
from orchestrator.investigation import Inquiry
from orchestrator.model_ledger import LEDGER_FILE, ModelLedger, ModelRequestEntry
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


@pytest.fixture
def book(tmp_path: Path) -> ModelLedger:
    ledger = ModelLedger(tmp_path / LEDGER_FILE)
    for number in range(4):
        ledger.append(entry(number))
    return ledger


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
    file = settings.state_folder / LEDGER_FILE
    entries = list(ModelLedger(file).entries(report.incident_id))
    assert len(entries) == len(double.requests) > 0
    assert {each.decision_id for each in entries} <= {s.decision_id for s in report.provenance}
    assert "OSPF" not in file.read_text()


def test_entries_form_one_chain_and_can_be_read_by_investigation(book: ModelLedger) -> None:
    """Us: the same question as on the site: what left, under which decision."""
    assert [each.time.minute for each in book.entries("inc-1")] == [1, 3]


def test_an_altered_or_removed_line_is_found(book: ModelLedger, tmp_path: Path) -> None:
    """Issue 4: any edit or removal is found."""
    file = tmp_path / LEDGER_FILE
    whole = file.read_bytes().splitlines(keepends=True)
    changed = json.loads(whole[1]) | {"tokens": 1}
    for lines in (
        [whole[0], json.dumps(changed, sort_keys=True).encode() + b"\n", *whole[2:]],
        [whole[0], *whole[2:]],
        [whole[1], whole[0], *whole[2:]],
    ):
        file.write_bytes(b"".join(lines))
        with pytest.raises(LedgerBrokenError):
            list(book.entries())


def test_a_line_torn_by_a_crash_is_cut_off(book: ModelLedger, tmp_path: Path) -> None:
    """Us: a torn line describes a request that was never sent."""
    with (tmp_path / LEDGER_FILE).open("ab") as stream:
        stream.write(b'{"torn')
    book.append(entry(5))
    assert len(list(book.entries())) == 5


def test_what_cannot_be_recorded_is_not_sent(tmp_path: Path) -> None:
    """Issue 4: before the bytes leave."""
    (tmp_path / LEDGER_FILE).mkdir()
    with pytest.raises(LedgerBrokenError, match="no model is asked"):
        ModelLedger(tmp_path / LEDGER_FILE).append(entry(1))
