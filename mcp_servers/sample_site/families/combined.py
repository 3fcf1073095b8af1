"""Two faults at the same time that have nothing to do with each other."""

from __future__ import annotations

from mcp_servers.sample_site.families import core, lines, nodes, routing, transport_config
from mcp_servers.sample_site.scene import Scene

_IN_TRANSPORT = (
    transport_config.write,
    lines.fiber_cut,
    lines.interface_shutdown,
    routing.mtu_mismatch,
    nodes.site_power,
)
_IN_CORE = (
    core.amf_software_crash,
    core.smf_upf_path,
    core.certificate_or_licence_expiry,
    core.dns_or_udm_overload,
)


def two_causes(scene: Scene) -> None:
    """One fault in transport, one in the core, a few minutes apart."""
    onset = scene.onset
    scene.rng.choice(_IN_TRANSPORT)(scene)
    starts = scene.starts
    scene.onset = scene.after(scene.between(-120, 200))
    scene.rng.choice(_IN_CORE)(scene)
    scene.onset = onset
    scene.kind = "multiple"
    scene.token_target = None
    scene.starts = starts
