"""Fields of JSON payloads, read with tolerance: a spoiled value is None, never an exception."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias

from telecom.alarm import AlarmType, RecordSource
from telecom.formats.reading import ReadingContext, Record

Payload: TypeAlias = Mapping[str, Any]  # JSON objects: any value
PayloadReading: TypeAlias = Callable[["Payload", "Place"], Iterator[Record]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a payload stands: its file, its number in it, its raw text, its envelope's time."""

    context: ReadingContext
    number: int
    raw: str
    envelope_time: datetime | None = None
    """Of the outermost envelope; the time of reception where no envelope has one."""

    def source(self, record_format: str) -> RecordSource:
        """Locate the payload for `Alarm.source`."""
        return RecordSource(
            format=record_format, path=self.context.path, line=self.number, raw=self.raw
        )

    @property
    def assigned_id(self) -> str:
        """The id of an alarm whose source gives it none."""
        return f"{self.context.path}:{self.number}"

    def within(self, time: datetime | None) -> Place:
        """The same place, inside an envelope of that time."""
        return self if time is None else Place(self.context, self.number, self.raw, time)

    @property
    def time(self) -> datetime | None:
        """What stands in for a time that the payload lacks."""
        return self.envelope_time or self.context.received


@dataclass(frozen=True, slots=True)
class PayloadFormat:
    """One JSON format: how it is recognised and how it is read."""

    name: str
    recognises: Callable[[Payload], bool]
    read: PayloadReading


def text(value: object) -> str | None:
    """Read a text or a number as text; None for an empty one, and for anything else."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def first_text(payload: Payload, *names: str) -> str | None:
    """Read the first of several fields that holds a text."""
    for name in names:
        if (found := text(payload.get(name))) is not None:
            return found
    return None


def mapping(value: object) -> Payload:
    """Read an object; empty for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """Read a list; a single object counts as a list of one, anything else as empty."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) else []


def number(value: object) -> float | None:
    """Read a finite number, also one printed as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | str):
        try:
            found = float(value)
        except (ValueError, OverflowError):
            return None
        return found if math.isfinite(found) else None
    return None


def claim(value: object) -> bool | None:
    """Read a yes or no, also one printed as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
            value.strip().lower()
        )
    return None


_EPOCH_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (1e8, 1.0))
_OLDEST, _NEWEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def instant(value: object, zone: tzinfo = UTC) -> datetime | None:
    """Read ISO 8601, RFC 2822 or an epoch number in any unit, as UTC.

    Years before 1980 or from 2200 on are how systems print "none" (0001-01-01T00:00:00Z).
    """
    moment = _instant_of_text(value, zone) if isinstance(value, str) else _instant_of_epoch(value)
    return moment if moment is not None and _OLDEST <= moment < _NEWEST else None


def _instant_of_text(value: str, zone: tzinfo) -> datetime | None:
    value = value.strip()
    if re.fullmatch(r"\d{9,19}(?:\.\d+)?", value):
        return _instant_of_epoch(float(value))
    try:
        moment = datetime.fromisoformat(value.replace(" UTC", "+00:00"))
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _instant_of_epoch(value: object) -> datetime | None:
    found = number(value)
    if found is None:
        return None
    for smallest, unit in _EPOCH_UNITS:
        if found >= smallest:
            try:
                return datetime.fromtimestamp(found / unit, UTC)
            except (ValueError, OverflowError, OSError):
                return None
    return None


_ALARM_TYPES = {
    "communications": AlarmType.COMMUNICATIONS_ALARM,
    "communication": AlarmType.COMMUNICATIONS_ALARM,
    "processingerror": AlarmType.PROCESSING_ERROR_ALARM,
    "processing": AlarmType.PROCESSING_ERROR_ALARM,
    "environmental": AlarmType.ENVIRONMENTAL_ALARM,
    "environment": AlarmType.ENVIRONMENTAL_ALARM,
    "qualityofservice": AlarmType.QUALITY_OF_SERVICE_ALARM,
    "qos": AlarmType.QUALITY_OF_SERVICE_ALARM,
    "equipment": AlarmType.EQUIPMENT_ALARM,
    "integrityviolation": AlarmType.INTEGRITY_VIOLATION,
    "operationalviolation": AlarmType.OPERATIONAL_VIOLATION,
    "physicalviolation": AlarmType.PHYSICAL_VIOLATION,
    "securityserviceormechanismviolation": AlarmType.SECURITY_SERVICE_OR_MECHANISM_VIOLATION,
    "securityviolation": AlarmType.SECURITY_SERVICE_OR_MECHANISM_VIOLATION,
    "security": AlarmType.SECURITY_SERVICE_OR_MECHANISM_VIOLATION,
    "timedomainviolation": AlarmType.TIME_DOMAIN_VIOLATION,
}


def alarm_type(value: object) -> AlarmType | None:
    """Read an alarm type in any standard's spelling: `communicationsAlarm`, `ET_...`, `qos`."""
    name = text(value)
    if name is None:
        return None
    name = re.sub(r"[^a-z]", "", name.lower().removeprefix("et_"))
    return _ALARM_TYPES.get(name.removesuffix("alarm"))


_RDN = re.compile(r"(?:^|[,/])\s*([A-Za-z][\w.-]*)=([^,/]+)")
_ABOVE_THE_ELEMENT = frozenset({"subnetwork", "dc", "network", "managementnode", "mecontext"})


def managed_object(name: str) -> str:
    """Reduce a distinguished name to `device` or `device:object`; other names stay as they are.

    `SubNetwork=1,ManagedElement=gnb7,GNBDUFunction=1,NRCellDU=3` is
    `gnb7:GNBDUFunction=1,NRCellDU=3`; so is the same name as a URI (3GPP TS 32.300).
    """
    parts = _RDN.findall(name)
    if not parts:
        return name
    attributes = [attribute.lower() for attribute, _ in parts]
    if "managedelement" in attributes:
        position = attributes.index("managedelement")
    else:
        below = [index for index, name in enumerate(attributes) if name not in _ABOVE_THE_ELEMENT]
        position = below[0] if below else len(parts) - 1
    value = parts[position][1]
    rest = ",".join(f"{attribute}={value}" for attribute, value in parts[position + 1 :])
    return f"{value.strip()}:{rest}" if rest else value.strip()


def with_port(device: str, port: str | None) -> str:
    """Join device and port, unless the device already names one."""
    return device if port is None or ":" in device else f"{device}:{port}"


def names_and_values(value: object) -> dict[str, Any]:
    """Read a hash map, or the list of name/value objects that older versions send for it."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list):
        return {
            str(entry["name"]): entry.get("value")
            for entry in value
            if isinstance(entry, dict) and isinstance(entry.get("name"), str)
        }
    return {}


def leftovers(payload: Payload, *taken: str) -> dict[str, Any]:
    """What a payload carries beyond the fields that were mapped; empty values are left out."""
    return {
        name: value
        for name, value in payload.items()
        if name not in taken and value not in (None, "", [], {})
    }
