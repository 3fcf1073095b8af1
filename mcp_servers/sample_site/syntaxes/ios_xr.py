"""Cisco IOS-XR `show running-config`."""

from __future__ import annotations

from mcp_servers.sample_site.configuration import DeviceConfiguration, PolicyTerm, PortSettings


def render(c: DeviceConfiguration) -> list[str]:
    """Lines of the running configuration."""
    return [
        "!! IOS XR Configuration 7.9.2",
        f"hostname {c.name}",
        *_system(c),
        *(line for port in _interfaces(c) for line in port),
        *_prefix_sets(c),
        *_policies(c),
        *_isis(c),
        *_ospf(c),
        *_bgp(c),
        *_ldp(c),
        *_telemetry(c),
        "end",
    ]


def _system(c: DeviceConfiguration) -> list[str]:
    lines = [f"banner motd ^{c.banner}^"]
    lines += [f"logging {server} vrf MGMT severity info" for server in c.syslog_servers]
    for user, secret in c.users.items():
        lines += [f"username {user}", " group root-lr", f" secret 10 {secret}", "!"]
    lines += [f"tacacs-server host 10.250.0.31 key 7 {c.tacacs_key}"]
    lines += [f"snmp-server community {c.community} RO MGMT-IN"]
    lines += ["ntp", *(f" server {server} prefer" for server in c.ntp_servers), "!"]
    for name, sources in c.filters.items():
        lines.append(f"ipv4 access-list {name}")
        lines += [
            f" {10 * number} permit ipv4 {source} any" for number, source in enumerate(sources, 1)
        ]
        lines += [f" {10 * len(sources) + 10} deny ipv4 any any log", "!"]
    lines.append("policy-map EGRESS-5G")
    for name, share in c.shapers.items():
        lines += [f" class {name}", f"  bandwidth percent {share}", " !"]
    return [*lines, " end-policy-map", "!"]


def _interfaces(c: DeviceConfiguration) -> list[list[str]]:
    loopback = ["interface Loopback0", f" ipv4 address {c.loopback} 255.255.255.255", "!"]
    management = [
        "interface MgmtEth0/RP0/CPU0/0",
        " vrf MGMT",
        f" ipv4 address {c.management} 255.255.0.0",
        "!",
    ]
    return [loopback, management, *(_interface(port) for port in c.ports.values())]


def _interface(p: PortSettings) -> list[str]:
    lines = [f"interface {p.name}", f" description {p.description}"]
    if p.vrf:
        lines.append(f" vrf {p.vrf}")
    lines.append(f" mtu {p.mtu}")
    if not p.vrf and p.protocol != "none":
        lines.append(" service-policy output EGRESS-5G")
    if p.address:
        address, length = p.address.split("/")
        mask = {"30": "255.255.255.252", "31": "255.255.255.254"}[length]
        lines.append(f" ipv4 address {address} {mask}")
    if p.filter_in:
        lines.append(f" ipv4 access-group {p.filter_in} ingress")
    if not p.enabled:
        lines.append(" shutdown")
    return [*lines, "!"]


def _prefix_sets(c: DeviceConfiguration) -> list[str]:
    lines = []
    for name, prefixes in c.prefix_lists.items():
        lines += [f"prefix-set {name}", "  " + ",\n  ".join(prefixes), "end-set", "!"]
    return "\n".join(lines).split("\n") if lines else []


def _policies(c: DeviceConfiguration) -> list[str]:
    lines = []
    for name, terms in c.policies.items():
        lines.append(f"route-policy {name}")
        for term in terms:
            lines += _term(term)
        lines += ["end-policy", "!"]
    return lines


def _term(term: PolicyTerm) -> list[str]:
    verdict = "pass" if term.accept else "drop"
    if not term.prefix_list:
        return [f"  {verdict}"]
    lines = [f"  if destination in {term.prefix_list} then"]
    if term.local_preference is not None:
        lines.append(f"    set local-preference {term.local_preference}")
    return [*lines, f"    {verdict}", "  endif"]


