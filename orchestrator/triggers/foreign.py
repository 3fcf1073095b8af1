"""Foreign systems' webhooks: grades and times are kept, every text is dropped at the door.

A webhook of somebody's alarm system carries whatever its author wrote: subscriber numbers, names,
raw alarm text. None of it may be stored here. What is kept has no room for words: when, how bad, of
which of ten types, and a keyed digest by which the same alarm is known again. The detail is pulled
from the site afterwards, through its gate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from orchestrator.service_settings import TriggerKind
from orchestrator.triggers.sources import KnownSource
from orchestrator.triggers.trigger import AROUND_A_FOREIGN_ALARM, Trigger
from telecom.alarm import Alarm, AlarmType, PerceivedSeverity
from telecom.errors import InvalidArgumentError
from telecom.formats import NotAnAlarm, Rejected, read_records

LARGEST_BODY_BYTES = 1024 * 1024
MOST_ALARMS = 250
"""Alarms of one delivery; a sender with more sends them in parts."""
_FAR_FUTURE = timedelta(days=1)
_LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)
"""A clock may be off; a time beyond these says nothing."""

_GENERIC: TriggerKind = "generic"


@dataclass(slots=True)
class Reading:
    """What a delivery held."""

    triggers: list[Trigger] = field(default_factory=list)
    cleared: int = 0
    """Ends of alarms: they begin no investigation."""
    no_alarm: int = 0
    """Heartbeats, registrations, confirmations."""
    rejected: int = 0
    """Records that cannot be read."""


class GenericTrigger(BaseModel):
    """A trigger in our own words, for systems that speak none of the standards."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = Field(min_length=1, max_length=512)
    """The sender's own id: sent again, it is the same trigger. Only its keyed digest is kept."""
    time: AwareDatetime
    perceived_severity: PerceivedSeverity = PerceivedSeverity.INDETERMINATE
    alarm_type: AlarmType | None = None


def read_delivery(kind: TriggerKind, body: bytes, source: KnownSource) -> Reading:
    """Read what a foreign system sent.

    Args:
        kind: The format that the path names; `generic` takes `GenericTrigger` and every JSON format
            that is recognised.
        body: As it came.
        source: Who sent it.

    Raises:
        InvalidArgumentError: It holds nothing that can be read, or too much for one delivery.
    """
    reading = Reading()
    now = datetime.now(UTC)
    for record in _records(kind, body, now):
        if isinstance(record, GenericTrigger):
            reading.triggers.append(_of_generic(record, source, now))
        elif isinstance(record, Alarm):
            if record.perceived_severity is PerceivedSeverity.CLEARED:
                reading.cleared += 1
            else:
                reading.triggers.append(_of_alarm(record, source, now))
        elif isinstance(record, NotAnAlarm):
            reading.no_alarm += 1
        else:
            reading.rejected += 1
        if len(reading.triggers) > MOST_ALARMS:
            raise InvalidArgumentError("body", f"more than {MOST_ALARMS} alarms; send it in parts")
    if reading.rejected and not (reading.triggers or reading.cleared or reading.no_alarm):
        raise InvalidArgumentError("body", f"no record of it can be read as {kind}")
    return reading


def _records(
    kind: TriggerKind, body: bytes, now: datetime
) -> Iterator[Alarm | NotAnAlarm | Rejected | GenericTrigger]:
    if kind == _GENERIC and (own := _generic(body)) is not None:
        yield from own
        return
    name = "json" if kind == _GENERIC else kind
    yield from read_records(body, path="delivery", format=name, received=now)


def _generic(body: bytes) -> list[GenericTrigger] | None:
    """Our own words, one or a list; None when these are not."""
    try:
        content: Any = json.loads(body)
        listed = content if isinstance(content, list) else [content]
        return [GenericTrigger.model_validate(one) for one in listed] or None
    except (ValueError, RecursionError, ValidationError):
        return None


def _of_generic(record: GenericTrigger, source: KnownSource, now: datetime) -> Trigger:
    moment = _believed(record.time, now)
    return _trigger(
        source,
        identity=record.id,
        times=(moment, moment),
        perceived_severity=record.perceived_severity,
        alarm_type=record.alarm_type,
    )


def _of_alarm(alarm: Alarm, source: KnownSource, now: datetime) -> Trigger:
    stated = alarm.alarm_raised_time or now
    raised = _believed(stated, now)
    changed = _believed(alarm.alarm_changed_time or raised, now)
    # An id that was assigned by place is everybody's first record: the record itself tells then.
    assigned = alarm.alarm_id == f"delivery:{alarm.source.line}"
    identity = alarm.source.raw if assigned else alarm.alarm_id
    return _trigger(
        source,
        identity=f"{identity}\n{stated.isoformat()}\n{alarm.perceived_severity}",
        times=(raised, max(raised, changed)),
        perceived_severity=alarm.perceived_severity,
        alarm_type=alarm.alarm_type,
    )


def _believed(moment: datetime, now: datetime) -> datetime:
    """A time that a sender states; now, when no clock could have shown it."""
    return moment if _LONG_AGO < moment < now + _FAR_FUTURE else now


def _trigger(
    source: KnownSource,
    *,
    identity: str,
    times: tuple[datetime, datetime],
    perceived_severity: PerceivedSeverity,
    alarm_type: AlarmType | None,
) -> Trigger:
    declaration = source.declaration
    begin, end = (moment.astimezone(UTC) for moment in times)
    return Trigger(
        trigger_id=f"{declaration.name}:{source.keyed(identity)}",
        source=declaration.name,
        sites=declaration.sites,
        window=(begin - AROUND_A_FOREIGN_ALARM, end + AROUND_A_FOREIGN_ALARM),
        perceived_severity=perceived_severity,
        alarm_type=alarm_type,
    )
