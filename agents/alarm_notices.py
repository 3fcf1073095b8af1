"""`Notice`: the little of a record that the life of an alarm depends on.

A storm is followed notice by notice, so a notice is small, plain and made once, when the record is
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from agents.folding import is_clear, is_trouble, role_of, template_of
from telecom.alarm import Alarm, OccurrenceKind, PerceivedSeverity
from telecom.topology import ManagedObject, Topology, port_key

Effect: TypeAlias = Literal[
    "raise", "clear", "change", "acknowledge", "unacknowledge", "correlate", "clear_all", "rebuild"
]

_BY_LIFECYCLE: Mapping[str, Effect] = {
    "acknowledge": "acknowledge",
    "unacknowledge": "unacknowledge",
    "correlate": "correlate",
    "clear": "clear",
    "delete": "clear",
    "clear_all": "clear_all",
    "rebuild": "rebuild",
}
_MOMENTARY = frozenset(
    {OccurrenceKind.AUTHENTICATION, OccurrenceKind.LOGIN, OccurrenceKind.CONFIGURATION}
)
"""A refused login is over when it is reported, however its words sound."""
_STATES = frozenset({"down", "degraded"})
_MAX_RELATED = 32
"""Related alarms that are followed; a record that names more names a storm."""
_OPENING = frozenset({PerceivedSeverity.CRITICAL, PerceivedSeverity.MAJOR, PerceivedSeverity.MINOR})


class Notice(NamedTuple):
    """What a record does to an alarm."""

    record: int
    """Number of the record it was made from."""
    alarm_id: str
    time: float
    """Seconds since 1970."""
    effect: Effect
    device: str
    managed_object: str
    alarm_type: str
    problem: str
    """What is wrong, in the words of its source."""
    severity: PerceivedSeverity
    cause: str | None
    role: str
    """fault, error or failure."""
    opens: bool
    """Whether it may open an incident of its own: a lone warning may only join one."""
    lasts: bool
    """Whether it tells a state that ends with a clear, and not a mere event."""
    peer: str | None
    """The device at the other end, as named by the record."""
    related: tuple[str, ...]
    """Ids of alarms that the record itself says belong to it."""
    key: str
    """The alarm that it is about: one place, one type, one problem (X.733)."""


class Place(NamedTuple):
    """A managed object as the topology spells it."""

    device: str
    managed_object: str
    """`device` or `device:port`."""
    key: str
    """The same for every spelling of the port."""

    @classmethod
    def of(cls, own: ManagedObject) -> Place:
        """Of an object that the topology has respelled."""
        key = own.device if own.port is None else f"{own.device}:{port_key(own.port)}"
        return cls(own.device, str(own), key)


def notice_of(alarm: Alarm, record: int, place: Place, topology: Topology) -> Notice | None:
    """Say what a record does to an alarm; None when it does nothing or carries no time.

    Args:
        alarm: The record.
        record: Its number.
        place: Its managed object.
        topology: Tells whether a neighbour is an element of the site.
    """
    effect = _effect(alarm)
    moment = alarm.alarm_changed_time if effect == "change" else None
    if effect == "clear":
        moment = alarm.alarm_cleared_time
    moment = moment or alarm.alarm_raised_time
    if effect is None or moment is None:
        return None
    kind, peer, stateful = OccurrenceKind.OTHER, None, False
    occurrence = alarm.occurrence
    if occurrence is not None:
        kind, peer = occurrence.kind, occurrence.neighbor
        stateful = occurrence.state in _STATES and kind not in _MOMENTARY
    severity, cause = alarm.perceived_severity, alarm.probable_cause
    alarm_type = (alarm.alarm_type or kind).value
    problem = alarm.specific_problem or cause or template_of(alarm)
    # In order of the fields: naming sixteen of them would take longer than all the rest.
    return Notice(
        record,
        alarm.alarm_id,
        moment.timestamp(),
        effect,
        place.device,
        place.managed_object,
        alarm_type,
        problem,
        severity,
        cause,
        role_of(kind),
        stateful or severity in _OPENING,
        stateful or not alarm.source.format.startswith("syslog"),
        peer if peer is not None and peer in topology else None,
        _related(alarm) if alarm.correlated_notifications else (),
        f"{place.key}\x1f{alarm_type}\x1f{problem}",
    )


def _related(alarm: Alarm) -> tuple[str, ...]:
    named = (name for entry in alarm.correlated_notifications for name in entry.notification_ids)
    return tuple(islice(named, _MAX_RELATED))


def _effect(alarm: Alarm) -> Effect | None:
    lifecycle = alarm.additional_information.get("lifecycle")
    if isinstance(lifecycle, str):
        if lifecycle in _BY_LIFECYCLE:
            return _BY_LIFECYCLE[lifecycle]
        if lifecycle == "comment":
            return None
    if is_clear(alarm):
        return "clear"
    if lifecycle == "change":
        return "change"
    return "raise" if is_trouble(alarm) else None
