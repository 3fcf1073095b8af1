"""The network model: elements, cables, sessions and dependencies of one fictitious 5G region.

Everything a generated incident says follows from this model: which paths a fault breaks, which
sessions cross it, which cells lose service.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from random import Random
from typing import Literal


class Role(StrEnum):
    """What an element does in the network."""

    CORE = "core"
    BORDER = "border"
    REFLECTOR = "reflector"
    LEAF = "leaf"
    HOST = "host"
    AGGREGATION = "aggregation"
    PRE_AGGREGATION = "pre_aggregation"
    CELL_SITE_ROUTER = "cell_site_router"
    GNB = "gnb"
    POWER = "power"
    GRANDMASTER = "grandmaster"
    BOUNDARY_CLOCK = "boundary_clock"
    AMF = "amf"
    SMF = "smf"
    UPF = "upf"
    AUSF = "ausf"
    UDM = "udm"
    NRF = "nrf"
    PCF = "pcf"
    DNS = "dns"


class Dialect(StrEnum):
    """In which form an element logs; the first six also have a configuration syntax."""

    IOS_XR = "ios_xr"
    IOS = "ios"
    JUNOS = "junos"
    SR_OS = "sr_os"
    VRP = "vrp"
    EOS = "eos"
    RAN = "ran"
    CORE = "core"
    POWER = "power"
    TIMING = "timing"


ROUTER_DIALECTS = frozenset(
    {Dialect.IOS_XR, Dialect.IOS, Dialect.JUNOS, Dialect.SR_OS, Dialect.VRP, Dialect.EOS}
)
NETWORK_FUNCTIONS = frozenset(
    {Role.AMF, Role.SMF, Role.UPF, Role.AUSF, Role.UDM, Role.NRF, Role.PCF, Role.DNS}
)
IN_BAND = frozenset({Role.CELL_SITE_ROUTER, Role.GNB, Role.POWER, Role.BOUNDARY_CLOCK})
"""Managed over the network they carry: cut off, they cannot tell. The others have a second way."""

Protocol = Literal["isis", "ospf", "ebgp", "lacp", "none"]


@dataclass(frozen=True, slots=True)
class Element:
    """One network element."""

    name: str
    role: Role
    dialect: Dialect
    place: str
    ring: int | None = None

    @property
    def is_router(self) -> bool:
        """Whether it logs and is configured as a router or switch."""
        return self.dialect in ROUTER_DIALECTS


@dataclass(frozen=True, slots=True)
class Cable:
    """One link between two ports, with the addresses and the protocol that run on it."""

    a: str
    a_port: str
    b: str
    b_port: str
    protocol: Protocol
    area: int = 0
    a_address: str = ""
    b_address: str = ""

    @property
    def ends(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Both ends as (element, port)."""
        return (self.a, self.a_port), (self.b, self.b_port)

    def far(self, name: str) -> str:
        """The element at the other end."""
        return self.b if name == self.a else self.a

    def port(self, name: str) -> str:
        """The port on `name`."""
        return self.a_port if name == self.a else self.b_port

    def address(self, name: str) -> str:
        """The interface address on `name`."""
        return self.a_address if name == self.a else self.b_address

    def managed_object(self, name: str) -> str:
        """`device:port` of the end on `name`."""
        return f"{name}:{self.port(name)}"


@dataclass(frozen=True, slots=True)
class BgpSession:
    """A BGP session; `cable` is set where it runs over one link instead of over loopbacks."""

    a: str
    b: str
    a_address: str
    b_address: str
    a_as: int
    b_as: int
    cable: Cable | None = None

    def far(self, name: str) -> str:
        """The element at the other end."""
        return self.b if name == self.a else self.a

    def peer_address(self, name: str) -> str:
        """The address of the other end, as `name` logs it."""
        return self.b_address if name == self.a else self.a_address

    def peer_as(self, name: str) -> int:
        """The AS number of the other end."""
        return self.b_as if name == self.a else self.a_as


