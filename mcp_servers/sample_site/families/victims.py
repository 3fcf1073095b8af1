"""Who may be hit, and who notices: shared by the families."""

from __future__ import annotations

from collections.abc import Collection

from mcp_servers.sample_site.network import Cable, Role
from mcp_servers.sample_site.scene import Scene
from mcp_servers.sample_site.service_impact import registrations_suffer, release_users


def hubs_with_cells(scene: Scene, *, at_least: int = 3) -> list[str]:
    """Pre-aggregation routers that gNBs depend on; those with the most where none has so many."""
    network = scene.network
    counts = {
        hub: sum(network.elements[n].role is Role.GNB for n in network.isolated(without=[hub]))
        for hub in network.names(Role.PRE_AGGREGATION)
        if hub not in scene.touched
    }
    wanted = min(at_least, max(counts.values()))
    return [hub for hub, count in counts.items() if count >= wanted]


def ring_cables(scene: Scene) -> list[Cable]:
    """Links of the aggregation rings: without one of them everybody still has a path."""
    rings = (Role.PRE_AGGREGATION, Role.AGGREGATION)
    elements = scene.network.elements
    return [
        cable
        for cable in scene.network.cables
        if cable.protocol == "isis"
        and elements[cable.a].role in rings
        and elements[cable.b].role in rings
        and not {cable.a, cable.b} & set(scene.touched)
    ]


def access_uplinks(scene: Scene) -> list[Cable]:
    """Only uplinks of cell sites, those with most gNBs behind them first choice."""
    network = scene.network
    counts: dict[Cable, int] = {}
    for cable in network.cables:
        if cable.protocol == "ospf" and not {cable.a, cable.b} & set(scene.touched):
            lost = network.isolated(cut=[cable])
            counts[cable] = sum(network.elements[name].role is Role.GNB for name in lost)
    wanted = min(2, max(counts.values()))
    return [cable for cable, count in counts.items() if count >= wanted]


def gnbs_of_ring(scene: Scene, ring: int | None, *, share: float) -> list[str]:
    """Some of a ring's gNBs."""
    names = [element.name for element in scene.network.of_role(Role.GNB) if element.ring == ring]
    return [name for name in names if scene.rng.random() < share] or names[:1]


def way_to_users(
    scene: Scene, start: str, victims: Collection[str], *, avoiding: str | None = None
) -> list[str]:
    """From a router to the nearest side's first gNB of `victims`, every step over a cable."""
    network = scene.network
    for name in network.elements:
        if name in victims and network.elements[name].role is Role.GNB:
            steps = network.path(start, name)
            if avoiding not in steps:
                return steps
    return [start]


def users_notice(scene: Scene, lost: Collection[str], *, minutes: int = 25) -> None:
    """While cells are dark: handovers to them fail, other cells fill up, users are released."""
    network = scene.network
    gnbs = [
        name
        for name in network.elements
        if name in lost and network.elements[name].role is Role.GNB
    ]
    for gnb in gnbs:
        for neighbor in network.xn_neighbors(gnb):
            if neighbor not in lost:
                _neighbor_suffers(scene, neighbor, gnb, minutes)
        for minute in range(0, minutes, 6):
            release_users(scene, gnb, scene.after(60 * minute + 30), count=1)
    for tac in dict.fromkeys(network.tracking_areas[gnb] for gnb in gnbs):
        for minute in range(6, minutes + 5, 5):
            registrations_suffer(scene, tac, scene.after(60 * minute), None)


def _neighbor_suffers(scene: Scene, neighbor: str, dark: str, minutes: int) -> None:
    seconds = scene.between(60, 420)
    while seconds < 60 * minutes:
        moment = scene.after(seconds)
        cell = f"CELL-{scene.rng.randint(1, 3)}"
        if scene.rng.random() < 0.5:
            value = round(scene.between(31, 88), 1)
            scene.say(
                neighbor, "handover_failures", moment, cell=cell, peer=dark, value=value, limit=95
            )
        else:
            busy = scene.rng.randint(91, 99)
            scene.say(neighbor, "prb_usage", moment, cell=cell, value=busy, limit=90)
        seconds += scene.between(240, 500)
