"""Nokia SR OS classic CLI, `admin display-config`."""

from __future__ import annotations

from mcp_servers.sample_site.configuration import DeviceConfiguration, PortSettings


def render(c: DeviceConfiguration) -> list[str]:
    """Lines of the configuration."""
    body = [
        *_system(c),
        *_filters(c),
        *(line for port in c.ports.values() for line in _port(port)),
        *_router(c),
        *_policies(c),
        *_services(c),
    ]
    return [
        "# TiMOS-C-22.10.R3 cpm/hops64 Nokia 7750 SR",
        "exit all",
        "configure",
        *("    " + line for line in body),
        "exit all",
    ]


def _block(head: str, *inner: str) -> list[str]:
    return [head, *("    " + line for line in inner), "exit"]


def _system(c: DeviceConfiguration) -> list[str]:
    ntp = _block("ntp", *(f"server {server}" for server in c.ntp_servers), "no shutdown")
    security = _block(
        "security",
        f'snmp community "{c.community}" r version v2c',
        f'tacplus server 1 address 10.250.0.31 secret "{c.tacacs_key}" hash2',
        *(
            line
            for user, hashed in c.users.items()
            for line in _block(f'user "{user}"', f'password "{hashed}"', "access console snmp")
        ),
    )
    telemetry = _block("telemetry", *(f'sensor-group "{path}"' for path in c.telemetry))
    syslog = [
        line
        for number, server in enumerate(c.syslog_servers, 1)
        for line in _block(f"syslog {number}", f"address {server}", "level info")
    ]
    return [
        *_block("system", f'name "{c.name}"', *_block("time", *ntp), *security, *telemetry),
        *_block("log", *syslog),
        *_block("bof", f"address {c.management}/16 active"),
    ]


def _filters(c: DeviceConfiguration) -> list[str]:
    lines = []
    for number, (name, sources) in enumerate(c.filters.items(), 10):
        entries = [
            line
            for index, source in enumerate(sources, 1)
            for line in _block(
                f"entry {10 * index} create", f"match src-ip {source}", "action forward"
            )
        ]
        lines += _block(
            f"ip-filter {number} create", f'filter-name "{name}"', "default-action drop", *entries
        )
    qos = [
        line
        for number, (name, share) in enumerate(c.shapers.items(), 1)
        for line in _block(f'queue {number} "{name}" create', f"rate percent {share}")
    ]
    return [*_block("filter", *lines), *_block("qos", *_block("network-queue EGRESS-5G", *qos))]


def _port(p: PortSettings) -> list[str]:
    return _block(
        f"port {p.name}",
        f'description "{p.description}"',
        *_block("ethernet", f"mtu {p.mtu}", *(["encap-type dot1q"] if p.vlan else [])),
        "no shutdown" if p.enabled else "shutdown",
    )


def _interface_name(p: PortSettings) -> str:
    return f"to-{p.peer}"


def _router(c: DeviceConfiguration) -> list[str]:
    interfaces = _block('interface "system"', f"address {c.loopback}/32", "no shutdown")
    for port in c.ports.values():
        if port.vrf or not port.address:
            continue
        interfaces += _block(
            f'interface "{_interface_name(port)}"',
            f"address {port.address}",
            f"port {port.name}",
            *([f'ingress filter ip name "{port.filter_in}"'] if port.filter_in else []),
            f"bfd {port.bfd_interval_ms} receive {port.bfd_interval_ms} "
            f"multiplier {port.bfd_multiplier}",
            "no shutdown",
        )
    return _block(
        "router Base", *interfaces, f"autonomous-system {c.own_as}", *_isis(c), *_ospf(c), *_bgp(c)
    )


def _isis(c: DeviceConfiguration) -> list[str]:
    ports = [port for port in c.ports.values() if port.protocol == "isis"]
    if not ports:
        return []
    interfaces = _block('interface "system"', "passive", "no shutdown")
    for port in ports:
        inner = [f"level-capability level-{port.level}"]
        if port.point_to_point:
            inner.append("interface-type point-to-point")
        if port.passive:
            inner.append("passive")
        inner += _block(
            f"level {port.level}",
            *([f"hello-interval {port.hello_s}"] if port.hello_s != 10 else []),
            f"metric {port.metric}",
        )
        interfaces += _block(
            f'interface "{_interface_name(port)}"', *inner, "bfd-enable ipv4", "no shutdown"
        )
    isis = _block(
        "isis 0",
        f"level-capability level-{c.isis_level}",
        f"area-id {c.net[:7]}",
        *interfaces,
        "no shutdown",
    )
    ldp = [
        line
        for port in ports
        for line in _block(f'interface "{_interface_name(port)}" dual-stack', "no shutdown")
    ]
    return [*isis, *_block("ldp", *_block("interface-parameters", *ldp), "no shutdown")]


def _ospf(c: DeviceConfiguration) -> list[str]:
    lines = []
    for area in sorted({port.area for port in c.ports.values() if port.protocol == "ospf"}):
        interfaces = _block('interface "system"', "passive", "no shutdown")
        for port in c.ports.values():
            if port.protocol != "ospf" or port.area != area:
                continue
            interfaces += _block(
                f'interface "{_interface_name(port)}"',
                "interface-type point-to-point",
                *([f"hello-interval {port.hello_s}"] if port.hello_s != 10 else []),
                *(["passive"] if port.passive else []),
                f"metric {port.metric}",
                "no shutdown",
            )
        lines += _block(f"ospf {area}", *_block(f"area 0.0.0.{area}", *interfaces), "no shutdown")
    return lines


def _bgp(c: DeviceConfiguration) -> list[str]:
    neighbors = [
        line
        for n in c.neighbors.values()
        for line in _block(
            f"neighbor {n.address}",
            f'description "{n.description}"',
            f"hold-time {n.hold_s}",
            f"peer-as {n.remote_as}",
            *([f'import "{n.policy_in}"'] if n.policy_in else []),
            *([f'export "{n.policy_out}"'] if n.policy_out else []),
            f"prefix-limit ipv4 {n.maximum_prefixes} threshold 80",
        )
    ]
    return _block("bgp", *_block('group "rr-clients"', *neighbors), "no shutdown")


def _policies(c: DeviceConfiguration) -> list[str]:
    lines = []
    for name, prefixes in c.prefix_lists.items():
        lines += _block(f'prefix-list "{name}"', *(f"prefix {p} longer" for p in prefixes))
    for name, terms in c.policies.items():
        entries = []
        for number, term in enumerate(terms, 1):
            inner = _block("from", f'prefix-list "{term.prefix_list}"') if term.prefix_list else []
            preference = (
                []
                if term.local_preference is None
                else [f"local-preference {term.local_preference}"]
            )
            inner += _block(f"action {'accept' if term.accept else 'drop'}", *preference)
            entries += _block(f"entry {10 * number}", *inner)
        lines += _block(f'policy-statement "{name}"', *entries)
    return _block("router Base", *_block("policy-options", "begin", *lines, "commit"))


def _services(c: DeviceConfiguration) -> list[str]:
    lines = []
    for port in c.ports.values():
        if port.vrf and port.vlan is not None:
            interface = _block(
                f'interface "{port.vrf}" create',
                f'description "{port.description}"',
                f"address {port.address}",
                *_block(f"sap {port.name}:{port.vlan} create", "no shutdown"),
            )
            lines += _block(
                f"vprn {port.vlan} customer 1 create",
                f"route-distinguisher {c.own_as}:{port.vlan}",
                *interface,
                "no shutdown",
            )
    return _block("service", *lines) if lines else []
