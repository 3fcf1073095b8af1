"""The incident log: kept in the store, told through a feed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_servers.alarms import pending_notices
from mcp_servers.alarms.incidents import IncidentLog
from mcp_servers.alarms.store import AlarmQuery, AlarmStore
from mcp_servers.site_directory import SiteDirectory
from telecom.errors import InvalidArgumentError, RecordNotFoundError
from telecom.incident import IncidentChange
from telecom.times import parse_instant
from tests.mcp_servers.small_site import make_site

KEY = b"k" * 32
DURING = parse_instant("2026-03-01T10:06:00Z").timestamp()
LATER = DURING + 3600


@pytest.fixture
def site(tmp_path: Path) -> SiteDirectory:
    return SiteDirectory.open(make_site(tmp_path / "site"))


@pytest.fixture
def store(site: SiteDirectory) -> Iterator[AlarmStore]:
    opened = AlarmStore.open(site.store, id_key=KEY, topology=site.topology)
    yield opened
    opened.close()


def log_of(site: SiteDirectory, store: AlarmStore) -> IncidentLog:
    return IncidentLog(store.database, site.topology, id_key=KEY)


def clear(site: SiteDirectory, second: int) -> None:
    """The sessions of all three routers come back."""
    for device, neighbors in (
        ("pe1", ("10.0.12.2", "10.0.13.2")),
        ("pe2", ("10.0.12.1",)),
        ("pe3", ("10.0.13.1",)),
    ):
        with (site.alarms / f"{device}.log").open("a") as lines:
            for neighbor in neighbors:
                lines.write(
                    f"RP/0/RP0/CPU0:Mar  1 10:07:{second:02d}.100 : bgp[1050]: "
                    f"%ROUTING-BGP-5-ADJCHANGE : neighbor {neighbor} Up (VRF: default)\n"
                )


def test_a_storm_is_one_incident_with_its_alarms_and_records(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """Issue 5: every telecom format in, one incident out."""
    store.ingest(site)
    log = log_of(site, store)
    assert log.follow(DURING)
    (incident,) = log.open_incidents()
    assert incident.managed_objects == ("pe1", "pe2", "pe3")
    assert (incident.alarms, incident.active, incident.state) == (7, 7, "open")
    records = log.records_of(incident.incident_id)
    assert len(records) == incident.records == 27
    page = store.page(AlarmQuery(ids=records), limit=200)
    assert page.total == 27
    assert {alarm.device for alarm in page.alarms} == {"pe1", "pe2", "pe3"}
    reports = {alarm.managed_object: alarm.reports for alarm in log.active_alarms()}
    assert reports["pe2"] in {1, 6}


def test_the_feed_tells_each_change_once_and_goes_on_after_a_restart(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """A notifier reads from its cursor, whatever happened in between."""
    store.ingest(site)
    log = log_of(site, store)
    log.follow(DURING)
    first = log.changes_since(None)
    assert [change.step for change in first.changes] == ["opened"]
    assert log.changes_since(first.cursor).changes == ()
    clear(site, 0)
    store.ingest(site)
    again = log_of(site, store)
    again.follow(DURING + 60)
    second = again.changes_since(first.cursor)
    assert [change.step for change in second.changes] == ["eased"]
    again.follow(LATER)
    third = again.changes_since(second.cursor)
    assert [change.step for change in third.changes] == ["closed"]
    ids = {
        change.incident.incident_id for page in (first, second, third) for change in page.changes
    }
    assert len(ids) == 1
    revisions = [page.changes[0].incident.revision for page in (first, second, third)]
    assert revisions == sorted(set(revisions))
    assert again.current_cursor() == third.cursor


def test_a_feed_is_read_in_pages(site: SiteDirectory, store: AlarmStore) -> None:
    """A reader that was away for long is not drowned."""
    store.ingest(site)
    log = log_of(site, store)
    log.follow(DURING)
    log.follow(LATER * 2)
    page = log.changes_since(None, limit=1)
    assert page.more
    assert not log.changes_since(page.cursor, limit=1).more


def test_a_rebuilt_store_gives_the_same_incident_ids_and_starts_its_feed_over(
    site: SiteDirectory, store: AlarmStore, tmp_path: Path
) -> None:
    """DESIGN: the store may be deleted and rebuilt."""
    store.ingest(site)
    log = log_of(site, store)
    log.follow(DURING)
    cursor = log.current_cursor()
    rebuilt = AlarmStore.open(tmp_path / "other", id_key=KEY, topology=site.topology)
    rebuilt.ingest(site)
    again = log_of(site, rebuilt)
    again.follow(DURING)
    told = again.changes_since(cursor)
    assert [change.incident.incident_id for change in told.changes] == [
        incident.incident_id for incident in log.open_incidents()
    ]
    rebuilt.close()


@pytest.mark.parametrize("at_hand", [0, 5, 100_000])
def test_what_a_dead_process_took_in_is_told_once_by_the_next(
    site: SiteDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_hand: int
) -> None:
    """Issue 5: nothing accepted is lost, nothing told twice, whether it waited in memory or not."""
    monkeypatch.setattr(pending_notices, "_AT_HAND", at_hand)

    def feed(folder: str, *, dies: bool) -> list[IncidentChange]:
        store = AlarmStore.open(tmp_path / folder, id_key=KEY, topology=site.topology)
        store.ingest(site)
        if dies:
            store.close()
            store = AlarmStore.open(tmp_path / folder, id_key=KEY, topology=site.topology)
        log = log_of(site, store)
        assert log.follow(DURING)
        assert not log.follow(DURING)
        changes = log.changes_since(None).changes
        store.close()
        return [change.model_copy(update={"cursor": ""}) for change in changes]

    assert feed("died", dies=True) == feed("lived", dies=False)


def test_a_record_that_changed_before_it_was_told_is_told_as_it_stands(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """Issue 5: the files are the truth, also for incidents."""
    store.ingest(site)
    path = site.alarms / "pe2.log"
    path.write_text(path.read_text().replace(".100 :", ".200 :"))
    store.ingest(site)
    log = log_of(site, store)
    log.follow(DURING)
    (incident,) = log.open_incidents()
    assert incident.records == 27


def test_a_wrong_cursor_or_id_is_refused_with_a_hint(
    site: SiteDirectory, store: AlarmStore
) -> None:
    """STYLE: messages say what would work."""
    log = log_of(site, store)
    with pytest.raises(InvalidArgumentError, match="earlier answer"):
        log.changes_since("yesterday")
    with pytest.raises(RecordNotFoundError):
        log.get("incident-none")
    with pytest.raises(RecordNotFoundError):
        log.records_of("incident-none")
