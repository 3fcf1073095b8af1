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
#   maintenance:      # planned work: alarms of these objects in this time are marked so
#     - {{from: 2026-03-01T22:00, to: 2026-03-02T04:00, objects: ["agg-muc-*", "pe1:Hu0/0/0/1"],
#        why: CHG-123}}

# Live alarms (docs/alarms.md). HTTP is always on: bearer tokens with the scope alarms:write, or
# signatures of the sources named here. Syslog is heard from these networks only.
# intake:
#   sources: [{{name: prometheus, secret_file: prometheus.secret}}]
#   syslog: {{udp: "0.0.0.0:5514", tcp: "0.0.0.0:5514", networks: [10.0.0.0/8]}}
#   keep_days: 92     # of what was received

# Addresses of subscribers (CIDR). Addresses of network elements stay readable.
# subscriber_prefixes: [100.64.0.0/10]
# mask_all_ips: false
# Customer circuit ids, as RE2 patterns.
# circuit_ids: ["CKT-[0-9]{{6}}"]

# Which tier a client of a token issuer runs on. A caller without a row is outside the site.
# `tierwise-site token DIR --caller region` issues for client `region`.
# callers:
#   - {{issuer: "tierwise-site:{site_id}", client: region, tier: region, networks: [10.0.0.0/8]}}

# Token issuers beside the site's own key: keys from a URL (kept for a week without the line) or a
# file. `audience` is the site's own name, tierwise-site:{site_id}, unless stated.
# issuers:
#   - {{issuer: "https://idp.example.net", jwks_url: "https://idp.example.net/jwks.json"}}

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

# Whose signature a policy, a filter or an embedding model needs to be loaded; none: nobody's.
# artifacts: {{trusted_keys: [release.pub]}}

# The cloud half that is told of incidents (envelopes through the egress gate; docs/watching.md).
# cloud: {{url: "https://tierwise.example.net", tier: region, secret_file: keys/cloud.secret}}

# A NetBox whose cables join the topology; `ingest` reads it (extra netbox).
# netbox: {{url: "https://netbox.example.net", token_file: keys/netbox.token}}

# A small model of the site that rewrites briefs (any OpenAI-compatible server; docs/briefs.md).
# edge_slm: {{base_url: "http://127.0.0.1:8000/v1", model: NAME, tier: outposts, seconds: 20}}

# Host and Origin headers that are accepted beside loopback.
# serving: {{allowed_hosts: ["noc-tools.example.net:8700"], allowed_origins: [],
#           page_parents: ["https://console.example.net"],  # whose pages may frame its own
#           rate: {{calls_per_second: 100, calls_per_minute: 3000}},
#           tls: {{certificate: tls/site.pem, key: tls/site.key}}}}
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
