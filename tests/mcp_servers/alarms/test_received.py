"""Received files: followed as they grow, read whole when the store is built anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mcp_servers.alarms.file_intake import RECEIVED, FileIntake
from mcp_servers.alarms.store import AlarmStore
from mcp_servers.site_directory import SiteDirectory
from telecom.formats.received import Delivery
from telecom.times import Window
from tests.mcp_servers.small_site import WINDOW

KEY = b"k" * 32
NOW = datetime.fromisoformat(WINDOW[0]).astimezone(UTC)
HOUR = Window(NOW, NOW + timedelta(hours=1))
FILE = "2026-03-01-0001.jsonl"


@pytest.fixture
def site(tmp_path: Path) -> SiteDirectory:
    (tmp_path / "site.yaml").write_text("site_id: live\n")
    (tmp_path / RECEIVED).mkdir(parents=True)
    return SiteDirectory.open(tmp_path)


@pytest.fixture
def store(site: SiteDirectory) -> Iterator[AlarmStore]:
    opened = AlarmStore.open(site.store, id_key=KEY)
    yield opened
    opened.close()


def line(number: int, *, ahead: timedelta = timedelta(0), host: str = "r1") -> bytes:
    """A syslog line as the intake keeps it; its device's clock may run ahead."""
    received = NOW + timedelta(seconds=number)
    said = (received + ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = f"<187>1 {said} {host} ifmgr - - - Interface Gi0/{number} is down"
    return Delivery(received, "syslog", "10.0.0.1", body.encode()).line()


def test_a_growing_file_is_read_on_and_half_a_line_waits(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """DESIGN section 4: what was received is stored once, however often it is looked at."""
    whole = [line(number) for number in range(3)]
    file = site.path / RECEIVED / FILE
    file.write_bytes(whole[0] + whole[1][:20])
    assert store.ingest_received(site)
    assert store.count() == 1
    assert not store.ingest_received(site)
    file.write_bytes(b"".join(whole))
    store.ingest_received(site)
    assert store.count() == 3
    (last,) = [alarm for alarm in store.between(HOUR) if alarm.source.line == 3]
    assert last.managed_object == "r1:Gi0/2"
    assert last.source.locator == f"{RECEIVED}{FILE}:3"


def test_a_line_that_is_no_delivery_is_quarantined_and_the_rest_is_read(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """A torn line was never acknowledged; it must not stop what follows."""
    file = site.path / RECEIVED / FILE
    file.write_bytes(line(0) + b'{"received":"2026-\n' + line(1))
    counts = store.ingest(site)
    assert (counts.added, counts.rejected) == (2, 1)
    assert store.ingest(site).unchanged == 2
    assert "cut off" in (site.store / "rejects.jsonl").read_text()


def test_clocks_that_are_off_are_told_from_live_lines(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """Issue 5: skew between devices estimated and shown."""
    lines = [line(number) for number in range(10)]
    lines += [line(number, ahead=timedelta(hours=1), host="r2") for number in range(10)]
    lines += [line(number, ahead=-timedelta(minutes=2), host="r3") for number in range(3)]
    (site.path / RECEIVED / FILE).write_bytes(b"".join(lines))
    store.ingest_received(site)
    (skew,) = store.clock_skews()
    assert (skew.device, skew.seconds, skew.lines) == ("r2", 3600.0, 10)


def test_a_line_that_is_finished_during_the_look_is_not_lost(
    site: SiteDirectory, store: AlarmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 5: none of the accepted is lost; the journal writes while the follower reads."""
    whole = [line(number) for number in range(4)]
    file = site.path / RECEIVED / FILE
    file.write_bytes(whole[0] + whole[1][:20])
    append = FileIntake._append

    def appending(*arguments: Any) -> None:
        append(*arguments)
        if file.stat().st_size < len(b"".join(whole)):
            file.write_bytes(b"".join(whole))

    monkeypatch.setattr(FileIntake, "_append", appending)
    store.ingest_received(site)
    assert store.count() == 4
    assert [alarm.source.line for alarm in store.between(HOUR)] == [1, 2, 3, 4]
