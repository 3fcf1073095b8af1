"""Writes a whole sample site directory: settings, topology, configurations, tickets, alarms."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

from mcp_servers.sample_site.addressing import SUBSCRIBER_PREFIXES
from mcp_servers.sample_site.config_history import (
    ConfigHistory,
    build_history,
    end_of_history,
)
from mcp_servers.sample_site.configuration import HASH_PATTERN, DeviceConfiguration
from mcp_servers.sample_site.daily_life import DAYS, commit_records, daily_life
from mcp_servers.sample_site.delivery import Record, deliver, planted_in
from mcp_servers.sample_site.documents import write_documents
from mcp_servers.sample_site.families import DEFAULT
from mcp_servers.sample_site.incidents import files_of, generate_incident
from mcp_servers.sample_site.network import Network, rng_for
from mcp_servers.sample_site.network_builder import build_network
from mcp_servers.sample_site.people import CIRCUIT_PATTERN, People
from mcp_servers.sample_site.repository import write_repository
from mcp_servers.sample_site.tickets import write_tickets
from mcp_servers.sample_site.truth import Truth
from telecom.errors import SiteDirectoryError


def generate(
    directory: Path, *, family: str | None = None, seed: int = 1, size: int = 150
) -> Truth:
    """Write a sample site with one incident into a new or empty directory.

    Args:
        directory: Made if it does not exist.
        family: One of `FAMILIES`; None is the demo incident, a change on a transport node.
        seed: Decides network, history and incident; same arguments, same bytes.
        size: About how many managed objects.

    Returns:
        What really happened; also written to `truth.json`.

    Raises:
        SiteDirectoryError: There is something else, or something in it.
        InvalidArgumentError: No such family, or `size` out of range.
    """
    if directory.exists() and not (directory.is_dir() and not any(directory.iterdir())):
        raise SiteDirectoryError(f"{directory} is not an empty directory; name a new one")
    network = build_network(seed=seed, size=size)
    history = build_history(network)
    people = People(rng_for(seed, "people"))
    before = records_before(network, history, people)
    incident = generate_incident(network, family or DEFAULT, seed, history=history, people=people)
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "site.yaml", site_settings(network))
    _write(directory / "topology.csv", topology_table(network))
    write_repository(directory / "configs", [*history.commits, *incident.commits])
    records = sorted([*before, *incident.records], key=lambda record: record.arrived)
    for file, text in files_of(records).items():
        _write(directory / "alarms" / file, text)
    write_tickets(directory / "tickets", network, people)
    write_documents(directory / "docs")
    _plant_configured(people, history)
    planted = dict.fromkeys([*planted_in(records), *people.planted])
    truth = replace(incident.truth, planted=tuple(planted))
    _write(directory / "truth.json", json.dumps(truth.as_json(), indent=1) + "\n")
    return truth


def records_before(network: Network, history: ConfigHistory, people: People) -> list[Record]:
    """The routine records of the days up to the end of history, without any incident."""
    rng = rng_for(network.seed, "daily life")
    end = end_of_history(network)
    start = end - DAYS
    events = daily_life(network, people, rng, start, end)
    recent = [commit for commit in history.commits if commit.time >= start]
    events += commit_records(recent, network, rng)
    first_number = int(start.timestamp()) % 1_000_000
    return deliver(network, events, rng, first_number=first_number)


def topology_table(network: Network) -> str:
    """The content of `topology.csv`."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["device", "port", "remote_device", "remote_port", "relation"])
    writer.writerows(network.topology_rows())
    return table.getvalue()


def site_settings(network: Network) -> str:
    """The content of `site.yaml`, with a reason beside each key."""
    prefixes = ", ".join(json.dumps(prefix) for prefix in SUBSCRIBER_PREFIXES)
    return f"""\
# A sample site: region {network.region} of a fictitious operator. Nothing in it is real.
site_id: {network.site_id}
name: NOC {network.region}

# ISO 3166-1 alpha-2. The placement policy reads its rows for this country.
country: DE

# The tier instance that this site itself is.
tier: outposts

# Times without a zone in alarm files and tickets are in this zone.
timezone: Europe/Berlin

alarms:
  # For timestamps that carry no year, as most routers print them.
  year: {end_of_history(network).year}

# Addresses that belong to subscribers. Addresses of network elements stay readable.
subscriber_prefixes: [{prefixes}]

# How customer circuit ids look here (RE2).
circuit_ids: ['{CIRCUIT_PATTERN}']

# Who calls, and on which tier it runs. A caller without a row is outside: the lowest trust.
callers:
  - {{issuer: "tierwise-site:{network.site_id}", client: region, tier: region}}
  - {{issuer: "tierwise-site:{network.site_id}", client: site, tier: outposts}}
"""


def _plant_configured(people: People, history: ConfigHistory) -> None:
    """Remember the secrets and customer circuits that stand in configurations."""
    for settings in history.configurations.values():
        if isinstance(settings, DeviceConfiguration):
            people.plant("secret", settings.community)
            people.plant("secret", settings.tacacs_key)
    for kind, pattern in (("secret", HASH_PATTERN), ("circuit", CIRCUIT_PATTERN)):
        found = {value for commit in history.commits for value in re.findall(pattern, commit.text)}
        for value in sorted(found):
            people.plant(kind, value)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
