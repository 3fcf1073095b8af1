"""`Notice`: the little of a record that the life of an alarm depends on.

A storm is followed notice by notice, so a notice is small, plain and made once, when the record is
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

from agents.folding import is_clear, is_trouble, role_of, template_of
from telecom.alarm import Alarm, AlarmType, OccurrenceKind, PerceivedSeverity
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
# `member.value` is a descriptor in Python; a storm asks for it a hundred thousand times.
_NAMES: Mapping[StrEnum, str] = {
    member: member.value
    for kind in (AlarmType, PerceivedSeverity, OccurrenceKind)
    for member in kind
}
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
    """With device, port and type, what makes an alarm this one and no other (X.733)."""
    severity: str
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

    @property
    def key(self) -> str:
        """The alarm that it is about."""
        port = self.managed_object.partition(":")[2]
        where = f"{self.device}:{port_key(port)}" if port else self.device
        return f"{where}\x1f{self.alarm_type}\x1f{self.problem}"


def notice_of(alarm: Alarm, record: int, own: ManagedObject, topology: Topology) -> Notice | None:
    """Say what a record does to an alarm; None when it does nothing or carries no time.

    Args:
        alarm: The record.
        record: Its number.
        own: Its managed object as the topology spells it.
        topology: Tells whether a neighbour is an element of the site.
    """
    effect = _effect(alarm)
    moment = alarm.alarm_changed_time if effect == "change" else None
    if effect == "clear":
        moment = alarm.alarm_cleared_time
    moment = moment or alarm.alarm_raised_time
    if effect is None or moment is None:
        return None
    occurrence = alarm.occurrence
    kind = OccurrenceKind.OTHER if occurrence is None else occurrence.kind
    neighbor = None if occurrence is None else occurrence.neighbor
    stateful = occurrence is not None and occurrence.state in {"down", "degraded"}
    stateful = stateful and kind not in _MOMENTARY
    return Notice(
        record=record,
        alarm_id=alarm.alarm_id,
        time=moment.timestamp(),
        effect=effect,
        device=own.device,
        managed_object=str(own),
        alarm_type=_NAMES[alarm.alarm_type or kind],
        problem=alarm.specific_problem or alarm.probable_cause or template_of(alarm),
        severity=_NAMES[alarm.perceived_severity],
        cause=alarm.probable_cause,
        role=role_of(kind),
        opens=stateful or alarm.perceived_severity in _OPENING,
        lasts=stateful or not alarm.source.format.startswith("syslog"),
        peer=neighbor if neighbor is not None and neighbor in topology else None,
        related=tuple(
            name for entry in alarm.correlated_notifications for name in entry.notification_ids
        )[:_MAX_RELATED],
    )


def _effect(alarm: Alarm) -> Effect | None:
    lifecycle = alarm.additional_information.get("lifecycle")
    if isinstance(lifecycle, str) and lifecycle in _BY_LIFECYCLE:
        return _BY_LIFECYCLE[lifecycle]
    if lifecycle == "comment":
        return None
    if is_clear(alarm):
        return "clear"
    if lifecycle == "change":
        return "change"
    return "raise" if is_trouble(alarm) else None
