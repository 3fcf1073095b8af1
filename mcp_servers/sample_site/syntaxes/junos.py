"""Juniper Junos `show configuration`, with braces."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_servers.sample_site.configuration import DeviceConfiguration, PolicyTerm, PortSettings

Tree = dict[str, "Tree | None"]
"""A statement -> its block, or None for a leaf; order is the order of printing."""


def render(c: DeviceConfiguration) -> list[str]:
    """Lines of the configuration."""
    tree: Tree = {
        "version 22.4R3.25": None,
        "system": _system(c),
        "interfaces": _interfaces(c),
        "snmp": {f"community {c.community}": {"authorization read-only": None}},
        "routing-options": {
            f"router-id {c.loopback}": None,
            f"autonomous-system {c.own_as}": None,
        },
        "protocols": _protocols(c),
        "policy-options": _policy_options(c),
        "class-of-service": {"schedulers": _schedulers(c)},
        "firewall": {"family inet": _filters(c)},
    }
    return list(_print(tree, 0))


def _print(tree: Tree, depth: int) -> Iterator[str]:
    indent = "    " * depth
    for statement, block in tree.items():
        if block is None:
            yield f"{indent}{statement};"
        else:
            yield f"{indent}{statement} {{"
            yield from _print(block, depth + 1)
            yield f"{indent}}}"


def _leaves(*statements: str) -> Tree:
    return dict.fromkeys(statements)


def _system(c: DeviceConfiguration) -> Tree:
    return {
        f"host-name {c.name}": None,
        f'login message "{c.banner}"': None,
        "tacplus-server": {f'10.250.0.31 secret "$9${c.tacacs_key}"': None},
        "login": {
            f"user {user}": {
                "class super-user": None,
                "authentication": {f'encrypted-password "{hashed}"': None},
            }
            for user, hashed in c.users.items()
        },
        "services": {
            "ssh": None,
            "analytics": {
                f"sensor {path}": {f"resource /junos/{path}/": None} for path in c.telemetry
            },
        },
        "syslog": {f"host {server}": _leaves("any info") for server in c.syslog_servers},
        "ntp": _leaves(*(f"server {server}" for server in c.ntp_servers)),
    }


def _interfaces(c: DeviceConfiguration) -> Tree:
    tree: Tree = {port.name: _interface(port) for port in c.ports.values()}
    tree["fxp0"] = {"unit 0": {"family inet": _leaves(f"address {c.management}/16")}}
    iso = {"family iso": _leaves(f"address {c.net}")}
    tree["lo0"] = {"unit 0": {"family inet": _leaves(f"address {c.loopback}/32"), **iso}}
    return tree


def _interface(p: PortSettings) -> Tree:
    tree: Tree = {f'description "{p.description}"': None}
    if not p.enabled:
        tree["disable"] = None
    if p.vlan is not None:
        tree["vlan-tagging"] = None
    tree[f"mtu {p.mtu}"] = None
    unit: Tree = {}
    if p.vlan is not None:
        unit[f"vlan-id {p.vlan}"] = None
    inet: Tree = {}
    if p.filter_in:
        inet["filter"] = _leaves(f"input {p.filter_in}")
    if p.address:
        inet[f"address {p.address}"] = None
    unit["family inet"] = inet
    if p.protocol == "isis":
        unit["family iso"] = None
        unit["family mpls"] = None
    tree[f"unit {p.vlan or 0}"] = unit
    return tree


def _protocols(c: DeviceConfiguration) -> Tree:
    tree: Tree = {"bgp": _bgp(c)}
    isis = [port for port in c.ports.values() if port.protocol == "isis"]
    if isis:
        off = 1 if c.isis_level == 2 else 2
        tree["isis"] = {
            f"level {off} disable": None,
            f"level {c.isis_level} wide-metrics-only": None,
            **{f"interface {port.name}.0": _isis_port(port) for port in isis},
            "interface lo0.0": _leaves("passive"),
        }
        tree["ldp"] = _leaves(*(f"interface {port.name}.0" for port in isis))
    areas = sorted({port.area for port in c.ports.values() if port.protocol == "ospf"})
    if areas:
        tree["ospf"] = {
            f"area 0.0.0.{area}": {
                **{
                    f"interface {port.name}.0": _ospf_port(port)
                    for port in c.ports.values()
                    if port.protocol == "ospf" and port.area == area
                },
                "interface lo0.0": _leaves("passive"),
            }
            for area in areas
        }
    return tree


def _bgp(c: DeviceConfiguration) -> Tree:
    tree: Tree = {"log-updown": None}
    for label, internal in (("rr-clients", True), ("external", False)):
        members = [n for n in c.neighbors.values() if (n.remote_as == c.own_as) == internal]
        if not members:
            continue
        group: Tree = {f"type {'internal' if internal else 'external'}": None}
        if internal:
            group[f"local-address {c.loopback}"] = None
        for n in members:
            leaves = [f'description "{n.description}"', f"hold-time {n.hold_s}"]
            leaves += [f"import {n.policy_in}"] if n.policy_in else []
            leaves += [f"export {n.policy_out}"] if n.policy_out else []
            leaves += [] if internal else [f"peer-as {n.remote_as}"]
            limit: Tree = {"prefix-limit": _leaves(f"maximum {n.maximum_prefixes}", "teardown 80")}
            neighbor = _leaves(*leaves)
            neighbor["family inet"] = {"unicast": limit}
            group[f"neighbor {n.address}"] = neighbor
        tree[f"group {label}"] = group
    return tree


def _isis_port(p: PortSettings) -> Tree:
    tree: Tree = {}
    if p.passive:
        tree["passive"] = None
    if p.point_to_point:
        tree["point-to-point"] = None
    if p.level == 1:
        tree["level 2 disable"] = None
    tree[f"level {p.level} metric {p.metric}"] = None
    if p.hello_s != 10:
        tree[f"level {p.level} hello-interval {p.hello_s}"] = None
    tree["family inet"] = {"bfd-liveness-detection": _bfd(p)}
    return tree


def _ospf_port(p: PortSettings) -> Tree:
    tree = _leaves("interface-type p2p", f"metric {p.metric}")
    if p.passive:
        tree["passive"] = None
    if p.hello_s != 10:
        tree[f"hello-interval {p.hello_s}"] = None
    tree["bfd-liveness-detection"] = _bfd(p)
    return tree


def _bfd(p: PortSettings) -> Tree:
    return _leaves(f"minimum-interval {p.bfd_interval_ms}", f"multiplier {p.bfd_multiplier}")


def _policy_options(c: DeviceConfiguration) -> Tree:
    tree: Tree = {f"prefix-list {n}": _leaves(*p) for n, p in c.prefix_lists.items()}
    for name, terms in c.policies.items():
        tree[f"policy-statement {name}"] = {
            f"term {10 * number}": _term(term) for number, term in enumerate(terms, 1)
        }
    return tree


def _term(term: PolicyTerm) -> Tree:
    tree: Tree = {}
    if term.prefix_list:
        tree["from"] = _leaves(f"prefix-list-filter {term.prefix_list} orlonger")
    actions = [] if term.local_preference is None else [f"local-preference {term.local_preference}"]
    tree["then"] = _leaves(*actions, "accept" if term.accept else "reject")
    return tree


def _schedulers(c: DeviceConfiguration) -> Tree:
    return {n: _leaves(f"transmit-rate percent {share}") for n, share in c.shapers.items()}


def _filters(c: DeviceConfiguration) -> Tree:
    return {f"filter {name}": _filter(sources) for name, sources in c.filters.items()}


def _filter(sources: list[str]) -> Tree:
    return {
        "term permitted": {
            "from": {"source-address": _leaves(*sources)},
            "then accept": None,
        },
        "term last": {"then": _leaves("syslog", "discard")},
    }
