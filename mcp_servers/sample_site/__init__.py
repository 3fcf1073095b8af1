"""The sample site: a fictitious 5G region, generated from a seed, with one incident in it."""

from mcp_servers.sample_site.families import DEFAULT, FAMILIES
from mcp_servers.sample_site.incidents import Incident, generate_incident
from mcp_servers.sample_site.network_builder import build_network
from mcp_servers.sample_site.site_writer import generate
from mcp_servers.sample_site.truth import Truth

__all__ = [
    "DEFAULT",
    "FAMILIES",
    "Incident",
    "Truth",
    "build_network",
    "generate",
    "generate_incident",
]
