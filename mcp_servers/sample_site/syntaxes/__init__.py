"""Configuration syntax: one renderer per vendor, settings in, file content out."""

from __future__ import annotations

from collections.abc import Callable

from mcp_servers.sample_site.configuration import (
    Configuration,
    DeviceConfiguration,
    RanConfiguration,
)
from mcp_servers.sample_site.network import Dialect
from mcp_servers.sample_site.syntaxes import eos, ios, ios_xr, junos, ran, sr_os, vrp

_RENDERERS: dict[Dialect, Callable[[DeviceConfiguration], list[str]]] = {
    Dialect.IOS_XR: ios_xr.render,
    Dialect.IOS: ios.render,
    Dialect.JUNOS: junos.render,
    Dialect.SR_OS: sr_os.render,
    Dialect.VRP: vrp.render,
    Dialect.EOS: eos.render,
}


def render(settings: Configuration) -> str:
    """The running configuration, as the element's own command prints it."""
    if isinstance(settings, RanConfiguration):
        lines = ran.render(settings)
    else:
        lines = _RENDERERS[settings.dialect](settings)
    return "\n".join(lines) + "\n"
