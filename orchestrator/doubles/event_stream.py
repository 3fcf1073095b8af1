"""The framing `application/vnd.amazon.eventstream`, from the sending side.

A frame is: u32 total length, u32 header length, u32 CRC-32 of these 8 bytes, headers, payload, u32
CRC-32 of all before. A header is: u8 name length, name, 0x07 (string), u16 value length, value.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any


def event_frame(name: str, payload: Mapping[str, Any]) -> bytes:
    """Frame one event of a stream."""
    return _frame(
        {":message-type": "event", ":event-type": name, ":content-type": "application/json"},
        json.dumps(payload).encode(),
    )


def exception_frame(name: str, message: str) -> bytes:
    """Frame an error in the stream, such as `throttlingException`."""
    return _frame(
        {
            ":message-type": "exception",
            ":exception-type": name,
            ":content-type": "application/json",
        },
        json.dumps({"message": message}).encode(),
    )


def damaged(frame: bytes) -> bytes:
    """Flip a bit of the last payload byte, so that the frame's checksum no longer holds."""
    return frame[:-5] + bytes([frame[-5] ^ 0x01]) + frame[-4:]


def _frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(encoded) + len(payload), len(encoded))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + encoded + payload
    return body + struct.pack(">I", zlib.crc32(body))


def _header(name: str, value: str) -> bytes:
    raw = value.encode()
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(raw)) + raw
