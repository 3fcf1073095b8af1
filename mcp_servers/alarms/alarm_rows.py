"""Alarms as rows of the store: their numbers, their keyed ids, and what incidents are told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from agents.alarm_notices import Notice, Place, notice_of
from telecom.alarm import Alarm
from telecom.formats.assembly import give_raw, rename
from telecom.topology import Topology, port_key

UNDATED = 2**62
"""Stands for the time of a record without one, so that it sorts last."""
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
"""Ids in letters only: digits could be taken for a subscriber's number."""


_to_json = Alarm.__pydantic_serializer__.to_json
"""What `model_dump_json` calls: a storm calls it a hundred thousand times."""


class AlarmRow(NamedTuple):
    """A row of table `alarms`."""

    id: int
    alarm_id: str
    device: str
    port: str
    time_us: int
    body: str
    raw: str


class Spelling:
    """How the store and the topology spell managed objects; a storm names few of them often."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.of = lru_cache(maxsize=65_536)(self._spell)

    def _spell(self, name: str) -> tuple[str, str, Place]:
        """Element and port as the store compares them, and the place as incidents know it."""
        device, _, port = name.partition(":")
        place = Place.of(self.topology.canonical(name))
        return device.lower(), port_key(port) if port else "", place


def event_time(alarm: Alarm) -> datetime | None:
    """When the record happened; None when it carries no time at all."""
    return alarm.alarm_raised_time or alarm.alarm_changed_time or alarm.alarm_cleared_time


def alarm_rows(
    alarms: Sequence[Alarm], file: int, after: int, id_key: bytes, spelling: Spelling
) -> Iterator[tuple[AlarmRow, Notice | None]]:
    """Make the rows of a file's alarms; those without an id of their source get a keyed one.

    Args:
        alarms: In order of the file, and nobody else's: they are given their ids.
        file: Number of the file.
        after: Records of the file that come before.
        id_key: Secret of the site.
        spelling: Of managed objects.
    """
    repeated: dict[str, int] = {}
    keyed = blake2b(digest_size=10, key=id_key[:64], person=b"alarm-id")
    for number, alarm in enumerate(alarms, start=record_number(file, after + 1)):
        place = alarm.source.locator
        if alarm.alarm_id.startswith(place):  # a reader made it up: the source gave none
            repetition = repeated[place] = repeated.get(place, 0) + 1
            mac = keyed.copy()
            mac.update((place if repetition == 1 else f"{place}#{repetition}").encode())
            rename(alarm, "alarm-" + mac.hexdigest().translate(_LETTERS))
        device, port, own = spelling.of(alarm.managed_object)
        happened = event_time(alarm)
        row = AlarmRow(
            number,
            alarm.alarm_id,
            device,
            port,
            UNDATED if happened is None else microseconds(happened),
            _to_json(alarm, by_alias=True, exclude_none=True).decode(),
            alarm.source.raw,
        )
        yield row, notice_of(alarm, number, own, spelling.topology)


def stored_alarm(body: str, raw: str) -> Alarm:
    """The alarm of a row."""
    alarm = Alarm.model_validate_json(body)
    give_raw(alarm, raw)
    return alarm


def record_number(file: int, ordinal: int) -> int:
    """Record numbers survive a re-read of a file that grew."""
    return file << 32 | ordinal


def record_range(file: int) -> tuple[int, int]:
    """First and last record number that a file may have."""
    return record_number(file, 0), record_number(file + 1, 0) - 1


def microseconds(moment: datetime) -> int:
    """Since 1970, as the store keeps times."""
    return round(moment.timestamp() * 1_000_000)
