"""Faults of links and nodes with everything that follows: one call, one physical event."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from mcp_servers.sample_site.network import Cable, Role
from mcp_servers.sample_site.scene import Outage, Scene
from mcp_servers.sample_site.service_impact import cut_off
from mcp_servers.sample_site.transport_impact import link_fails, traffic_moves


def links_cut(
    scene: Scene,
    cables: Sequence[Cable],
    time: datetime,
    *,
    until: datetime | None = None,
    decisive_ends: Collection[str] = (),
    admin_end: str | None = None,
) -> Outage | None:
    """Links lose light at once; what has no other path is cut off."""
    for cable in cables:
        link_fails(
            scene,
            cable,
            time,
            until=until,
            decisive_ends=decisive_ends,
            admin_end=admin_end,
        )
    isolated = scene.network.isolated(cut=cables)
    detour(scene, cables, time, until=until)
    if not isolated:
        return None
    return cut_off(scene, time, isolated=isolated, until=until)


def nodes_die(
    scene: Scene,
    names: Sequence[str],
    time: datetime,
    *,
    until: datetime | None = None,
    unpolled: Collection[str] = (),
) -> Outage:
    """Elements go dark without a word; their neighbours lose the links.

    `unpolled` elements are out of their manager's sight, too: nobody raises an alarm on them.
    """
    network = scene.network
    cables = list(dict.fromkeys(cable for name in names for cable in network.cables_of(name)))
    for cable in cables:
        link_fails(scene, cable, time, until=until, silent=names)
    detour(scene, cables, time, until=until)
    outage = cut_off(scene, time, isolated=network.isolated(without=names), dead=names, until=until)
    scene.events = [
        event
        for event in scene.events
        if event.element not in unpolled or not event.name.endswith("_unreachable")
    ]
    return outage


def detour(
    scene: Scene, cables: Sequence[Cable], time: datetime, *, until: datetime | None = None
) -> None:
    """Where a ring is broken, its traffic takes the other way round."""
    rings = {
        scene.network.elements[name].ring
        for cable in cables
        if cable.protocol == "isis"
        for name, _ in cable.ends
    } - {None}
    for ring in sorted(rings, key=str):
        routers = [
            element.name
            for element in scene.network.of_role(Role.AGGREGATION, Role.PRE_AGGREGATION)
            if element.ring == ring
        ]
        some = scene.rng.sample(routers, min(3, len(routers)))
        traffic_moves(scene, some, time, until=until)


def crowded_path(
    scene: Scene,
    gnbs: Sequence[str],
    time: datetime,
    *,
    alarm: str = "packet_loss",
    rounds: int = 3,
    loss: tuple[float, float] = (0.4, 4.5),
) -> None:
    """The UPFs' probes towards gNBs lose packets, and users notice."""
    network = scene.network
    for gnb in gnbs:
        moment = time + timedelta(seconds=scene.between(45, 130))
        for _ in range(scene.rng.randint(1, rounds)):
            value = round(scene.between(*loss), 1)
            upf = network.user_planes[gnb]
            scene.say(upf, alarm, moment, peer=gnb, value=value, limit=0.3)
            moment += timedelta(seconds=scene.between(150, 330))
        if scene.rng.random() < 0.6:
            later = time + timedelta(seconds=scene.between(200, 500))
            value = round(scene.between(4, 18), 1)
            cell = f"CELL-{scene.rng.randint(1, 3)}"
            scene.say(gnb, "cell_degraded", later, cell=cell, value=value, limit=30)
