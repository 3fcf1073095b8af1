"""Faults of whole nodes: a router that dies without a word, a site that runs out of power."""

from __future__ import annotations

from datetime import timedelta

from mcp_servers.sample_site.families.victims import hubs_with_cells, users_notice, way_to_users
from mcp_servers.sample_site.faults import nodes_die
from mcp_servers.sample_site.network import Role
from mcp_servers.sample_site.scene import Scene


def ring_node_silent(scene: Scene) -> None:
    """A pre-aggregation router dies; it says nothing, and nobody polls it any more either."""
    hub = scene.rng.choice(hubs_with_cells(scene, at_least=2))
    scene.touched.setdefault(hub)
    outage = nodes_die(scene, [hub], scene.onset, unpolled=[hub])
    scene.prove(lambda e: e.name == "link_down" and e.details.get("neighbor") == hub)
    scene.blame(hub, "router dead: all its neighbours lost it at once and it says nothing")
    users_notice(scene, outage.gone)
    scene.path += way_to_users(scene, hub, outage.isolated)


def site_power(scene: Scene) -> None:
    """Mains fails, the battery runs down, and everything at the place goes dark."""
    network, rng = scene.network, scene.rng
    routers = hubs_with_cells(scene, at_least=2) if rng.random() < 0.6 else _cell_sites(scene)
    router = rng.choice(routers)
    power = network.providers(router, "powers")[0]
    fed = network.dependants(power, "powers")
    scene.touched.update(dict.fromkeys((power, *fed)))
    minutes = rng.randint(24, 43)

    def report(name: str, before: float, **details: int | float) -> None:
        moment = scene.after(-before)
        scene.marked(origin="cause", decisive=True).say(power, name, moment, **details)

    report("mains_fail", 60 * minutes)
    report("battery_discharge", 60 * minutes - 35, value=rng.randint(22, 55), minutes=minutes + 9)
    report("battery_low", scene.between(60, 140), value=44.6)
    outage = nodes_die(scene, fed, scene.onset)
    scene.blame(
        power,
        "mains failure, battery empty, load disconnected",
        acceptable=[name for name in fed if network.elements[name].is_router],
    )
    users_notice(scene, outage.gone)
    scene.starts = timedelta(minutes=minutes + rng.randint(3, 9))
    scene.path += [power, *way_to_users(scene, router, outage.gone)]


def _cell_sites(scene: Scene) -> list[str]:
    """Cell site routers with two gNBs or another site behind them, where there are any."""
    network = scene.network
    counts = {
        name: sum(network.elements[n].role is Role.GNB for n in network.isolated(without=[name]))
        for name in network.names(Role.CELL_SITE_ROUTER)
        if name not in scene.touched
    }
    wanted = min(2, max(counts.values()))
    return [name for name, count in counts.items() if count >= wanted]
