"""Described links: what interface descriptions say about the far end.

`to pe2 Gi0/0/1`, `pe2:Hu0/0/0/3 primary`, `CORE | PE2 | et-0/0/1`: a description counts when it
names exactly one other device of the site; the word after it is the port where that device has a
port of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mcp_servers.configs.link_sources import ObservedLink
from mcp_servers.configs.neighbors import ElementConfig, managed_port
from telecom.topology import Link, ManagedObject, Topology

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]*")
_PORTS_AHEAD = 3
"""How many words after a device's name may be its port."""
_LONGEST = 400


def described_links(
    elements: Sequence[ElementConfig], topology: Topology
) -> Iterator[ObservedLink]:
    """Links that interface descriptions name; a link named from both ends comes twice."""
    known = {name.lower(): name for name in (*topology.devices, *(e.device for e in elements))}
    by_device = {element.device: element for element in elements}
    for element in elements:
        for interface in element.view.interfaces.values():
            text = interface.get("description")
            if not text:
                continue
            far = _far_end(text[:_LONGEST], element.device, known, by_device)
            if far is None:
                continue
            near = ManagedObject.parse(managed_port(element.device, interface, topology))
            setting = interface.settings["description"]
            yield ObservedLink(
                Link(near, topology.canonical(far)),
                "descriptions",
                f"{element.file}:{setting.line}",
            )


def _far_end(
    text: str, own: str, known: Mapping[str, str], by_device: Mapping[str, ElementConfig]
) -> ManagedObject | None:
    words = _WORD.findall(text)
    named: dict[str, tuple[int, str]] = {}
    for number, word in enumerate(words):
        device, rest = _device_in(word, known)
        if device is not None and device != own:
            named.setdefault(device, (number, rest))
    if len(named) != 1:
        return None
    ((device, (number, rest)),) = named.items()
    element = by_device.get(device)
    for candidate in (rest, *words[number + 1 : number + 1 + _PORTS_AHEAD]):
        if candidate and element is not None and element.view.interface(candidate) is not None:
            return ManagedObject(device, candidate)
    return ManagedObject(device)


def _device_in(word: str, known: Mapping[str, str]) -> tuple[str | None, str]:
    """The device that a word names, and what follows it in the word, such as `pe2:Gi0/1`."""
    whole = word.strip(".:/-").lower()
    if whole in known:
        return known[whole], ""
    for mark in (":", "/", "."):
        name, _, rest = word.partition(mark)
        if name.lower() in known and rest:
            return known[name.lower()], rest if mark != "." else ""
    for mark in ("_", "-"):
        name, _, rest = word.rpartition(mark)
        if name.lower() in known and rest:
            return known[name.lower()], rest
    return None, ""
