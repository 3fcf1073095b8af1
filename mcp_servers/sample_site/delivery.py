"""From what happened to what arrives: clocks that differ, lines lost, doubled and out of order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from mcp_servers.sample_site.dialects import syslog_dialect
from mcp_servers.sample_site.dialects.lines import Stamp
from mcp_servers.sample_site.equipment_alarms import (
    AlarmNumbers,
    alarm_file,
    equipment_alarms,
    write_alarm,
)
from mcp_servers.sample_site.events import Event, in_time_order
from mcp_servers.sample_site.network import IN_BAND, Dialect, Network, Role, rng_for
from mcp_servers.sample_site.people import Planted
from mcp_servers.sample_site.scene import Outage

TIMEZONE = ZoneInfo("Europe/Berlin")

LOST = 0.04
"""Share of collected syslog lines that never arrive: syslog travels over UDP."""
DOUBLED = 0.02
"""Share of syslog lines that arrive over both relays."""
LATE = 0.04
"""Share of records that wait some seconds in a queue."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of one file in `alarms/`."""

    file: str
    line: str
    printed: datetime
    """The time in the line, UTC: by the element's own clock."""
    arrived: datetime
    event: Event


_IDENTIFYING = {"supi": "supi", "gpsi": "msisdn", "pei": "imei", "ue_address": "ip"}


def planted_in(records: Iterable[Record]) -> list[Planted]:
    """The subscriber identifiers that stand in records, each once."""
    return list(
        dict.fromkeys(
            Planted(_IDENTIFYING[key], str(value))
            for record in records
            for key, value in record.event.details.items()
            if key in _IDENTIFYING
        )
    )


def clock_skew(network: Network, element: str) -> timedelta:
    """How far an element's clock is off; managers stamp what their elements send."""
    rng = rng_for(network.seed, "clock", element)
    limit = 1.5 if rng.random() < 0.85 else 4.5
    if not network.elements[element].is_router:
        limit = 0.4
    return timedelta(seconds=rng.uniform(-limit, limit))


def syslog_file(network: Network, element: str) -> str:
    """The file an element's syslog lines are in: IOS-XR one each, the others by collector."""
    if network.elements[element].dialect is Dialect.IOS_XR:
        return f"{element}.log"
    return f"collector{rng_for(network.seed, 'collector', element).randint(1, 2)}.syslog"


def deliver(
    network: Network,
    events: Sequence[Event],
    rng: Random,
    *,
    first_number: int,
    outages: Sequence[Outage] = (),
    unheard: Collection[str] = (),
) -> list[Record]:
    """Write the records down and let them travel; in order of arrival within each file."""
    post = _Post(network, rng, first_number)
    for event in in_time_order(events):
        if event.element in unheard or _is_dead(event, outages):
            continue
        held_until = _cut_off_until(network, event, outages)
        if held_until == _NEVER:
            continue
        post.send(event, held_until)
    return sorted(post.records, key=lambda record: record.arrived)


_NEVER = datetime.max.replace(tzinfo=UTC)


def _from_manager(event: Event) -> bool:
    spec = equipment_alarms().get(event.name)
    return spec is not None and spec.by == "manager"


def _is_dead(event: Event, outages: Sequence[Outage]) -> bool:
    return not _from_manager(event) and any(
        event.element in outage.dead and outage.covers(event.time) for outage in outages
    )


def _cut_off_until(network: Network, event: Event, outages: Sequence[Outage]) -> datetime | None:
    """When a record that has no path can travel; None for at once, `_NEVER` for not at all."""
    role = network.elements[event.element].role
    if role not in IN_BAND or _from_manager(event):
        return None
    for outage in outages:
        if event.element in outage.isolated and outage.covers(event.time):
            # Routers send syslog into the void; element managers resynchronise their alarms.
            if outage.until is None or role is Role.CELL_SITE_ROUTER:
                return _NEVER
            return outage.until
    return None


class _Post:
    def __init__(self, network: Network, rng: Random, first_number: int) -> None:
        self.records: list[Record] = []
        self._network = network
        self._rng = rng
        self._numbers = AlarmNumbers.starting_at(first_number)
        self._sequence: Counter[str] = Counter()
        self._first_number = first_number
        self._skew: dict[str, timedelta] = {}
        self._file: dict[str, str] = {}
        self._pid: dict[str, int] = {}

    def send(self, event: Event, held_until: datetime | None) -> None:
        network, rng = self._network, self._rng
        name = event.element
        if name not in self._skew:
            self._skew[name] = clock_skew(network, name)
            self._file[name] = syslog_file(network, name)
            self._pid[name] = rng_for(network.seed, "pid", name).randrange(300)
        printed = event.time + self._skew[name]
        written = self._write(event, printed)
        if written is None:
            return
        file, line = written
        arrived = (held_until or event.time) + timedelta(seconds=rng.expovariate(4.0))
        if held_until is not None:
            arrived += timedelta(seconds=rng.uniform(2, 30))
        elif rng.random() < LATE:
            arrived += timedelta(seconds=rng.uniform(2, 9))
        if file.endswith(".log"):
            # A router's own buffer is in the order of its own clock.
            arrived = printed
        over_udp = file.endswith(".syslog")
        if over_udp and rng.random() < LOST and not event.decisive:
            return
        self.records.append(Record(file, line, printed, arrived, event))
        if over_udp and rng.random() < DOUBLED:
            again = arrived + timedelta(seconds=rng.uniform(0.1, 3))
            self.records.append(Record(file, line, printed, again, event))

    def _write(self, event: Event, printed: datetime) -> tuple[str, str] | None:
        network = self._network
        if event.name in equipment_alarms():
            file = alarm_file(network, event.element)
            number = self._numbers.number(file, event)
            return None if number is None else (file, write_alarm(event, printed, number))
        dialect = network.elements[event.element].dialect
        self._sequence[event.element] += 1
        stamp = Stamp(
            host=event.element,
            local_time=printed.astimezone(TIMEZONE),
            sequence=self._first_number % 50_000 + self._sequence[event.element],
            pid=_pid(event, self._pid[event.element]),
        )
        line = syslog_dialect(dialect).write(event.name, event.details, stamp)
        return None if line is None else (self._file[event.element], line)


_PROGRAM = {
    "isis": 1,
    "ospf": 2,
    "bgp": 3,
    "ldp": 4,
    "bfd": 5,
    "link": 6,
    "line": 6,
    "admin": 6,
}


def _pid(event: Event, base: int) -> int:
    """A process number: the same for one program of one element, new for each login."""
    family = event.name.partition("_")[0]
    if family in ("login", "logout", "config"):
        return 60_000 + int(event.time.timestamp()) % 9_000
    known = _PROGRAM.get(family, 7)
    return 1_000 + 37 * known + base
