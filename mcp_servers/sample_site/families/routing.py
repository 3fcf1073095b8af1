"""Changes that keep every session up and lose traffic all the same."""

from __future__ import annotations

from datetime import timedelta

from mcp_servers.sample_site.configuration import DeviceConfiguration, PolicyTerm
from mcp_servers.sample_site.families.changes import change_router
from mcp_servers.sample_site.families.victims import access_uplinks, way_to_users
from mcp_servers.sample_site.faults import crowded_path
from mcp_servers.sample_site.network import Role
from mcp_servers.sample_site.scene import Scene

_PROBES = ("resolver.example.net", "198.51.100.250", "cdn.example.org")


def bgp_policy_error(scene: Scene) -> None:
    """A border router stops announcing its subscriber pool: answers no longer find the way back."""
    network, rng = scene.network, scene.rng
    border = rng.choice(network.names(Role.BORDER))
    scene.touched.setdefault(border)
    number = network.names(Role.BORDER).index(border)
    wrong = rng.choice(("list", "term"))

    def edit(settings: DeviceConfiguration) -> None:
        if wrong == "list":
            settings.prefix_lists["SUBSCRIBER-POOL"] = ["100.80.0.0/14"]
        else:
            settings.policies["TO-TRANSIT"][0] = PolicyTerm("SUBSCRIBER-POOL", accept=False)

    change_router(scene, border, edit, seconds_before=scene.between(25, 70))
    scene.blame(border, "export policy to transit no longer announces the subscriber pool")
    upf = network.names(Role.UPF)[number]
    for target in _PROBES:
        moment = scene.after(scene.between(0, 40))
        for _ in range(rng.randint(3, 5)):
            scene.say(upf, "n6_probe", moment, target=target, reason="no reply")
            moment += timedelta(seconds=scene.between(120, 280))
    for minute in (5, 10, 15, 20):
        value = round(scene.between(0.3, 2.2), 2)
        moment = scene.after(60 * minute)
        scene.say(upf, "throughput_low", moment, value=value, percent=rng.randint(3, 14), limit=20)
    gnbs = [gnb for gnb, plane in network.user_planes.items() if plane == upf]
    _cells_slow(scene, gnbs)
    host = network.providers(upf, "hosts")[0]
    scene.path += [*network.path(border, host), upf, *gnbs[:1]]


def _cells_slow(scene: Scene, gnbs: list[str]) -> None:
    for gnb in gnbs:
        for number in (1, 2, 3):
            if scene.rng.random() < 0.5:
                moment = scene.after(scene.between(150, 1100))
                value = round(scene.between(0.2, 6), 1)
                scene.say(
                    gnb, "cell_degraded", moment, cell=f"CELL-{number}", value=value, limit=30
                )


def mtu_mismatch(scene: Scene) -> None:
    """One end of an access link gets a smaller MTU: full-size packets are lost, nothing else."""
    network = scene.network
    cable = scene.rng.choice(access_uplinks(scene))
    changed = cable.a
    scene.touched.update({cable.a: None, cable.b: None})
    wrong = scene.rng.choice((1500, 1514, 1518))

    def edit(settings: DeviceConfiguration) -> None:
        settings.ports[cable.port(changed)].mtu = wrong

    change_router(scene, changed, edit, seconds_before=scene.between(60, 240))
    behind = network.isolated(cut=[cable])
    gnbs = [name for name in behind if network.elements[name].role is Role.GNB]
    crowded_path(scene, gnbs, scene.onset, alarm="large_packet_loss", rounds=6, loss=(60, 100))
    _cells_slow(scene, gnbs)
    scene.blame(
        cable.managed_object(changed),
        f"MTU {wrong} on the port to {cable.b}, the other end has 2000",
        acceptable=[changed],
    )
    scene.path += [changed, *way_to_users(scene, cable.b, gnbs, avoiding=changed)]
    scene.path += [network.user_planes[gnb] for gnb in gnbs[:1]]
