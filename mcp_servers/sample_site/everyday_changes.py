"""Everyday configuration changes that break nothing: what the real cause hides among."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from mcp_servers.sample_site.configuration import (
    Configuration,
    DeviceConfiguration,
    PortSettings,
    RanConfiguration,
    add_customer,
    password_hash,
)
from mcp_servers.sample_site.people import circuit_id

RouterEdit = Callable[[DeviceConfiguration, Random], bool]
"""Changes settings in place; False when there was nothing to change."""


def change_something(settings: Configuration, rng: Random) -> None:
    """Apply one everyday change to an element's settings."""
    if isinstance(settings, RanConfiguration):
        _tune_cell(settings, rng)
        return
    while True:
        edits, weights = zip(*_ROUTER_EDITS, strict=True)
        if rng.choices(edits, weights)[0](settings, rng):
            return


def _describe_port(settings: DeviceConfiguration, rng: Random) -> bool:
    port = rng.choice(list(settings.ports.values()))
    base = port.description.partition(" [")[0]
    wanted = (
        f"{base} [{rng.choice(('ODF', 'rack', 'DWDM'))} {rng.randint(1, 24)}-{rng.randint(1, 48)}]"
    )
    if wanted == port.description:
        return False
    port.description = wanted
    return True


def _ntp(settings: DeviceConfiguration, rng: Random) -> bool:
    spare = f"10.250.0.{rng.randint(13, 15)}"
    if spare in settings.ntp_servers:
        settings.ntp_servers.remove(spare)
    else:
        settings.ntp_servers.append(spare)
    return True


def _telemetry(settings: DeviceConfiguration, rng: Random) -> bool:
    path = rng.choice(("cpu", "memory", "isis-neighbors", "bgp-peers", "qos-queues", "ptp-status"))
    if path in settings.telemetry:
        settings.telemetry.remove(path)
    else:
        settings.telemetry.append(path)
    return True


def _management_filter(settings: DeviceConfiguration, rng: Random) -> bool:
    sources = settings.filters["MGMT-IN"]
    source = f"10.251.{rng.randint(5, 60)}.0/24"
    if source in sources:
        return False
    if len(sources) > 4:
        sources.pop()
    sources.append(source)
    return True


def _syslog(settings: DeviceConfiguration, rng: Random) -> bool:
    spare = f"10.250.0.{rng.randint(23, 26)}"
    if spare in settings.syslog_servers:
        settings.syslog_servers.remove(spare)
    else:
        settings.syslog_servers.append(spare)
    return True


def _customer(settings: DeviceConfiguration, rng: Random) -> bool:
    used = {port.vlan for port in settings.ports.values()}
    vlan = rng.randint(140, 240)
    if vlan in used or not any(port.vrf for port in settings.ports.values()):
        return False
    add_customer(settings, vlan, circuit_id(rng), f"10.{rng.randint(112, 119)}")
    return True


def _customer_port(settings: DeviceConfiguration, rng: Random) -> bool:
    """Customer ports are shut, opened and resized all the time; nothing else uses them."""
    ports = [port for port in settings.ports.values() if port.vrf]
    if not ports:
        return False
    port = rng.choice(ports)
    if rng.random() < 0.5:
        port.enabled = not port.enabled
    else:
        port.mtu = rng.choice([mtu for mtu in (1518, 1600, 2000, 9000) if mtu != port.mtu])
    return True


def _shaper(settings: DeviceConfiguration, rng: Random) -> bool:
    shift = rng.choice((-5, 5))
    if not 10 <= settings.shapers["business"] + shift <= 50:
        return False
    settings.shapers["business"] += shift
    settings.shapers["best-effort"] -= shift
    return True


def _banner(settings: DeviceConfiguration, rng: Random) -> bool:
    wanted = f"Authorised access only. Activity is logged. Ref {rng.randint(100, 999)}."
    settings.banner = wanted
    return True


def _user(settings: DeviceConfiguration, rng: Random) -> bool:
    name = f"svc-{rng.choice(('backup', 'audit', 'probe'))}"
    if name in settings.users:
        del settings.users[name]
    else:
        settings.users[name] = password_hash(rng)
    return True


def _maximum_prefixes(settings: DeviceConfiguration, rng: Random) -> bool:
    neighbor = rng.choice(list(settings.neighbors.values()))
    wanted = rng.choice((20_000, 24_000, 30_000))
    if neighbor.maximum_prefixes == wanted:
        return False
    neighbor.maximum_prefixes = wanted
    return True


def _metric(settings: DeviceConfiguration, rng: Random) -> bool:
    """A cost change moves traffic but keeps every adjacency."""
    ports = _backbone(settings)
    if not ports:
        return False
    port = rng.choice(ports)
    port.metric += rng.choice((-2, 2, 5)) if port.metric > 5 else 5
    return True


def _prefix_list(settings: DeviceConfiguration, rng: Random) -> bool:
    prefixes = settings.prefix_lists["CORE-SERVICES"]
    prefix = f"10.104.{rng.randint(1, 250)}.0/24"
    if prefix in prefixes:
        return False
    if len(prefixes) > 4:
        prefixes.pop()
    prefixes.append(prefix)
    return True


def _backbone(settings: DeviceConfiguration) -> list[PortSettings]:
    return [port for port in settings.ports.values() if port.protocol in ("isis", "ospf")]


_ROUTER_EDITS: list[tuple[RouterEdit, int]] = [
    (_describe_port, 26),
    (_ntp, 10),
    (_telemetry, 16),
    (_management_filter, 12),
    (_syslog, 6),
    (_customer, 8),
    (_customer_port, 9),
    (_shaper, 5),
    (_banner, 3),
    (_user, 4),
    (_maximum_prefixes, 5),
    (_metric, 4),
    (_prefix_list, 6),
]


def _tune_cell(settings: RanConfiguration, rng: Random) -> None:
    cell = settings.cells[rng.choice(sorted(settings.cells))]
    what = rng.randrange(3)
    if what == 0:
        cell.tilt = rng.choice([tilt for tilt in range(2, 10) if tilt != cell.tilt])
    elif what == 1:
        wanted = [offset for offset in (2.0, 2.5, 3.0, 3.5) if offset != cell.handover_offset_db]
        cell.handover_offset_db = rng.choice(wanted)
    else:
        cell.power_dbm = rng.choice([p for p in (43.0, 44.5, 46.0, 49.0) if p != cell.power_dbm])
