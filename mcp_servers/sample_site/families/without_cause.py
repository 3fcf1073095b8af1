"""Cases in which the honest answer is not a culprit: nothing, over again, or not to be known."""

from __future__ import annotations

from datetime import timedelta

from mcp_servers.sample_site.families.victims import access_uplinks, ring_cables, way_to_users
from mcp_servers.sample_site.faults import links_cut, nodes_die
from mcp_servers.sample_site.network import Role, rng_for
from mcp_servers.sample_site.scene import Scene
from mcp_servers.sample_site.service_impact import CELLS, cell_details
from mcp_servers.sample_site.transport_impact import port_details


def no_cause(scene: Scene) -> None:
    """Planned work, or the noise of every day at this hour: it looks like an incident."""
    scene.kind = "none"
    scene.distracted = False
    if scene.rng.random() < 0.5:
        _planned_work(scene)
    else:
        _same_every_day(scene)


def _planned_work(scene: Scene) -> None:
    """Some gNBs are upgraded one after the other; the managers know the maintenance window."""
    network, rng = scene.network, scene.rng
    ring = rng.choice([element.ring for element in network.of_role(Role.AGGREGATION)])
    names = [element.name for element in network.of_role(Role.GNB) if element.ring == ring]
    start = rng.randrange(max(1, len(names) - 6))
    for index, gnb in enumerate(names[start : start + 6]):
        scene.touched.setdefault(gnb)
        down = scene.after(70 * index + scene.between(0, 30))
        minutes = scene.between(4, 8)
        for amf in network.names(Role.AMF):
            details: dict[str, str | int] = {
                "peer": gnb,
                "address": network.cables_of(gnb)[0].address(gnb),
                "tac": network.tracking_areas[gnb],
                "reason": "SHUTDOWN received",
            }
            scene.marked(planned=True).say(amf, "amf_n2_lost", down, **details)
            back = down + timedelta(minutes=minutes, seconds=scene.between(2, 20))
            scene.marked(planned=True, cleared=True).say(amf, "amf_n2_lost", back, **details)
        for cell in CELLS:
            cell_down = {**cell_details(network, gnb, cell), "reason": "software upgrade"}
            scene.marked(planned=True).say(gnb, "cell_down", down, **cell_down)
            up = down + timedelta(minutes=minutes, seconds=scene.between(20, 60))
            scene.marked(planned=True, cleared=True).say(gnb, "cell_down", up, **cell_down)
        for neighbor in network.xn_neighbors(gnb):
            lost = down + timedelta(seconds=scene.between(0, 2))
            scene.marked(planned=True).say(neighbor, "xn_lost", lost, peer=gnb)
            back = down + timedelta(minutes=minutes, seconds=scene.between(20, 40))
            scene.marked(planned=True, cleared=True).say(neighbor, "xn_lost", back, peer=gnb)


def _same_every_day(scene: Scene) -> None:
    """Full cells, full links and a bad antenna, at the same hour on each of the last days."""
    network, rng = scene.network, scene.rng
    gnbs = rng.sample(network.names(Role.GNB), min(9, len(network.names(Role.GNB))))
    chronic = rng_for(network.seed, "chronic").sample(network.names(Role.GNB), 2)
    cables = rng.sample(ring_cables(scene), 3)
    pattern = [(gnb, rng.choice(CELLS), scene.between(0, 800)) for gnb in gnbs for _ in range(2)]
    for days in (3, 2, 1, 0):
        shift = -86_400 * days + scene.between(-60, 60)
        for gnb, cell, seconds in pattern:
            moment = scene.after(shift + seconds + scene.between(-40, 40))
            busy = rng.randint(90, 99)
            end = moment + timedelta(minutes=scene.between(3, 9))
            scene.say(gnb, "prb_usage", moment, cell=cell, value=busy, limit=90)
            scene.marked(cleared=True).say(gnb, "prb_usage", end, cell=cell, value=busy, limit=90)
        for cable in cables:
            moment = scene.after(shift + scene.between(60, 300))
            details = port_details(network, cable, cable.a)
            percent = rng.randint(86, 93)
            scene.say(cable.a, "utilization_high", moment, percent=percent, **details)
            end = moment + timedelta(minutes=scene.between(4, 11))
            scene.say(cable.a, "utilization_normal", end, percent=percent - 20, **details)
        for gnb in chronic:
            moment = scene.after(shift + scene.between(30, 500))
            vswr: dict[str, str | int | float] = {"unit": 1, "branch": "B", "value": 1.7}
            end = moment + timedelta(minutes=scene.between(1, 6))
            scene.say(gnb, "vswr", moment, **vswr)
            scene.marked(cleared=True).say(gnb, "vswr", end, **vswr)


def recovered(scene: Scene) -> None:
    """A fault that was over before anybody looked: a link that bounced, a router that restarted."""
    scene.kind = "recovered"
    network, rng = scene.network, scene.rng
    if rng.random() < 0.6:
        cable = rng.choice(access_uplinks(scene) if rng.random() < 0.6 else ring_cables(scene))
        scene.touched.update({cable.a: None, cable.b: None})
        until = scene.after(scene.between(34, 75))
        outage = links_cut(
            scene, [cable], scene.onset, until=until, decisive_ends=(cable.a, cable.b)
        )
        ends = [cable.a, cable.b, cable.managed_object(cable.b)]
        scene.blame(
            cable.managed_object(cable.a),
            f"link to {cable.b} lost light for less than two minutes",
            acceptable=ends,
        )
        lost = sorted(outage.isolated) if outage else []
        scene.path += [cable.a, *way_to_users(scene, cable.b, lost, avoiding=cable.a)]
    else:
        router = rng.choice(network.names(Role.CELL_SITE_ROUTER))
        scene.touched.setdefault(router)
        until = scene.after(scene.between(170, 290))
        outage = nodes_die(scene, [router], scene.onset, until=until)
        back = until + timedelta(seconds=scene.between(0.1, 1))
        scene.marked(origin="cause", decisive=True).say(router, "started", back)
        scene.blame(router, "router restarted by itself")
        scene.path += way_to_users(scene, router, outage.isolated)
    scene.ends = timedelta(minutes=16)


def missing_data(scene: Scene) -> None:
    """A cell site is dark, and the logs of everything that could tell why did not arrive.

    The router, its power, its fibre and the port above it stay possible: no line, no change and
    no second link tells them apart.
    """
    scene.kind = "missing"
    network, rng = scene.network, scene.rng
    single = [
        name
        for name in network.names(Role.CELL_SITE_ROUTER)
        if sum(cable.protocol == "ospf" for cable in network.cables_of(name)) == 1
    ]
    router = rng.choice(single)
    uplink = next(cable for cable in network.cables_of(router) if cable.protocol == "ospf")
    above = uplink.far(router)
    power = network.providers(router, "powers")
    scene.touched.update(dict.fromkeys((router, above, *power)))
    outage = nodes_die(scene, [router, *network.dependants(power[0], "powers")], scene.onset)
    collected = {cable.far(above) for cable in network.cables_of(above)}
    scene.unheard.update(collected | {above} | set(network.names(Role.REFLECTOR)))
    scene.unheard -= set(outage.gone) | set(network.names(Role.GNB))
    scene.path += way_to_users(scene, router, outage.gone)
    scene.undecided += [router, uplink.managed_object(above), *power]
