"""The alarm files are what the product's own readers read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from mcp_servers.sample_site import FAMILIES, Incident, Truth, build_network
from mcp_servers.sample_site.config_history import build_history
from mcp_servers.sample_site.delivery import TIMEZONE
from mcp_servers.sample_site.dialects import syslog_dialect
from mcp_servers.sample_site.dialects.headers import HEADERS
from mcp_servers.sample_site.equipment_alarms import equipment_alarms
from mcp_servers.sample_site.network import Network, rng_for
from mcp_servers.sample_site.people import People
from mcp_servers.sample_site.site_writer import records_before
from mcp_servers.site_directory import SiteDirectory
from telecom.alarm import Alarm
from telecom.formats import read_records

Sample = tuple[Path, Truth]


def test_every_line_is_read_with_a_known_device_and_its_time(sample: Sample) -> None:
    """Us: alarm reading takes RFC 3164, RFC 5424, IOS-XR and our own JSON."""
    site = SiteDirectory.open(sample[0])
    formats: Counter[str] = Counter()
    for path in sorted(site.alarms.iterdir()):
        records = list(
            read_records(
                path.read_bytes(),
                path=f"alarms/{path.name}",
                year=site.settings.alarms.year,
                zone=TIMEZONE,
            )
        )
        assert len(records) == len(path.read_text(encoding="utf-8").splitlines())
        for record in records:
            assert isinstance(record, Alarm)
            assert record.device in site.topology
            assert record.alarm_raised_time is not None
            age = sample[1].window[1] - record.alarm_raised_time
            assert -120 < age.total_seconds() < 4 * 86_400
            formats[record.source.format] += 1
    assert len(formats) >= 3


def test_a_clear_carries_the_number_of_its_alarm(sample: Sample) -> None:
    """TS 28.532: the clear finds its alarm by id."""
    raised: Counter[str] = Counter()
    cleared: Counter[str] = Counter()
    site = SiteDirectory.open(sample[0])
    for path in site.alarms.glob("*.jsonl"):
        for record in read_records(path.read_bytes(), path=path.name):
            assert isinstance(record, Alarm)
            if record.perceived_severity.value == "CLEARED":
                cleared[record.alarm_id] += 1
            else:
                raised[record.alarm_id] += 1
    assert cleared
    assert set(cleared) <= set(raised)


def test_several_days_of_quiet_life_lie_before_the_incident(sample: Sample) -> None:
    """Us: several days of quiet background."""
    site = SiteDirectory.open(sample[0])
    days: Counter[int] = Counter()
    devices: set[str] = set()
    for path in site.alarms.iterdir():
        for record in read_records(path.read_bytes(), path=path.name, year=2026, zone=TIMEZONE):
            assert isinstance(record, Alarm)
            assert record.alarm_raised_time is not None
            days[(sample[1].window[0] - record.alarm_raised_time).days] += 1
            devices.add(record.device)
    assert all(days[day] > 400 for day in (0, 1, 2))
    assert len(devices) > 100


def test_every_message_and_alarm_in_the_tables_is_said_somewhere(
    incident_of: Callable[[str, int], Incident],
) -> None:
    """Us: no text that nobody writes, no event that nobody can write."""
    written = {name for dialect in HEADERS for name in syslog_dialect(dialect).messages} | set(
        equipment_alarms()
    )
    network = build_network(seed=1)
    people = People(rng_for(1, "people"))
    said = {r.event.name for r in records_before(network, build_history(network), people)}
    for family in FAMILIES:
        for seed in range(1, 7):
            said |= {record.event.name for record in incident_of(family, seed).records}
    assert said == written


def test_records_grow_with_the_network_not_faster() -> None:
    """Us: the cost of a sample is bounded by its size."""

    def count(network: Network) -> int:
        people = People(rng_for(network.seed, "people"))
        return len(records_before(network, build_history(network), people))

    small, large = (count(build_network(seed=1, size=size)) for size in (150, 450))
    assert 2.4 * small < large < 3.6 * small
