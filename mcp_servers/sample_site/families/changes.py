"""A change that breaks something: the commit, its log records, and the lines that prove it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from difflib import unified_diff

from mcp_servers.sample_site.configuration import DeviceConfiguration, RanConfiguration
from mcp_servers.sample_site.daily_life import session_records
from mcp_servers.sample_site.people import staff
from mcp_servers.sample_site.scene import Scene
from mcp_servers.sample_site.syntaxes import render


def changed_lines(before: str, after: str) -> list[str]:
    """Lines that were removed or added, without a sign, each once."""
    difference = unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    lines = [line for line in difference if not line.startswith(("---", "+++", "@@"))]
    return list(dict.fromkeys(line[1:] for line in lines if line[1:].strip()))


def change_router(
    scene: Scene, name: str, edit: Callable[[DeviceConfiguration], None], *, seconds_before: float
) -> None:
    """Somebody commits the fatal change on a router, some seconds before the onset."""
    settings = scene.history.of_router(name)
    before = render(settings)
    edit(settings)
    moment = scene.after(-seconds_before)
    user = staff(scene.rng)
    commit = scene.commit(settings, moment, user)
    scene.decisive += changed_lines(before, commit.text)
    for event in session_records(name, user, moment, scene.rng, scene.rng.randint(300, 400)):
        decisive = event.name == "config_commit"
        scene.marked(origin="cause", decisive=decisive).say(
            name, event.name, event.time, **event.details
        )


def change_gnb(
    scene: Scene, name: str, edit: Callable[[RanConfiguration], None], *, seconds_before: float
) -> None:
    """Somebody activates the fatal parameters on a gNB; gNBs do not log that."""
    settings = scene.history.of_gnb(name)
    before = render(settings)
    edit(settings)
    moment = scene.after(-seconds_before) + timedelta(seconds=1)
    commit = scene.commit(settings, moment, staff(scene.rng))
    scene.decisive += changed_lines(before, commit.text)
