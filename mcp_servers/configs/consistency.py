"""Contradictions: ends of a link that do not agree, and references to nothing.

Each finding quotes the lines of both sides. A setting that one side leaves at its default is
compared only where the default is the same for every vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from mcp_servers.configs.element_view import Interface, Session, Setting
from mcp_servers.configs.neighbors import (
    ElementConfig,
    InterfacePair,
    pairs_by_address,
    pairs_by_topology,
)
from telecom.schema import ProductModel
from telecom.topology import ManagedObject, Topology, port_key

__all__ = ["ElementConfig", "Finding", "FindingSide", "check_consistency"]

_DEFAULT_MTU = 1500
_USES_SHOWN = 3
_ALWAYS_DEFINED = frozenset(
    {
        ("class_map", "class-default"),
        ("acl", "no"),
        ("policy", "pass"),
        ("policy", "drop"),
        ("vrf", "default"),
        ("vrf", "management"),
        ("vrf", "global"),
        ("vrf", "Mgmt-intf"),
    }
)


class FindingSide(ProductModel):
    """One side of a contradiction."""

    managed_object: str
    file: str
    commit: str | None
    line: int
    text: str
    """The line, verbatim but for secrets."""

    @property
    def device(self) -> str:
        """The device of the managed object."""
        return ManagedObject.parse(self.managed_object).device


class Finding(ProductModel):
    """One contradiction in the configurations of a site."""

    kind: str
    """`mtu_mismatch`, `undefined_reference`, `peer_on_shutdown_interface`, ..."""
    summary: str
    sides: tuple[FindingSide, ...]


def check_consistency(elements: Sequence[ElementConfig], topology: Topology) -> list[Finding]:
    """Check every pair of facing interfaces, every session, every reference."""
    found: list[Finding] = []
    for pair in _pairs(elements, topology):
        for check in _LINK_CHECKS:
            found += check(pair)
    found += _sessions(elements)
    for element in elements:
        found += _undefined(element)
        found += _peers_on_shutdown(element)
    found += _duplicates(elements)
    return list(dict.fromkeys(found))


def _pairs(elements: Sequence[ElementConfig], topology: Topology) -> Iterator[InterfacePair]:
    seen = set()
    for source in (pairs_by_topology(elements, topology), pairs_by_address(elements)):
        for pair in source:
            key = frozenset(
                (element.device, port_key(interface.name))
                for element, interface in (pair.a, pair.b)
            )
            if key not in seen:
                seen.add(key)
                yield pair


def _side(element: ElementConfig, line: int, port: str | None = None) -> FindingSide:
    return FindingSide(
        managed_object=str(ManagedObject(element.device, port)),
        file=element.file,
        commit=element.commit,
        line=line,
        text=element.lines[line - 1].rstrip() if 0 < line <= len(element.lines) else "",
    )


def _pair_finding(kind: str, summary: str, pair: InterfacePair, lines: tuple[int, int]) -> Finding:
    (a, near), (b, far) = pair.a, pair.b
    names = f"{a.device}:{near.name} and {b.device}:{far.name}"
    return Finding(
        kind=kind,
        summary=f"{names}: {summary}",
        sides=(_side(a, lines[0], near.name), _side(b, lines[1], far.name)),
    )


def _both(pair: InterfacePair, kind: str) -> tuple[Setting | None, Setting | None]:
    (a, near), (b, far) = pair.a, pair.b
    return a.view.inherited(near, kind), b.view.inherited(far, kind)


def _line(setting: Setting | None, interface: Interface) -> int:
    return interface.line if setting is None else setting.line


def _differing(
    kind: str, setting: str, word: str, normal: Callable[[str], str] = str.lower
) -> Callable[[InterfacePair], Iterator[Finding]]:
    """A check that both ends, where both say something, say the same."""

    def check(pair: InterfacePair) -> Iterator[Finding]:
        one, other = _both(pair, setting)
        if one is None or other is None or normal(one.value) == normal(other.value):
            return
        if "auto" in (one.value, other.value):
            return
        yield _pair_finding(
            kind, f"{word} {one.value} against {other.value}", pair, (one.line, other.line)
        )

    return check


def _check_mtu(pair: InterfacePair) -> Iterator[Finding]:
    sizes, lines = [], []
    for element, interface in (pair.a, pair.b):
        setting = element.view.inherited(interface, "ip_mtu")
        overhead = 0
        if setting is None:
            setting = element.view.inherited(interface, "mtu")
            overhead = element.mtu_overhead
            if overhead and "vlan" in interface.settings:
                overhead += 4
        stated = setting is not None and setting.value.isdigit()
        sizes.append(int(setting.value) - overhead if stated and setting else _DEFAULT_MTU)
        lines.append(_line(setting, interface))
    # Vendors count the link layer differently by a few bytes: only a real gap is a finding.
    if abs(sizes[0] - sizes[1]) > 22 or (
        sizes[0] != sizes[1] and pair.a[0].mtu_overhead == pair.b[0].mtu_overhead
    ):
        yield _pair_finding(
            "mtu_mismatch",
            f"packets of {sizes[0]} bytes against {sizes[1]}",
            pair,
            (lines[0], lines[1]),
        )


def _check_subnet(pair: InterfacePair) -> Iterator[Finding]:
    (_, near), (_, far) = pair.a, pair.b
    for version in (4, 6):
        ours = [(own, line) for own, line in near.addresses if own.version == version]
        theirs = [(own, line) for own, line in far.addresses if own.version == version]
        if not ours or not theirs:
            continue
        if any(a.network == b.network for a, _ in ours for b, _ in theirs):
            continue
        if all(own.network.is_link_local for own, _ in ours + theirs):
            continue
        (a, line_a), (b, line_b) = ours[0], theirs[0]
        yield _pair_finding("subnet_mismatch", f"{a} against {b}", pair, (line_a, line_b))


def _check_shutdown(pair: InterfacePair) -> Iterator[Finding]:
    (_, near), (_, far) = pair.a, pair.b
    one, other = _both(pair, "shutdown")
    if (one is None) != (other is None):
        down = near if one is not None else far
        yield _pair_finding(
            "one_end_shutdown",
            f"{down.name} is shut down, the other end is not",
            pair,
            (_line(one, near), _line(other, far)),
        )


def _check_protocols(pair: InterfacePair) -> Iterator[Finding]:
    """One end runs the IGP on the link and the other, which runs it elsewhere, does not."""
    (a, near), (b, far) = pair.a, pair.b
    if not near.addresses or not far.addresses:
        # A port that carries router interfaces speaks no IGP itself.
        return
    for setting, word in (("ospf_area", "OSPF"), ("isis_enabled", "IS-IS")):
        one, other = near.settings.get(setting), far.settings.get(setting)
        if (one is None) == (other is None):
            continue
        silent = b if one is not None else a
        if any(setting in interface.settings for interface in silent.view.interfaces.values()):
            yield _pair_finding(
                "igp_on_one_end",
                f"{word} runs on one end only",
                pair,
                (_line(one, near), _line(other, far)),
            )
    for setting in ("ospf_auth", "isis_auth", "ospf_passive", "isis_passive"):
        one, other = near.settings.get(setting), far.settings.get(setting)
        if (one is None) != (other is None) and _same_igp(near, far, setting):
            yield _pair_finding(
                f"{setting}_on_one_end",
                f"{setting.replace('_', ' ')} on one end only",
                pair,
                (_line(one, near), _line(other, far)),
            )


def _check_network_types(pair: InterfacePair) -> Iterator[Finding]:
    """Every vendor's default on Ethernet is broadcast."""
    (_, near), (_, far) = pair.a, pair.b
    for setting, word in (("ospf_network_type", "OSPF"), ("isis_network_type", "IS-IS")):
        if not _same_igp(near, far, setting):
            continue
        one, other = near.settings.get(setting), far.settings.get(setting)
        types = [_network_type("broadcast" if s is None else s.value) for s in (one, other)]
        if types[0] != types[1]:
            yield _pair_finding(
                "igp_type_mismatch",
                f"{word} network type {types[0]} against {types[1]}",
                pair,
                (_line(one, near), _line(other, far)),
            )


