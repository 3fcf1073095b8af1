"""Forty days of configuration history, as Oxidized would have recorded them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mcp_servers.sample_site.configuration import (
    Configuration,
    DeviceConfiguration,
    RanConfiguration,
    first_configurations,
)
from mcp_servers.sample_site.everyday_changes import change_something
from mcp_servers.sample_site.network import Element, Network, Role, rng_for
from mcp_servers.sample_site.people import staff
from mcp_servers.sample_site.syntaxes import render

HISTORY = timedelta(days=40)
EVERYDAY_CHANGES = 240
"""Commits beside the first import and the incident's own."""

_GROUPS = {
    Role.CORE: "core",
    Role.BORDER: "core",
    Role.REFLECTOR: "core",
    Role.LEAF: "datacenter",
    Role.AGGREGATION: "aggregation",
    Role.PRE_AGGREGATION: "aggregation",
    Role.CELL_SITE_ROUTER: "access",
    Role.GNB: "ran",
}


@dataclass(frozen=True, slots=True)
class ConfigCommit:
    """One file of one commit, as Oxidized makes them."""

    time: datetime
    element: str
    path: str
    text: str
    author: str


@dataclass(frozen=True)
class ConfigHistory:
    """What the repository holds before any incident."""

    commits: tuple[ConfigCommit, ...]
    """In time order; the first import comes first."""
    configurations: Mapping[str, Configuration]
    """Settings at the end of history, by element."""

    def of_router(self, name: str) -> DeviceConfiguration:
        """A copy of a router's settings, free to change."""
        settings = deepcopy(self.configurations[name])
        assert isinstance(settings, DeviceConfiguration)  # callers ask for routers only
        return settings

    def of_gnb(self, name: str) -> RanConfiguration:
        """A copy of a gNB's parameters, free to change."""
        settings = deepcopy(self.configurations[name])
        assert isinstance(settings, RanConfiguration)  # callers ask for gNBs only
        return settings


def config_path(element: Element) -> str:
    """Where an element's configuration is in the repository: group, then name."""
    return f"{_GROUPS[element.role]}/{element.name}"


def start_of_history(network: Network) -> datetime:
    """When the first import was made; the network's seed decides, not a clock."""
    days = rng_for(network.seed, "calendar").randrange(110)
    return datetime(2026, 3, 30, 4, 0, tzinfo=UTC) + timedelta(days=days)


def end_of_history(network: Network) -> datetime:
    """The instant up to which everyday life is generated; incidents begin after it."""
    return start_of_history(network) + HISTORY


def commit_of(
    network: Network, settings: Configuration, time: datetime, author: str
) -> ConfigCommit:
    """One commit of an element's settings as they are now."""
    path = config_path(network.elements[settings.name])
    return ConfigCommit(time, settings.name, path, render(settings), author)


def build_history(network: Network) -> ConfigHistory:
    """First import, then everyday changes over forty days."""
    rng = rng_for(network.seed, "history")
    start = start_of_history(network)
    settings = first_configurations(network)
    commits = [
        commit_of(network, one, start + timedelta(seconds=2 * index), "oxidized")
        for index, one in enumerate(settings.values())
    ]
    seconds = int(HISTORY.total_seconds()) - 7200
    moments = sorted(rng.randrange(7200, seconds) for _ in range(EVERYDAY_CHANGES))
    names = list(settings)
    # Routers change more often than cells, and transport more often than the core.
    weights = [1 if isinstance(one, RanConfiguration) else 3 for one in settings.values()]
    for moment in moments:
        name = rng.choices(names, weights)[0]
        change_something(settings[name], rng)
        time = start + timedelta(seconds=moment)
        commits.append(commit_of(network, settings[name], time, staff(rng)))
    return ConfigHistory(tuple(commits), settings)
