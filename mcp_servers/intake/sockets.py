"""Addresses to listen on, and whom to hear there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network

from telecom.errors import SettingsError


def listen_address(text: str, setting: str) -> tuple[str, int]:
    """Read `address:port`; an IPv6 address stands in brackets.

    Raises:
        SettingsError: It is none.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        ip_address(host)
        number = int(port)
        if not 0 <= number <= 65535:
            raise ValueError(port)
    except ValueError as exc:
        raise SettingsError(
            f"{setting} must be an address and a port such as 0.0.0.0:5514, got {text!r}"
        ) from exc
    return host, number


def heard_from(networks: Sequence[str], setting: str) -> Callable[[str], bool]:
    """Make the test whether an address is in one of the networks.

    Raises:
        SettingsError: One of them is no CIDR.
    """
    try:
        known = [ip_network(network, strict=False) for network in networks]
    except ValueError as exc:
        raise SettingsError(f"{setting}: {exc}") from exc

    def heard(peer: str) -> bool:
        address = ip_address(peer.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in known)

    return heard
