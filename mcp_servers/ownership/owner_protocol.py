"""How two commands on one site directory talk: frames of JSON over a local socket.

A frame is four bytes of length, big-endian, and that many bytes of JSON. A connection begins with
a hello that says what the client is (`local`: an operator's command; `stdio`: a pipe to somebody
outside) and what it wants. The answer is frames with `progress`, `alive`, and at the end `value` or
`error`; after the hello of an MCP session the connection carries MCP messages, one a line.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

from telecom.errors import (
    EgressRefusedError,
    InvalidArgumentError,
    OperatorError,
    TierwiseError,
    ToolRefused,
    ToolRetry,
)

LARGEST_FRAME = 32 * 1024 * 1024
"""Texts to anonymize and summaries pass here; nothing of ours is larger."""

HELLO_SECONDS = 5.0
"""A client says what it wants at once."""
ALIVE_SECONDS = 10.0
"""How often a busy owner says that it still works."""
SILENCE_SECONDS = 60.0
"""An owner that says nothing for so long is gone."""

MCP_SESSION = "mcp"
"""The operation that turns a connection into an MCP session."""

JsonValue = Any
"""JSON, hence Any."""

HEADER = struct.Struct(">I")


def encode_frame(content: JsonValue) -> bytes:
    """Write one frame.

    Raises:
        InvalidArgumentError: It would be larger than `LARGEST_FRAME`.
    """
    body = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()
    if len(body) > LARGEST_FRAME:
        raise InvalidArgumentError(
            "input", f"at most {LARGEST_FRAME} bytes pass between two commands, got {len(body)}"
        )
    return HEADER.pack(len(body)) + body


def frame_length(header: bytes) -> int:
    """Read a frame's header.

    Raises:
        OperatorError: Larger than any frame of ours: the other end speaks something else.
    """
    (length,) = HEADER.unpack(header)
    if length > LARGEST_FRAME:
        raise OperatorError("the process at the other end of the store's socket is not tierwise")
    return int(length)


def describe_error(exc: TierwiseError) -> dict[str, JsonValue]:
    """Write an error down for the other process."""
    audience = (
        "retry"
        if isinstance(exc, ToolRetry)
        else "refused"
        if isinstance(exc, ToolRefused)
        else "operator"
    )
    return {
        "audience": audience,
        "code": exc.code,
        "message": str(exc),
        "rule": getattr(exc, "rule", None),
    }


def raise_error(described: dict[str, JsonValue]) -> None:
    """Raise what the other process wrote down, as the same kind for the same audience."""
    message = str(described.get("message", "the store's owner failed"))
    if described.get("code") == EgressRefusedError.code:
        raise EgressRefusedError(message, rule=str(described.get("rule")))
    match described.get("audience"):
        case "retry":
            raise ToolRetry(message)
        case "refused":
            raise ToolRefused(message)
        case _:
            raise OperatorError(message)


def read_frame(connection: socket.socket) -> JsonValue:
    """Read one frame from a blocking socket.

    Raises:
        EOFError: The other end is gone.
        OSError: The connection broke, or the other end was silent for longer than the socket waits.
        OperatorError: What came is no frame.
    """
    length = frame_length(_read_exactly(connection, HEADER.size))
    try:
        return json.loads(_read_exactly(connection, length))
    except ValueError as exc:
        raise OperatorError("the process at the other end sent something that is no JSON") from exc


def _read_exactly(connection: socket.socket, length: int) -> bytes:
    received = bytearray()
    while len(received) < length:
        piece = connection.recv(min(65536, length - len(received)))
        if not piece:
            raise EOFError
        received += piece
    return bytes(received)
