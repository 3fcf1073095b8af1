"""What stands before the message: one header per vendor, as its devices send it."""

from __future__ import annotations

from collections.abc import Callable

from mcp_servers.sample_site.dialects.lines import Message, Stamp, priority
from mcp_servers.sample_site.network import Dialect

_DAEMON = 3
"""Syslog facility daemon, under which Junos daemons log."""
_LOCAL4 = 20


def _ios_xr(stamp: Stamp, message: Message) -> str:
    """`show logging` of a router: no host, no year."""
    return f"RP/0/RP0/CPU0:{stamp.short}.{stamp.milliseconds} : {message.program}[{stamp.pid}]: "


def _ios(stamp: Stamp, message: Message) -> str:
    """Sequence number and host as IOS puts them."""
    return (
        f"{priority(message.severity)}{stamp.sequence}: {stamp.host}: "
        f"{stamp.short}.{stamp.milliseconds}: "
    )


def _junos(stamp: Stamp, message: Message) -> str:
    """RFC 3164 with the daemon as tag."""
    return (
        f"{priority(message.severity, _DAEMON)}{stamp.short} {stamp.host} "
        f"{message.program}[{stamp.pid}]: "
    )


def _sr_os(stamp: Stamp, message: Message) -> str:
    """`TMNX: <event number> <router>`."""
    return f"{priority(message.severity)}{stamp.short} {stamp.host} TMNX: {stamp.sequence} Base "


def _vrp(stamp: Stamp, message: Message) -> str:
    """Year and offset in the time, then `%%01`."""
    moment = stamp.local_time
    zone = moment.isoformat(timespec="seconds")[-6:]
    return (
        f"{priority(message.severity)}{moment:%b} {moment.day:>2} {moment:%Y %H:%M:%S}{zone} "
        f"{stamp.host} %%01"
    )


def _eos(stamp: Stamp, message: Message) -> str:
    """RFC 5424 without structured data."""
    return (
        f"{priority(message.severity, _LOCAL4)}1 {stamp.iso} {stamp.host} "
        f"{message.program} {stamp.pid} - - "
    )


HEADERS: dict[Dialect, Callable[[Stamp, Message], str]] = {
    Dialect.IOS_XR: _ios_xr,
    Dialect.IOS: _ios,
    Dialect.JUNOS: _junos,
    Dialect.SR_OS: _sr_os,
    Dialect.VRP: _vrp,
    Dialect.EOS: _eos,
}
