"""Loss of phase: a boundary clock misleads a whole ring."""

from __future__ import annotations

from datetime import timedelta

from mcp_servers.sample_site.network import Role
from mcp_servers.sample_site.scene import Scene
from mcp_servers.sample_site.service_impact import CELLS, clocks_lose_source


def timing_loss(scene: Scene) -> None:
    """A time stamping unit fails: one small alarm at the clock, a ring full of phase errors."""
    network, rng = scene.network, scene.rng
    clock = rng.choice(network.names(Role.BOUNDARY_CLOCK))
    scene.touched.setdefault(clock)
    routers = network.dependants(clock, "clocks")
    gnbs = [gnb for router in routers for gnb in network.dependants(router, "clocks")]
    for seconds in (scene.between(-15, -2), scene.between(400, 700)):
        scene.marked(origin="cause", decisive=True).say(
            clock, "servo_alarm", scene.after(seconds), unit=1, value=rng.randint(3000, 90000)
        )
    clocks_lose_source(
        scene, gnbs, scene.onset, reason="phase jump detected", holdover_minutes=(2.5, 14)
    )
    ring = network.elements[clock].ring
    strangers = {
        neighbor
        for gnb in gnbs
        for neighbor in network.xn_neighbors(gnb)
        if network.elements[neighbor].ring != ring
    }
    for gnb in sorted(strangers):
        moment = scene.after(scene.between(400, 900))
        value = round(scene.between(-99, -90), 1)
        scene.say(gnb, "interference", moment, cell=rng.choice(CELLS), value=value, limit=-105)
    scene.blame(clock, "time stamping unit gives wrong phase to the whole ring")
    scene.ends = timedelta(minutes=20)
    scene.path += [clock, *routers[:1], *network.dependants(routers[0], "clocks")[:1]]
