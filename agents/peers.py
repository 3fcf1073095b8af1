"""Who is at the other end: a neighbour as printed becomes a managed object.

A log line names its neighbour by address, host name, system id or AS number. The other end is found
from configured interface addresses where the site has them, and otherwise from the logs alone: two
devices that name two addresses of the same point-to-point subnet are each other's neighbours.
A neighbour whose own log is missing is inferred when topology leaves only one element it can be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from telecom.alarm import Alarm
from telecom.topology import ManagedObject, Topology

_HOST_MASKS = (0b1, 0b11)
"""Point-to-point subnets: /31 (RFC 3021) and /30; in IPv6 the same bits are /127 and /126."""


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
        records = [alarm for alarm in alarms if alarm.occurrence is not None]
        self._by_name.update({alarm.device.lower(): alarm.device for alarm in records})
        self._troubled = {alarm.device for alarm in records if _names_a_neighbor(alarm)}
        self._pair_by_subnet(records)
        self._learn_as_numbers(records)
        self._infer_silent(records)

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

    def _pair_by_subnet(self, records: Sequence[Alarm]) -> None:
        """Two devices naming two addresses of one point-to-point subnet face each other."""
        # Each sight once, where it was last seen: a storm repeats a few of them.
        sights: dict[tuple[str, str], tuple[int, int]] = {}
        for alarm in records:
            named = _neighbor_address(alarm)
            if named is not None:
                sight = (alarm.device, named)
                sights.pop(sight, None)
                sights[sight] = _number(named)
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

    def _learn_as_numbers(self, records: Sequence[Alarm]) -> None:
        for alarm in records:
            occurrence = alarm.occurrence
            if occurrence is None or occurrence.neighbor_as is None or not occurrence.neighbor:
                continue
            peer = self._named(alarm.device, occurrence.neighbor)
            if peer is not None:
                self._as_numbers[occurrence.neighbor_as].add(peer.device)

    def _infer_silent(self, records: Sequence[Alarm]) -> None:
        """A neighbour that nobody can name is the one element next to all who name its AS."""
        reporters: dict[int, set[str]] = defaultdict(set)
        seen: dict[int, set[tuple[str, str]]] = defaultdict(set)
        for alarm in records:
            occurrence, named = alarm.occurrence, _neighbor_address(alarm)
            if occurrence is None or occurrence.neighbor_as is None or named is None:
                continue
            if self._named(alarm.device, named) is None:
                reporters[occurrence.neighbor_as].add(alarm.device)
                seen[occurrence.neighbor_as].add((alarm.device, named))
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
            for key in seen[number]:
                self._inferred[key] = silent


def _names_a_neighbor(alarm: Alarm) -> bool:
    return alarm.occurrence is not None and alarm.occurrence.neighbor is not None


def _neighbor_address(alarm: Alarm) -> str | None:
    occurrence = alarm.occurrence
    return None if occurrence is None or not occurrence.neighbor else _address(occurrence.neighbor)


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
