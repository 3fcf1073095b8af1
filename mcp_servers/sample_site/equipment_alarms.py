"""Alarms of RAN, core functions, power and timing as `Alarm` records, one JSON line each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

from mcp_servers.sample_site.events import Event
from mcp_servers.sample_site.network import Dialect, Network
from telecom.alarm import (
    Alarm,
    AlarmType,
    Occurrence,
    OccurrenceKind,
    PerceivedSeverity,
    RecordSource,
    ThresholdInfo,
)
from telecom.schema import ProductModel


class EquipmentAlarm(ProductModel):
    """What one kind of equipment alarm says."""

    type: AlarmType
    severity: PerceivedSeverity
    cause: str
    problem: str
    text: str
    clear: str | None = None
    """Text of the record that ends it; None for an event without a state."""
    kind: OccurrenceKind
    state: Literal["down", "degraded", "changed", "noted"]
    about: str | None = None
    """The detail that names the other end."""
    reason: str | None = None
    """The detail that holds the element's own words for why."""
    port: str | None = None
    """The detail that completes the managed object."""
    service: bool = False
    by: Literal["element", "manager"] = "element"


@cache
def equipment_alarms() -> dict[str, EquipmentAlarm]:
    """Every kind of equipment alarm, by name."""
    text = files(__package__).joinpath("equipment_alarms.yaml").read_text(encoding="utf-8")
    return {
        name: EquipmentAlarm.model_validate(spec) for name, spec in yaml.safe_load(text).items()
    }


_FILES = {
    Dialect.RAN: "ran.jsonl",
    Dialect.CORE: "core.jsonl",
    Dialect.POWER: "power.jsonl",
    Dialect.TIMING: "sync.jsonl",
}
_MEASURED = "value"


def alarm_file(network: Network, element: str) -> str:
    """The file of the element manager that an element reports to."""
    return _FILES.get(network.elements[element].dialect, "transport-nms.jsonl")


@dataclass(slots=True)
class AlarmNumbers:
    """Hands out each manager's running alarm numbers; a clear gets the number of its raise."""

    first: int
    _next: dict[str, int]
    _open: dict[tuple[str, str, str, str], str]

    @classmethod
    def starting_at(cls, first: int) -> AlarmNumbers:
        """Numbers from `first` on, in each file."""
        return cls(first, {}, {})

    def number(self, file: str, event: Event) -> str | None:
        """The alarm id of an event; None for a clear of what is not open.

        A repeated raise of an open alarm keeps its number.
        """
        about = "/".join(
            str(event.details[key])
            for key in ("peer", "cell", "port", "unit", "tac", "dnn")
            if key in event.details
        )
        key = (file, event.element, event.name, about)
        if event.cleared:
            return self._open.pop(key, None)
        if key in self._open:
            return self._open[key]
        number = self._next.get(file, self.first)
        self._next[file] = number + 1
        identity = f"{file.partition('.')[0].upper()}-{number}"
        if equipment_alarms()[event.name].clear is not None:
            self._open[key] = identity
        return identity


def write_alarm(event: Event, printed: datetime, number: str) -> str:
    """One JSON line, as `Alarm` serialises; where it is read from is the reader's to say."""
    spec = equipment_alarms()[event.name]
    printed = printed.replace(microsecond=printed.microsecond // 1000 * 1000)
    details = {"element": event.element, **event.details}
    port = f":{details[spec.port]}" if spec.port else ""
    text = (spec.clear if event.cleared and spec.clear else spec.text).format_map(details)
    measured = details.get(_MEASURED)
    threshold = (
        ThresholdInfo(
            observed_measurement=spec.problem,
            observed_value=float(measured),
            threshold_level=float(details["limit"]) if "limit" in details else None,
        )
        if spec.kind is OccurrenceKind.THRESHOLD and measured is not None
        else None
    )
    alarm = Alarm(
        alarm_id=number,
        managed_object=f"{event.element}{port}",
        alarm_type=spec.type,
        perceived_severity=PerceivedSeverity.CLEARED if event.cleared else spec.severity,
        probable_cause=spec.cause,
        specific_problem=spec.problem,
        alarm_raised_time=printed,  # each record carries its own time, a clear too
        alarm_cleared_time=printed if event.cleared else None,
        additional_text=text,
        threshold_info=threshold,
        service_affecting=spec.service or None,
        planned_outage_indicator=event.planned or None,
        occurrence=Occurrence(
            kind=spec.kind,
            state="up" if event.cleared else spec.state,
            interface=str(details[spec.port]) if spec.port == "port" else None,
            neighbor=str(details[spec.about]) if spec.about else None,
            reason=str(details[spec.reason]) if spec.reason and not event.cleared else None,
        ),
        source=RecordSource(format="tierwise", path="-", line=1),
    )
    return alarm.model_dump_json(by_alias=True, exclude_defaults=True, exclude={"source"})
