"""Sample sites and incidents that several tests look at; generated once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from mcp_servers.sample_site import Incident, Truth, build_network, generate, generate_incident
from mcp_servers.sample_site.config_history import ConfigHistory, build_history
from mcp_servers.sample_site.network import Network


@cache
def _world(seed: int) -> tuple[Network, ConfigHistory]:
    network = build_network(seed=seed)
    return network, build_history(network)


@cache
def _incident(family: str, seed: int) -> Incident:
    network, history = _world(seed)
    return generate_incident(network, family, seed, history=history)


@pytest.fixture(scope="session")
def network_of() -> Callable[[int], Network]:
    """The network of a seed, built once."""
    return lambda seed: _world(seed)[0]


@pytest.fixture(scope="session")
def incident_of() -> Callable[[str, int], Incident]:
    """The incident of a family and seed on that seed's network, generated once."""
    return _incident


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """The default sample site."""
    directory = tmp_path_factory.mktemp("sample") / "site"
    return directory, generate(directory)
