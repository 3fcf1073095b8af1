"""Neighbour outputs: what LLDP and CDP said, as an operator saved it under `neighbors/`.

One file for each element and command, as `show lldp neighbors detail` and its kin print it. The
templates of ntc-templates read the text; lines that a template does not know are left out of it,
because one odd line must not cost a table.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import textfsm

from mcp_servers.configs.link_sources import LinkReading, ObservedLink
from telecom.evidence import Gap
from telecom.topology import Link, ManagedObject, Topology

TEMPLATES = (
    "cisco_ios_show_lldp_neighbors_detail",
    "cisco_ios_show_lldp_neighbors",
    "cisco_ios_show_cdp_neighbors_detail",
    "cisco_ios_show_cdp_neighbors",
    "cisco_xr_show_lldp_neighbors_detail",
    "cisco_xr_show_lldp_neighbors",
    "cisco_xr_show_cdp_neighbors_detail",
    "cisco_nxos_show_lldp_neighbors_detail",
    "cisco_nxos_show_lldp_neighbors",
    "cisco_nxos_show_cdp_neighbors_detail",
    "cisco_nxos_show_cdp_neighbors",
    "arista_eos_show_lldp_neighbors_detail",
    "arista_eos_show_lldp_neighbors",
    "juniper_junos_show_lldp_neighbors",
    "huawei_vrp_display_lldp_neighbor",
    "hp_comware_display_lldp_neighbor-information_verbose",
    "hp_comware_display_lldp_neighbor-information_list",
    "ciena_saos_lldp_show_neighbors",
    "brocade_netiron_show_lldp_neighbors_detail",
    "paloalto_panos_show_lldp_neighbors_all",
)
"""Of ntc-templates; the one that reads most of a text wins, an earlier one among equals."""

_LARGEST_FILE = 1 << 20
_FILES_AT_MOST = 10_000
_UNKNOWN_LINES = 60
"""A text with more lines that a template does not know is not the template's."""
_PROMPT = re.compile(
    r"^\s*(?:<|\[?\S*?@|RP/\S+?:|[*A-Z]?:)?(?P<device>[A-Za-z0-9][\w.-]*)[>#\]]\s*"
    r"(?:show|display|run show|admin show)\s.*(?:lldp|cdp)",
)
_INPUT_LINE = re.compile(r"Input Line: (?P<line>.*?)\.?$", re.S)
_SERIAL = re.compile(r"\([A-Z0-9]+\)$")
_PORT = re.compile(r"^\d*[A-Za-z][A-Za-z -]*\d[\w/.:-]*$|^\d+(?:/[\w]+)+$")


def read_neighbor_outputs(folder: Path, topology: Topology) -> LinkReading:
    """Read every neighbour output below a folder.

    Args:
        folder: `DEVICE.txt`, `DEVICE/COMMAND.txt`, or any name where the text begins with the
            device's prompt. A missing folder is an empty one.
        topology: Spells the elements it knows.

    Returns:
        What joins what, each link with the file that says so, and what could not be read.
    """
    links: list[ObservedLink] = []
    gaps: list[Gap] = []
    for number, path in enumerate(_files(folder)):
        name = path.relative_to(folder).as_posix()
        if number >= _FILES_AT_MOST:
            gaps.append(Gap(what="neighbors/", why=f"only {_FILES_AT_MOST} files are read"))
            break
        text = _text(path)
        if text is None:
            gaps.append(Gap(what=f"neighbors/{name}", why="it is binary or larger than 1 MiB"))
            continue
        found = list(_links(text, _device_of(text, name), topology, name))
        if not found and text.strip():
            gaps.append(
                Gap(what=f"neighbors/{name}", why="no LLDP or CDP table that is known was found")
            )
        links += found
    return LinkReading(tuple(links), tuple(gaps))


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not (Path(root) / name).is_symlink())
        for name in sorted(names):
            path = Path(root) / name
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path


def _text(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError:
        return None
    if len(data) > _LARGEST_FILE or b"\0" in data:
        return None
    return data.decode("utf-8", "replace").replace("\r", "")


def _device_of(text: str, name: str) -> str:
    """The device whose table it is: by its prompt, by the folder, or by the file's name."""
    for line in text.split("\n", 40)[:40]:
        if prompt := _PROMPT.match(line):
            return prompt["device"]
    folder, _, file = name.rpartition("/")
    return folder.rpartition("/")[2] or file.partition(".")[0]


def _links(text: str, device: str, topology: Topology, name: str) -> Iterator[ObservedLink]:
    protocol = (
        "cdp" if re.search(r"\bcdp\b", f"{name.replace('_', ' ')} {text[:400]}", re.I) else "lldp"
    )
    table = "\n".join(line for line in text.split("\n") if not _is_prompt(line, device))
    own = _spelled(device, topology)
    for row in _best_rows(table):
        near, far = row.get("local_interface", ""), _far_port(row)
        neighbor = row.get("neighbor_name") or row.get("neighbor", "")
        neighbor = _SERIAL.sub("", neighbor.strip())
        if not neighbor or neighbor.lower() in ("-", "null", "not advertised"):
            continue
        a = topology.canonical(ManagedObject(own, near.strip() or None))
        b = topology.canonical(ManagedObject(_spelled(neighbor, topology), far))
        if a.device != b.device:
            yield ObservedLink(
                Link(a, b), "cdp" if protocol == "cdp" else "lldp", f"neighbors/{name}"
            )


def _is_prompt(line: str, device: str) -> bool:
    return bool(_PROMPT.match(line)) or line.strip().strip("<>#[]") == device


def _far_port(row: dict[str, str]) -> str | None:
    """The far end's port: the field that looks like a port, since some give a description."""
    for field in ("neighbor_port_id", "neighbor_interface"):
        value = row.get(field, "").strip()
        if _PORT.match(value):
            return value
    return None


def _spelled(name: str, topology: Topology) -> str:
    """A neighbour as the topology spells it; its domain is no part of the name."""
    for candidate in (name, name.partition(".")[0]):
        if candidate in topology:
            return topology.canonical(candidate).device
    return name.partition(".")[0] or name


def _best_rows(text: str) -> list[dict[str, str]]:
    best: list[dict[str, str]] = []
    fewest = _UNKNOWN_LINES + 1
    for name in TEMPLATES:
        rows, unknown = _rows(name, text)
        useful = [row for row in rows if _PORT.match(row.get("local_interface", "").strip())]
        if (len(useful), -unknown) > (len(best), -fewest):
            best, fewest = useful, unknown
    return best


def _rows(name: str, text: str) -> tuple[list[dict[str, str]], int]:
    """The rows that a template reads, and how many lines it does not know."""
    lines = text.split("\n")
    for unknown in range(_UNKNOWN_LINES + 1):
        fsm = textfsm.TextFSM(io.StringIO(_template(name)))
        try:
            rows = fsm.ParseText("\n".join(lines))
        except textfsm.TextFSMError as exc:
            refused = _INPUT_LINE.search(str(exc))
            if refused is None or refused["line"] not in lines:
                return [], unknown
            lines.remove(refused["line"])
        else:
            header = [column.lower() for column in fsm.header]
            return [
                {
                    key: " ".join(value) if isinstance(value, list) else value
                    for key, value in zip(header, row, strict=True)
                }
                for row in rows
            ], unknown
    return [], _UNKNOWN_LINES + 1


@cache
def _template(name: str) -> str:
    path = files("ntc_templates").joinpath("templates").joinpath(f"{name}.textfsm")
    return path.read_text(encoding="utf-8")
