"""Huawei VRP `display current-configuration`."""

from __future__ import annotations

from ipaddress import IPv4Network

from mcp_servers.sample_site.configuration import DeviceConfiguration, PortSettings


def render(c: DeviceConfiguration) -> list[str]:
    """Lines of the configuration."""
    return [
        "!Software Version V800R022C10SPC500",
        "#",
        f"sysname {c.name}",
        "#",
        *_system(c),
        *_bfd(c),
        *_acls(c),
        *_isis(c),
        "interface LoopBack0",
        f" ip address {c.loopback} 255.255.255.255",
        *([" isis enable 1"] if _has_isis(c) else []),
        "#",
        *(line for port in c.ports.values() for line in _interface(port)),
        *_bgp(c),
        *_ospf(c),
        *_policies(c),
        "return",
    ]


def _has_isis(c: DeviceConfiguration) -> bool:
    return any(port.protocol == "isis" for port in c.ports.values())


def _system(c: DeviceConfiguration) -> list[str]:
    lines = [f'header login information "{c.banner}"', "#"]
    lines += [f"info-center loghost {server}" for server in c.syslog_servers]
    lines += [f"ntp-service unicast-server {server}" for server in c.ntp_servers]
    lines += ["#", f"snmp-agent community read cipher {c.community} acl 2001", "#"]
    lines += ["hwtacacs-server template NOC", f" hwtacacs-server shared-key cipher {c.tacacs_key}"]
    lines += ["#", "aaa"]
    lines += [
        f" local-user {user} password irreversible-cipher {hashed}"
        for user, hashed in c.users.items()
    ]
    lines += ["#", "telemetry"]
    lines += [f" sensor-group {path}" for path in c.telemetry]
    lines += ["#", "qos-profile EGRESS-5G"]
    lines += [f" queue {name} weight {share}" for name, share in c.shapers.items()]
    return [*lines, "#"]


def _bfd(c: DeviceConfiguration) -> list[str]:
    return ["bfd", "#"] if c.ports else []


def _acls(c: DeviceConfiguration) -> list[str]:
    lines = []
    for number, (name, sources) in enumerate(c.filters.items(), 2001):
        lines += [f"acl number {number}", f" description {name}"]
        for index, source in enumerate(sources, 1):
            network = IPv4Network(source, strict=False)
            lines.append(
                f" rule {5 * index} permit source {network.network_address} {network.hostmask}"
            )
        lines += [" rule 1000 deny", "#"]
    return lines


def _isis(c: DeviceConfiguration) -> list[str]:
    if not _has_isis(c):
        return []
    level = f"level-{c.isis_level}"
    return ["isis 1", f" is-level {level}", " cost-style wide", f" network-entity {c.net}", "#"]


def _interface(p: PortSettings) -> list[str]:
    lines = [f"interface {p.name}", f" description {p.description}", f" mtu {p.mtu}"]
    if not p.enabled:
        lines.append(" shutdown")
    if p.vrf:
        lines.append(f" ip binding vpn-instance {p.vrf}")
    if p.address:
        network = IPv4Network(p.address, strict=False)
        lines.append(f" ip address {p.address.split('/')[0]} {network.netmask}")
    if p.filter_in:
        lines.append(f" traffic-filter inbound acl name {p.filter_in}")
    if p.protocol == "isis":
        lines += _isis_port(p)
    if p.protocol == "ospf":
        lines += [f" ospf enable {p.area} area 0.0.0.{p.area}", f" ospf cost {p.metric}"]
        lines += [" ospf network-type p2p"]
        if p.hello_s != 10:
            lines += [f" ospf timer hello {p.hello_s}"]
        if p.passive:
            lines += [" ospf silent"]
    return [*lines, "#"]


def _isis_port(p: PortSettings) -> list[str]:
    lines = [" isis enable 1"]
    if p.point_to_point:
        lines.append(" isis circuit-type p2p")
    lines += [f" isis circuit-level level-{p.level}", f" isis cost {p.metric}"]
    if p.hello_s != 10:
        lines.append(f" isis timer hello {p.hello_s}")
    if p.passive:
        lines.append(" isis silent")
    lines += [
        " isis bfd enable",
        f" isis bfd min-tx-interval {p.bfd_interval_ms} min-rx-interval {p.bfd_interval_ms} "
        f"detect-multiplier {p.bfd_multiplier}",
    ]
    return [*lines, " mpls", " mpls ldp"]


def _bgp(c: DeviceConfiguration) -> list[str]:
    lines = [f"bgp {c.own_as}", f" router-id {c.loopback}"]
    for n in c.neighbors.values():
        lines += [f" peer {n.address} as-number {n.remote_as}"]
        lines += [f" peer {n.address} description {n.description}"]
        lines += [f" peer {n.address} connect-interface LoopBack0"]
        lines += [f" peer {n.address} timer keepalive {n.hold_s // 3} hold {n.hold_s}"]
    lines += [" #", " ipv4-family unicast"]
    for n in c.neighbors.values():
        lines += [f"  peer {n.address} enable"]
        if n.policy_in:
            lines += [f"  peer {n.address} route-policy {n.policy_in} import"]
        if n.policy_out:
            lines += [f"  peer {n.address} route-policy {n.policy_out} export"]
        lines += [f"  peer {n.address} route-limit {n.maximum_prefixes} 80"]
    return [*lines, "#"]


def _ospf(c: DeviceConfiguration) -> list[str]:
    lines = []
    for area in sorted({port.area for port in c.ports.values() if port.protocol == "ospf"}):
        lines += [f"ospf {area} router-id {c.loopback}", " bfd all-interfaces enable"]
        lines += [f" area 0.0.0.{area}", "#"]
    return lines


def _policies(c: DeviceConfiguration) -> list[str]:
    lines = []
    for name, terms in c.policies.items():
        for number, term in enumerate(terms, 1):
            verdict = "permit" if term.accept else "deny"
            lines.append(f"route-policy {name} {verdict} node {10 * number}")
            if term.prefix_list:
                lines.append(f" if-match ip-prefix {term.prefix_list}")
            if term.local_preference is not None:
                lines.append(f" apply local-preference {term.local_preference}")
            lines.append("#")
    for name, prefixes in c.prefix_lists.items():
        for number, prefix in enumerate(prefixes, 1):
            address, length = prefix.split("/")
            lines.append(
                f"ip ip-prefix {name} index {10 * number} permit {address} {length} less-equal 32"
            )
    return [*lines, "#"]
