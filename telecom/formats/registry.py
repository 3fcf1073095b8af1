"""The formats by name, and which of them some bytes are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import PurePosixPath

from telecom.errors import InvalidArgumentError
from telecom.formats.alarm_csv import looks_like_csv, read_csv
from telecom.formats.alertmanager import ALERTMANAGER
from telecom.formats.cloudwatch import CLOUDWATCH
from telecom.formats.own_alarms import OWN_ALARMS
from telecom.formats.payload_reader import payload_reader
from telecom.formats.payloads import PayloadFormat
from telecom.formats.reading import Reader, ReadingContext, Record
from telecom.formats.received import MARK, received_reader
from telecom.formats.ric_alarms import RIC_ALARMS
from telecom.formats.snmp import SNMP
from telecom.formats.syslog import read_syslog
from telecom.formats.tmf642 import TMF642
from telecom.formats.ts28532 import TS28532
from telecom.formats.ves import VES

_PAYLOAD_FORMATS: tuple[PayloadFormat, ...] = (
    OWN_ALARMS,
    VES,
    SNMP,
    CLOUDWATCH,
    RIC_ALARMS,
    ALERTMANAGER,
    TS28532,
    TMF642,
)
"""Tried in this order: the more peculiar a format's marks, the earlier."""

_read_payloads = payload_reader(_PAYLOAD_FORMATS)

FORMATS: Mapping[str, Reader] = {
    "syslog": read_syslog,
    "json": _read_payloads,
    **{known.name: payload_reader((known,)) for known in _PAYLOAD_FORMATS},
    # EventBridge is an envelope that CloudWatch alarms travel in.
    "eventbridge": payload_reader((CLOUDWATCH,)),
    "csv": read_csv,
    # What live intake kept, whatever is inside.
    "received": received_reader(lambda: FORMATS),
}

_PEEKED_BYTES = 4096


def recognise(data: bytes) -> str:
    """Name the format of `data` by its content; `syslog` is the last resort."""
    head = data[:_PEEKED_BYTES]
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(MARK):
        return "received"
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"} or start[:1] == b"{":
        return "json"
    if start[:1] == b"[" and start[1:].lstrip()[:1] in {b"{", b"]", b""}:
        return "json"
    return "csv" if looks_like_csv(head) else "syslog"


def read_records(
    data: bytes,
    *,
    path: str,
    format: str = "auto",
    year: int | None = None,
    zone: tzinfo = UTC,
    default_device: str | None = None,
    received: datetime | None = None,
) -> Iterator[Record]:
    """Read every record of a file or a delivery, in order.

    Args:
        data: The whole file, or what one sender delivered.
        path: For ids and locators; its file name up to the first dot is the device of records that
            name none.
        format: `auto` goes by the content; else a name of `FORMATS`.
        year: Of timestamps that carry none.
        zone: Of timestamps that carry none. A zone in a header line of a file says nothing here.
        default_device: Instead of the one that `path` gives.
        received: When the data arrived. It stands in for times that a record lacks altogether, and
            dates timestamps without a year when `year` is not given.

    Raises:
        InvalidArgumentError: No such format; the data itself never raises.
    """
    name = recognise(data) if format == "auto" else format
    if name not in FORMATS:
        known = ", ".join(["auto", *FORMATS])
        raise InvalidArgumentError("format", f"format must be one of {known}, got {format!r}")
    device = default_device or PurePosixPath(path).name.partition(".")[0] or path
    context = ReadingContext(path, device, year=year, zone=zone, received=received)
    return FORMATS[name](data, context)
