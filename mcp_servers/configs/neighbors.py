"""Who is joined to whom: the topology table beside what the configurations imply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from mcp_servers.configs.element_view import ElementView, Interface
from mcp_servers.configs.link_sources import LinkSource, ObservedLink
from telecom.schema import ProductModel
from telecom.topology import Link, ManagedObject, Topology, port_key

_WIDEST_LINK = {4: 24, 6: 64}
"""A wider subnet is a management or access network, not a link."""
_MEMBERS_AT_MOST = 8


@dataclass(frozen=True)
class ElementConfig:
    """One configuration of one device, understood."""

    device: str
    file: str
    view: ElementView
    lines: list[str] = field(repr=False)
    commit: str | None = None
    mtu_overhead: int = 0
    """Bytes of the link layer that this vendor's `mtu` includes."""


class LinkEnd(ProductModel):
    """One end of a link as its configuration has it."""

    managed_object: str
    address: str | None = None
    mtu: str | None = None
    description: str | None = None
    is_shutdown: bool | None = None
    """None when the configuration does not have this port."""


class NeighborLink(ProductModel):
    """One link, with every source that knows it."""

    a: LinkEnd
    b: LinkEnd
    relation: str
    sources: tuple[LinkSource, ...]
    hops: int = 1
    """Links between the object asked about and the nearer end, plus one."""
    conflicts: tuple[str, ...] = ()
    """What other sources say instead."""


def address_book(views: Iterable[tuple[str, ElementView]], topology: Topology) -> dict[str, str]:
    """Interface address -> managed object; an address on several devices belongs to none."""
    owners: dict[str, set[str]] = {}
    book: dict[str, str] = {}
    for device, view in views:
        for interface in view.interfaces.values():
            for own, _ in interface.addresses:
                address = str(own.ip)
                owners.setdefault(address, set()).add(device)
                book.setdefault(address, managed_port(device, interface, topology))
    return {address: name for address, name in book.items() if len(owners[address]) == 1}


def managed_port(device: str, interface: Interface, topology: Topology) -> str:
    """The managed object of an interface: the port that the topology knows it by, if it does."""
    port = interface.get("port")
    for name in (interface.name, port, interface.name.rpartition(".")[0]):
        if name and topology.far_ends(ManagedObject(device, name)):
            found = topology.canonical(ManagedObject(device, name))
            return (
                str(found)
                if name != interface.name.rpartition(".")[0]
                else (f"{device}:{interface.name}")
            )
    return str(topology.canonical(ManagedObject(device, interface.name)))


@dataclass(frozen=True, slots=True)
class InterfacePair:
    """Two interfaces that face each other."""

    a: tuple[ElementConfig, Interface]
    b: tuple[ElementConfig, Interface]


def pairs_by_address(elements: Sequence[ElementConfig]) -> Iterator[InterfacePair]:
    """Interfaces of different devices in one small subnet, unless their VRFs are two."""
    members: dict[str, list[tuple[ElementConfig, Interface]]] = {}
    for element in elements:
        for interface in element.view.interfaces.values():
            for own, _ in interface.addresses:
                network = own.network
                if _WIDEST_LINK[own.version] <= network.prefixlen < network.max_prefixlen:
                    members.setdefault(str(network), []).append((element, interface))
    for found in members.values():
        if len(found) <= _MEMBERS_AT_MOST:
            for number, a in enumerate(found):
                for b in found[number + 1 :]:
                    if a[0].device != b[0].device and _may_face(a[1], b[1]):
                        yield InterfacePair(a, b)


def _may_face(a: Interface, b: Interface) -> bool:
    """Whether two interfaces may be ends of one link.

    A customer's side knows no VRF, but two different VRFs never meet; and one address on both
    sides is the same gateway in two places.
    """
    one, other = a.get("vrf"), b.get("vrf")
    if one != other and one is not None and other is not None:
        return False
    return not {own.ip for own, _ in a.addresses} & {own.ip for own, _ in b.addresses}


