"""`Incident`: the alarms that belong together, as one thing with a life of its own.

An incident opens with the first alarm that stands alone, grows, may merge into an older one or
split, and closes when its last alarm is clear and stays so. `ActiveAlarm` is an entry of the X.733
current alarm list: many reports of one problem are one alarm.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from telecom.alarm import PerceivedSeverity
from telecom.schema import ProductModel

IncidentState: TypeAlias = Literal["open", "closed", "merged"]
IncidentStep: TypeAlias = Literal["opened", "grew", "eased", "merged", "split", "closed"]
"""`eased`: an alarm of it ended or was acknowledged. `split`: a part of it went its own way."""


class Incident(ProductModel):
    """One incident as it stands."""

    incident_id: str
    """Keyed by the site and stable when its store is rebuilt."""
    revision: int
    """Grows with every change, so that a reader can tell which of two snapshots is newer."""
    state: IncidentState
    first_time: datetime
    """Of its first alarm (UTC, by the reporting element's clock)."""
    last_time: datetime
    """Of its latest raise, change or clear."""
    closed_time: datetime | None = None
    severity: PerceivedSeverity
    """The gravest alarm that is active now; CLEARED when none is."""
    worst_severity: PerceivedSeverity
    managed_object: str
    """Of the leading alarm: the first by cause before effect. No verdict; ranking gives that."""
    probable_cause: str | None
    specific_problem: str | None
    managed_objects: tuple[str, ...]
    """Elements in order of first alarm, `MAX_LISTED` at most."""
    managed_objects_total: int
    records: int
    """Raw records that belong to it."""
    alarms: int
    """Distinct alarms (managed object, type, specific problem)."""
    active: int
    """Of these, not clear."""
    acknowledged: int
    flapping: int
    planned: bool
    """Whether every alarm of it lies in a maintenance window of its object."""
    merged_into: str | None = None
    split_from: str | None = None


MAX_LISTED = 20
"""Elements named in an incident; the rest is counted."""


class IncidentChange(ProductModel):
    """What happened to an incident since the change before, and how it stood then."""

    cursor: str
    """Read on behind this change with `changes since cursor`."""
    step: IncidentStep
    """The weightiest thing that happened; reports of one burst are told together."""
    incident: Incident


class IncidentChanges(ProductModel):
    """A stretch of the change feed, oldest first."""

    changes: tuple[IncidentChange, ...]
    cursor: str
    """Where to go on, also when `changes` is empty."""
    more: bool
    """Whether further changes wait already."""


class ActiveAlarm(ProductModel):
    """One entry of the current alarm list."""

    managed_object: str
    alarm_type: str
    specific_problem: str
    probable_cause: str | None
    perceived_severity: PerceivedSeverity
    """CLEARED while its incident is still open."""
    raised_time: datetime
    changed_time: datetime
    """Of the latest report."""
    cleared_time: datetime | None
    reports: int
    """Raw records that said the same."""
    flaps: int
    """How often it came back after a clear."""
    flapping: bool
    acknowledged: bool
    planned: bool
    """In a maintenance window of its managed object."""
    alarm_id: str
    """Of its first record; `get_alarm` reads it."""
    incident_id: str
