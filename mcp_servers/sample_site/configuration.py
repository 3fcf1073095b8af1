"""`DeviceConfiguration`: what a router is set to, before a vendor's syntax is put around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from mcp_servers.sample_site.addressing import (
    NTP_SERVERS,
    SUBSCRIBER_POOLS,
    SYSLOG_SERVERS,
    leaf_as,
    management_address,
)
from mcp_servers.sample_site.network import (
    Dialect,
    Element,
    Network,
    Protocol,
    Role,
    rng_for,
)
from mcp_servers.sample_site.people import circuit_id

CORE_MTU = 9216
ACCESS_MTU = 2000

HASH_PATTERN = r"\$6\$[0-9a-f]{12}\$[0-9a-f]{43}"
"""How the password hashes here look (fictitious, of no password)."""


@dataclass(slots=True)
class PortSettings:
    """One interface."""

    name: str
    peer: str = ""
    peer_port: str = ""
    description: str = ""
    address: str = ""
    """With prefix length; empty for a port without an address."""
    mtu: int = ACCESS_MTU
    enabled: bool = True
    protocol: Protocol = "none"
    area: int = 0
    level: int = 2
    point_to_point: bool = True
    passive: bool = False
    metric: int = 10
    bfd_interval_ms: int = 150
    bfd_multiplier: int = 3
    hello_s: int = 10
    vrf: str = ""
    vlan: int | None = None
    filter_in: str = ""
    """Access list applied inbound."""


@dataclass(slots=True)
class NeighborSettings:
    """One BGP neighbour."""

    address: str
    remote_as: int
    description: str
    policy_in: str = ""
    policy_out: str = ""
    hold_s: int = 180
    maximum_prefixes: int = 20_000


@dataclass(slots=True)
class PolicyTerm:
    """One term of a routing policy: what it matches, what it does."""

    prefix_list: str
    """Empty matches everything."""
    accept: bool = True
    local_preference: int | None = None


@dataclass(slots=True)
class DeviceConfiguration:
    """One router's settings."""

    name: str
    dialect: Dialect
    loopback: str
    own_as: int
    management: str
    net: str
    """IS-IS network entity title."""
    ports: dict[str, PortSettings] = field(default_factory=dict)
    neighbors: dict[str, NeighborSettings] = field(default_factory=dict)
    prefix_lists: dict[str, list[str]] = field(default_factory=dict)
    policies: dict[str, list[PolicyTerm]] = field(default_factory=dict)
    filters: dict[str, list[str]] = field(default_factory=dict)
    """Access list -> permitted sources (prefixes)."""
    ntp_servers: list[str] = field(default_factory=list)
    syslog_servers: list[str] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=dict)
    """Login -> password hash."""
    community: str = ""
    tacacs_key: str = ""
    isis_level: int = 2
    telemetry: list[str] = field(default_factory=list)
    shapers: dict[str, int] = field(default_factory=dict)
    """Egress class -> share in percent."""
    banner: str = "Authorised access only. Activity is logged."
    is_reflector: bool = False


@dataclass(slots=True)
class CellSettings:
    """One NR cell."""

    pci: int
    tac: int
    power_dbm: float
    tilt: int
    handover_offset_db: float
    tdd_pattern: str = "DDDSU"
    carrier_mhz: int = 3640


@dataclass(slots=True)
class RanConfiguration:
    """One gNB's parameters, as the RAN manager exports them."""

    name: str
    gnb_id: int
    address: str
    gateway: str
    amf: list[str]
    cells: dict[str, CellSettings]
    neighbors: list[str]
    ptp_domain: int = 24
    software: str = "23.4.1"


Configuration = DeviceConfiguration | RanConfiguration


