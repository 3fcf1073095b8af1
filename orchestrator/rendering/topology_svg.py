"""The elements of an incident as a drawing: the cause on top, what it reached below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from agents.plain_text import plain
from telecom.report import RootCauseReport
from telecom.topology import ManagedObject

MAX_ELEMENTS = 24
_WIDTH, _BOX, _HIGH, _GAP = 520, 118, 30, 62
_PER_ROW = 4
_NAME = 15


@dataclass(frozen=True, slots=True)
class _Place:
    x: float
    y: float


def topology_svg(report: RootCauseReport) -> str:
    """Draw causal links between the elements, then what else had alarms; empty without any."""
    links = [(_device(link.source), _device(link.target)) for link in report.causal_chain]
    causes = [_device(cause.managed_object) for cause in report.root_causes]
    layers = _layers(causes, links)
    drawn = {name for layer in layers for name in layer}
    others = [n for n in map(_device, report.blast_radius.managed_objects) if n not in drawn]
    others = list(dict.fromkeys(others))[: max(0, MAX_ELEMENTS - len(drawn))]
    rows = [row for layer in layers for row in _rows(layer)] + list(_rows(others))
    if not rows:
        return ""
    places = _places(rows)
    height = 16 + len(rows) * _GAP
    parts = [_edge(places[a], places[b]) for a, b in dict.fromkeys(links) if a != b]
    parts += [_box(name, place, causes, drawn) for name, place in places.items()]
    title = f"{len(places)} elements of the incident"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{title}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" class="soft"/></marker></defs>'
        f"{''.join(parts)}</svg>"
    )


def _layers(causes: Sequence[str], links: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Elements by their distance from a cause."""
    sources = dict.fromkeys((*causes, *(a for a, _ in links if a not in {b for _, b in links})))
    layers, seen = [list(sources)], set(sources)
    while layers[-1] and len(seen) < MAX_ELEMENTS:
        last = set(layers[-1])
        following = dict.fromkeys(b for a, b in links if a in last and b not in seen)
        seen.update(following)
        layers.append(list(following))
    rest = dict.fromkeys(name for link in links for name in link if name not in seen)
    return [layer for layer in (*layers, list(rest)) if layer]


def _rows(names: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(names), _PER_ROW):
        yield names[start : start + _PER_ROW]


def _places(rows: Sequence[Sequence[str]]) -> dict[str, _Place]:
    return {
        name: _Place(_WIDTH * (column + 0.5) / len(row), 8 + number * _GAP)
        for number, row in enumerate(rows)
        for column, name in enumerate(row)
    }


def _box(name: str, place: _Place, causes: Sequence[str], drawn: Iterable[str]) -> str:
    role = "culprit" if name in causes else "hit" if name in drawn else ""
    text = plain(name)
    shown = text if len(text) <= _NAME else f"{text[: _NAME - 1]}…"
    return (
        f'<g><title>{escape(text)}</title><rect class="box {role}" x="{place.x - _BOX / 2:.1f}" '
        f'y="{place.y}" width="{_BOX}" height="{_HIGH}" rx="6"/><text x="{place.x:.1f}" '
        f'y="{place.y + 19}" text-anchor="middle">{escape(shown)}</text></g>'
    )


def _edge(start: _Place, end: _Place) -> str:
    down = end.y > start.y
    y1, y2 = (start.y + _HIGH, end.y) if down else (start.y + _HIGH / 2, end.y + _HIGH / 2)
    return (
        f'<path class="edge" marker-end="url(#tip)" d="M{start.x:.1f} {y1:.1f}'
        f'C{start.x:.1f} {y1 + 18:.1f} {end.x:.1f} {y2 - 18:.1f} {end.x:.1f} {y2:.1f}"/>'
    )


def _device(name: str) -> str:
    return ManagedObject.parse(name).device
