"""Alarms over time: a lane for each managed object, a bar from raised to cleared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nicegui.element import Element

from agents.findings import AlarmGroup, AlarmSummary
from agents.plain_text import plain
from orchestrator.console.wording import clock, instant
from telecom.report import RootCauseReport
from telecom.topology import ManagedObject

_NEAR = timedelta(minutes=10)
"""A change that long before a short incident is drawn where it was; an older one at the edge."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Alarms that say the same, from the first raise to the last."""

    lane: int
    begin: datetime
    end: datetime
    open: bool
    """Whether they are raised still, as far as is known."""
    severity: str
    says: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is drawn."""

    lanes: tuple[str, ...]
    """The cause's first, then in the order in which they spoke."""
    causes: int
    """How many lanes are of asserted causes."""
    bars: tuple[Bar, ...]
    begin: datetime
    end: datetime
    first_alarm: datetime
    last_change: datetime | None
    """The last configuration change before onset."""


def alarm_timeline(report: RootCauseReport, summaries: Sequence[AlarmSummary]) -> Timeline | None:
    """Lay out the alarms; None when there are none."""
    groups = sorted(
        (group for summary in summaries for group in summary.groups), key=lambda g: g.first
    )
    if not groups:
        return None
    causes = {ManagedObject.parse(cause.managed_object).device for cause in report.root_causes}
    spoken = list(dict.fromkeys(group.managed_object for group in groups))
    own = [name for name in spoken if ManagedObject.parse(name).device in causes]
    lanes = (*own, *(name for name in spoken if name not in set(own)))
    number = {name: lane for lane, name in enumerate(lanes)}
    first, last = groups[0].first, max(group.last for group in groups)
    changes = [change.time for change in report.changes_before_onset]
    change = max(changes, default=None)
    near = change is not None and first - change <= max(last - first, _NEAR)
    return Timeline(
        lanes=lanes,
        causes=len(own),
        bars=tuple(_bar(group, number[group.managed_object], last) for group in groups),
        begin=min(first, change) if near and change is not None else first,
        end=last,
        first_alarm=first,
        last_change=change,
    )


def _bar(group: AlarmGroup, lane: int, end: datetime) -> Bar:
    what = plain(group.probable_cause or group.template)
    times = f"{clock(group.first)} to {'now' if group.still_open else clock(group.last)}"
    return Bar(
        lane=lane,
        begin=group.first,
        end=end if group.still_open else group.last,
        open=group.still_open,
        severity=group.perceived_severity,
        says=f"{what}, {group.count} times, {times}",
    )


class AlarmTimeline(Element, component="assets/alarm_timeline.js"):
    """The timeline on a page; emits `element` with the managed object of a lane."""

    def __init__(self, drawn: Timeline) -> None:
        super().__init__()
        self.show(drawn)

    def show(self, drawn: Timeline) -> None:
        """Draw this timeline."""
        span = (drawn.end - drawn.begin).total_seconds() or 1.0

        def at(moment: datetime) -> float:
            return round(100 * (moment - drawn.begin).total_seconds() / span, 3)

        change = drawn.last_change
        marks: list[dict[str, Any]] = [
            {"at": at(drawn.first_alarm), "what": "alarm", "says": "first alarm"}
        ]
        if change is not None:
            early = change < drawn.begin
            says = f"last change {instant(change) if early else clock(change)}"
            marks.append({"at": 0.0 if early else at(change), "what": "change", "says": says})
        self._props["lanes"] = [plain(name) for name in drawn.lanes]
        self._props["causes"] = drawn.causes
        self._props["bars"] = [
            [bar.lane, at(bar.begin), at(bar.end), int(bar.open), bar.severity.lower(), bar.says]
            for bar in drawn.bars
        ]
        self._props["marks"] = marks
        self._props["ticks"] = [
            [50 * tick, clock(drawn.begin + (drawn.end - drawn.begin) * tick / 2)]
            for tick in range(3)
        ]
        self.update()
