"""What one configuration says: interfaces, sessions, definitions, uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network

from mcp_servers.configs.block_tree import ConfigTree, Placed
from telecom.topology import port_key

IPInterface = IPv4Interface | IPv6Interface


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and the line that sets it."""

    value: str
    line: int


@dataclass(slots=True)
class Interface:
    """One interface as configured."""

    name: str
    line: int
    addresses: list[tuple[IPInterface, int]] = field(default_factory=list)
    settings: dict[str, Setting] = field(default_factory=dict)
    """`mtu`, `ip_mtu`, `speed`, `vlan`, `vrf`, `description`, `ospf_area`, `isis_metric`, ..."""

    def get(self, kind: str) -> str | None:
        """The value of a setting, if it has one."""
        setting = self.settings.get(kind)
        return None if setting is None else setting.value

    @property
    def is_shutdown(self) -> bool:
        """Whether it is taken down by configuration."""
        return "shutdown" in self.settings


@dataclass(slots=True)
class Session:
    """One BGP neighbour as configured, with what it inherits from its group."""

    neighbor: str
    vrf: str
    line: int
    settings: dict[str, Setting] = field(default_factory=dict)
    """`peer_as`, `session_local_as`, `update_source`, `peer_group`, `neighbor_shutdown`, ..."""

    def get(self, kind: str) -> str | None:
        """The value of a setting, if it has one."""
        setting = self.settings.get(kind)
        return None if setting is None else setting.value


@dataclass(frozen=True, slots=True)
class Use:
    """A statement that refers to something by name."""

    kind: str
    name: str
    line: int
    statement: str


@dataclass(slots=True)
class ElementView:
    """One configuration, understood."""

    hostname: str | None = None
    local_as: Setting | None = None
    interfaces: dict[str, Interface] = field(default_factory=dict)
    """By `port_key`."""
    sessions: dict[tuple[str, str], Session] = field(default_factory=dict)
    """By VRF and neighbour address."""
    definitions: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """Lines that define (kind, name)."""
    uses: list[Use] = field(default_factory=list)
    isis_level: Setting | None = None

    def definitions_of(self, kind: str) -> list[str]:
        """Names of everything of one kind that is defined."""
        return [name for known, name in self.definitions if known == kind]

    def interface(self, name: str) -> Interface | None:
        """Find an interface by any spelling of its name."""
        return self.interfaces.get(port_key(name))

    def carrying(self, address: str) -> Interface | None:
        """The interface whose subnet holds `address`, never the one that owns it alone."""
        wanted = ip_address(address)
        for interface in self.interfaces.values():
            for own, _ in interface.addresses:
                if own.version == wanted.version and wanted in own.network and wanted != own.ip:
                    return interface
        return None

    def inherited(self, interface: Interface, kind: str) -> Setting | None:
        """A setting of an interface, or of the port that carries a sub-interface."""
        if kind in interface.settings:
            return interface.settings[kind]
        for parent in self._parents(interface):
            if kind in parent.settings:
                return parent.settings[kind]
        return None

    def _parents(self, interface: Interface) -> Iterator[Interface]:
        for name in (interface.name.rpartition(".")[0], interface.get("port") or ""):
            parent = self.interface(name) if name else None
            if parent is not None:
                yield parent


_SETTINGS_OF_SESSIONS = frozenset(
    {
        "peer_as",
        "session_local_as",
        "update_source",
        "peer_group",
        "neighbor_shutdown",
        "neighbor_auth",
        "neighbor_timers",
        "neighbor_description",
        "peer_internal",
    }
)


_OF_ADDRESSES = frozenset({"address", "prefix", "prefix_length", "port", "hostname"})


def view_addresses(tree: ConfigTree) -> ElementView:
    """Collect the interfaces with addresses, and no more."""
    return view_element(replace(tree, grammar=tree.grammar.only(_OF_ADDRESSES)))


def view_element(tree: ConfigTree) -> ElementView:
    """Collect what the statements of a configuration say."""
    view = ElementView()
    groups: dict[tuple[str, str], Session] = {}
    networks: list[tuple[str, str, int]] = []
    passive: list[tuple[bool, str, int]] = []
    for placed in tree.placed:
        for fact, values in tree.grammar.facts_in(placed.flat):
            if fact.role == "set":
                _set(view, groups, networks, passive, fact.kind, values, placed)
            elif fact.role == "define":
                _define(view, fact.kind, values, placed)
            else:
                for name in (values.get("names") or values.get("name", "")).split():
                    view.uses.append(Use(fact.kind, name, placed.statement.line, placed.flat))
    _inherit(view, groups)
    _apply_networks(view, networks, passive)
    return view


def _interface_name(values: dict[str, str]) -> str:
    name = values["interface"]
    return f"{name}.{values['unit']}" if values.get("unit") else name


def _interface(view: ElementView, name: str, line: int) -> Interface:
    return view.interfaces.setdefault(port_key(name), Interface(name, line))


