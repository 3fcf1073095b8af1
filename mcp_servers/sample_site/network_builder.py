"""Builds the region: two data centers, a core, aggregation rings and the cell sites behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from random import Random

from mcp_servers.sample_site.addressing import AddressPlan, bgp_sessions
from mcp_servers.sample_site.network import (
    Cable,
    Dialect,
    Element,
    Network,
    Protocol,
    Role,
    rng_for,
)
from mcp_servers.sample_site.place_names import NamingStyle, places, region_name
from telecom.errors import InvalidArgumentError

MIN_SIZE = 90
"""Below this, two rings with cell sites behind them do not fit."""
MAX_SIZE = 20_000
"""Addresses: two /31 per link out of one /16."""

_PORT_FORMS = {
    Dialect.IOS_XR: ("HundredGigE0/0/0/{}", "TenGigE0/0/0/{}"),
    Dialect.IOS: ("TenGigabitEthernet0/0/{}", "GigabitEthernet0/0/{}"),
    Dialect.JUNOS: ("et-0/0/{}", "xe-0/1/{}"),
    Dialect.SR_OS: ("1/1/c{}/1", "1/2/{}"),
    Dialect.VRP: ("100GE0/1/{}", "GigabitEthernet0/2/{}"),
    Dialect.EOS: ("Ethernet{}", "Ethernet{}"),
}

_FUNCTIONS = (
    (Role.AMF, 2),
    (Role.SMF, 2),
    (Role.UPF, 2),
    (Role.AUSF, 2),
    (Role.UDM, 2),
    (Role.NRF, 2),
    (Role.PCF, 1),
    (Role.DNS, 2),
)


def build_network(*, seed: int = 1, size: int = 150) -> Network:
    """Build one region of about `size` managed objects.

    Raises:
        InvalidArgumentError: `size` is out of range.
    """
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise InvalidArgumentError("size", f"size must be {MIN_SIZE} to {MAX_SIZE}, got {size}")
    builder = _Builder(seed, size)
    builder.build_data_centers()
    builder.build_rings()
    builder.build_cell_sites()
    return builder.finish()


class _Builder:
    def __init__(self, seed: int, size: int) -> None:
        self.seed = seed
        self.size = size
        self.rng: Random = rng_for(seed, "network")
        self.style = NamingStyle(self.rng)
        self.places: Iterator[str] = places(self.rng)
        self.region = region_name(self.rng)
        self.plan = AddressPlan(self.rng.randint(16, 90), self.rng.randint(64_600, 64_900))
        self.elements: dict[str, Element] = {}
        self.cables: list[Cable] = []
        self.relations: list[tuple[str, str, str]] = []
        self.ports: Counter[tuple[str, bool]] = Counter()
        self.data_center_of: dict[str, int] = {}
        self.ring_aggregations: list[tuple[str, str]] = []
        self.ring_hubs: list[list[str]] = []
        self.ring_clock: list[str] = []
        self.user_planes: dict[str, str] = {}
        self.tracking_areas: dict[str, int] = {}

    def add(
        self,
        role: Role,
        dialect: Dialect,
        place: str,
        number: int | None = None,
        *,
        ring: int | None = None,
    ) -> str:
        name = self.style.name(role.value, place, number)
        self.elements[name] = Element(name, role, dialect, place, ring)
        return name

    def port(self, name: str, *, uplink: bool) -> str:
        element = self.elements[name]
        if not element.is_router:
            self.ports[(name, True)] += 1
            number = self.ports[(name, True)]
            return f"eth{number - 1}" if element.role is Role.HOST else f"TN-{number}"
        forms = _PORT_FORMS[element.dialect]
        shared = forms[0] == forms[1]
        self.ports[(name, uplink or shared)] += 1
        number = self.ports[(name, uplink or shared)]
        first = 0 if element.dialect in (Dialect.IOS_XR, Dialect.JUNOS, Dialect.VRP) else 1
        return forms[0 if uplink else 1].format(number - 1 + first)

    def join(
        self, a: str, b: str, protocol: Protocol, *, uplink: bool = True, area: int = 0
    ) -> Cable:
        a_address, b_address = ("", "") if protocol == "lacp" else self.plan.link()
        cable = Cable(
            a,
            self.port(a, uplink=uplink),
            b,
            self.port(b, uplink=uplink or protocol == "ospf"),
            protocol,
            area,
            a_address,
            b_address,
        )
        self.cables.append(cable)
        return cable

    def relate(self, provider: str, relation: str, dependant: str) -> None:
        self.relations.append((provider, relation, dependant))

    def power(self, place: str, *powered: str) -> None:
        power = self.add(Role.POWER, Dialect.POWER, place)
        for name in powered:
            self.relate(power, "powers", name)

    def build_data_centers(self) -> None:
        """Two data centers: core, border, reflector, leaf switches, servers, functions, clock."""
        cores: list[list[str]] = []
        hosts: list[str] = []
        for number in (1, 2):
            place = next(self.places)
            pair = [self.add(Role.CORE, Dialect.IOS_XR, place, 2 * number - 2 + i) for i in (1, 2)]
            border = self.add(Role.BORDER, Dialect.JUNOS, place, number)
            reflector = self.add(Role.REFLECTOR, Dialect.IOS_XR, place, number)
            leaves = [self.add(Role.LEAF, Dialect.EOS, place, 2 * number - 2 + i) for i in (1, 2)]
            servers = [self.add(Role.HOST, Dialect.CORE, place, 2 * number - 2 + i) for i in (1, 2)]
            grandmaster = self.add(Role.GRANDMASTER, Dialect.TIMING, place, number)
            self.data_center_of.update(dict.fromkeys((*leaves, *servers), number))
            self.join(pair[0], pair[1], "isis")
            for core in pair:
                self.join(core, border, "isis")
                self.join(core, reflector, "isis")
                for leaf in leaves:
                    self.join(core, leaf, "ebgp")
            for server in servers:
                for leaf in leaves:
                    self.join(leaf, server, "lacp")
            self.join(pair[0], grandmaster, "none", uplink=False)
            self.power(place, *pair, border, reflector, *leaves, *servers, grandmaster)
            cores.append(pair)
            hosts.extend(servers)
        self.join(cores[0][0], cores[1][0], "isis")
        self.join(cores[0][1], cores[1][1], "isis")
        self._add_functions(hosts)

    def _add_functions(self, hosts: list[str]) -> None:
        by_role: dict[Role, list[str]] = {}
        for role, count in _FUNCTIONS:
            for number in range(1, count + 1):
                # Odd numbers live in the first data center, even ones in the second.
                half = hosts[:2] if number % 2 else hosts[2:]
                host = half[self.rng.randrange(2)]
                place = self.elements[host].place
                name = self.add(role, Dialect.CORE, place, number)
                self.relate(host, "hosts", name)
                by_role.setdefault(role, []).append(name)
        serving = (
            (Role.UDM, Role.AUSF),
            (Role.AUSF, Role.AMF),
            (Role.UDM, Role.AMF),
            (Role.UDM, Role.SMF),
            (Role.SMF, Role.AMF),
            (Role.PCF, Role.SMF),
            (Role.SMF, Role.UPF),
            (Role.DNS, Role.SMF),
            (Role.NRF, Role.AMF),
            (Role.NRF, Role.SMF),
            (Role.NRF, Role.AUSF),
            (Role.NRF, Role.UDM),
            (Role.NRF, Role.PCF),
        )
        for provider, dependant in serving:
            for a in by_role[provider]:
                for b in by_role[dependant]:
                    self.relate(a, "serves", b)

    def build_rings(self) -> None:
        """Aggregation rings: two aggregation routers close a chain of pre-aggregation routers."""
        cores = [name for name, element in self.elements.items() if element.role is Role.CORE]
        clocks = [n for n, element in self.elements.items() if element.role is Role.GRANDMASTER]
        hub_dialects = [Dialect.JUNOS, Dialect.SR_OS, Dialect.VRP, Dialect.IOS_XR]
        aggregation_dialects = [Dialect.IOS_XR, Dialect.SR_OS]
        for ring in range(max(2, round(self.size / 75))):
            dialect = aggregation_dialects[(ring + self.seed) % 2]
            aggregations = []
            for side in (0, 1):
                place = next(self.places)
                name = self.add(Role.AGGREGATION, dialect, place, 2 * ring + side + 1, ring=ring)
                for core in (cores[side], cores[2 + side]):
                    self.join(core, name, "isis")
                powered = [name]
                if side == 0:
                    clock = self.add(
                        Role.BOUNDARY_CLOCK, Dialect.TIMING, place, ring + 1, ring=ring
                    )
                    self.join(name, clock, "none", uplink=False)
                    for grandmaster in clocks:
                        self.relate(grandmaster, "clocks", clock)
                    self.ring_clock.append(clock)
                    powered.append(clock)
                self.power(place, *powered)
                aggregations.append(name)
            self.rng.shuffle(hub_dialects)
            hubs = []
            for position in range(4):
                place = next(self.places)
                hub = self.add(
                    Role.PRE_AGGREGATION,
                    hub_dialects[position],
                    place,
                    4 * ring + position + 1,
                    ring=ring,
                )
                self.power(place, hub)
                hubs.append(hub)
            chain = [aggregations[0], *hubs, aggregations[1]]
            for near, far in pairwise(chain):
                self.join(near, far, "isis")
            self.ring_aggregations.append((aggregations[0], aggregations[1]))
            self.ring_hubs.append(hubs)

    def build_cell_sites(self) -> None:
        """Cell sites until the size is reached: a router, one or two gNBs, and their power."""
        upfs = [name for name, element in self.elements.items() if element.role is Role.UPF]
        amfs = [name for name, element in self.elements.items() if element.role is Role.AMF]
        flat = [
            (ring, hub)
            for hubs in zip(*self.ring_hubs, strict=True)
            for ring, hub in enumerate(hubs)
        ]
        last_at: dict[str, str] = {}
        number = 0
        while len(self.elements) + 3 <= self.size:
            ring, hub = flat[number % len(flat)]
            number += 1
            place = next(self.places)
            dialect = self.rng.choices((Dialect.IOS, Dialect.JUNOS, Dialect.VRP), (6, 2, 2))[0]
            router = self.add(Role.CELL_SITE_ROUTER, dialect, place, ring=ring)
            # Every sixth site hangs behind another site; every seventh has a second uplink.
            above = last_at[hub] if number % 6 == 0 and hub in last_at else hub
            self.join(above, router, "ospf", uplink=False, area=ring + 10)
            if number % 7 == 0 and above == hub:
                hubs = self.ring_hubs[ring]
                second = hubs[(hubs.index(hub) + 1) % len(hubs)]
                self.join(second, router, "ospf", uplink=False, area=ring + 10)
            last_at[hub] = router
            cells = 2 if self.rng.random() < 0.45 and len(self.elements) + 4 <= self.size else 1
            gnbs = []
            for index in range(1, cells + 1):
                gnb = self.add(Role.GNB, Dialect.RAN, place, index, ring=ring)
                self.join(router, gnb, "none", uplink=False)
                self.relate(router, "serves", gnb)
                self.relate(router, "clocks", gnb)
                self.user_planes[gnb] = upfs[ring % len(upfs)]
                self.tracking_areas[gnb] = 1200 + 10 * ring + self.ring_hubs[ring].index(hub)
                for amf in amfs:
                    self.relate(amf, "serves", gnb)
                self.relate(self.user_planes[gnb], "serves", gnb)
                gnbs.append(gnb)
            self.relate(self.ring_clock[ring], "clocks", router)
            self.power(place, router, *gnbs)

    def _xn_pairs(self) -> tuple[tuple[str, str], ...]:
        """Each gNB knows the next few of its ring, and some across the ring's border."""
        pairs: dict[tuple[str, str], None] = {}
        by_ring: dict[int, list[str]] = {}
        for element in self.elements.values():
            if element.role is Role.GNB and element.ring is not None:
                by_ring.setdefault(element.ring, []).append(element.name)
        for gnbs in by_ring.values():
            for index, gnb in enumerate(gnbs):
                for step in (1, 2, 5):
                    other = gnbs[(index + step) % len(gnbs)]
                    if other != gnb and (other, gnb) not in pairs:
                        pairs[(gnb, other)] = None
        return tuple(pairs)

    def finish(self) -> Network:
        """The finished model."""
        routers = [element for element in self.elements.values() if element.is_router]
        loopbacks = {element.name: self.plan.loopback() for element in routers}
        sessions = bgp_sessions(
            routers, self.cables, loopbacks, self.plan.own_as, self.data_center_of
        )
        return Network(
            seed=self.seed,
            site_id=f"{self.region.lower()}-noc",
            region=self.region,
            elements=self.elements,
            cables=tuple(self.cables),
            relations=tuple(self.relations),
            loopbacks=loopbacks,
            sessions=sessions,
            neighbor_cells=self._xn_pairs(),
            user_planes=self.user_planes,
            tracking_areas=self.tracking_areas,
        )
