"""Which device a configuration file belongs to, told by its path."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import PurePosixPath

from telecom.topology import Topology

_EXTENSIONS = frozenset(
    ".cfg .conf .config .txt .xml .json .set .yaml .yml .rsc .run .running .startup .log .md-cli "
    ".iptables .ios .iosxr .junos .eos .nxos .vrp .sros .backup .bak .old".split()
)
_NO_CONFIGURATION = frozenset(
    ".md .rst .png .jpg .jpeg .gif .svg .pdf .zip .gz .tgz .tar .db .sqlite .pyc .csv .html .lock "
    ".pem .key .crt .der .p12 .sh .py .bin .img .pcap".split()
)
_NO_DEVICE = frozenset(
    {"readme", "license", "licence", "notice", "source", "changelog", "makefile"}
)
# File names that say what is inside, not whose it is: the folder names the device then.
_GENERIC = frozenset(
    "running-config running_config show_running-config show-running-config show_running_config "
    "startup-config startup_config show_startup-config config configuration show_configuration "
    "juniper junos admin_display-config display_current-configuration current-configuration "
    "running startup vrpcfg saved-configuration".split()
)


def names_no_device(path: str) -> bool:
    """Whether a path is that of a file which is no configuration."""
    file = PurePosixPath(path)
    return (
        any(part.startswith(".") for part in file.parts)
        or file.suffix.lower() in _NO_CONFIGURATION
        or file.stem.lower() in _NO_DEVICE
        or "topology" in file.stem.lower()
    )


def device_of(path: str, topology: Topology) -> tuple[str, bool]:
    """Name the device of a file, in the topology's spelling.

    Returns:
        The name, and whether it is certain: a name that the topology does not know, or that is an
        address, may stand for a device that calls itself otherwise.
    """
    file = PurePosixPath(path)
    stem = _stem(file.name)
    if stem.lower().replace(" ", "_") in _GENERIC and len(file.parts) > 1:
        stem = file.parts[-2]
    for candidate in (file.name, stem, stem.partition(".")[0]):
        if candidate in topology:
            return topology.canonical(candidate).device, True
    try:
        ip_address(stem)
    except ValueError:
        return stem, not topology.devices
    return stem, False


def _stem(name: str) -> str:
    while (dot := name.rfind(".")) > 0 and name[dot:].lower() in _EXTENSIONS:
        name = name[:dot]
    return name