def _isis(c: DeviceConfiguration) -> list[str]:
    ports = [port for port in c.ports.values() if port.protocol == "isis"]
    if not ports:
        return []
    level = {1: "level-1", 2: "level-2-only"}[c.isis_level]
    lines = ["router isis CORE", f" is-type {level}", f" net {c.net}", " log adjacency changes"]
    lines += [" address-family ipv4 unicast", "  metric-style wide", "  mpls ldp auto-config", " !"]
    lines += [" interface Loopback0", "  passive", "  address-family ipv4 unicast", "  !", " !"]
    for port in ports:
        lines += _isis_port(port)
    return [*lines, "!"]


def _isis_port(p: PortSettings) -> list[str]:
    lines = [f" interface {p.name}"]
    if p.level == 1:
        lines.append("  circuit-type level-1")
    lines += [f"  bfd minimum-interval {p.bfd_interval_ms}", f"  bfd multiplier {p.bfd_multiplier}"]
    lines.append("  bfd fast-detect ipv4")
    if p.passive:
        lines.append("  passive")
    if p.point_to_point:
        lines.append("  point-to-point")
    if p.hello_s != 10:
        lines.append(f"  hello-interval {p.hello_s}")
    return [*lines, "  address-family ipv4 unicast", f"   metric {p.metric}", "  !", " !"]


def _ospf(c: DeviceConfiguration) -> list[str]:
    lines = []
    for area in sorted({port.area for port in c.ports.values() if port.protocol == "ospf"}):
        lines += [f"router ospf {area}", f" router-id {c.loopback}", f" area {area}"]
        lines += ["  interface Loopback0", "   passive enable", "  !"]
        for port in c.ports.values():
            if port.protocol == "ospf" and port.area == area:
                lines += [f"  interface {port.name}", f"   cost {port.metric}"]
                if port.hello_s != 10:
                    lines += [f"   hello-interval {port.hello_s}"]
                if port.passive:
                    lines += ["   passive enable"]
                lines += ["   network point-to-point", "  !"]
        lines += [" !", "!"]
    return lines


def _bgp(c: DeviceConfiguration) -> list[str]:
    lines = [f"router bgp {c.own_as}", f" bgp router-id {c.loopback}"]
    lines += [" address-family ipv4 unicast", " !", " address-family vpnv4 unicast", " !"]
    for neighbor in c.neighbors.values():
        internal = neighbor.remote_as == c.own_as
        lines += [f" neighbor {neighbor.address}", f"  remote-as {neighbor.remote_as}"]
        lines += [f"  timers {neighbor.hold_s // 3} {neighbor.hold_s}"]
        lines += [f"  description {neighbor.description}"]
        if internal:
            lines.append("  update-source Loopback0")
        lines.append("  address-family ipv4 unicast")
        lines.append(f"   maximum-prefix {neighbor.maximum_prefixes} 80")
        if neighbor.policy_in:
            lines.append(f"   route-policy {neighbor.policy_in} in")
        if neighbor.policy_out:
            lines.append(f"   route-policy {neighbor.policy_out} out")
        if c.is_reflector:
            lines.append("   route-reflector-client")
        lines += ["  !", " !"]
    return [*lines, "!"]


def _ldp(c: DeviceConfiguration) -> list[str]:
    ports = [port.name for port in c.ports.values() if port.protocol == "isis"]
    lines = ["mpls ldp", f" router-id {c.loopback}"] if ports else []
    for name in ports:
        lines += [f" interface {name}", " !"]
    return [*lines, "!"] if lines else []


def _telemetry(c: DeviceConfiguration) -> list[str]:
    lines = ["telemetry model-driven", " destination-group COLLECTOR"]
    lines += ["  address-family ipv4 10.250.0.41 port 57500", "  !", " !"]
    for path in c.telemetry:
        lines += [f" sensor-group {path}", f"  sensor-path {path}", " !"]
    return [*lines, "!"]
