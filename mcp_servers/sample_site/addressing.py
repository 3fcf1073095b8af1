"""Addresses and AS numbers, the same in logs and in configurations."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

from mcp_servers.sample_site.network import BgpSession, Cable, Element, Role

SUBSCRIBER_PREFIXES = ("100.72.0.0/13", "2001:db8:a000::/36")
"""Addresses that UPFs hand to phones; no element has one."""

SUBSCRIBER_POOLS = ("100.72.0.0/14", "100.76.0.0/14")
"""The part of them that each data center's UPF hands out."""

NTP_SERVERS = ("10.250.0.11", "10.250.0.12")
SYSLOG_SERVERS = ("10.250.0.21", "10.250.0.22")


class AddressPlan:
    """Hands out addresses in order, from prefixes that depend on the site."""

    def __init__(self, block: int, own_as: int) -> None:
        self.own_as = own_as
        self._loopback = int(IPv4Address(f"10.{block}.255.1"))
        self._link = int(IPv4Address(f"10.{block}.0.0"))

    def loopback(self) -> str:
        """The next loopback address."""
        self._loopback += 1
        return str(IPv4Address(self._loopback - 1))

    def link(self) -> tuple[str, str]:
        """Both addresses of the next /31 (RFC 3021)."""
        self._link += 2
        return str(IPv4Address(self._link - 2)), str(IPv4Address(self._link - 1))


def management_address(index: int) -> str:
    """The out-of-band address of the element with this number."""
    return str(IPv4Address(int(IPv4Address("10.250.8.0")) + index + 1))


def leaf_as(own_as: int, data_center: int) -> int:
    """The private AS number of one data center's leaf switches."""
    return own_as + 10 + data_center


def bgp_sessions(
    elements: Sequence[Element],
    cables: Sequence[Cable],
    loopbacks: dict[str, str],
    own_as: int,
    data_center_of: dict[str, int],
) -> tuple[BgpSession, ...]:
    """Every router with both reflectors (iBGP), each leaf with its core routers (eBGP)."""
    reflectors = [element.name for element in elements if element.role is Role.REFLECTOR]
    clients = (
        Role.CORE,
        Role.BORDER,
        Role.AGGREGATION,
        Role.PRE_AGGREGATION,
        Role.CELL_SITE_ROUTER,
    )
    sessions = [
        BgpSession(
            element.name, reflector, loopbacks[element.name], loopbacks[reflector], own_as, own_as
        )
        for element in elements
        if element.role in clients
        for reflector in reflectors
    ]
    for cable in cables:
        if cable.protocol == "ebgp":
            leaf_number = leaf_as(own_as, data_center_of[cable.b])
            sessions.append(
                BgpSession(
                    cable.a, cable.b, cable.a_address, cable.b_address, own_as, leaf_number, cable
                )
            )
    return tuple(sessions)
