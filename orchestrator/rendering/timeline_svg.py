"""The incident over time as a drawing: a lane for each element, a dot for each moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

from agents.plain_text import plain
from telecom.report import RootCauseReport
from telecom.times import format_instant
from telecom.topology import ManagedObject

MAX_LANES = 12
_WIDTH, _LEFT, _RIGHT, _LANE, _TOP = 520, 150, 34, 26, 14
_NEAR = timedelta(minutes=15)
_TICKS = 4
_NAME = 20


@dataclass(frozen=True, slots=True)
class _Moment:
    time: datetime
    lane: str
    what: str
    colour: str


def timeline_svg(report: RootCauseReport) -> str:
    """Draw changes and moments of the timeline; empty without any."""
    moments = sorted(_moments(report), key=lambda moment: moment.time)
    if not moments:
        return ""
    lanes = list(dict.fromkeys(moment.lane for moment in moments))[:MAX_LANES]
    first, last = moments[0].time, moments[-1].time
    span = (last - first).total_seconds() or 1.0

    def across(moment: datetime) -> float:
        return _LEFT + 10 + (moment - first).total_seconds() / span * (_WIDTH - _LEFT - 10 - _RIGHT)

    bottom = _TOP + len(lanes) * _LANE
    parts = [_lane(name, _TOP + number * _LANE) for number, name in enumerate(lanes)]
    for tick in range(_TICKS + 1):
        moment = first + (last - first) * tick / _TICKS
        parts.append(_tick(across(moment), bottom, moment))
        if last == first:
            break
    parts += [
        f'<circle class="{m.colour}" cx="{across(m.time):.1f}" '
        f'cy="{_TOP + lanes.index(m.lane) * _LANE + 8}" r="5.5"><title>'
        f"{escape(format_instant(m.time))} {escape(plain(m.what))}</title></circle>"
        for m in moments
        if m.lane in lanes
    ]
    label = f"timeline of {len(moments)} moments, {first.astimezone(UTC):%Y-%m-%d}, UTC"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {bottom + 26}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def _moments(report: RootCauseReport) -> list[_Moment]:
    found = [
        _Moment(change.time, _device(change.managed_object), "configuration changed", "dot-blue")
        for change in report.changes_before_onset
    ]
    for entry in report.timeline:
        over = "over" in entry.what or "cleared" in entry.what
        changed = entry.what.startswith("configuration")
        colour = "dot-green" if over else "dot-blue" if changed else "dot-red"
        found.append(_Moment(entry.time, _device(entry.managed_object), entry.what, colour))
    return found


def _lane(name: str, y: int) -> str:
    text = plain(name)
    shown = text if len(text) <= _NAME else f"{text[: _NAME - 1]}…"
    return (
        f'<line class="grid" x1="{_LEFT}" y1="{y + 8}" x2="{_WIDTH - 10}" y2="{y + 8}"/>'
        f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end"><title>{escape(text)}</title>'
        f"{escape(shown)}</text>"
    )


def _tick(x: float, y: int, moment: datetime) -> str:
    return (
        f'<line class="grid" x1="{x:.1f}" y1="{_TOP - 6}" x2="{x:.1f}" y2="{y}"/>'
        f'<text class="soft" x="{x:.1f}" y="{y + 16}" text-anchor="middle">'
        f"{moment.astimezone(UTC):%H:%M:%S}</text>"
    )


def _device(name: str) -> str:
    return ManagedObject.parse(name).device
