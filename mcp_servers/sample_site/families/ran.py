"""A wrong radio parameter: the disturber is clean, its neighbours suffer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from mcp_servers.sample_site.configuration import CellSettings, RanConfiguration
from mcp_servers.sample_site.families.changes import change_gnb
from mcp_servers.sample_site.network import Role
from mcp_servers.sample_site.scene import Scene
from mcp_servers.sample_site.service_impact import CELLS, release_users


def ran_parameter_change(scene: Scene) -> None:
    """One cell gets another TDD pattern, PCI or tracking area than its surroundings."""
    network, rng = scene.network, scene.rng
    gnbs = network.names(Role.GNB)
    most = max(len(network.xn_neighbors(gnb)) for gnb in gnbs)
    gnb = rng.choice([name for name in gnbs if len(network.xn_neighbors(name)) >= min(5, most)])
    scene.touched.setdefault(gnb)
    cell = rng.choice(CELLS)
    kind = rng.choice(("tdd", "pci"))
    words: dict[str, tuple[Callable[[CellSettings], None], str]] = {
        "tdd": (_wrong_tdd, "TDD pattern differs from the surrounding cells"),
        "pci": (_wrong_pci, "physical cell identity collides with neighbours"),
    }
    change, cause = words[kind]

    def edit(settings: RanConfiguration) -> None:
        change(settings.cells[cell])

    change_gnb(scene, gnb, edit, seconds_before=scene.between(30, 120))
    scene.blame(gnb, f"{cell}: {cause}", acceptable=[f"{gnb}:{cell}"])
    for neighbor in network.xn_neighbors(gnb):
        seconds = scene.between(5, 200)
        while seconds < 1200:
            own = rng.choice(CELLS)
            moment = scene.after(seconds)
            if kind == "tdd" and rng.random() < 0.7:
                value = round(scene.between(-97, -86), 1)
                scene.say(neighbor, "interference", moment, cell=own, value=value, limit=-105)
            else:
                value = round(scene.between(22, 71), 1)
                scene.say(
                    neighbor, "handover_failures", moment, cell=own, peer=gnb, value=value, limit=95
                )
            seconds += scene.between(150, 330)
        if rng.random() < 0.8:
            release_users(scene, neighbor, scene.after(scene.between(60, 900)), count=1)
    scene.ends = timedelta(minutes=20)
    scene.path += [gnb, *network.xn_neighbors(gnb)[:2]]


def _wrong_tdd(cell: CellSettings) -> None:
    cell.tdd_pattern = "DDSUU"


def _wrong_pci(cell: CellSettings) -> None:
    cell.pci = (cell.pci + 3) % 1008
