"""Configurations agree with the network, and everyday changes break nothing."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_interface

from mcp_servers.sample_site import FAMILIES, Incident
from mcp_servers.sample_site.config_history import build_history
from mcp_servers.sample_site.configuration import DeviceConfiguration, PortSettings
from mcp_servers.sample_site.families.changes import changed_lines
from mcp_servers.sample_site.network import Dialect, Network, Role

NetworkOf = Callable[[int], Network]
IncidentOf = Callable[[str, int], Incident]


def _both_ends(network: Network) -> list[tuple[PortSettings, PortSettings]]:
    settings = build_history(network).configurations
    pairs = []
    for cable in network.cables:
        near, far = settings.get(cable.a), settings.get(cable.b)
        if isinstance(near, DeviceConfiguration) and isinstance(far, DeviceConfiguration):
            pairs.append((near.ports[cable.a_port], far.ports[cable.b_port]))
    return pairs


def test_both_ends_of_every_link_agree_after_forty_days(network_of: NetworkOf) -> None:
    """Us: the decoys are harmless, so that the one change stands out by its effect alone."""
    for seed in (1, 2, 3):
        for near, far in _both_ends(network_of(seed)):
            assert (near.mtu, near.protocol, near.area) == (far.mtu, far.protocol, far.area)
            assert near.level == far.level
            assert near.point_to_point == far.point_to_point
            assert near.bfd_interval_ms == far.bfd_interval_ms
            assert near.enabled
            assert far.enabled
            assert not near.passive
            assert ip_interface(near.address).network == ip_interface(far.address).network


def test_every_router_and_gnb_has_a_configuration_in_its_vendors_syntax(
    network_of: NetworkOf,
) -> None:
    """Us: several vendors' syntax."""
    network = network_of(1)
    first_lines = {
        Dialect.IOS_XR: "!! IOS XR",
        Dialect.IOS: "!",
        Dialect.JUNOS: "version",
        Dialect.SR_OS: "# TiMOS",
        Dialect.VRP: "!Software Version",
        Dialect.EOS: "! device",
        Dialect.RAN: "managed-element",
    }
    seen = {}
    for commit in build_history(network).commits:
        dialect = network.elements[commit.element].dialect
        assert commit.text.startswith(first_lines[dialect])
        assert network.elements[commit.element].name in commit.text
        seen[commit.element] = dialect
    configurable = {e.name for e in network.elements.values() if e.is_router or e.role is Role.GNB}
    assert set(seen) == configurable
    assert set(seen.values()) == set(first_lines)


def test_every_commit_changes_its_file(network_of: NetworkOf) -> None:
    """Oxidized commits only what differs."""
    known: dict[str, str] = {}
    for commit in build_history(network_of(1)).commits:
        assert commit.text != known.get(commit.path)
        known[commit.path] = commit.text


def test_neighbors_in_logs_are_addresses_in_configurations(
    network_of: NetworkOf, incident_of: IncidentOf
) -> None:
    """Us: neighbour addresses in logs resolve."""
    network = network_of(1)
    owners = {address: name for name, address in network.loopbacks.items()}
    configured = "\n".join(commit.text for commit in build_history(network).commits)
    for cable in network.cables:
        for name, _ in cable.ends:
            owners[cable.address(name)] = name
    for family in FAMILIES:
        for record in incident_of(family, 1).records:
            event = record.event
            if event.name not in ("bgp_down", "bfd_down", "ospf_down"):
                continue
            key = "neighbor" if event.name == "bgp_down" else "address"
            address = str(event.details[key])
            assert owners[address] != event.element
            assert address in configured


def test_changed_lines_are_the_difference_without_signs() -> None:
    """Us: decisive lines stand verbatim in a revision."""
    assert changed_lines("a\n mtu 9216\nz\n", "a\n mtu 1500\nz\n") == [" mtu 9216", " mtu 1500"]
    assert changed_lines("a\n", "a\n passive\n") == [" passive"]
