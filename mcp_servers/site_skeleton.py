"""`init`: a site directory to fill in."""

from __future__ import annotations

import re
from pathlib import Path

from telecom.errors import SiteDirectoryError

_FOLDERS = ("alarms", "tickets", "docs", "configs")

_SITE_YAML = """\
# This site, for tierwise. Every key but site_id has a default, shown here.
# Every file and folder beside this one may be missing: then it is a gap, not an error.

# Name of the site in tokens, reports and the ledger.
site_id: {site_id}
# name: ""

# Where the data lives: ISO 3166-1 alpha-2. Set it: the placement policy has its rows by country,
# and an unknown one counts as the most closed.
# country: DE
# The tier instance of the placement catalogue that this site is.
# tier: outposts

# Zone of every time that carries none (IANA name).
# timezone: UTC
# alarms:
#   year: 2026        # of timestamps without one; default: from the file's last change

# Addresses of subscribers (CIDR). Addresses of network elements stay readable.
# subscriber_prefixes: [100.64.0.0/10]
# mask_all_ips: false
# Customer circuit ids, as RE2 patterns.
# circuit_ids: ["CKT-[0-9]{{6}}"]

# Which tier a client of a token issuer runs on. A caller without a row is outside the site.
# `tierwise-site token DIR --caller region` issues for client `region`.
# callers:
#   - {{issuer: "tierwise-site:{site_id}", client: region, tier: region, networks: [10.0.0.0/8]}}

# What one caller may take out in an hour, and in one answer.
# budgets: {{tokens_per_hour: 400000, records_per_hour: 20000, identifiers_per_hour: 5000,
#            answer_tokens: 12000}}

# Our ticket column -> the export's column.
# tickets:
#   mapping: {{ticket_id: number, title: short_description}}

# A Chroma server beside the data, where one machine's memory is not enough for the vectors.
# knowledge: {{chroma_url: "http://127.0.0.1:8000"}}

# Another placement policy than the shipped one; paths from here.
# policy: {{catalogue: catalogue.yaml, rules: rules.cedar}}

# Host and Origin headers that are accepted beside loopback.
# edge_slm: {{base_url: "http://127.0.0.1:8000/v1", model: NAME, tier: outposts, seconds: 20}}
# serving: {{allowed_hosts: ["noc-tools.example.net:8700"], allowed_origins: []}}
"""

_TOPOLOGY = "device,port,remote_device,remote_port,relation\n"


def write_skeleton(target: Path) -> None:
    """Write a documented `site.yaml`, an empty topology table and the folders.

    Raises:
        SiteDirectoryError: There is a site already, or the directory cannot be written.
    """
    _refuse_existing(target)
    try:
        for folder in _FOLDERS:
            (target / folder).mkdir(parents=True, exist_ok=True)
        site_id = re.sub(r"[^A-Za-z0-9._-]+", "-", target.resolve().name).strip("-._") or "site"
        (target / "site.yaml").write_text(_SITE_YAML.format(site_id=site_id), encoding="utf-8")
        if not (target / "topology.csv").exists():
            (target / "topology.csv").write_text(_TOPOLOGY, encoding="utf-8")
    except OSError as exc:
        raise SiteDirectoryError(f"{target} cannot be written: {exc.strerror}") from exc


def _refuse_existing(target: Path) -> None:
    if (target / "site.yaml").exists():
        raise SiteDirectoryError(
            f"{target} is a site directory already; choose another, or remove {target}/site.yaml"
        )
