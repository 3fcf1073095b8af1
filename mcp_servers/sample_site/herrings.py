"""Red herrings: true things that happen near the onset and have nothing to do with it."""

from __future__ import annotations

from datetime import timedelta

from mcp_servers.sample_site.configuration import DeviceConfiguration
from mcp_servers.sample_site.daily_life import session_records
from mcp_servers.sample_site.everyday_changes import change_something
from mcp_servers.sample_site.network import Role
from mcp_servers.sample_site.people import staff
from mcp_servers.sample_site.scene import Scene


def add_herrings(scene: Scene) -> None:
    """An unrelated commit or two, and trouble with power or a cell elsewhere."""
    for _ in range(scene.rng.choice((1, 1, 2))):
        _unrelated_commit(scene)
    if not scene.distracted:
        return
    _power_elsewhere(scene)
    if scene.rng.random() < 0.6:
        _antenna_elsewhere(scene)


def elsewhere(scene: Scene, *roles: Role) -> list[str]:
    """Elements of some roles at places that the cause does not concern."""
    network = scene.network
    near = set(scene.touched)
    for name in scene.touched:
        near.update(cable.far(name) for cable in network.cables_of(name))
        near.update(provider for provider, _, dependant in network.relations if dependant == name)
    places = {network.elements[name].place for name in near}
    return [
        element.name
        for element in network.of_role(*roles)
        if element.name not in near and element.place not in places
    ]


def _unrelated_commit(scene: Scene) -> None:
    """A change of a description, a time server or the like, minutes before the onset."""
    names = elsewhere(
        scene, Role.PRE_AGGREGATION, Role.AGGREGATION, Role.CELL_SITE_ROUTER, Role.LEAF, Role.CORE
    )
    name = scene.rng.choice([n for n in names if n not in scene.herrings] or names)
    settings = scene.history.of_router(name)
    assert isinstance(settings, DeviceConfiguration)  # all of these roles are routers
    change_something(settings, scene.rng)
    moment = scene.after(-scene.between(25, 900))
    user = staff(scene.rng)
    scene.commit(settings, moment, user)
    number = scene.rng.randint(300, 400)
    for event in session_records(name, user, moment, scene.rng, number):
        scene.events.append(event.as_origin("herring"))
    scene.herrings.setdefault(name)


def _power_elsewhere(scene: Scene) -> None:
    """Mains fails at another site, whose battery holds."""
    names = elsewhere(scene, Role.POWER)
    if not names:
        return
    power = scene.rng.choice(names)
    start = scene.after(-scene.between(20, 420))
    scene.marked(origin="herring").say(power, "mains_fail", start)
    later = start + timedelta(seconds=scene.between(20, 60))
    amperes, minutes = scene.rng.randint(18, 46), scene.rng.randint(180, 400)
    scene.marked(origin="herring").say(
        power, "battery_discharge", later, value=amperes, minutes=minutes
    )
    if scene.rng.random() < 0.5:
        back = start + timedelta(minutes=scene.between(12, 40))
        scene.marked(origin="herring", cleared=True).say(power, "mains_fail", back)
    scene.herrings.setdefault(power)


def _antenna_elsewhere(scene: Scene) -> None:
    names = elsewhere(scene, Role.GNB)
    if not names:
        return
    gnb = scene.rng.choice(names)
    moment = scene.after(scene.between(-300, 120))
    scene.marked(origin="herring").say(gnb, "vswr", moment, unit=2, branch="A", value=1.9)
    cell = f"CELL-{scene.rng.randint(1, 3)}"
    later = moment + timedelta(seconds=scene.between(1, 30))
    scene.marked(origin="herring").say(gnb, "cell_degraded", later, cell=cell, value=11.5, limit=30)
    scene.herrings.setdefault(gnb)
