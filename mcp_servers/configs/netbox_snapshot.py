"""NetBox as a source of topology: its cables as they were read last, kept as a file.

An outage of NetBox costs nothing but freshness: what was read last is used, and its time is in each
link's locator. `netbox_client` reads it anew.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from mcp_servers.configs.link_sources import LinkReading, ObservedLink
from telecom.evidence import Gap
from telecom.schema import ProductModel
from telecom.times import format_instant
from telecom.topology import Link, ManagedObject, Topology

SNAPSHOT_FILE = "netbox.json"


class NetBoxCable(ProductModel):
    """One cable between two interfaces."""

    cable: int
    a_device: str
    a_port: str
    b_device: str
    b_port: str


class NetBoxSnapshot(ProductModel):
    """What NetBox said at a time."""

    read_at: datetime
    cables: tuple[NetBoxCable, ...]


def keep_netbox(store: Path, snapshot: NetBoxSnapshot) -> None:
    """Keep a reading in place of the one before."""
    store.mkdir(parents=True, exist_ok=True)
    draft = store / f".{SNAPSHOT_FILE}.new"
    draft.write_text(snapshot.model_dump_json(), encoding="utf-8")
    draft.replace(store / SNAPSHOT_FILE)


def read_netbox(store: Path, topology: Topology) -> LinkReading:
    """The links of the last reading; empty before the first."""
    file = store / SNAPSHOT_FILE
    try:
        snapshot = NetBoxSnapshot.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        gap = Gap(what="NetBox", why="it has not been read yet; `tierwise-site ingest` reads it")
        return LinkReading((), (gap,))
    except (OSError, ValidationError):
        return LinkReading((), (Gap(what="NetBox", why=f"{file.name} cannot be read"),))
    moment = format_instant(snapshot.read_at)
    return LinkReading(
        tuple(
            ObservedLink(
                Link(
                    topology.canonical(ManagedObject(cable.a_device, cable.a_port)),
                    topology.canonical(ManagedObject(cable.b_device, cable.b_port)),
                ),
                "netbox",
                f"netbox:cable/{cable.cable}@{moment}",
            )
            for cable in snapshot.cables
        )
    )
