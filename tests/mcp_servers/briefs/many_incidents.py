"""A site that has seen many incidents, each confirmed by its people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from mcp_servers.sample_site import build_network, generate_incident
from mcp_servers.sample_site.config_history import build_history, end_of_history
from mcp_servers.sample_site.incidents import SLOT, files_of
from mcp_servers.sample_site.network import rng_for
from mcp_servers.sample_site.people import People
from mcp_servers.sample_site.repository import write_repository
from mcp_servers.sample_site.site_writer import site_settings, topology_table
from telecom.times import format_instant

FAMILIES = (
    "optics_degradation",
    "amf_software_crash",
    "site_power",
    "timing_loss",
    "smf_upf_path",
    "dns_or_udm_overload",
)


def make_site(folder: Path, *, incidents: int, seed: int = 7, size: int = 90) -> Path:
    """Write a site with that many incidents, one after the other."""
    network = build_network(seed=seed, size=size)
    history, people = build_history(network), People(rng_for(seed, "people"))
    found = [
        generate_incident(
            network,
            FAMILIES[number % len(FAMILIES)],
            seed * 100 + number,
            at=end_of_history(network) + number * (SLOT + timedelta(hours=1)),
            history=history,
            people=people,
        )
        for number in range(incidents)
    ]
    folder.mkdir(parents=True)
    (folder / "site.yaml").write_text(site_settings(network))
    (folder / "topology.csv").write_text(topology_table(network))
    commits = sorted((c for each in found for c in each.commits), key=lambda c: c.time)
    write_repository(folder / "configs", [*history.commits, *commits])
    records = sorted((r for each in found for r in each.records), key=lambda r: r.arrived)
    (folder / "alarms").mkdir()
    for file, text in files_of(records).items():
        (folder / "alarms" / file).write_text(text)
    confirm(folder, [each.truth for each in found])
    return folder


def confirm(folder: Path, truths: Sequence[object]) -> None:
    """Write down what the site's people found."""
    (folder / "incidents").mkdir(exist_ok=True)
    lines = [
        json.dumps(
            {
                "window": [format_instant(moment) for moment in truth.window],
                "managed_objects": [cause.managed_object for cause in truth.root_causes],
                "decisive": list(truth.decisive),
                "cause": truth.root_causes[0].cause,
            }
        )
        for truth in truths
        if truth.root_causes
    ]
    (folder / "incidents" / "confirmed.jsonl").write_text("\n".join(lines) + "\n")
