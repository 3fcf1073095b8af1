"""Links by source: who says that two ports are joined, and whom to believe.

The operator's own table is believed before what elements saw (LLDP, CDP), that before an inventory
(NetBox), that before what addresses and descriptions suggest. A port that a better source joins
takes nothing from a worse one; what the worse one said instead stays visible as a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from telecom.evidence import Gap
from telecom.topology import Link, ManagedObject, Topology, port_key

LinkSource = Literal["topology", "lldp", "cdp", "netbox", "addresses", "descriptions", "bgp"]

TRUST: tuple[LinkSource, ...] = ("topology", "lldp", "cdp", "netbox", "addresses", "descriptions")
"""Best first."""


@dataclass(frozen=True, slots=True)
class ObservedLink:
    """One link as one source has it."""

    link: Link
    source: LinkSource
    locator: str
    """Where the source can be read again."""


@dataclass(frozen=True, slots=True)
class LinkReading:
    """What a source gave, and what of it could not be read."""

    links: tuple[ObservedLink, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def __add__(self, other: LinkReading) -> LinkReading:
        """Both readings as one."""
        return LinkReading(self.links + other.links, self.gaps + other.gaps)


def merged_topology(
    table: Topology, observed: Iterable[ObservedLink], devices: Iterable[str] = ()
) -> Topology:
    """The operator's table, completed by other sources where it says nothing.

    Args:
        table: `topology.csv`; spells whatever it knows.
        observed: Links of other sources, in any order.
        devices: Known without any link, such as devices that have a configuration.
    """
    topology = Topology.of(table.links, table.devices)
    taken = {end for link in table.links if link.relation == "connects" for end in _ports(link)}
    seen = tuple(observed)
    for source in TRUST[1:]:
        of_source = [each.link for each in seen if each.source == source]
        for link in of_source:
            a, b = topology.canonical(link.a), topology.canonical(link.b)
            if not taken & _ports(Link(a, b)) and not _known(topology, a, b):
                topology.add(Link(a, b, link.relation))
        taken |= {end for link in of_source for end in _ports(link)}
    for device in devices:
        topology.add_device(device)
    return topology


def _ports(link: Link) -> set[tuple[str, str]]:
    return {
        (end.device.lower(), port_key(end.port)) for end in (link.a, link.b) if end.port is not None
    }


def _known(topology: Topology, a: ManagedObject, b: ManagedObject) -> bool:
    """Whether a link without both ports says nothing that is not known."""
    if a.port is not None and b.port is not None:
        return False
    return bool(topology.between(a.device, b.device))
