"""A gNB's parameters as the RAN manager exports them: managed objects by indentation."""

from __future__ import annotations

from mcp_servers.sample_site.configuration import RanConfiguration


def render(c: RanConfiguration) -> list[str]:
    """Lines of the export."""
    lines = [
        f"managed-element {c.name}",
        f"  software-version {c.software}",
        f"  gnb-id {c.gnb_id}",
        "  transport",
        f"    address {c.address}",
        f"    gateway {c.gateway}",
        f"    ptp-domain {c.ptp_domain}",
    ]
    lines += [f"  amf-endpoint {amf}" for amf in c.amf]
    for name, cell in c.cells.items():
        lines += [
            f"  nr-cell {name}",
            f"    pci {cell.pci}",
            f"    tracking-area-code {cell.tac}",
            f"    carrier-mhz {cell.carrier_mhz}",
            f"    tdd-pattern {cell.tdd_pattern}",
            f"    tx-power-dbm {cell.power_dbm:g}",
            f"    electrical-tilt {cell.tilt}",
            f"    a3-offset-db {cell.handover_offset_db:g}",
        ]
    lines += [f"  xn-neighbor {neighbor}" for neighbor in c.neighbors]
    return lines