def _same_igp(near: Interface, far: Interface, setting: str) -> bool:
    igp = "ospf_area" if setting.startswith("ospf") else "isis_enabled"
    return igp in near.settings and igp in far.settings


def _check_isis_level(pair: InterfacePair) -> Iterator[Finding]:
    levels, lines = [], []
    for element, interface in (pair.a, pair.b):
        if "isis_enabled" not in interface.settings:
            return
        setting = interface.settings.get("isis_circuit") or element.view.isis_level
        levels.append(_levels(setting))
        lines.append(_line(setting, interface))
    if not levels[0] & levels[1]:
        yield _pair_finding(
            "isis_level_mismatch", "no common IS-IS level", pair, (lines[0], lines[1])
        )


def _levels(setting: Setting | None) -> frozenset[str]:
    value = "" if setting is None else setting.value
    named = frozenset(digit for digit in "12" if digit in value)
    return named or frozenset("12")


def _area(value: str) -> str:
    """OSPF areas are numbers, written as such or like addresses."""
    return str(ip_address(int(value))) if value.isdigit() else value


def _network_type(value: str) -> str:
    value = value.lower()
    return "point-to-point" if value in ("p2p", "p-to-p", "point-to-point") else value


_LINK_CHECKS: tuple[Callable[[InterfacePair], Iterator[Finding]], ...] = (
    _check_mtu,
    _check_subnet,
    _check_shutdown,
    _check_protocols,
    _check_isis_level,
    _check_network_types,
    _differing("speed_mismatch", "speed", "speed"),
    _differing("duplex_mismatch", "duplex", "duplex"),
    _differing("vlan_mismatch", "vlan", "VLAN"),
    _differing("vlan_mismatch", "access_vlan", "access VLAN"),
    _differing("vlan_mismatch", "native_vlan", "native VLAN"),
    _differing("vlan_mismatch", "trunk_vlans", "trunk VLANs"),
    _differing("ospf_area_mismatch", "ospf_area", "OSPF area", _area),
    _differing("ospf_timer_mismatch", "ospf_hello", "OSPF hello interval"),
    _differing("ospf_timer_mismatch", "ospf_dead", "OSPF dead interval"),
    _differing("ospf_auth_mismatch", "ospf_auth", "OSPF authentication"),
    _differing("isis_metric_mismatch", "isis_metric", "IS-IS metric"),
    _differing("isis_auth_mismatch", "isis_auth", "IS-IS authentication"),
)


