"""Daily life: what a healthy region says all day long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random

from mcp_servers.sample_site.config_history import ConfigCommit
from mcp_servers.sample_site.events import Event
from mcp_servers.sample_site.network import Network, Role, rng_for
from mcp_servers.sample_site.people import People, staff
from mcp_servers.sample_site.service_impact import CELLS, DNNS
from mcp_servers.sample_site.transport_impact import port_details

DAYS = timedelta(days=3)
"""How far the records go back before the incident's slot."""

_Happening = Callable[["_Day", datetime], None]


def daily_life(
    network: Network, people: People, rng: Random, start: datetime, end: datetime
) -> list[Event]:
    """Everything routine between two instants; the amount follows the size of the network."""
    day = _Day(network, people, rng)
    scale = max(1.0, len(network.elements) / 150)
    hours = (end - start).total_seconds() / 3600
    for per_hour, happening in _HAPPENINGS:
        expected = per_hour * hours * scale
        count = int(expected) + (rng.random() < expected % 1)
        for _ in range(count):
            happening(day, start + timedelta(seconds=rng.uniform(0, hours * 3600)))
    return [event for event in day.events if event.time < end]


def commit_records(commits: Sequence[ConfigCommit], network: Network, rng: Random) -> list[Event]:
    """What routers say about the configuration commits of people."""
    events = []
    for number, commit in enumerate(commits):
        if network.elements[commit.element].is_router:
            moment = commit.time - timedelta(seconds=rng.uniform(4, 9))
            events += session_records(commit.element, commit.author, moment, rng, number)
    return events


def session_records(
    element: str, user: str, commit_time: datetime, rng: Random, number: int
) -> list[Event]:
    """Somebody logs in, commits and leaves."""
    address = f"10.251.4.{20 + sum(map(ord, user)) % 200}"
    details: dict[str, str | int] = {
        "user": user,
        "address": address,
        "source_port": rng.randint(40_000, 60_000),
        "commit": 120 + number,
    }
    login = commit_time - timedelta(seconds=rng.uniform(25, 260))
    logout = commit_time + timedelta(seconds=rng.uniform(10, 200))
    return [
        Event(login, element, "login", details),
        Event(commit_time, element, "config_commit", details),
        Event(logout, element, "logout", details),
    ]


