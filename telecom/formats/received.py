"""Live deliveries as the site's intake keeps them: one JSON object a line, the raw bytes inside.

`{"received": time, "source": format, "peer": address, "body": text}`, with `body64` instead of
`body` where a delivery is no UTF-8, and `record` ahead of it where the source's own log numbers it.
The body is read by the reader of its format, exactly as a file would be; the envelope adds when it
came, and who sent it where the record names nobody.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from telecom.alarm import Alarm
from telecom.formats.assembly import relocated
from telecom.formats.payloads import instant
from telecom.formats.reading import NotAnAlarm, Reader, ReadingContext, Record, Rejected

MARK = b'{"received":'
"""How each line begins; tells such a file from other JSON Lines."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one sender delivered at one time."""

    received: datetime
    source: str
    """Name of the format it is read as: `syslog`, `ves`, `json` for any payload, ..."""
    peer: str
    """Address of the sender."""
    body: bytes
    record: str = ""
    """`log@place` in the source's own log, where it has one that may hand it out again."""

    def line(self) -> bytes:
        """Write it down as one line, line end included."""
        envelope: dict[str, str] = {
            "received": self.received.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "source": self.source,
            "peer": self.peer,
        }
        if self.record:
            envelope["record"] = self.record
        try:
            envelope["body"] = self.body.decode("utf-8")
        except UnicodeDecodeError:
            envelope["body64"] = base64.b64encode(self.body).decode("ascii")
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> Delivery | None:
        """Read such a line again; None when it is none."""
        try:
            envelope = json.loads(line)
            received = instant(envelope["received"])
            text = envelope.get("body")
            body = (
                base64.b64decode(envelope["body64"], validate=True)
                if text is None
                else text.encode("utf-8", "replace")
            )
            if received is None:
                return None
            record = str(envelope.get("record", ""))
            return cls(received, str(envelope["source"]), str(envelope["peer"]), body, record)
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError):
            return None


Formats = Callable[[], Mapping[str, Reader]]


def received_reader(formats: Formats) -> Reader:
    """Make the reader of received files over the readers of the formats inside."""

    def read(data: bytes, context: ReadingContext) -> Iterator[Record]:
        for number, line in enumerate(data.split(b"\n"), start=1):
            if line.strip():
                yield from read_delivery_line(line, number, context, formats())

    return read


def read_delivery_line(
    line: bytes, number: int, context: ReadingContext, formats: Mapping[str, Reader]
) -> Iterator[Record]:
    """Read the records of one delivery; all of them stand on its line."""
    delivery = Delivery.of_line(line)
    if delivery is None:
        yield Rejected(number, "no delivery: the line was cut off, or is not of the site's intake")
    elif delivery.source not in formats:
        yield Rejected(number, "a delivery of a format that is not known")
    else:
        yield from read_delivery(delivery, number, context, formats[delivery.source])


def read_delivery(
    delivery: Delivery, number: int, context: ReadingContext, reader: Reader
) -> Iterator[Record]:
    """Read the records of a delivery that stands on line `number` of `context.path`."""
    inner = ReadingContext(
        context.path,
        delivery.peer or context.device,
        zone=context.zone,
        received=delivery.received,
    )
    for record in reader(delivery.body, inner):
        if isinstance(record, Rejected):
            yield Rejected(number, record.why)
        elif isinstance(record, NotAnAlarm):
            yield NotAnAlarm(number, record.why)
        else:
            yield _placed(record, number)


def _placed(alarm: Alarm, number: int) -> Alarm:
    values: dict[str, Any] = {"source": relocated(alarm.source, line=number)}
    if alarm.alarm_id.startswith(alarm.source.locator):
        values["alarm_id"] = values["source"].locator
    return relocated(alarm, **values)