@dataclass(frozen=True, slots=True)
class _Owner:
    element: ElementConfig
    interface: Interface


def _sessions(elements: Sequence[ElementConfig]) -> Iterator[Finding]:
    owners: dict[str, list[_Owner]] = {}
    for element in elements:
        for interface in element.view.interfaces.values():
            for own, _ in interface.addresses:
                owners.setdefault(str(own.ip), []).append(_Owner(element, interface))
    for element in elements:
        own_addresses = {
            a for a, found in owners.items() if any(o.element is element for o in found)
        }
        for session in element.view.sessions.values():
            found = owners.get(_normal(session.neighbor), [])
            if len(found) != 1 or found[0].element is element or not found[0].element.view.sessions:
                continue
            yield from _session_ends(element, session, found[0].element, own_addresses)


def _normal(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def _session_ends(
    element: ElementConfig, session: Session, peer: ElementConfig, own_addresses: set[str]
) -> Iterator[Finding]:
    name = f"{element.device} to {peer.device} ({session.neighbor})"
    back = [s for s in peer.view.sessions.values() if _normal(s.neighbor) in own_addresses]
    near = _side(element, session.line)
    if not back:
        yield Finding(
            kind="bgp_session_one_sided",
            summary=f"{name}: the peer has no session back to this device",
            sides=(near, _side(peer, peer.view.local_as.line if peer.view.local_as else 1)),
        )
        return
    wanted = session.settings.get("peer_as")
    actual = [
        setting
        for s in back
        if (setting := s.settings.get("session_local_as") or peer.view.local_as) is not None
    ]
    if wanted and actual and all(setting.value != wanted.value for setting in actual):
        yield Finding(
            kind="bgp_as_mismatch",
            summary=f"{name}: expects AS {wanted.value}, the peer is AS {actual[0].value}",
            sides=(_side(element, wanted.line), _side(peer, actual[0].line)),
        )
    yield from _session_agreement(element, session, peer, back, name)


def _session_agreement(
    element: ElementConfig, session: Session, peer: ElementConfig, back: list[Session], name: str
) -> Iterator[Finding]:
    """Whether both ends of a session are up and use the same key."""
    for kind, finding, word in (
        ("neighbor_shutdown", "bgp_one_end_shutdown", "shut down on this end only"),
        ("neighbor_auth", "bgp_auth_on_one_end", "authenticated on this end only"),
    ):
        setting = session.settings.get(kind)
        if setting is not None and all(kind not in s.settings for s in back):
            yield Finding(
                kind=finding,
                summary=f"{name}: {word}",
                sides=(_side(element, setting.line), _side(peer, back[0].line)),
            )
    ours, theirs = session.settings.get("neighbor_auth"), back[0].settings.get("neighbor_auth")
    if ours is None or theirs is None or len(back) != 1 or element.device > peer.device:
        return
    if ours.value != theirs.value:
        yield Finding(
            kind="bgp_auth_mismatch",
            summary=f"{name}: the two ends use different keys",
            sides=(_side(element, ours.line), _side(peer, theirs.line)),
        )


def _undefined(element: ElementConfig) -> Iterator[Finding]:
    """One finding for each thing that is missing, with the first lines that use it."""
    missing: dict[tuple[str, str], list[int]] = {}
    for use in element.view.uses:
        key = (use.kind, use.name)
        if key not in element.view.definitions and key not in _ALWAYS_DEFINED:
            missing.setdefault(key, []).append(use.line)
    for (kind, name), lines in missing.items():
        word = kind.replace("_", " ")
        yield Finding(
            kind="undefined_reference",
            summary=f"{element.device} uses {word} {name}, which is not defined",
            sides=tuple(_side(element, line) for line in lines[:_USES_SHOWN]),
        )


def _peers_on_shutdown(element: ElementConfig) -> Iterator[Finding]:
    for session in element.view.sessions.values():
        try:
            interface = element.view.carrying(session.neighbor)
        except ValueError:
            continue
        down = None if interface is None else element.view.inherited(interface, "shutdown")
        if interface is not None and down is not None:
            yield Finding(
                kind="peer_on_shutdown_interface",
                summary=(
                    f"{element.device}: neighbour {session.neighbor} is reached over "
                    f"{interface.name}, which is shut down"
                ),
                sides=(_side(element, down.line, interface.name), _side(element, session.line)),
            )


def _duplicates(elements: Sequence[ElementConfig]) -> Iterator[Finding]:
    """One address in the same VRF of several devices."""
    found: dict[tuple[str, str], dict[str, FindingSide]] = {}
    for element in elements:
        for interface in element.view.interfaces.values():
            for own, line in interface.addresses:
                if own.ip.is_link_local or interface.is_shutdown:
                    continue
                key = (str(own.ip), interface.get("vrf") or "")
                side = _side(element, line, interface.name)
                found.setdefault(key, {}).setdefault(element.device, side)
    for (address, _), sides in found.items():
        if len(sides) > 1:
            yield Finding(
                kind="duplicate_address",
                summary=f"{address} is configured on {', '.join(sorted(sides))}",
                sides=tuple(sides[device] for device in sorted(sides)),
            )
