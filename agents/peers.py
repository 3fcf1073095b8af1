"""Who is at the other end: a neighbour as printed becomes a managed object.

A log line names its neighbour by address, host name, system id or AS number. The other end is found
from configured interface addresses where the site has them, and otherwise from the logs alone: two
devices that name two addresses of the same point-to-point subnet are each other's neighbours.
A neighbour whose own log is missing is inferred when topology leaves only one element it can be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from telecom.alarm import Alarm
from telecom.topology import ManagedObject, Topology

_HOST_MASKS = (0b1, 0b11)
"""Point-to-point subnets: /31 (RFC 3021) and /30; in IPv6 the same bits are /127 and /126."""


_Sight = tuple[str, str, int | None]
"""A device, the neighbour that it names as printed, and that one's AS."""


class Peers:
    """The neighbours that a set of alarms names, resolved."""

    def __init__(
        self,
        alarms: Iterable[Alarm],
        topology: Topology,
        addresses: Mapping[str, str],
    ) -> None:
        self._topology = topology
        self._addresses = {
            normal: topology.canonical(name)
            for address, name in addresses.items()
            if (normal := _address(address)) is not None
        }
        self._by_name = {device.lower(): device for device in topology.devices}
        self._as_numbers: dict[int, set[str]] = defaultdict(set)
        self._inferred: dict[tuple[str, str], str] = {}
        # A storm repeats a few sights over and over: each counts once, as it was last seen.
        seen: dict[_Sight, int] = {}
        for number, alarm in enumerate(alarms):
            occurrence = alarm.occurrence
            if occurrence is not None:
                device = alarm.device
                self._by_name[device.lower()] = device
                if occurrence.neighbor:
                    seen[device, occurrence.neighbor, occurrence.neighbor_as] = number
        self._troubled = {device for device, _, _ in seen}
        self._pair_by_subnet(sorted(seen, key=seen.__getitem__))
        self._learn_as_numbers(seen)
        self._infer_silent(seen)

    def of(self, alarm: Alarm) -> ManagedObject | None:
        """The other end that `alarm` speaks about; None when it names none or it cannot be told."""
        occurrence = alarm.occurrence
        if occurrence is None:
            return None
        if occurrence.neighbor:
            found = self._named(alarm.device, occurrence.neighbor)
            if found is not None:
                return found
        port = occurrence.interface or alarm.managed_object.partition(":")[2]
        if port:
            far = self._topology.far_ends(ManagedObject(alarm.device, port.split(".")[0]))
            if len({end.device for end in far}) == 1:
                return far[0]
        return None

    def _named(self, device: str, neighbor: str) -> ManagedObject | None:
        normal = _address(neighbor)
        if normal is not None:
            known = self._addresses.get(normal)
            if known is not None and known.device != device:
                return known
            inferred = self._inferred.get((device, normal))
            return None if inferred is None else ManagedObject(inferred)
        name = neighbor.lower()
        known_name = self._by_name.get(name) or self._by_name.get(name.partition(".")[0])
        return None if known_name in (None, device) else ManagedObject(known_name)

    def _pair_by_subnet(self, seen: Iterable[_Sight]) -> None:
        """Two devices naming two addresses of one point-to-point subnet face each other."""
        sights: dict[tuple[str, str], tuple[int, int]] = {}
        for device, neighbor, _ in seen:
            named = _address(neighbor)
            if named is not None:
                sights.pop((device, named), None)
                sights[device, named] = _number(named)
        for mask in _HOST_MASKS:
            subnets: dict[tuple[int, int], dict[str, str]] = defaultdict(dict)
            for (device, named), (version, number) in sights.items():
                if (device, named) not in self._inferred:
                    subnets[version, number & ~mask][device] = named
            for ends in subnets.values():
                if len(ends) != 2:
                    continue
                (one, sees_one), (two, sees_two) = ends.items()
                if sees_one != sees_two and self._may_be_neighbors(one, two):
                    self._inferred.setdefault((one, sees_one), two)
                    self._inferred.setdefault((two, sees_two), one)

    def _may_be_neighbors(self, one: str, two: str) -> bool:
        """Topology, where it knows both, must not contradict a pairing."""
        if one not in self._topology or two not in self._topology:
            return True
        return self._topology.are_joined(one, two)

    def _learn_as_numbers(self, seen: Iterable[_Sight]) -> None:
        for device, neighbor, neighbor_as in seen:
            if neighbor_as is not None:
                peer = self._named(device, neighbor)
                if peer is not None:
                    self._as_numbers[neighbor_as].add(peer.device)

    def _infer_silent(self, seen: Iterable[_Sight]) -> None:
        """A neighbour that nobody can name is the one element next to all who name its AS."""
        reporters: dict[int, set[str]] = defaultdict(set)
        unnamed: dict[int, set[tuple[str, str]]] = defaultdict(set)
        for device, neighbor, neighbor_as in seen:
            named = _address(neighbor)
            if neighbor_as is None or named is None:
                continue
            if self._named(device, named) is None:
                reporters[neighbor_as].add(device)
                unnamed[neighbor_as].add((device, named))
        taken = {device for devices in self._as_numbers.values() for device in devices}
        for number, devices in reporters.items():
            known = self._as_numbers.get(number, set())
            if len(known) == 1:
                silent = next(iter(known))
            else:
                shared = set.intersection(
                    *(set(self._topology.neighbors(device)) for device in devices)
                )
                left = shared - taken - self._troubled
                if len(left) != 1 or len(devices) < 2:
                    continue
                silent = left.pop()
            for key in unnamed[number]:
                self._inferred[key] = silent


@lru_cache(maxsize=65_536)
def _address(text: str) -> str | None:
    """The normal form of an IP address; None for anything else."""
    parsed = _parse(text.strip().partition("%")[0].partition("/")[0])
    return None if parsed is None else str(parsed)


@lru_cache(maxsize=65_536)
def _number(address: str) -> tuple[int, int]:
    """Version and value of an address in its normal form."""
    parsed = ip_address(address)
    return parsed.version, int(parsed)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
