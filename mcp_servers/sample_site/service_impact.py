"""What the 5G system says when elements lose their path or their server.

SCTP gives an association up after its retransmissions, 10 to 30 s (RFC 9260 with usual settings);
GTP-U echo after 30 to 80 s (TS 29.281); element managers after missed polls; PTP clocks go into
holdover at once and leave their phase budget minutes later (G.8271.1, G.8273.2).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from mcp_servers.sample_site.events import Origin
from mcp_servers.sample_site.network import NETWORK_FUNCTIONS, Network, Role
from mcp_servers.sample_site.scene import Outage, Scene
from mcp_servers.sample_site.transport_impact import sessions_expire

CELLS = ("CELL-1", "CELL-2", "CELL-3")
DNNS = ("internet", "ims", "iot.plant")


def gnb_address(network: Network, gnb: str) -> str:
    """The transport address of a gNB."""
    return network.cables_of(gnb)[0].address(gnb)


def function_address(network: Network, name: str) -> str:
    """The service address of a core function: out of the core services prefix."""
    functions = [e.name for e in network.elements.values() if e.role in NETWORK_FUNCTIONS]
    return f"10.104.{functions.index(name) + 8}.10"


def cut_off(
    scene: Scene,
    time: datetime,
    *,
    isolated: Collection[str],
    dead: Collection[str] = (),
    until: datetime | None = None,
    origin: Origin = "impact",
) -> Outage:
    """Elements are out of reach from `time` on: everybody who talked to them notices."""
    outage = Outage(time, until, frozenset(dead), frozenset(isolated))
    scene.outages.append(outage)
    gone = outage.gone
    sessions_expire(scene, gone, dead, time, until, origin=origin)
    _managers_miss(scene, outage, origin)
    tracking_areas: dict[int, int] = {}
    for gnb in scene.network.names(Role.GNB):
        if gnb in gone:
            lose_gnb(scene, gnb, outage, origin)
            tac = scene.network.tracking_areas[gnb]
            tracking_areas[tac] = tracking_areas.get(tac, 0) + 1
    for tac in tracking_areas:
        registrations_suffer(scene, tac, time, until, origin=origin)
    return outage


def lose_gnb(scene: Scene, gnb: str, outage: Outage, origin: Origin) -> None:
    """One gNB disappears from its AMFs, its UPF and its neighbours."""
    network, until = scene.network, outage.until
    address = gnb_address(network, gnb)
    alive = gnb not in outage.dead
    first = outage.since + timedelta(seconds=scene.between(11, 29))

    def state(element: str, name: str, down: datetime, **details: str | int | float) -> None:
        if until is not None and until < down:
            return
        scene.marked(origin=origin).say(element, name, down, **details)
        if until is not None:
            up = until + timedelta(seconds=scene.between(3, 25))
            scene.marked(origin=origin, cleared=True).say(element, name, up, **details)

    for amf in network.names(Role.AMF):
        down = first + timedelta(seconds=scene.between(0, 6))
        tac = network.tracking_areas[gnb]
        reason = "HEARTBEAT not acknowledged 4 times"
        state(amf, "amf_n2_lost", down, peer=gnb, address=address, tac=tac, reason=reason)
        if alive:
            there = function_address(network, amf)
            state(gnb, "n2_lost", down, peer=amf, address=there, reason=reason)
    if alive:
        for cell in CELLS:
            down = first + timedelta(seconds=scene.between(6, 9))
            details = cell_details(network, gnb, cell)
            state(gnb, "cell_down", down, reason="no AMF available", **details)
    upf = network.user_planes[gnb]
    down = outage.since + timedelta(seconds=scene.between(30, 80))
    state(upf, "upf_n3_path", down, peer=gnb, address=address, count=5)
    for neighbor in network.xn_neighbors(gnb):
        if neighbor not in outage.gone:
            down = outage.since + timedelta(seconds=scene.between(11, 30))
            state(neighbor, "xn_lost", down, peer=gnb)
    release_users(scene, gnb, first, count=scene.rng.randint(1, 3), origin=origin)


def cell_details(network: Network, gnb: str, cell: str) -> dict[str, str | int]:
    """How a cell is named in records."""
    number = CELLS.index(cell)
    pci = (list(network.elements).index(gnb) * 3 + number) % 1008
    return {"cell": cell, "pci": pci, "tac": network.tracking_areas[gnb]}


def release_users(
    scene: Scene, gnb: str, time: datetime, *, count: int, origin: Origin = "impact"
) -> None:
    """The AMF releases users, and writes down who they were."""
    amf = scene.rng.choice(scene.network.names(Role.AMF))
    for _ in range(count):
        user = scene.people.subscriber()
        scene.marked(origin=origin).say(
            amf,
            "ue_released",
            time + timedelta(seconds=scene.between(1, 60)),
            supi=user.supi,
            gpsi=user.gpsi,
            cell=f"{gnb}/{scene.rng.choice(CELLS)}",
            reason=scene.rng.choice(
                ("radio-connection-with-ue-lost", "transport-resource-unavailable")
            ),
        )


def registrations_suffer(
    scene: Scene,
    tac: int,
    time: datetime,
    until: datetime | None,
    *,
    origin: Origin = "impact",
    amfs: Sequence[str] = (),
) -> None:
    """The five-minute counters of the AMFs (all by default) show it at the end of the period."""
    for amf in amfs or scene.network.names(Role.AMF):
        period = _next_period(time)
        value = round(scene.between(40, 85), 1)
        details: dict[str, str | int | float] = {"tac": tac, "value": value, "limit": 95}
        if until is None or until > time + timedelta(minutes=2):
            scene.marked(origin=origin).say(amf, "registration_rate", period, **details)
            if until is not None:
                end = max(_next_period(until), period + timedelta(minutes=5))
                scene.marked(origin=origin, cleared=True).say(
                    amf, "registration_rate", end, **details
                )


def _next_period(time: datetime) -> datetime:
    """The end of the five-minute counting period, and a little for collection."""
    seconds = 300 - time.timestamp() % 300
    return time + timedelta(seconds=seconds + 12)


def _managers_miss(scene: Scene, outage: Outage, origin: Origin) -> None:
    """Element managers poll, and after missed polls say so."""
    network = scene.network
    named = {
        Role.GNB: "gnb_unreachable",
        Role.CELL_SITE_ROUTER: "router_unreachable",
        Role.PRE_AGGREGATION: "router_unreachable",
        Role.AGGREGATION: "router_unreachable",
    }
    missed = [
        (name, named[network.elements[name].role])
        for name in network.elements
        if name in outage.gone and network.elements[name].role in named
    ]
    missed += [(power, "power_unreachable") for power in unreachable_power(network, outage.gone)]
    for name, alarm in missed:
        role = network.elements[name].role
        out_of_band = role in (Role.PRE_AGGREGATION, Role.AGGREGATION)
        if out_of_band and name not in outage.dead:
            continue
        wait = round(scene.between(62, 178))
        down = outage.since + timedelta(seconds=wait)
        address = (
            gnb_address(network, name)
            if role is Role.GNB
            else network.loopbacks.get(name, "10.250.16.1")
        )
        details: dict[str, str | int | float] = {"seconds": wait, "address": address}
        if outage.until is not None and outage.until < down:
            continue
        scene.marked(origin=origin).say(name, alarm, down, **details)
        if outage.until is not None:
            up = outage.until + timedelta(seconds=scene.between(20, 70))
            scene.marked(origin=origin, cleared=True).say(name, alarm, up, **details)


def unreachable_power(network: Network, gone: Collection[str]) -> list[str]:
    """Site power controllers whose every powered router is out of reach."""
    found = []
    for power in network.names(Role.POWER):
        routers = [
            name for name in network.dependants(power, "powers") if network.elements[name].is_router
        ]
        if routers and all(name in gone for name in routers):
            found.append(power)
    return found


def clocks_lose_source(
    scene: Scene,
    gnbs: Collection[str],
    time: datetime,
    *,
    reason: str,
    holdover_minutes: tuple[float, float],
) -> None:
    """The gNBs run on their own oscillator until it has drifted out of the phase budget."""
    for gnb in gnbs:
        router = scene.network.router_of(gnb)
        start = time + timedelta(seconds=scene.between(2, 14))
        scene.say(gnb, "sync_holdover", start, peer=router, reason=reason)
        late = start + timedelta(minutes=scene.between(*holdover_minutes))
        value = scene.rng.randint(1510, 2400)
        scene.say(gnb, "phase_error", late, value=value, limit=1500)
        for cell in CELLS:
            if scene.rng.random() < 0.7:
                later = late + timedelta(seconds=scene.between(5, 120))
                power = round(scene.between(-98, -88), 1)
                scene.say(gnb, "interference", later, cell=cell, value=power, limit=-105)
