"""Builds alarms from values that a reader has already typed.

Validation costs more than all the rest of reading a syslog line, and here it has nothing to check:
every value comes from a pattern of ours, as the type its field declares. Text that somebody else
typed (JSON) takes the validated way, `Alarm.model_validate`.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel

from telecom.alarm import Alarm, Occurrence, RecordSource

_Model = TypeVar("_Model", bound=BaseModel)

# `model_construct` walks every field in Python for each record (40 us an alarm); a copy of the
# defaults gives the same object in 3 us. The models are frozen, so the sets may be shared.
_new = object.__new__
_set_values, _set_fields_set, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__ for slot in BaseModel.__slots__
)
_ALARM_DEFAULTS: dict[str, Any] = {
    name: field.get_default(call_default_factory=False)
    for name, field in Alarm.model_fields.items()
    if not field.is_required()
}
_FIELDS: dict[type[BaseModel], set[str]] = {
    model: set(model.model_fields) for model in (Alarm, Occurrence, RecordSource)
}


def _construct(model: type[_Model], values: dict[str, Any]) -> _Model:
    record = _new(model)
    _set_values(record, values)
    _set_fields_set(record, _FIELDS[model])
    _set_extra(record, None)
    _set_private(record, None)
    return record


def alarm_defaults() -> dict[str, Any]:  # any field of Alarm, as the type it declares
    """Begin the values of an alarm: all that may be left out, but `additional_information`."""
    return _ALARM_DEFAULTS.copy()


def typed_alarm(values: dict[str, Any]) -> Alarm:  # as `alarm_defaults` began them
    """Build an `Alarm` of values without validation; they are its own from now on."""
    return _construct(Alarm, values)


def typed_source(record_format: str, path: str, line: int, raw: str) -> RecordSource:
    """Build a `RecordSource` without validation."""
    return _construct(
        RecordSource, {"format": record_format, "path": path, "line": line, "raw": raw}
    )


def typed_occurrence(**values: Any) -> Occurrence:  # any field of Occurrence, likewise
    """Build an `Occurrence` without validation; every field must be given."""
    return _construct(Occurrence, values)


def rename(alarm: Alarm, alarm_id: str) -> None:
    """Give an alarm its id; for whoever has just read it, before anybody else sees it."""
    alarm.__dict__["alarm_id"] = alarm_id


def give_raw(alarm: Alarm, raw: str) -> None:
    """Put back the raw record, which is kept beside an alarm; for whoever has just read both."""
    alarm.source.__dict__["raw"] = raw


def relocated(record: _Model, **values: Any) -> _Model:  # fields of the model, as it declares them
    """Copy a record with some fields replaced, without validation."""
    return _construct(type(record), {**record.__dict__, **values})
