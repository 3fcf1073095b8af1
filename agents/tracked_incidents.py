"""What is known of a site's open incidents: each one, its alarms, and what changed of late."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from telecom.alarm import PerceivedSeverity
from telecom.incident import IncidentState, IncidentStep

FLAPS = 3
"""Returns within `FLAP_SPAN` that make an alarm a flapping one."""
FLAP_SPAN = 600.0
MAX_IDS = 8

SEVERITY_RANK = {
    PerceivedSeverity.CRITICAL: 5,
    PerceivedSeverity.MAJOR: 4,
    PerceivedSeverity.MINOR: 3,
    PerceivedSeverity.WARNING: 2,
    PerceivedSeverity.INDETERMINATE: 1,
    PerceivedSeverity.CLEARED: 0,
}

_ROLE_RANK = {"fault": 0, "error": 1, "failure": 2}


@dataclass(slots=True)
class TrackedAlarm:
    """One alarm of the current list: every report of one problem with one object."""

    key: str
    incident: int
    device: str
    managed_object: str
    alarm_type: str
    problem: str
    cause: str | None
    role: str
    severity: PerceivedSeverity
    """As last raised or changed; kept after a clear."""
    raised: float
    last: float
    alarm_ids: list[str]
    """First record's id, then other ids that its source gave it, `MAX_IDS` at most."""
    event: bool = False
    """It tells no state that could end, so it is over when its burst is."""
    cleared: float | None = None
    reports: int = 1
    flaps: int = 0
    returns: list[float] = field(default_factory=list)
    """Times of the latest returns after a clear, `FLAPS` at most."""
    acknowledged: bool = False
    planned: bool = False
    unconfirmed_since: float | None = None
    """When its source rebuilt its alarm list without having repeated this alarm yet."""

    @property
    def active(self) -> bool:
        """Whether it is not clear."""
        return self.cleared is None

    @property
    def flapping(self) -> bool:
        """Whether it came back `FLAPS` times within `FLAP_SPAN` before its last report."""
        return len(self.returns) >= FLAPS and self.last - self.returns[-FLAPS] <= FLAP_SPAN


@dataclass(slots=True)
class TrackedIncident:
    """One incident and its alarms."""

    number: int
    origin: str
    """Names its first alarm, for an id that a rebuilt store gives again."""
    first: float
    last: float
    state: IncidentState = "open"
    closed: float | None = None
    merged_into: int | None = None
    split_from: int | None = None
    worst: PerceivedSeverity = PerceivedSeverity.CLEARED
    records: int = 0
    revision: int = 0
    settled: bool = False
    """Whether the burst is over and what is left was looked at for a split."""
    due: float = float("inf")
    """When the tracker will look at it by itself."""
    alarms: dict[str, TrackedAlarm] = field(default_factory=dict)
    active: Counter[PerceivedSeverity] = field(default_factory=Counter)
    devices: dict[str, float] = field(default_factory=dict)
    """Element -> time of its latest notice, in order of first alarm."""
    acknowledged: int = 0
    unplanned: int = 0
    leader: TrackedAlarm | None = None

    @property
    def severity(self) -> PerceivedSeverity:
        """The gravest active alarm."""
        return max(
            (severity for severity, count in self.active.items() if count),
            key=SEVERITY_RANK.__getitem__,
            default=PerceivedSeverity.CLEARED,
        )

    @property
    def active_count(self) -> int:
        """How many of its alarms are not clear."""
        return self.active.total()


@dataclass(slots=True)
class TrackedChanges:
    """What happened since it was asked for last."""

    incidents: dict[int, tuple[TrackedIncident, IncidentStep]] = field(default_factory=dict)
    alarms: dict[str, TrackedAlarm] = field(default_factory=dict)
    records: dict[int, int] = field(default_factory=dict)
    """Record number -> incident."""
    moved: list[tuple[int, int]] = field(default_factory=list)
    """Records of the first incident now belong to the second: a merge."""
    parted: list[tuple[str, int, int]] = field(default_factory=list)
    """An alarm's key, the incident it left, the incident it is in now: a split."""


def leads(alarm: TrackedAlarm, other: TrackedAlarm) -> bool:
    """Whether an alarm is nearer to a cause: no mere event, a fault before its effects, earlier."""
    one = (alarm.event, _ROLE_RANK.get(alarm.role, 1), alarm.raised)
    return one < (other.event, _ROLE_RANK.get(other.role, 1), other.raised)
