"""The alarm store: an index over files that may be deleted and rebuilt."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_servers.alarms.store import AlarmQuery, AlarmStore
from mcp_servers.site_directory import SiteDirectory
from telecom.errors import InvalidArgumentError, RecordNotFoundError, StoreDamagedError
from telecom.times import Window
from tests.mcp_servers.small_site import IMSI, make_site

KEY = b"k" * 32
WINDOW = Window(datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 1, 11, tzinfo=UTC))


@pytest.fixture
def site(tmp_path: Path) -> SiteDirectory:
    return SiteDirectory.open(make_site(tmp_path / "site"))


@pytest.fixture
def store(site: SiteDirectory) -> Iterator[AlarmStore]:
    opened = AlarmStore.open(site.store, id_key=KEY)
    yield opened
    opened.close()


def test_every_record_comes_back_verbatim_with_its_place(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """Issue text: every raw record addressable by its locator."""
    store.ingest(site)
    for alarm in store.between(WINDOW):
        lines = (site.path / alarm.source.path).read_text().splitlines()
        assert alarm.source.raw == lines[alarm.source.line - 1]


def test_assigned_ids_are_keyed_and_survive_a_rebuild(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """DESIGN section 4: ids that leave are keyed, never hashes of raw text or a place."""
    store.ingest(site)
    ids = [alarm.alarm_id for alarm in store.between(WINDOW)]
    store.close()
    for file in site.store.glob("alarms.sqlite*"):
        file.unlink()
    again = AlarmStore.open(site.store, id_key=KEY)
    other = AlarmStore.open(site.store / "other", id_key=b"x" * 32)
    again.ingest(site)
    other.ingest(site)
    assert len(set(ids)) == len(ids)
    assert [alarm.alarm_id for alarm in again.between(WINDOW)] == ids
    assert not set(ids) & {alarm.alarm_id for alarm in other.between(WINDOW)}
    again.close()
    other.close()


def test_ids_of_the_source_are_kept_so_that_a_clear_finds_its_raise(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """X.733: raise and clear of one alarm carry one id."""
    records = [
        {
            "alarmId": "A-1",
            "managedObject": "pe2",
            "perceivedSeverity": severity,
            "alarmRaisedTime": at,
        }
        for severity, at in (("MAJOR", "2026-03-01T10:01:00Z"), ("CLEARED", "2026-03-01T10:02:00Z"))
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (site.alarms / "own.jsonl").write_text(lines)
    store.ingest(site)
    assert [a.perceived_severity.value for a in store.get("A-1")] == ["MAJOR", "CLEARED"]


def test_pages_follow_each_other_without_gap_or_overlap(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """Issue text: query by window with cursor."""
    store.ingest(site)
    query, cursor, seen = AlarmQuery(window=WINDOW), None, list[str]()
    while True:
        page = store.page(query, limit=4, cursor=cursor)
        if not page.alarms:
            break
        assert store.position(query, cursor) == len(seen)
        seen += [alarm.alarm_id for alarm in page.alarms]
        cursor = page.cursors[-1]
        assert not any(c.isdigit() for c in cursor)
    assert seen == [alarm.alarm_id for alarm in store.between(WINDOW)]
    with pytest.raises(InvalidArgumentError, match="next_cursor"):
        store.page(query, limit=1, cursor="page two")


def test_an_object_is_found_in_any_spelling_of_its_port(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """INTERFACES: short and long port names are the same object."""
    (site.alarms / "own.jsonl").write_text(
        '{"alarmId": "P", "managedObject": "pe1:HundredGigE0/0/0/1",'
        ' "perceivedSeverity": "MAJOR", "alarmRaisedTime": "2026-03-01T10:01:00Z"}\n'
    )
    store.ingest(site)
    page = store.page(AlarmQuery(managed_object="PE1:Hu0/0/0/1"), limit=10)
    assert [alarm.alarm_id for alarm in page.alarms] == ["P"]


def append(file: Path) -> None:
    """One more line."""
    last = file.read_text().splitlines()[-1]
    file.write_text(file.read_text() + last.replace("10:06:00", "10:07:00") + "\n")


def touch(file: Path) -> None:
    """Another time, the same bytes."""
    os.utime(file, (1, 1))


def remove(file: Path) -> None:
    """No such file any more."""
    file.unlink()


@pytest.mark.parametrize(
    ("change", "added", "difference"), [(append, 1, 1), (touch, 0, 0), (remove, 0, -13)]
)
def test_only_what_changed_is_read_again(
    site: SiteDirectory,
    store: AlarmStore,
    change: Callable[[Path], None],
    added: int,
    difference: int,
) -> None:
    """Issue text: incremental by path, size, time and content."""
    before = store.ingest(site).read
    revision = store.revision
    change(site.alarms / "pe1.log")
    counts = store.ingest(site)
    assert (counts.added, counts.read) == (added, before + difference)
    assert store.count() == counts.read
    assert (store.revision > revision) == (difference != 0)


def test_hidden_and_foreign_files_are_no_alarms(site: SiteDirectory, store: AlarmStore) -> None:
    """INTERFACES: which files of alarms/ are read."""
    before = store.ingest(site).read
    for name in (".pe1.log.swp", "README.md", "pe1.txt"):
        (site.alarms / name).write_text("bgp down\n")
    (site.alarms / "old").mkdir()
    rotated = (site.alarms / "pe2.log").read_text()
    (site.alarms / "old" / "pe2.log.1").write_text(rotated)
    assert store.ingest(site).read == before + len(rotated.splitlines())


def test_a_store_without_alarms_knows_of_no_burst(tmp_path: Path) -> None:
    """Ours: an empty site is a gap, not an error."""
    (tmp_path / "site.yaml").write_text("site_id: empty\n")
    site = SiteDirectory.open(tmp_path)
    store = AlarmStore.open(site.store, id_key=KEY)
    assert store.ingest(site).read == 0
    assert store.newest_burst() is None
    with pytest.raises(RecordNotFoundError):
        store.get(f"imsi-{IMSI}")
    store.close()


def test_the_newest_burst_holds_the_storm(site: SiteDirectory, store: AlarmStore) -> None:
    """INTERFACES: no window means the newest incident in the store."""
    store.ingest(site)
    burst = store.newest_burst()
    assert burst is not None
    assert burst.end - burst.start < timedelta(minutes=10)
    assert len(store.between(burst)) == store.count()


def test_the_alarms_of_a_store_are_indexed_however_it_was_filled(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """Issue 5, speed: a first load is indexed at its end, or by the next process where it died."""

    def indexes() -> set[str]:
        with closing(sqlite3.connect(site.store / "alarms.sqlite")) as other:
            rows = other.execute("SELECT name FROM sqlite_master WHERE name LIKE 'alarms_by_%'")
            return {name for (name,) in rows}

    during: list[set[str]] = []
    store.ingest(site, progress=lambda _what, done, _all: during.append(indexes()))
    wanted = {"alarms_by_time", "alarms_by_device", "alarms_by_alarm_id"}
    assert (during[0], indexes()) == (set(), wanted)
    with closing(sqlite3.connect(site.store / "alarms.sqlite")) as died:
        for name in wanted:
            died.execute(f"DROP INDEX {name}")
    AlarmStore.open(site.store, id_key=KEY).close()
    assert indexes() == wanted


def test_a_damaged_store_says_how_to_mend_it(tmp_path: Path) -> None:
    """STYLE, errors: what was refused, then what would work."""
    (tmp_path / "alarms.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreDamagedError, match="delete it"):
        AlarmStore.open(tmp_path, id_key=KEY)