def pairs_by_topology(
    elements: Sequence[ElementConfig], topology: Topology
) -> Iterator[InterfacePair]:
    """Configured interfaces at both ends of each link of the topology, sub-interfaces by number."""
    by_device: dict[str, list[ElementConfig]] = {}
    for element in elements:
        by_device.setdefault(element.device, []).append(element)
    for link in topology.links:
        ends = []
        for end in (link.a, link.b):
            for element in by_device.get(end.device, ()):
                interface = element.view.interface(end.port) if end.port else None
                if interface is not None:
                    ends.append((element, interface))
                    break
        if len(ends) == 2:
            yield InterfacePair(ends[0], ends[1])
            yield from _sub_pairs(ends[0], ends[1])


def _sub_pairs(
    a: tuple[ElementConfig, Interface], b: tuple[ElementConfig, Interface]
) -> Iterator[InterfacePair]:
    """Sub-interfaces with the same number, and router interfaces bound to the two ports."""
    for near in _carried_by(*a):
        for far in _carried_by(*b):
            same_unit = near.name.rpartition(".")[2] == far.name.rpartition(".")[2]
            if same_unit or near.get("port") or far.get("port"):
                yield InterfacePair((a[0], near), (b[0], far))


def _carried_by(element: ElementConfig, port: Interface) -> list[Interface]:
    key = port_key(port.name)
    return [
        interface
        for other, interface in element.view.interfaces.items()
        if other.startswith(key + ".") or port_key(interface.get("port") or "") == key
    ]


def neighbor_links(
    wanted: ManagedObject,
    hops: int,
    elements: Sequence[ElementConfig],
    topology: Topology,
    observed: Sequence[ObservedLink] = (),
) -> list[NeighborLink]:
    """The links within `hops` of a managed object, from every source, conflicts marked.

    Args:
        wanted: A device, or one port of it.
        hops: How far.
        elements: The configurations.
        topology: The operator's table.
        observed: What other sources say.
    """
    known = _all_links(elements, topology, observed)
    by_device: dict[str, list[_Known]] = {}
    for link in known.values():
        for end in {link.a.device, link.b.device}:
            by_device.setdefault(end, []).append(link)
    found: dict[int, NeighborLink] = {}
    frontier, seen = [wanted.device], {wanted.device}
    views = {(e.device): e for e in elements}
    for step in range(1, hops + 1):
        following = []
        for device in frontier:
            for link in by_device.get(device, ()):
                near = link.a if link.a.device == device else link.b
                far = link.b if near is link.a else link.a
                if step == 1 and wanted.port and port_key(near.port or "") != port_key(wanted.port):
                    continue
                if id(link) not in found:
                    told = _told(link, (near, far), views)
                    conflicts = _conflicts(link, known)
                    found[id(link)] = told.model_copy(update={"hops": step, "conflicts": conflicts})
                if far.device not in seen:
                    seen.add(far.device)
                    following.append(far.device)
        frontier = following
    return list(found.values())


@dataclass(slots=True)
class _Known:
    a: ManagedObject
    b: ManagedObject
    relation: str
    sources: list[LinkSource]


def derived_links(elements: Sequence[ElementConfig], topology: Topology) -> Iterator[ObservedLink]:
    """Links that follow from two addresses in one small subnet."""
    for pair in pairs_by_address(elements):
        ends = [
            _base_port(ManagedObject.parse(managed_port(element.device, interface, topology)))
            for element, interface in (pair.a, pair.b)
        ]
        yield ObservedLink(
            Link(ends[0], ends[1]), "addresses", f"{pair.a[0].file}:{pair.a[1].line}"
        )