class _Day:
    def __init__(self, network: Network, people: People, rng: Random) -> None:
        self.network = network
        self.people = people
        self.rng = rng
        self.events: list[Event] = []
        self.routers = [element.name for element in network.elements.values() if element.is_router]
        self.gnbs = network.names(Role.GNB)
        self.amfs = network.names(Role.AMF)
        self.upfs = network.names(Role.UPF)
        self.smfs = network.names(Role.SMF)
        self.power = network.names(Role.POWER)
        # The same few links are bad every day.
        chronic = rng_for(network.seed, "chronic")
        self.chronic_gnbs = chronic.sample(self.gnbs, min(3, len(self.gnbs)))
        self.chronic_power = chronic.sample(self.power, 2)
        backbone = [cable for cable in network.cables if cable.protocol == "isis"]
        self.chronic_cables = chronic.sample(backbone, 2)

    def say(self, element: str, name: str, time: datetime, **details: str | int | float) -> None:
        self.events.append(Event(time, element, name, details))

    def blip(
        self,
        element: str,
        name: str,
        time: datetime,
        minutes: tuple[float, float],
        **details: str | int | float,
    ) -> None:
        """An alarm that clears by itself."""
        self.say(element, name, time, **details)
        end = time + timedelta(minutes=self.rng.uniform(*minutes))
        self.events.append(Event(end, element, name, details, cleared=True))

    def login(self, time: datetime) -> None:
        user = staff(self.rng)
        login, _, logout = session_records(self.rng.choice(self.routers), user, time, self.rng, 0)
        self.events += [login, logout]

    def stranger(self, time: datetime) -> None:
        rng = self.rng
        source = f"203.0.113.{rng.randint(1, 254)}"
        self.say(
            rng.choice(self.routers),
            "acl_log",
            time,
            acl="MGMT-IN",
            source=source,
            source_port=rng.randint(1024, 65_000),
            address=f"10.250.8.{rng.randint(1, 90)}",
        )

    def time_source(self, time: datetime) -> None:
        self.say(self.rng.choice(self.routers), "ntp_sync", time, address="10.250.0.11")

    def poller(self, time: datetime) -> None:
        self.say(self.rng.choice(self.routers), "snmp_auth", time, address="10.251.4.77")

    def collector(self, time: datetime) -> None:
        self.say(self.rng.choice(self.routers), "telemetry", time, address="10.250.0.41")

    def user_lost(self, time: datetime) -> None:
        user = self.people.subscriber()
        self.say(
            self.rng.choice(self.amfs),
            "ue_released",
            time,
            supi=user.supi,
            gpsi=user.gpsi,
            cell=f"{self.rng.choice(self.gnbs)}/{self.rng.choice(CELLS)}",
            reason="radio-connection-with-ue-lost",
        )

    def user_rejected(self, time: datetime) -> None:
        user = self.people.subscriber()
        code, reason = self.rng.choice(
            (
                (7, "5GS services not allowed"),
                (62, "no network slices available"),
                (22, "congestion"),
            )
        )
        self.say(
            self.rng.choice(self.amfs),
            "registration_rejected",
            time,
            supi=user.supi,
            pei=user.pei,
            code=code,
            reason=reason,
        )

    def session_rejected(self, time: datetime) -> None:
        supi = self.people.subscriber().supi
        dnn = self.rng.choice(DNNS)
        self.say(
            self.rng.choice(self.smfs),
            "session_rejected",
            time,
            supi=supi,
            dnn=dnn,
            code=27,
            reason="missing or unknown DNN",
        )

    def stale_tunnel(self, time: datetime) -> None:
        gnb = self.rng.choice(self.gnbs)
        user = self.people.subscriber()
        address = user.ipv4 if self.rng.random() < 0.7 else user.ipv6
        self.say(
            self.network.user_planes[gnb],
            "error_indication",
            time,
            peer=gnb,
            teid=f"{self.rng.getrandbits(32):08x}",
            ue_address=address,
        )

    def busy_cell(self, time: datetime) -> None:
        value = self.rng.randint(90, 99)
        self.blip(
            self.rng.choice(self.gnbs),
            "prb_usage",
            time,
            (3, 20),
            cell=self.rng.choice(CELLS),
            value=value,
            limit=90,
        )

    def handover(self, time: datetime) -> None:
        gnb = self.rng.choice(self.gnbs)
        peers = self.network.xn_neighbors(gnb)
        if peers:
            value = round(self.rng.uniform(88, 94.5), 1)
            self.blip(
                gnb,
                "handover_failures",
                time,
                (15, 15),
                cell=self.rng.choice(CELLS),
                peer=self.rng.choice(peers),
                value=value,
                limit=95,
            )

    def bad_antenna(self, time: datetime) -> None:
        value = round(self.rng.uniform(1.5, 2.1), 2)
        self.blip(
            self.rng.choice(self.chronic_gnbs),
            "vswr",
            time,
            (2, 30),
            unit=1,
            branch="B",
            value=value,
        )

    def noisy_fan(self, time: datetime) -> None:
        self.blip(self.rng.choice(self.chronic_gnbs), "fan", time, (1, 9), unit=2)

    def bad_phase(self, time: datetime) -> None:
        self.blip(
            self.rng.choice(self.chronic_power),
            "phase_fail",
            time,
            (1, 6),
            unit=self.rng.randint(1, 3),
            value=self.rng.randint(180, 203),
        )

    def technician(self, time: datetime) -> None:
        self.blip(self.rng.choice(self.power), "door", time, (5, 45))

    def warm_shelter(self, time: datetime) -> None:
        self.blip(
            self.rng.choice(self.power),
            "temperature",
            time,
            (10, 60),
            value=self.rng.randint(38, 43),
        )

    def busy_function(self, time: datetime) -> None:
        names = self.network.names(Role.AMF, Role.SMF, Role.UPF, Role.UDM, Role.NRF)
        self.blip(self.rng.choice(names), "cpu_high", time, (1, 6), value=self.rng.randint(80, 92))

    def weak_light(self, time: datetime) -> None:
        cable = self.rng.choice(self.chronic_cables)
        details = port_details(self.network, cable, cable.a)
        dbm = round(self.rng.uniform(-14.9, -14.1), 2)
        self.say(cable.a, "optics_low", time, dbm=dbm, limit=-14.0, **details)
        end = time + timedelta(minutes=self.rng.uniform(2, 25))
        self.say(cable.a, "optics_clear", end, **details)

    def server_link_flaps(self, time: datetime) -> None:
        leaf = self.rng.choice(self.network.names(Role.LEAF))
        cables = [c for c in self.network.cables_of(leaf) if c.protocol == "lacp"]
        cable = self.rng.choice(cables)
        details = port_details(self.network, cable, leaf)
        end = time + timedelta(seconds=self.rng.uniform(4, 40))
        self.say(leaf, "lacp_down", time, **details)
        self.say(leaf, "lacp_up", end, **details)
        host, port = cable.far(leaf), cable.port(cable.far(leaf))
        self.say(host, "bond_down", time, port=port)
        self.events.append(Event(end, host, "bond_down", {"port": port}, cleared=True))

    def power_module(self, time: datetime) -> None:
        name, slot = self.rng.choice(self.network.names(Role.CORE, Role.AGGREGATION)), 2
        self.say(name, "psu_fail", time, slot=slot)
        end = time + timedelta(minutes=self.rng.uniform(1, 8))
        self.say(name, "psu_ok", end, slot=slot)

    def clock_choice(self, time: datetime) -> None:
        clock = self.rng.choice(self.network.names(Role.BOUNDARY_CLOCK))
        masters = self.network.providers(clock, "clocks")
        self.rng.shuffle(masters)
        self.say(clock, "ptp_switch", time, peer=masters[0], previous=masters[1])

    def missed_polls(self, time: datetime) -> None:
        router = self.rng.choice(self.network.names(Role.CELL_SITE_ROUTER))
        address = self.network.loopbacks[router]
        self.blip(router, "router_unreachable", time, (1, 4), seconds=62, address=address)

    def full_disk(self, time: datetime) -> None:
        self.blip(
            self.rng.choice(self.network.names(Role.HOST)),
            "disk_usage",
            time,
            (20, 90),
            value=self.rng.randint(80, 88),
        )

    def weak_satellites(self, time: datetime) -> None:
        self.blip(
            self.rng.choice(self.network.names(Role.GRANDMASTER)),
            "gnss_lost",
            time,
            (1, 4),
            value=self.rng.randint(2, 4),
            reason="low C/N0",
        )

    def radio_link_flaps(self, time: datetime) -> None:
        gnb = self.rng.choice(self.chronic_gnbs)
        router = self.network.router_of(gnb)
        details = port_details(self.network, self.network.between(router, gnb), router)
        self.say(router, "link_down", time, **details)
        self.say(router, "line_down", time + timedelta(milliseconds=9), **details)
        up = time + timedelta(seconds=self.rng.uniform(1, 5))
        self.say(router, "link_up", up, **details)
        self.say(router, "line_up", up + timedelta(milliseconds=9), **details)

    def busy_link(self, time: datetime) -> None:
        name = self.rng.choice(
            self.network.names(Role.AGGREGATION, Role.PRE_AGGREGATION, Role.CORE)
        )
        cable = self.rng.choice(self.network.cables_of(name))
        details = port_details(self.network, cable, name)
        self.say(name, "utilization_high", time, percent=self.rng.randint(86, 92), **details)
        end = time + timedelta(minutes=self.rng.uniform(2, 15))
        self.say(name, "utilization_normal", end, percent=self.rng.randint(60, 80), **details)


_HAPPENINGS: tuple[tuple[float, _Happening], ...] = (
    (5.0, _Day.login),
    (4.0, _Day.stranger),
    (2.0, _Day.time_source),
    (1.0, _Day.poller),
    (1.0, _Day.collector),
    (5.0, _Day.user_lost),
    (3.0, _Day.user_rejected),
    (2.0, _Day.session_rejected),
    (2.0, _Day.stale_tunnel),
    (2.5, _Day.busy_cell),
    (1.0, _Day.handover),
    (0.5, _Day.bad_antenna),
    (0.4, _Day.noisy_fan),
    (0.6, _Day.bad_phase),
    (0.3, _Day.technician),
    (0.3, _Day.warm_shelter),
    (0.4, _Day.busy_function),
    (0.1, _Day.full_disk),
    (0.12, _Day.missed_polls),
    (0.15, _Day.weak_light),
    (0.1, _Day.server_link_flaps),
    (0.06, _Day.power_module),
    (0.1, _Day.clock_choice),
    (0.15, _Day.weak_satellites),
    (0.5, _Day.radio_link_flaps),
    (0.4, _Day.busy_link),
)
"""Per hour in a region of 150 managed objects."""
