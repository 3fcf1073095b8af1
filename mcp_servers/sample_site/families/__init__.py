"""Fault families: each writes one kind of incident onto a scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcp_servers.sample_site.families import (
    combined,
    core,
    lines,
    nodes,
    ran,
    routing,
    timing,
    transport_config,
    without_cause,
)
from mcp_servers.sample_site.scene import Scene

WRITERS: Mapping[str, Callable[[Scene], None]] = {
    "transport_config": transport_config.write,
    "fiber_cut": lines.fiber_cut,
    "optics_degradation": lines.optics_degradation,
    "interface_shutdown": lines.interface_shutdown,
    "bgp_policy_error": routing.bgp_policy_error,
    "mtu_mismatch": routing.mtu_mismatch,
    "ring_node_silent": nodes.ring_node_silent,
    "site_power": nodes.site_power,
    "timing_loss": timing.timing_loss,
    "amf_software_crash": core.amf_software_crash,
    "smf_upf_path": core.smf_upf_path,
    "certificate_or_licence_expiry": core.certificate_or_licence_expiry,
    "dns_or_udm_overload": core.dns_or_udm_overload,
    "ran_parameter_change": ran.ran_parameter_change,
    "no_cause": without_cause.no_cause,
    "recovered": without_cause.recovered,
    "two_causes": combined.two_causes,
    "missing_data": without_cause.missing_data,
}

DEFAULT = "transport_config"
"""The demo incident."""

FAMILIES: tuple[str, ...] = tuple(WRITERS)
"""Names of all families, in the order in which they are listed."""