def _define(view: ElementView, kind: str, values: dict[str, str], placed: Placed) -> None:
    line = placed.statement.line
    if kind == "interface":
        name = values.get("name") or _interface_name(values)
        _interface(view, name, line)
        view.definitions.setdefault((kind, name), []).append(line)
        return
    if kind == "neighbor":
        vrf = values.get("vrf") or values.get("vrf2") or ""
        view.sessions.setdefault(
            (vrf, _address(values["name"])), Session(values["name"], vrf, line)
        )
    view.definitions.setdefault((kind, values["name"]), []).append(line)


def _set(
    view: ElementView,
    groups: dict[tuple[str, str], Session],
    networks: list[tuple[str, str, int]],
    passive: list[tuple[bool, str, int]],
    kind: str,
    values: dict[str, str],
    placed: Placed,
) -> None:
    line = placed.statement.line
    value = values.get("value", "")
    if kind == "hostname":
        view.hostname = view.hostname or value
    elif kind == "local_as":
        view.local_as = view.local_as or Setting(value, line)
    elif kind == "isis_level":
        view.isis_level = Setting(value, line)
    elif kind == "ospf_network":
        networks.append((_network(values), value, line))
    elif kind in ("ospf_passive", "ospf_active"):
        passive.append((kind == "ospf_passive", values["interface"], line))
    elif kind in ("address", "prefix"):
        interface = _interface(view, _interface_name(values), line)
        own = _own_address(values)
        if own is not None and all(own.ip != known.ip for known, _ in interface.addresses):
            interface.addresses.append((own, line))
    elif kind == "prefix_length":
        _lengthen(_interface(view, _interface_name(values), line), value)
    elif kind in _SETTINGS_OF_SESSIONS:
        name = values.get("neighbor") or values.get("group", "")
        vrf = values.get("vrf") or values.get("vrf2") or ""
        session = view.sessions.get((vrf, _address(name)))
        if session is None:
            session = groups.setdefault((vrf, name), Session(name, vrf, line))
        session.settings[kind] = Setting(value, line)
    elif "interface" in values:
        settings = _interface(view, _interface_name(values), line).settings
        if kind == "enabled":
            settings.pop("shutdown", None)
        settings[kind] = Setting(value, line)


def _lengthen(interface: Interface, length: str) -> None:
    """Give the last address the prefix length that a statement of its own states."""
    if interface.addresses:
        own, line = interface.addresses[-1]
        with suppress(ValueError):
            interface.addresses[-1] = (ip_interface(f"{own.ip}/{length}"), line)


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return text


def _own_address(values: dict[str, str]) -> IPInterface | None:
    address = values.get("address", "")
    suffix = values.get("length") or values.get("mask")
    try:
        return ip_interface(f"{address}/{suffix}" if suffix else address)
    except ValueError:
        return None


def _network(values: dict[str, str]) -> str:
    if values.get("length"):
        return f"{values['prefix']}/{values['length']}"
    bits = [255 - int(part) for part in values["wildcard"].split(".") if part.isdigit()]
    return f"{values['prefix']}/{'.'.join(str(part & 255) for part in bits)}"


def _inherit(view: ElementView, groups: dict[tuple[str, str], Session]) -> None:
    """Give each session what its group sets and it does not."""
    for (vrf, _), session in view.sessions.items():
        name = session.get("peer_group")
        for _ in range(4):
            group = groups.get((vrf, name or "")) or groups.get(("", name or ""))
            if group is None:
                break
            session.settings = {**group.settings, **session.settings}
            name = group.get("peer_group")
    for session in view.sessions.values():
        if "peer_internal" in session.settings and "peer_as" not in session.settings:
            if view.local_as is not None:
                line = session.settings["peer_internal"].line
                session.settings["peer_as"] = Setting(view.local_as.value, line)


def _apply_networks(
    view: ElementView,
    networks: list[tuple[str, str, int]],
    passive: list[tuple[bool, str, int]],
) -> None:
    """Turn OSPF `network ... area` statements into areas of interfaces, the most specific first."""
    parsed = []
    for text, area, line in networks:
        try:
            parsed.append((ip_network(text, strict=False), area, line))
        except ValueError:
            continue
    parsed.sort(key=lambda entry: -entry[0].prefixlen)
    for interface in view.interfaces.values():
        for own, _ in interface.addresses:
            for network, area, line in parsed:
                if own.version == network.version and own.ip in network:
                    interface.settings.setdefault("ospf_area", Setting(area, line))
    by_default = any(on and name == "default" for on, name, _ in passive)
    active = {port_key(name) for on, name, _ in passive if not on}
    for key, interface in view.interfaces.items():
        for on, name, line in passive:
            if on and (port_key(name) == key or (by_default and key not in active)):
                interface.settings.setdefault("ospf_passive", Setting(name, line))
