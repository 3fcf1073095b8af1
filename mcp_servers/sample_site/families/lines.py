"""Faults of lines: a cut fibre, an ageing transceiver, a port that somebody shut."""

from __future__ import annotations

from datetime import timedelta

from mcp_servers.sample_site.configuration import DeviceConfiguration
from mcp_servers.sample_site.families.changes import change_router
from mcp_servers.sample_site.families.victims import (
    access_uplinks,
    gnbs_of_ring,
    ring_cables,
    users_notice,
    way_to_users,
)
from mcp_servers.sample_site.faults import crowded_path, links_cut
from mcp_servers.sample_site.network import Cable
from mcp_servers.sample_site.scene import Scene
from mcp_servers.sample_site.transport_impact import (
    adjacency_falls,
    adjacency_returns,
    bfd_fails,
    port_details,
)

DARK_DBM = -40.0
LOW_DBM = -14.0


def _both_ends(cable: Cable) -> list[str]:
    return [cable.a, cable.b, cable.managed_object(cable.a), cable.managed_object(cable.b)]


def fiber_cut(scene: Scene) -> None:
    """A fibre breaks: light is gone at both ends in the same instant."""
    rng = scene.rng
    cable = rng.choice(ring_cables(scene) if rng.random() < 0.6 else access_uplinks(scene))
    scene.touched.update({cable.a: None, cable.b: None})
    outage = links_cut(scene, [cable], scene.onset, decisive_ends=(cable.a, cable.b))
    for name, _ in cable.ends:
        moment = scene.after(scene.between(0.5, 2.5))
        details = port_details(scene.network, cable, name)
        dbm = DARK_DBM
        scene.marked(origin="cause", decisive=True).say(
            name, "optics_low", moment, dbm=dbm, limit=LOW_DBM, **details
        )
    scene.blame(
        cable.managed_object(cable.a),
        f"fibre to {cable.b} cut, no light at either end",
        acceptable=_both_ends(cable),
    )
    if outage is None:
        ring = scene.network.elements[cable.b].ring
        victims = gnbs_of_ring(scene, ring, share=0.7)
        crowded_path(scene, victims, scene.onset)
    else:
        victims = sorted(outage.isolated)
        users_notice(scene, victims)
    scene.path += [cable.a, *way_to_users(scene, cable.b, victims, avoiding=cable.a)]


def optics_degradation(scene: Scene) -> None:
    """A receiver hears less every day, until frames and then whole hellos are lost."""
    network, rng = scene.network, scene.rng
    cable = rng.choice(ring_cables(scene))
    scene.touched.update({cable.a: None, cable.b: None})
    ends = [cable.a, cable.b]
    rng.shuffle(ends)
    receiver, sender = ends
    details = port_details(network, cable, receiver)

    def warn(seconds: float, dbm: float) -> None:
        scene.marked(origin="cause", decisive=True).say(
            receiver, "optics_low", scene.after(seconds), dbm=dbm, limit=LOW_DBM, **details
        )

    warn(-1.7 * 86_400, -14.3)
    warn(-0.6 * 86_400, -15.2)
    warn(scene.between(-90, -20), -17.1)
    for seconds in (scene.between(2, 20), scene.between(300, 500), scene.between(700, 900)):
        count = rng.randint(900, 12_000)
        moment = scene.after(seconds)
        scene.marked(origin="cause", decisive=True).say(
            receiver, "crc_errors", moment, count=count, **details
        )
    moment = scene.onset + timedelta(seconds=4)
    for _ in range(rng.randint(2, 4)):
        bfd_fails(scene, cable, moment, first=receiver)
        back = moment + timedelta(seconds=scene.between(3, 9))
        for name in ends:
            adjacency_falls(scene, cable, name, moment, reason="bfd")
            adjacency_returns(scene, cable, name, back)
        moment += timedelta(seconds=scene.between(120, 330))
    ring = network.elements[cable.b].ring
    gnbs = gnbs_of_ring(scene, ring, share=0.8)
    crowded_path(scene, gnbs, scene.onset, rounds=4)
    scene.blame(
        cable.managed_object(receiver),
        f"receive power from {sender} too low, frames lost",
        acceptable=_both_ends(cable),
    )
    scene.path += [receiver, *way_to_users(scene, sender, gnbs, avoiding=receiver)]


def interface_shutdown(scene: Scene) -> None:
    """An operator shuts the wrong port: the one that a chain of cell sites hangs on."""
    cable = scene.rng.choice(access_uplinks(scene))
    above, below = cable.a, cable.b
    scene.touched.update({above: None, below: None})

    def edit(settings: DeviceConfiguration) -> None:
        settings.ports[cable.port(above)].enabled = False

    change_router(scene, above, edit, seconds_before=scene.between(0.3, 1.5))
    outage = links_cut(scene, [cable], scene.onset, admin_end=above, decisive_ends=(above,))
    scene.blame(
        cable.managed_object(above), f"port to {below} shut down by an operator", acceptable=[above]
    )
    lost = sorted(outage.isolated) if outage else []
    users_notice(scene, lost)
    scene.path += [above, *way_to_users(scene, below, lost, avoiding=above)]
