"""Arista EOS `show running-config` of a data center leaf."""

from __future__ import annotations

from mcp_servers.sample_site.configuration import DeviceConfiguration, PortSettings


def render(c: DeviceConfiguration) -> list[str]:
    """Lines of the running configuration."""
    return [
        "! device: DCS-7280SR3 (EOS-4.30.4M)",
        "!",
        f"hostname {c.name}",
        "!",
        *_system(c),
        *(line for port in c.ports.values() for line in _interface(port)),
        *_bundles(c),
        "interface Loopback0",
        f"   ip address {c.loopback}/32",
        "!",
        "interface Management1",
        f"   ip address {c.management}/16",
        "!",
        *_lists(c),
        *_bgp(c),
        "end",
    ]


def _system(c: DeviceConfiguration) -> list[str]:
    lines = [f"logging host {server}" for server in c.syslog_servers]
    lines += [f"ntp server {server}" for server in c.ntp_servers]
    lines += [f"snmp-server community {c.community} ro MGMT-IN"]
    lines += [f"tacacs-server host 10.250.0.31 key 7 {c.tacacs_key}"]
    lines += [
        f"username {user} privilege 15 secret sha512 {hashed}" for user, hashed in c.users.items()
    ]
    lines += ["!", "daemon TerminAttr", f"   exec TerminAttr -paths {','.join(c.telemetry)}", "!"]
    lines += ["qos profile EGRESS-5G"]
    for number, (name, share) in enumerate(c.shapers.items(), 1):
        lines += [f"   tx-queue {number}", f"      !! {name}", f"      bandwidth percent {share}"]
    return [*lines, "!", f"banner motd {c.banner}", "!"]


def _interface(p: PortSettings) -> list[str]:
    lines = [f"interface {p.name}", f"   description {p.description}", f"   mtu {p.mtu}"]
    if not p.enabled:
        lines.append("   shutdown")
    if p.protocol == "lacp":
        lines.append(f"   channel-group {_bundle(p)} mode active")
    elif p.address:
        lines += ["   no switchport", f"   ip address {p.address}"]
        interval = p.bfd_interval_ms
        lines += [f"   bfd interval {interval} min-rx {interval} multiplier {p.bfd_multiplier}"]
    if p.filter_in:
        lines.append(f"   ip access-group {p.filter_in} in")
    return [*lines, "!"]


def _bundle(p: PortSettings) -> int:
    return int("".join(filter(str.isdigit, p.name)) or 1)


def _bundles(c: DeviceConfiguration) -> list[str]:
    lines = []
    for port in c.ports.values():
        if port.protocol == "lacp":
            lines += [
                f"interface Port-Channel{_bundle(port)}",
                f"   description {port.description}",
            ]
            lines += ["   switchport mode trunk", f"   mlag {_bundle(port)}", "!"]
    return lines


def _lists(c: DeviceConfiguration) -> list[str]:
    lines = []
    for name, sources in c.filters.items():
        lines.append(f"ip access-list {name}")
        lines += [
            f"   {10 * number} permit ip {source} any" for number, source in enumerate(sources, 1)
        ]
        lines += [f"   {10 * len(sources) + 10} deny ip any any log", "!"]
    for name, prefixes in c.prefix_lists.items():
        lines.append(f"ip prefix-list {name}")
        lines += [
            f"   seq {10 * number} permit {prefix} le 32"
            for number, prefix in enumerate(prefixes, 1)
        ]
    for name, terms in c.policies.items():
        for number, term in enumerate(terms, 1):
            lines.append(f"route-map {name} {'permit' if term.accept else 'deny'} {10 * number}")
            if term.prefix_list:
                lines.append(f"   match ip address prefix-list {term.prefix_list}")
            if term.local_preference is not None:
                lines.append(f"   set local-preference {term.local_preference}")
            lines.append("!")
    return lines


def _bgp(c: DeviceConfiguration) -> list[str]:
    lines = [f"router bgp {c.own_as}", f"   router-id {c.loopback}"]
    for n in c.neighbors.values():
        lines += [f"   neighbor {n.address} remote-as {n.remote_as}"]
        lines += [f"   neighbor {n.address} description {n.description}"]
        lines += [f"   neighbor {n.address} bfd"]
        lines += [f"   neighbor {n.address} timers {n.hold_s // 3} {n.hold_s}"]
        if n.policy_in:
            lines += [f"   neighbor {n.address} route-map {n.policy_in} in"]
        if n.policy_out:
            lines += [f"   neighbor {n.address} route-map {n.policy_out} out"]
        lines += [f"   neighbor {n.address} maximum-routes {n.maximum_prefixes}"]
    return [*lines, "!"]
