"""MCP over a byte stream, one message a line: a stdio client's pipe, inside the owner."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import anyio.abc
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.mcpserver import MCPServer
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

LONGEST_LINE = 1024 * 1024
"""A request is a few kilobytes; a client that sends more than this is cut off."""

_logger = logging.getLogger(__name__)


async def serve_stream(server: MCPServer[Any], stream: anyio.abc.ByteStream) -> None:
    """Serve one client until it closes its end or breaks the line length."""
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as group:
        group.start_soon(_read_lines, stream, to_server)
        group.start_soon(_write_lines, stream, from_server)
        lowlevel = server._lowlevel_server
        await lowlevel.run(from_client, to_client, lowlevel.create_initialization_options())
        group.cancel_scope.cancel()


async def _read_lines(
    stream: anyio.abc.ByteStream,
    to_server: MemoryObjectSendStream[SessionMessage | Exception],
) -> None:
    buffered = BufferedByteReceiveStream(stream)
    async with to_server:
        while True:
            try:
                line = await buffered.receive_until(b"\n", LONGEST_LINE)
            except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError):
                return
            except anyio.DelimiterNotFound:
                _logger.warning("a stdio client sent a line of more than %d bytes", LONGEST_LINE)
                return
            if line.strip():
                await to_server.send(_message(line))


def _message(line: bytes) -> SessionMessage | Exception:
    """Parse a line; what is no message goes to the SDK as the exception it answers to."""
    text = line.decode("utf-8", errors="replace")
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(text, by_name=False))
    except ValidationError as exc:
        return exc


async def _write_lines(
    stream: anyio.abc.ByteStream, from_server: MemoryObjectReceiveStream[SessionMessage]
) -> None:
    async with from_server:
        async for message in from_server:
            line = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            try:
                await stream.send(line.encode() + b"\n")
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return
