"""One configuration change on a transport node takes its routing adjacencies away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from mcp_servers.sample_site.configuration import DeviceConfiguration, PortSettings
from mcp_servers.sample_site.families.changes import change_router
from mcp_servers.sample_site.families.victims import hubs_with_cells, users_notice, way_to_users
from mcp_servers.sample_site.faults import crowded_path, detour
from mcp_servers.sample_site.network import Cable, Role
from mcp_servers.sample_site.scene import Scene
from mcp_servers.sample_site.service_impact import cut_off
from mcp_servers.sample_site.transport_impact import (
    adjacency_falls,
    adjacency_returns,
    bfd_fails,
    port_details,
)


def write(scene: Scene) -> None:
    """A pre-aggregation router is reconfigured on both of its ring interfaces."""
    hub = scene.rng.choice(hubs_with_cells(scene))
    scene.touched.setdefault(hub)
    ring = [cable for cable in scene.network.cables_of(hub) if cable.protocol == "isis"]
    variant = scene.rng.choice(("level", "mtu", "circuit", "passive", "bfd"))
    _VARIANTS[variant](scene, hub, ring)
    scene.acceptable += [cable.managed_object(hub) for cable in ring]
    scene.token_target = scene.rng.randint(18_500, 21_500)


def _ring_ports(settings: DeviceConfiguration) -> list[PortSettings]:
    return [port for port in settings.ports.values() if port.protocol == "isis"]


def _level(scene: Scene, hub: str, ring: list[Cable]) -> None:
    def edit(settings: DeviceConfiguration) -> None:
        settings.isis_level = 1
        for port in _ring_ports(settings):
            port.level = 1

    change_router(scene, hub, edit, seconds_before=scene.between(0.5, 3))
    scene.blame(hub, "IS-IS level changed to level-1, neighbours run level-2")
    _adjacencies_end(scene, hub, ring, own="config", mismatch="level")


def _mtu(scene: Scene, hub: str, ring: list[Cable]) -> None:
    wrong = scene.rng.choice((1500, 1514, 2000))

    def edit(settings: DeviceConfiguration) -> None:
        for port in _ring_ports(settings):
            port.mtu = wrong

    change_router(scene, hub, edit, seconds_before=scene.between(20, 30))
    scene.blame(hub, f"MTU of both ring interfaces changed to {wrong}, neighbours have 9216")
    _adjacencies_end(scene, hub, ring, own="hold", mismatch="mtu")


def _circuit(scene: Scene, hub: str, ring: list[Cable]) -> None:
    def edit(settings: DeviceConfiguration) -> None:
        for port in _ring_ports(settings):
            port.point_to_point = False

    change_router(scene, hub, edit, seconds_before=scene.between(0.5, 3))
    scene.blame(hub, "IS-IS point-to-point removed from both ring interfaces")
    _adjacencies_end(scene, hub, ring, own="config", mismatch="network")


def _passive(scene: Scene, hub: str, ring: list[Cable]) -> None:
    def edit(settings: DeviceConfiguration) -> None:
        for port in _ring_ports(settings):
            port.passive = True

    change_router(scene, hub, edit, seconds_before=scene.between(0.5, 3))
    scene.blame(hub, "both ring interfaces set passive in IS-IS")
    _adjacencies_end(scene, hub, ring, own="config", mismatch=None)


def _adjacencies_end(
    scene: Scene, hub: str, ring: list[Cable], *, own: str, mismatch: str | None
) -> None:
    """Both ring adjacencies end for good: at the changed end at once, at the far end by timer."""
    time = scene.onset
    for cable in ring:
        adjacency_falls(scene, cable, hub, time, reason=own, origin="cause")
        far = cable.far(hub)
        wait = scene.between(0.2, 6) if own == "hold" else scene.between(20, 29.5)
        fallen = time + timedelta(seconds=wait)
        adjacency_falls(scene, cable, far, fallen, reason="hold", decisive=mismatch is None)
        if mismatch is not None:
            # Devices limit these to a few: the first hellos, then once in minutes.
            moment = time + timedelta(seconds=scene.between(1, 9))
            for _ in range(4):
                details = port_details(scene.network, cable, far)
                scene.marked(decisive=True).say(
                    far, "isis_mismatch", moment, reason=mismatch, **details
                )
                moment += timedelta(seconds=scene.between(170, 320))
    detour(scene, ring, time)
    isolated = [name for name in scene.network.isolated(cut=ring) if name != hub]
    cut_off(scene, time + timedelta(seconds=1), isolated=[hub, *isolated])
    users_notice(scene, isolated, minutes=35)
    scene.path += [*way_to_users(scene, hub, isolated), scene.network.names(Role.AMF)[0]]


def _bfd(scene: Scene, hub: str, ring: list[Cable]) -> None:
    wrong = scene.rng.choice((10, 15))

    def edit(settings: DeviceConfiguration) -> None:
        for port in _ring_ports(settings):
            port.bfd_interval_ms = wrong

    change_router(scene, hub, edit, seconds_before=scene.between(40, 150))
    scene.blame(hub, f"BFD interval of both ring interfaces changed from 150 to {wrong} ms")
    isolated = [name for name in scene.network.isolated(cut=ring) if name != hub]
    moment, blackouts = scene.onset, 0
    while moment < scene.after(1800):
        for cable in ring:
            if moment > scene.onset and scene.rng.random() < 0.4:
                continue
            start = moment + timedelta(seconds=scene.between(0, 2))
            bfd_fails(scene, cable, start, first=cable.far(hub))
            back = start + timedelta(seconds=scene.between(4, 11))
            for name in (hub, cable.far(hub)):
                adjacency_falls(scene, cable, name, start, reason="bfd")
                adjacency_returns(scene, cable, name, back)
        if blackouts == 0 and scene.rng.random() < 0.6:
            _blackout(scene, isolated, moment)
            blackouts += 1
        moment += timedelta(seconds=scene.between(70, 210))
    detour(scene, ring, scene.onset)
    behind = [n for n in isolated if scene.network.elements[n].role is Role.GNB]
    crowded_path(scene, behind, scene.onset, rounds=5)
    users_notice(scene, isolated, minutes=35)
    scene.path += [*way_to_users(scene, hub, isolated), scene.network.names(Role.AMF)[0]]


def _blackout(scene: Scene, isolated: list[str], time: datetime) -> None:
    """Both sides down at once for some seconds: signalling associations do not survive that."""
    cut_off(
        scene,
        time + timedelta(seconds=1),
        isolated=isolated,
        until=time + timedelta(seconds=scene.between(16, 40)),
    )


_VARIANTS: dict[str, Callable[[Scene, str, list[Cable]], None]] = {
    "level": _level,
    "mtu": _mtu,
    "circuit": _circuit,
    "passive": _passive,
    "bfd": _bfd,
}
