"""Finding blocks: by interface, neighbour, VRF, policy, list, service, or by a free path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a configuration, by lines."""

    path: tuple[str, ...]
    """Headers of what encloses it, itself included where it is one block."""
    first: int
    last: int
    shown_to: int
    """Last line to be quoted; before `last` in an outline."""


def section_spans(tree: ConfigTree, section: str) -> list[Span]:
    """Find the parts of a configuration that a section names.

    Args:
        tree: The configuration.
        section: `interface Hu0/0/0/1`, `neighbor 10.0.0.1`, `vrf BLUE`, `route-policy IN`, a bare
            name of any of these, or a path such as `router bgp 65000 / neighbor 10.0.0.1`.

    Returns:
        Runs of neighbouring statements, each with all it encloses, in order of the text; empty
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


def outline(tree: ConfigTree) -> list[Span]:
    """The top-level blocks, of each the first line, as a table of contents."""
    spans = []
    for block in tree.top:
        lines = sorted(block.lines())
        header = block.header if block.line else block.text
        spans.append(Span((header,), lines[0], lines[-1], lines[0]))
    return spans


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


def _runs(tree: ConfigTree, found: set[int]) -> list[Span]:
    """Keep the outermost of nested statements, and join those that follow each other in a block."""
    occupied = {placed.statement.line for placed in tree.placed}
    spans: list[Span] = []
    covered: set[int] = set()
    for number in sorted(found, key=lambda number: tree.placed[number].statement.line):
        placed = tree.placed[number]
        lines = sorted(placed.statement.lines())
        if lines[0] in covered:
            continue
        covered.update(lines)
        path = placed.path
        if placed.statement.children:
            path = (*path, placed.statement.header)
        last = spans[-1] if spans else None
        between = range(last.last + 1, lines[0]) if last else range(0)
        if last and not occupied & set(between) and _joins(last.path, path, placed):
            spans[-1] = Span(placed.path, last.first, lines[-1], lines[-1])
        else:
            spans.append(Span(path, lines[0], lines[-1], lines[-1]))
    return spans


def _joins(before: tuple[str, ...], path: tuple[str, ...], placed: Placed) -> bool:
    """Whether a statement continues a run: both stand in the same block."""
    return before in (placed.path, path) or before[:-1] == placed.path
