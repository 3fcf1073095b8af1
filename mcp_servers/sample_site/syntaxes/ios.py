"""Cisco IOS-XE `show running-config` of a cell site router."""

from __future__ import annotations

from ipaddress import IPv4Network

from mcp_servers.sample_site.configuration import DeviceConfiguration, PortSettings


def render(c: DeviceConfiguration) -> list[str]:
    """Lines of the running configuration."""
    return [
        "!",
        "version 17.9",
        "service timestamps log datetime msec localtime",
        f"hostname {c.name}",
        "!",
        *_system(c),
        "interface Loopback0",
        f" ip address {c.loopback} 255.255.255.255",
        "!",
        *(line for port in c.ports.values() for line in _interface(port)),
        *_ospf(c),
        *_bgp(c),
        *_lists(c),
        *_management(c),
        "end",
    ]


def _system(c: DeviceConfiguration) -> list[str]:
    lines = [f"username {user} privilege 15 secret 9 {hashed}" for user, hashed in c.users.items()]
    lines.append("policy-map EGRESS-5G")
    for name, share in c.shapers.items():
        lines += [f" class {name}", f"  bandwidth percent {share}"]
    return [*lines, "!"]


def _interface(p: PortSettings) -> list[str]:
    lines = [f"interface {p.name}", f" description {p.description}", f" mtu {p.mtu}"]
    if p.vrf:
        lines.append(f" vrf forwarding {p.vrf}")
    if p.address:
        network = IPv4Network(p.address, strict=False)
        lines.append(f" ip address {p.address.split('/')[0]} {network.netmask}")
    if p.filter_in:
        lines.append(f" ip access-group {p.filter_in} in")
    if p.protocol == "ospf":
        lines += [" ip ospf network point-to-point", f" ip ospf cost {p.metric}"]
        lines += [f" ip ospf {p.area} area {p.area}"]
        if p.hello_s != 10:
            lines += [f" ip ospf hello-interval {p.hello_s}"]
        lines += [" service-policy output EGRESS-5G"]
        interval = p.bfd_interval_ms
        lines += [f" bfd interval {interval} min_rx {interval} multiplier {p.bfd_multiplier}"]
    if not p.enabled:
        lines.append(" shutdown")
    return [*lines, "!"]


def _ospf(c: DeviceConfiguration) -> list[str]:
    lines = []
    for area in sorted({port.area for port in c.ports.values() if port.protocol == "ospf"}):
        lines += [f"router ospf {area}", f" router-id {c.loopback}", " bfd all-interfaces"]
        lines += [f" passive-interface {p.name}" for p in c.ports.values() if p.passive]
        lines += [" passive-interface Loopback0", "!"]
    return lines


def _bgp(c: DeviceConfiguration) -> list[str]:
    lines = [f"router bgp {c.own_as}", f" bgp router-id {c.loopback}", " bgp log-neighbor-changes"]
    for n in c.neighbors.values():
        lines += [f" neighbor {n.address} remote-as {n.remote_as}"]
        lines += [f" neighbor {n.address} description {n.description}"]
        lines += [f" neighbor {n.address} update-source Loopback0"]
        lines += [f" neighbor {n.address} timers {n.hold_s // 3} {n.hold_s}"]
    lines += [" !", " address-family ipv4"]
    for n in c.neighbors.values():
        lines += [f"  neighbor {n.address} activate"]
        if n.policy_in:
            lines += [f"  neighbor {n.address} route-map {n.policy_in} in"]
        if n.policy_out:
            lines += [f"  neighbor {n.address} route-map {n.policy_out} out"]
        lines += [f"  neighbor {n.address} maximum-prefix {n.maximum_prefixes} 80"]
    return [*lines, " exit-address-family", "!"]


def _lists(c: DeviceConfiguration) -> list[str]:
    lines = []
    for name, prefixes in c.prefix_lists.items():
        lines += [
            f"ip prefix-list {name} seq {5 * number} permit {prefix} le 32"
            for number, prefix in enumerate(prefixes, 1)
        ]
    for name, terms in c.policies.items():
        for number, term in enumerate(terms, 1):
            lines.append(f"route-map {name} {'permit' if term.accept else 'deny'} {10 * number}")
            if term.prefix_list:
                lines.append(f" match ip address prefix-list {term.prefix_list}")
            if term.local_preference is not None:
                lines.append(f" set local-preference {term.local_preference}")
    for name, sources in c.filters.items():
        lines.append(f"ip access-list extended {name}")
        lines += [f" permit ip {_wildcard(source)} any" for source in sources]
        lines.append(" deny ip any any log")
    return [*lines, "!"]


def _wildcard(prefix: str) -> str:
    network = IPv4Network(prefix, strict=False)
    if network.prefixlen == 32:
        return f"host {network.network_address}"
    return f"{network.network_address} {network.hostmask}"


def _management(c: DeviceConfiguration) -> list[str]:
    lines = [f"logging host {server}" for server in c.syslog_servers]
    lines += [f"snmp-server community {c.community} RO MGMT-IN", "!"]
    lines += ["tacacs server NOC", " address ipv4 10.250.0.31", f" key 7 {c.tacacs_key}", "!"]
    for number, path in enumerate(c.telemetry, 101):
        lines += [f"telemetry ietf subscription {number}", f" filter xpath /{path}"]
        lines += [" receiver ip address 10.250.0.41 57500 protocol grpc-tcp"]
    lines += [f"banner motd ^C{c.banner}^C", "!"]
    return lines + [f"ntp server {server}" for server in c.ntp_servers]