@dataclass(frozen=True)
class Network:
    """One region: elements, cables, sessions, and who depends on whom."""

    seed: int
    site_id: str
    region: str
    elements: dict[str, Element]
    cables: tuple[Cable, ...]
    relations: tuple[tuple[str, str, str], ...]
    """(provider, relation, dependant); relation is hosts, serves, powers or clocks."""
    loopbacks: dict[str, str]
    sessions: tuple[BgpSession, ...]
    neighbor_cells: tuple[tuple[str, str], ...]
    """Pairs of gNBs with an Xn association."""
    user_planes: dict[str, str]
    """gNB -> its UPF."""
    tracking_areas: dict[str, int]
    """gNB -> tracking area code."""

    def of_role(self, *roles: Role) -> list[Element]:
        """Elements of some roles, in order of building."""
        return [element for element in self.elements.values() if element.role in roles]

    def names(self, *roles: Role) -> list[str]:
        """Names of the elements of some roles."""
        return [element.name for element in self.of_role(*roles)]

    @cached_property
    def _cables_of(self) -> dict[str, list[Cable]]:
        found: dict[str, list[Cable]] = defaultdict(list)
        for cable in self.cables:
            found[cable.a].append(cable)
            found[cable.b].append(cable)
        return found

    def cables_of(self, name: str) -> list[Cable]:
        """The cables of an element."""
        return self._cables_of.get(name, [])

    def between(self, one: str, two: str) -> Cable:
        """The cable that joins two elements."""
        return next(cable for cable in self.cables_of(one) if cable.far(one) == two)

    def sessions_of(self, name: str) -> list[BgpSession]:
        """The BGP sessions of an element."""
        return [session for session in self.sessions if name in (session.a, session.b)]

    def providers(self, name: str, relation: str) -> list[str]:
        """What hosts, serves, powers or clocks an element."""
        return [a for a, kind, b in self.relations if b == name and kind == relation]

    def dependants(self, name: str, relation: str) -> list[str]:
        """What an element hosts, serves, powers or clocks."""
        return [b for a, kind, b in self.relations if a == name and kind == relation]

    def xn_neighbors(self, gnb: str) -> list[str]:
        """The gNBs with an Xn association to one."""
        return [b if a == gnb else a for a, b in self.neighbor_cells if gnb in (a, b)]

    @property
    def anchors(self) -> list[str]:
        """Where service comes from: an element without a path to these is isolated."""
        return self.names(Role.CORE)

    def router_of(self, gnb: str) -> str:
        """The cell site router of a gNB."""
        return self.cables_of(gnb)[0].far(gnb)

    def reach(
        self,
        starts: Iterable[str],
        *,
        without: Collection[str] = (),
        cut: Collection[Cable] = (),
    ) -> set[str]:
        """Elements that have a path to any of `starts` over what is left.

        Cell site routers carry no transit: with two uplinks, one does not lead to the other.
        """
        queue = deque(name for name in starts if name not in without)
        seen = set(queue)
        while queue:
            near = queue.popleft()
            for cable in self.cables_of(near):
                far = cable.far(near)
                if self._is_transit(near, far):
                    continue
                if far not in seen and far not in without and cable not in cut:
                    seen.add(far)
                    queue.append(far)
        return seen

    def _is_transit(self, near: str, far: str) -> bool:
        return (
            self.elements[near].role is Role.CELL_SITE_ROUTER
            and self.elements[far].role is Role.PRE_AGGREGATION
        )

    def isolated(self, *, without: Collection[str] = (), cut: Collection[Cable] = ()) -> list[str]:
        """Living elements with cables that have no path to the core, in order of building."""
        reached = self.reach(self.anchors, without=without, cut=cut)
        return [
            name
            for name in self.elements
            if name not in reached and name not in without and self.cables_of(name)
        ]

    def path(self, start: str, goal: str) -> list[str]:
        """A shortest path over cables, both ends included; empty without one."""
        parent: dict[str, str] = {start: start}
        queue = deque([start])
        while queue and goal not in parent:
            near = queue.popleft()
            for cable in self.cables_of(near):
                far = cable.far(near)
                if far not in parent:
                    parent[far] = near
                    queue.append(far)
        if goal not in parent:
            return []
        steps = [goal]
        while steps[-1] != start:
            steps.append(parent[steps[-1]])
        return steps[::-1]

    def topology_rows(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Rows of `topology.csv`: device, port, remote_device, remote_port, relation."""
        for cable in self.cables:
            yield cable.a, cable.a_port, cable.b, cable.b_port, "connects"
        for provider, relation, dependant in self.relations:
            yield provider, "", dependant, "", relation


def rng_for(seed: int, *purpose: str | int) -> Random:
    """A random stream of its own for each purpose, so that one does not disturb another."""
    return Random("/".join(map(str, (seed, *purpose))))  # noqa: S311 - repeatable, not secret
