"""Finding blocks: by interface, neighbour, VRF, policy, list, service, or by a free path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import re2

from mcp_servers.configs.block_tree import ConfigTree, Placed
from telecom.topology import port_key

_KINDS = {
    "interface": ("interface",),
    "port": ("interface",),
    "neighbor": ("neighbor", "peer_group"),
    "neighbour": ("neighbor", "peer_group"),
    "peer": ("neighbor", "peer_group"),
    "peer-group": ("peer_group",),
    "vrf": ("vrf",),
    "vpn-instance": ("vrf",),
    "routing-instance": ("vrf",),
    "policy": ("policy", "policy_map"),
    "route-map": ("policy",),
    "route-policy": ("policy",),
    "policy-statement": ("policy",),
    "policy-map": ("policy_map",),
    "class-map": ("class_map",),
    "prefix-list": ("prefix_list",),
    "prefix-set": ("prefix_list",),
    "community-list": ("community_list",),
    "community-set": ("community_list",),
    "as-path-list": ("as_path_list",),
    "acl": ("acl",),
    "access-list": ("acl",),
    "filter": ("acl",),
    "service": ("service", "vrf"),
}
_SEPARATORS = re2.compile(r"\s*(?:>|\||\s/\s)\s*")


def find_section(tree: ConfigTree, section: str) -> list[list[Placed]]:
    """Find the statements a section names.

    Args:
        tree: The configuration.
        section: `interface Hu0/0/0/1`, `neighbor 10.0.0.1`, `vrf BLUE`, `route-policy IN`, a bare
            name of any of these, or a path such as `router bgp 65000 / neighbor 10.0.0.1`.

    Returns:
        Runs of neighbouring statements (each with all it encloses), in order of the text; empty
        when nothing fits.
    """
    wanted = " ".join(_SEPARATORS.sub(" ", section.replace('"', "")).split())
    word, _, name = wanted.partition(" ")
    kinds = _KINDS.get(word.lower())
    found: set[int] = set()
    if kinds and name:
        found = _about(tree, kinds, name)
    if not found and " " not in wanted:
        every = tuple({kind for group in _KINDS.values() for kind in group})
        found = _about(tree, every, wanted)
    if not found:
        found = _by_path(tree, wanted)
    return _runs(tree, found)


def _about(tree: ConfigTree, kinds: Iterable[str], name: str) -> set[int]:
    """Numbers of the statements that define or set something of that kind and name."""
    kinds = frozenset(kinds)
    found = set()
    for number, placed in enumerate(tree.placed):
        for fact, values in tree.grammar.facts_in(placed.flat):
            if fact.role == "define" and fact.kind in kinds:
                named = values.get("name") or _with_unit(values)
            elif fact.role == "set" and "interface" in kinds and "interface" in values:
                named = _with_unit(values)
            elif fact.role == "set" and "neighbor" in kinds and "neighbor" in values:
                named = values["neighbor"]
            elif fact.kind == "vrf" and "vrf" in kinds and fact.role != "define":
                named = values.get("value") or values.get("name", "")
            else:
                continue
            if _same(named, name, "interface" in values or fact.kind == "interface"):
                found.add(number)
                break
    return found


def _with_unit(values: dict[str, str]) -> str:
    unit = values.get("unit")
    return f"{values['interface']}.{unit}" if unit else values.get("interface", "")


@lru_cache(maxsize=16_384)
def _same(named: str, wanted: str, is_port: bool) -> bool:
    if is_port:
        known, asked = port_key(named), port_key(wanted)
        return known == asked or known.startswith(asked + ".")
    return named.lower() == wanted.lower()


def _by_path(tree: ConfigTree, wanted: str) -> set[int]:
    """Statements whose flattened path begins with, or else contains, the words asked for."""
    words = wanted.lower().removeprefix("set ")
    flats = [(number, placed.flat.lower()) for number, placed in enumerate(tree.placed)]
    begins = {n for n, flat in flats if flat == words or flat.startswith(words + " ")}
    if begins:
        return begins
    inside = f" {words} "
    return {n for n, flat in flats if inside in f" {flat} "}


def _runs(tree: ConfigTree, found: set[int]) -> list[list[Placed]]:
    """Keep the outermost of nested statements and join neighbours in one block."""
    runs: list[list[Placed]] = []
    last_line, last_number = 0, -2
    for number in sorted(found):
        placed = tree.placed[number]
        lines = list(placed.statement.lines())
        if lines[-1] <= last_line:
            continue
        if runs and placed.path == runs[-1][-1].path and _adjoins(tree, last_number, number):
            runs[-1].append(placed)
        else:
            runs.append([placed])
        last_line, last_number = max(lines), number
    return runs


def _adjoins(tree: ConfigTree, before: int, after: int) -> bool:
    """Whether no other statement lies between two statements (their own children aside)."""
    path = tree.placed[after].path
    return all(len(placed.path) > len(path) for placed in tree.placed[before + 1 : after])


def outline(tree: ConfigTree) -> Iterator[Placed]:
    """The statements at the top, as a table of contents."""
    for placed in tree.placed:
        if not placed.path:
            yield placed