def _all_links(
    elements: Sequence[ElementConfig], topology: Topology, observed: Sequence[ObservedLink]
) -> Mapping[tuple[frozenset[str], str], _Known]:
    known: dict[tuple[frozenset[str], str], _Known] = {}

    def note(a: ManagedObject, b: ManagedObject, relation: str, source: LinkSource) -> None:
        key = (frozenset({_end_key(a), _end_key(b)}), relation)
        link = known.setdefault(key, _Known(a, b, relation, []))
        if source not in link.sources:
            link.sources.append(source)

    for link in topology.links:
        note(link.a, link.b, link.relation, "topology")
    for derived in derived_links(elements, topology):
        note(derived.link.a, derived.link.b, "connects", derived.source)
    for seen in observed:
        note(*_completed(seen.link, known), seen.link.relation, seen.source)
    owners = _owners(elements)
    for element in elements:
        for session in element.view.sessions.values():
            owner = owners.get(_normal(session.neighbor))
            if owner is not None and owner != element.device:
                note(ManagedObject(element.device), ManagedObject(owner), "bgp", "bgp")
    return known


def _completed(
    link: Link, known: Mapping[tuple[frozenset[str], str], _Known]
) -> tuple[ManagedObject, ManagedObject]:
    """The ends of a link; a far end without a port is the one that a better source gives."""
    if link.b.port is not None:
        return link.a, link.b
    for other in known.values():
        for near, far in ((other.a, other.b), (other.b, other.a)):
            if _end_key(near) == _end_key(link.a) and far.device == link.b.device:
                return near, far
    return link.a, link.b


def _end_key(end: ManagedObject) -> str:
    return f"{end.device}:{port_key(end.port or '')}"


def _base_port(end: ManagedObject) -> ManagedObject:
    """The port that carries a sub-interface."""
    base, dot, unit = (end.port or "").rpartition(".")
    return ManagedObject(end.device, base) if dot and unit.isdigit() else end


def _owners(elements: Sequence[ElementConfig]) -> dict[str, str]:
    owners: dict[str, str] = {}
    for element in elements:
        for interface in element.view.interfaces.values():
            for own, _ in interface.addresses:
                owners.setdefault(str(own.ip), element.device)
    return owners


def _normal(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def _conflicts(link: _Known, known: Mapping[tuple[frozenset[str], str], _Known]) -> tuple[str, ...]:
    """Other far ends that a source which does not know this link gives for a port of it."""
    if link.relation != "connects":
        return ()
    found = []
    for other in known.values():
        said, said_there = set(link.sources), set(other.sources)
        if (
            other is link
            or other.relation != "connects"
            or said <= said_there
            or said_there <= said
        ):
            continue  # one source may well join a port to several, as on a shared network
        for end in (link.a, link.b):
            for theirs, far in ((other.a, other.b), (other.b, other.a)):
                if end.port and _end_key(end) == _end_key(theirs) and _differ(link, end, far):
                    found.append(f"{' and '.join(other.sources)} joins {end} to {far}")
    return tuple(dict.fromkeys(found))


def _differ(link: _Known, end: ManagedObject, far: ManagedObject) -> bool:
    """Whether a far end is another than this link's; a device without a port agrees with each."""
    own = link.b if end == link.a else link.a
    return own.device != far.device or (own.port is not None and far.port is not None)


def _told(
    link: _Known,
    seen_from: tuple[ManagedObject, ManagedObject],
    views: Mapping[str, ElementConfig],
) -> NeighborLink:
    # A directed relation keeps its direction; a symmetric one begins where it was asked.
    ends = seen_from if link.relation in ("connects", "bgp") else (link.a, link.b)
    return NeighborLink(
        a=_end(ends[0], views),
        b=_end(ends[1], views),
        relation=link.relation,
        sources=tuple(link.sources),
    )


def _end(end: ManagedObject, views: Mapping[str, ElementConfig]) -> LinkEnd:
    element = views.get(end.device)
    interface = element.view.interface(end.port) if element and end.port else None
    if interface is None:
        return LinkEnd(managed_object=str(end))
    return LinkEnd(
        managed_object=str(end),
        address=str(interface.addresses[0][0]) if interface.addresses else None,
        mtu=interface.get("mtu"),
        description=interface.get("description"),
        is_shutdown=interface.is_shutdown,
    )
