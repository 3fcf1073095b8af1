"""`Topology`: which managed objects exist, and what joins them.

A managed object is `device` or `device:port`, spelled as the site's own topology spells it; short
and long port names (`Hu0/0/0/1`, `HundredGigE0/0/0/1`) are the same port.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from telecom.csv_dialect import delimiter_of
from telecom.errors import SiteDirectoryError

_PORT = re.compile(r"^([A-Za-z][A-Za-z_-]*?)[ ]?(\d.*)$")

# Cisco, Arista, Juniper, Nokia and Huawei names that mean the same media; compared in lower case.
_PORT_FAMILIES = {
    "hundredgige": "hu",
    "hundredgigabitethernet": "hu",
    "100ge": "hu",
    "fortygige": "fo",
    "fortygigabitethernet": "fo",
    "twentyfivegige": "twe",
    "twentyfivegigabitethernet": "twe",
    "tengige": "te",
    "tengigabitethernet": "te",
    "xgigabitethernet": "te",
    "gigabitethernet": "gi",
    "gige": "gi",
    "ge": "gi",
    "fastethernet": "fa",
    "ethernet": "et",
    "eth": "et",
    "bundle-ether": "be",
    "port-channel": "po",
    "portchannel": "po",
    "loopback": "lo",
    "vlan": "vl",
    "vlanif": "vl",
    "management": "mg",
    "mgmteth": "mg",
    "mgmt": "mg",
    "serial": "se",
    "tunnel": "tu",
}


@lru_cache(maxsize=65_536)
def port_key(port: str) -> str:
    """Reduce a port name to the form in which short and long spellings are equal."""
    match = _PORT.match(port.strip())
    if match is None:
        return port.strip().lower()
    family, number = match.group(1).lower(), match.group(2).lower()
    return _PORT_FAMILIES.get(family, family) + number


@dataclass(frozen=True, slots=True, order=True)
class ManagedObject:
    """A network element, or one port of it."""

    device: str
    port: str | None = None

    @classmethod
    def parse(cls, text: str) -> ManagedObject:
        """Read `device` or `device:port`."""
        device, _, port = text.strip().partition(":")
        return cls(device, port or None)

    def __str__(self) -> str:
        return self.device if self.port is None else f"{self.device}:{self.port}"


@dataclass(frozen=True, slots=True)
class Link:
    """One row of `topology.csv`; `connects` is symmetric, every other relation points a -> b.

    `hosts`: a runs b. `serves`: a provides a service to b, so a's failure hurts b. `powers` and
    `clocks` are kinds of serving.
    """

    a: ManagedObject
    b: ManagedObject
    relation: str = "connects"

    def other_end(self, device: str) -> ManagedObject:
        """The end that is not on `device`."""
        return self.b if self.a.device == device else self.a


@dataclass(slots=True)
class Topology:
    """Managed objects and typed links, indexed for lookup by any spelling."""

    links: list[Link] = field(default_factory=list)
    _by_device: dict[str, list[Link]] = field(default_factory=dict, repr=False)
    _spelling: dict[str, str] = field(default_factory=dict, repr=False)
    _ports: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    _far: dict[tuple[str, str], list[Link]] = field(default_factory=dict, repr=False)
    _near: dict[str, dict[str, None]] = field(default_factory=dict, repr=False, compare=False)
    """Neighbours by device, as they were asked for; forgotten with every new link."""

    @classmethod
    def of(cls, links: Iterable[Link], devices: Iterable[str] = ()) -> Topology:
        """Build from links, and devices known without any link."""
        topology = cls()
        for device in devices:
            topology.add_device(device)
        for link in links:
            topology.add(link)
        return topology

    def add_device(self, device: str) -> None:
        """Make a device known, with or without links."""
        self._learn(ManagedObject(device))

    def add(self, link: Link) -> None:
        """Add a link once; a `connects` row given from both ends counts once."""
        a, b = self._learn(link.a), self._learn(link.b)
        link = Link(a, b, link.relation)
        for known in self._by_device[a.device]:
            same = {(str(known.a)), (str(known.b))} == {str(a), str(b)}
            if known.relation == link.relation and same:
                return
        self.links.append(link)
        self._near.clear()
        for end in {a.device, b.device}:
            self._by_device[end].append(link)
        for near in (a, b):
            if near.port is not None:
                self._far.setdefault((near.device, port_key(near.port)), []).append(link)

    def _learn(self, managed_object: ManagedObject) -> ManagedObject:
        device = self._spelling.setdefault(managed_object.device.lower(), managed_object.device)
        self._by_device.setdefault(device, [])
        if managed_object.port is None:
            return ManagedObject(device)
        port = self._ports.setdefault((device, port_key(managed_object.port)), managed_object.port)
        return ManagedObject(device, port)

    @property
    def devices(self) -> list[str]:
        """All devices, in order of first mention."""
        return list(self._by_device)

    def __contains__(self, device: str) -> bool:
        return device.lower() in self._spelling

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_device)

    def canonical(self, managed_object: ManagedObject | str) -> ManagedObject:
        """Respell a managed object as the topology spells it; unknown parts stay as they are."""
        if isinstance(managed_object, str):
            managed_object = ManagedObject.parse(managed_object)
        device = self._spelling.get(managed_object.device.lower(), managed_object.device)
        if managed_object.port is None:
            return ManagedObject(device)
        key = (device, port_key(managed_object.port))
        return ManagedObject(device, self._ports.get(key, managed_object.port))

    def links_of(self, device: str) -> list[Link]:
        """Every link of a device, in order of mention."""
        return self._by_device.get(self._spelling.get(device.lower(), device), [])

    def neighbors(self, device: str, relation: str | None = None) -> list[str]:
        """Devices one link away, each once."""
        if relation is None:
            return list(self._joined_to(device))
        return list(
            self._ends_of(device, [x for x in self.links_of(device) if x.relation == relation])
        )

    def are_joined(self, device: str, other: str) -> bool:
        """Whether two devices are one link apart; `other` as the topology spells it."""
        return other in self._joined_to(device)

    def _joined_to(self, device: str) -> dict[str, None]:
        known = self._near.get(device)
        if known is None:
            known = self._near[device] = self._ends_of(device, self.links_of(device))
        return known

    def _ends_of(self, device: str, links: Iterable[Link]) -> dict[str, None]:
        device = self._spelling.get(device.lower(), device)
        found = dict.fromkeys(link.other_end(device).device for link in links)
        found.pop(device, None)
        return found

    def far_ends(self, managed_object: ManagedObject) -> list[ManagedObject]:
        """What a port is joined to; empty for an unknown port or a bare device."""
        if managed_object.port is None:
            return []
        near = self.canonical(managed_object)
        links = self._far.get((near.device, port_key(near.port or "")), [])
        return [link.other_end(near.device) for link in links]

    def between(self, device: str, other: str) -> list[Link]:
        """The links that join two devices."""
        device = self._spelling.get(device.lower(), device)
        other = self._spelling.get(other.lower(), other)
        return [link for link in self.links_of(device) if link.other_end(device).device == other]

    def within(self, device: str, hops: int) -> dict[str, int]:
        """Devices at most `hops` links away, with their distance; the device itself is 0."""
        start = self._spelling.get(device.lower(), device)
        if start not in self._by_device:
            return {}
        distance = {start: 0}
        frontier = [start]
        for step in range(1, hops + 1):
            frontier = [
                neighbor
                for near in frontier
                for neighbor in self.neighbors(near)
                if neighbor not in distance and distance.setdefault(neighbor, step) == step
            ]
        return distance


_COLUMNS = ("device", "port", "remote_device", "remote_port")


def read_topology_csv(text: str, *, name: str = "topology.csv") -> Topology:
    """Read a topology table; `device,port,remote_device,remote_port[,relation]` in any order.

    Cells are parted by commas, or by semicolons or tabs where the header is.

    A row without `remote_device` names a device that stands alone. Cells are stripped; empty ports
    are allowed.

    Raises:
        SiteDirectoryError: No such columns, or a row that cannot be read; names file and line.
    """
    text = text.lstrip("\ufeff")
    delimiter = delimiter_of(text.partition("\n")[0])
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        return _topology_of(rows, name)
    except csv.Error as exc:  # mostly a quotation mark that is not closed
        raise SiteDirectoryError(f"{name}:{rows.line_num}: no row of a table: {exc}") from exc


def _topology_of(rows: csv.DictReader[str], name: str) -> Topology:
    header = [column.strip() for column in rows.fieldnames or ()]
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        raise SiteDirectoryError(
            f"{name}:1: column {', '.join(map(repr, missing))} is missing; "
            "the header names device,port,remote_device,remote_port and optionally relation"
        )
    rows.fieldnames = header
    topology = Topology()
    for row in rows:
        cells = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        if not any(cells.values()):
            continue
        if None in row or not cells["device"]:
            raise SiteDirectoryError(
                f"{name}:{rows.line_num}: a row needs a device and no more cells than the header"
            )
        near = ManagedObject(cells["device"], cells["port"] or None)
        if not cells["remote_device"]:
            topology.add_device(near.device)
            continue
        far = ManagedObject(cells["remote_device"], cells["remote_port"] or None)
        topology.add(Link(near, far, cells.get("relation") or "connects"))
    return topology
