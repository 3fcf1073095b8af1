"""What one configuration says: interfaces, sessions, definitions, uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network

from mcp_servers.configs.block_tree import ConfigTree
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
    collector = _Collector()
    for placed in tree.placed:
        line = placed.statement.line
        for fact, values in tree.grammar.facts_in(placed.flat):
            if fact.role == "set":
                collector.set(fact.kind, values, line)
            elif fact.role == "define":
                collector.define(fact.kind, values, line)
            else:
                for name in (values.get("names") or values.get("name", "")).split():
                    collector.view.uses.append(Use(fact.kind, name, line, placed.flat))
    return collector.finished()


def _interface_name(values: dict[str, str]) -> str:
    name = values["interface"]
    return f"{name}.{values['unit']}" if values.get("unit") else name


def _vrf(values: dict[str, str]) -> str:
    return values.get("vrf") or values.get("vrf2") or ""


class _Collector:
    """Takes in facts in the order of the text and settles what depends on others at the end."""

    def __init__(self) -> None:
        self.view = ElementView()
        self._groups: dict[tuple[str, str], Session] = {}
        self._networks: list[tuple[str, str, int]] = []
        """OSPF networks: prefix, area, line."""
        self._passive: list[tuple[bool, str, int]] = []
        """Passive or not, interface (or `default`), line."""

    def _interface(self, name: str, line: int) -> Interface:
        return self.view.interfaces.setdefault(port_key(name), Interface(name, line))

    def define(self, kind: str, values: dict[str, str], line: int) -> None:
        """Take in the definition of something by name."""
        name = values.get("name") or _interface_name(values)
        if kind == "interface":
            self._interface(name, line)
        elif kind == "neighbor":
            key = (_vrf(values), _address(name))
            self.view.sessions.setdefault(key, Session(name, _vrf(values), line))
        self.view.definitions.setdefault((kind, name), []).append(line)

    def set(self, kind: str, values: dict[str, str], line: int) -> None:
        """Take in a setting of the element, a session or an interface."""
        setting = Setting(values.get("value", ""), line)
        if kind == "hostname":
            self.view.hostname = self.view.hostname or setting.value
        elif kind == "local_as":
            self.view.local_as = self.view.local_as or setting
        elif kind == "isis_level":
            self.view.isis_level = setting
        elif kind == "ospf_network":
            self._networks.append((_network(values), setting.value, line))
        elif kind in ("ospf_passive", "ospf_active"):
            self._passive.append((kind == "ospf_passive", values["interface"], line))
        elif kind in _SETTINGS_OF_SESSIONS:
            self._session(values, line).settings[kind] = setting
        elif "interface" in values:
            self._set_interface(kind, values, setting)

    def _session(self, values: dict[str, str], line: int) -> Session:
        name, vrf = values.get("neighbor") or values.get("group", ""), _vrf(values)
        session = self.view.sessions.get((vrf, _address(name)))
        return session or self._groups.setdefault((vrf, name), Session(name, vrf, line))

    def _set_interface(self, kind: str, values: dict[str, str], setting: Setting) -> None:
        interface = self._interface(_interface_name(values), setting.line)
        if kind in ("address", "prefix"):
            own = _own_address(values)
            if own is not None and all(own.ip != known.ip for known, _ in interface.addresses):
                interface.addresses.append((own, setting.line))
        elif kind == "prefix_length":
            _lengthen(interface, setting.value)
        else:
            if kind == "enabled":
                interface.settings.pop("shutdown", None)
            interface.settings[kind] = setting

    def finished(self) -> ElementView:
        """The view, with inheritance and areas settled."""
        _inherit(self.view, self._groups)
        _apply_networks(self.view, self._networks, self._passive)
        return self.view


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
        internal = session.settings.get("peer_internal")
        if internal is not None and view.local_as is not None:
            own = Setting(view.local_as.value, internal.line)
            session.settings.setdefault("peer_as", own)


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
