"""The journal: what was acknowledged is on disk."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_servers.intake import journal as journal_module
from mcp_servers.intake.journal import ReceivedJournal
from telecom.errors import IntakeUnavailableError
from telecom.formats.received import Delivery

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


def delivery(body: bytes) -> Delivery:
    return Delivery(NOW, "syslog", "10.0.0.1", body)


def test_what_was_acknowledged_can_be_read_again(tmp_path: Path) -> None:
    """DESIGN section 4: live records are appended before they are acknowledged."""
    sent = [delivery(b"plain"), delivery("uml\u00e4ut\nline".encode()), delivery(b"\xff\x00")]
    with ReceivedJournal(tmp_path) as journal:
        journal.append(sent).result(10)
        (file,) = tmp_path.iterdir()
        lines = file.read_bytes().splitlines(keepends=True)
    assert [Delivery.of_line(line) for line in lines] == sent


def test_a_segment_that_may_be_torn_is_never_appended_to(tmp_path: Path) -> None:
    """A killed process leaves half a line; the next one must not glue its own to it."""
    (tmp_path / "2026-03-01-0001.jsonl").write_bytes(b'{"received":"2026-')
    with ReceivedJournal(tmp_path, clock=lambda: NOW) as journal:
        journal.append([delivery(b"after")]).result(10)
    assert (tmp_path / "2026-03-01-0001.jsonl").read_bytes() == b'{"received":"2026-'
    assert Delivery.of_line((tmp_path / "2026-03-01-0002.jsonl").read_bytes()) == delivery(b"after")


def test_a_full_disk_is_told_and_does_not_end_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is accepted that was not kept; what comes when there is room again is."""
    with ReceivedJournal(tmp_path / "received") as journal:
        (tmp_path / "received").write_text("in the way")
        with pytest.raises(IntakeUnavailableError, match="send it again"):
            journal.append([delivery(b"lost")]).result(10)
        (tmp_path / "received").unlink()
        journal.append([delivery(b"kept")]).result(10)
    (file,) = (tmp_path / "received").iterdir()
    assert b"kept" in file.read_bytes()
    assert b"lost" not in file.read_bytes()


def test_more_than_the_disk_can_take_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory stays bounded whatever arrives."""
    monkeypatch.setattr(journal_module, "WAITING_BYTES", 10)
    with ReceivedJournal(tmp_path) as journal, pytest.raises(IntakeUnavailableError):
        journal.append([delivery(b"too much")])


def test_old_segments_are_deleted_by_their_day(tmp_path: Path) -> None:
    """Issue 5: retention."""
    for day in ("2025-11-20", "2026-02-28"):
        (tmp_path / f"{day}-0001.jsonl").write_bytes(b"")
    journal = ReceivedJournal(tmp_path, clock=lambda: NOW)
    assert [path.name for path in journal.discard_older(92)] == ["2025-11-20-0001.jsonl"]
    assert [path.name for path in tmp_path.iterdir()] == ["2026-02-28-0001.jsonl"]