def first_configurations(network: Network) -> dict[str, Configuration]:
    """The settings of every configurable element when history begins."""
    rng = rng_for(network.seed, "configurations")
    shared = _Shared(
        own_as=network.sessions[0].a_as,
        community=f"{rng.choice(('Mo0r', 'kieSel', 'Fjo'))}{rng.randrange(10**5):05d}ro",
        tacacs_key=f"{rng.getrandbits(64):016X}",
        users={name: password_hash(rng) for name in ("netops", "oxidized")},
    )
    found: dict[str, Configuration] = {}
    for index, element in enumerate(network.elements.values()):
        if element.is_router:
            found[element.name] = _router(network, element, index, shared)
        elif element.role is Role.GNB:
            found[element.name] = _gnb(network, element, index)
    return found


def password_hash(rng: Random) -> str:
    """Something in the shape of a crypt(3) SHA-512 hash."""
    return f"$6${rng.getrandbits(48):012x}${rng.getrandbits(172):043x}"


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all routers of a site have in common."""

    own_as: int
    community: str
    tacacs_key: str
    users: dict[str, str]


def _router(network: Network, element: Element, index: int, shared: _Shared) -> DeviceConfiguration:
    rng = rng_for(network.seed, "configuration", element.name)
    loopback = network.loopbacks[element.name]
    digits = "".join(f"{int(part):03d}" for part in loopback.split("."))
    settings = DeviceConfiguration(
        name=element.name,
        dialect=element.dialect,
        loopback=loopback,
        own_as=_as_of(network, element, shared.own_as),
        management=management_address(index),
        net=f"49.0001.{digits[:4]}.{digits[4:8]}.{digits[8:]}.00",
        ntp_servers=list(NTP_SERVERS),
        syslog_servers=list(SYSLOG_SERVERS),
        users=dict(shared.users),
        community=shared.community,
        tacacs_key=shared.tacacs_key,
        telemetry=["interfaces-counters", "optics", "bfd-sessions"],
        shapers={"voice": 20, "signalling": 15, "business": 25, "best-effort": 40},
        filters={"MGMT-IN": ["10.250.0.0/16", "10.251.4.0/24"]},
        is_reflector=element.role is Role.REFLECTOR,
    )
    for port in _ports(network, element):
        settings.ports[port.name] = port
    for session in network.sessions_of(element.name):
        far = session.far(element.name)
        address = session.peer_address(element.name)
        is_client = not settings.is_reflector and session.cable is None
        settings.neighbors[address] = NeighborSettings(
            address,
            session.peer_as(element.name),
            far,
            policy_in="FROM-RR" if is_client else "",
            policy_out="TO-RR" if is_client else "",
        )
    settings.prefix_lists = {
        "LOOPBACKS": [f"{loopback.rsplit('.', 1)[0]}.0/24"],
        "N2-N3": ["10.96.0.0/13"],
        "CORE-SERVICES": ["10.104.0.0/16"],
    }
    settings.policies = {
        "TO-RR": [PolicyTerm("LOOPBACKS"), PolicyTerm("N2-N3"), PolicyTerm("", accept=False)],
        "FROM-RR": [
            PolicyTerm("CORE-SERVICES", local_preference=200),
            PolicyTerm("N2-N3"),
            PolicyTerm("LOOPBACKS"),
            PolicyTerm("", accept=False),
        ],
    }
    if element.role is Role.BORDER:
        pool = SUBSCRIBER_POOLS[network.names(Role.BORDER).index(element.name)]
        _add_transit(settings, rng.randint(1, 99), pool)
    if element.role in (Role.AGGREGATION, Role.PRE_AGGREGATION):
        _add_customers(settings, rng.randint(2, 5), rng.randint(0, 10**6))
    return settings


def _as_of(network: Network, element: Element, own_as: int) -> int:
    if element.role is not Role.LEAF:
        return own_as
    session = network.sessions_of(element.name)[0]
    return session.b_as if session.b == element.name else leaf_as(own_as, 1)


def _ports(network: Network, element: Element) -> Iterator[PortSettings]:
    for cable in network.cables_of(element.name):
        far = cable.far(element.name)
        address = cable.address(element.name)
        backbone = cable.protocol in ("isis", "ebgp")
        yield PortSettings(
            name=cable.port(element.name),
            peer=far,
            peer_port=cable.port(far),
            description=f"to {far} {cable.port(far)}",
            address=f"{address}/31" if address else "",
            mtu=CORE_MTU if backbone else ACCESS_MTU,
            protocol=cable.protocol,
            area=cable.area,
            metric=100 if element.role is Role.PRE_AGGREGATION else 10,
        )


def _add_transit(settings: DeviceConfiguration, number: int, pool: str) -> None:
    """Two upstream networks (documentation addresses and AS numbers, RFC 5737 and RFC 5398).

    Each border router announces its own data center's subscriber pool, and nothing else.
    """
    settings.prefix_lists["DEFAULT-ONLY"] = ["0.0.0.0/0"]
    settings.prefix_lists["SUBSCRIBER-POOL"] = [pool]
    settings.policies["FROM-TRANSIT"] = [
        PolicyTerm("DEFAULT-ONLY", local_preference=150),
        PolicyTerm("", accept=False),
    ]
    settings.policies["TO-TRANSIT"] = [
        PolicyTerm("SUBSCRIBER-POOL"),
        PolicyTerm("", accept=False),
    ]
    for index in (0, 1):
        port = f"et-0/1/{index}"
        near, far = (
            f"198.51.100.{2 * number + 2 * index}",
            f"198.51.100.{2 * number + 2 * index + 1}",
        )
        remote_as = 64_496 + 2 * (number % 6) + index
        settings.ports[port] = PortSettings(
            name=port, description=f"TRANSIT AS{remote_as}", address=f"{near}/31", mtu=1514
        )
        settings.neighbors[far] = NeighborSettings(
            far, remote_as, f"transit AS{remote_as}", "FROM-TRANSIT", "TO-TRANSIT", hold_s=90
        )


def _add_customers(settings: DeviceConfiguration, count: int, seed: int) -> None:
    rng = rng_for(seed, "customers", settings.name)
    for number in range(count):
        add_customer(settings, 100 + number, circuit_id(rng), f"10.{rng.randint(112, 119)}")


def add_customer(
    settings: DeviceConfiguration, vlan: int, circuit: str, prefix: str
) -> PortSettings:
    """Add a business customer's access port to a router."""
    number = sum(1 for port in settings.ports.values() if port.vrf)
    free = {
        Dialect.IOS_XR: "TenGigE0/0/0/{}",
        Dialect.JUNOS: "xe-0/2/{}",
        Dialect.SR_OS: "1/3/{}",
        Dialect.VRP: "GigabitEthernet0/3/{}",
    }.get(settings.dialect, "GigabitEthernet0/1/{}")
    port = PortSettings(
        name=free.format(20 + number),
        description=f"CUST {circuit}",
        address=f"{prefix}.{vlan % 250}.1/30",
        mtu=1518,
        vrf=f"BUSINESS-{vlan}",
        vlan=vlan,
    )
    settings.ports[port.name] = port
    return port


def _gnb(network: Network, element: Element, index: int) -> RanConfiguration:
    rng = rng_for(network.seed, "configuration", element.name)
    cable = network.cables_of(element.name)[0]
    tac = network.tracking_areas[element.name]
    first = 3 * rng.randrange(336)
    return RanConfiguration(
        name=element.name,
        gnb_id=40_000 + index,
        address=f"{cable.address(element.name)}/31",
        gateway=cable.address(cable.far(element.name)),
        amf=network.names(Role.AMF),
        cells={
            f"CELL-{number + 1}": CellSettings(
                pci=first + number,
                tac=tac,
                power_dbm=rng.choice((43.0, 46.0, 49.0)),
                tilt=rng.randint(2, 8),
                handover_offset_db=rng.choice((2.0, 3.0)),
            )
            for number in range(3)
        },
        neighbors=network.xn_neighbors(element.name),
    )
