"""One entered MCP client, in a task of its own, so that its death cancels nobody who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import httpx2
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT, CallToolResult, RequestParamsMeta
from pydantic import ValidationError

from orchestrator.site_access.mcp_transports import TOO_LARGE, Observed, Target, transport_to
from orchestrator.storage.tool_pins import OfferedTool
from telecom.errors import MalformedAnswerError, ToolTimeoutError

JsonObject = dict[str, Any]  # whatever a tool takes or gives: validated by its caller

_MOST_PAGES = 20
"""Of a list of tools; no site of ours needs a second one."""


class LinkLostError(Exception):
    """The client behind a link has died."""


class McpLink:
    """One entered client, held open by a task of its own."""

    def __init__(self, site: str, target: Target, *, look: bool) -> None:
        self._site = site
        self._look = look
        self.offered: tuple[OfferedTool, ...] = ()
        """What the server says about its tools, where that was asked for."""
        self.changed: frozenset[str] = frozenset()
        """Tools that are not what was pinned."""
        self.observed = Observed()
        self._transport = transport_to(target, self.observed)
        self._client: Client | None = None
        self._ready = asyncio.Event()
        self._closing = asyncio.Event()
        self._holder: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether calls can still go through."""
        return self._holder is not None and not self._holder.done()

    async def open(self, timeout_s: float) -> None:
        """Start the task that enters the client, and wait until it has."""
        holder = self._holder = asyncio.create_task(self._hold(), name=f"mcp:{self._site}")
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait({holder, ready}, timeout=timeout_s, return_when="FIRST_COMPLETED")
        finally:
            ready.cancel()
        if holder.done():
            raise LinkLostError(_reason(holder))
        if not self._ready.is_set():
            await self.close(patience_s=0.0)  # it has not come in: there is nothing to leave
            raise LinkLostError(f"no connection within {timeout_s:g} s")

    async def _hold(self) -> None:
        async with Client(self._transport, mode="auto", cache=None) as client:
            self._client = client
            if self._look:
                self.offered = await _offered_by(client)
            self._ready.set()
            await self._closing.wait()

    async def close(self, *, patience_s: float = 5.0) -> None:
        """Leave the client; cancelled when it does not let go."""
        self._closing.set()
        if self._holder is None:
            return
        await asyncio.wait({self._holder}, timeout=patience_s)
        self._holder.cancel()
        await asyncio.wait({self._holder})
        _reason(self._holder)  # retrieved, so that asyncio does not report it again

    async def call(
        self, tool: str, arguments: JsonObject, meta: Mapping[str, str] | None, timeout_s: float
    ) -> CallToolResult:
        """Call in a task of its own: neither its end nor the client's can cancel the caller."""
        client, holder = self._client, self._holder
        assert client is not None
        assert holder is not None
        call = asyncio.create_task(
            client.call_tool(
                tool, arguments, timeout_s, meta=cast("RequestParamsMeta", dict(meta or {}))
            )
        )
        try:
            # A grace second lets the SDK's own timeout tell the server that nobody waits.
            await asyncio.wait(
                {call, holder}, timeout=timeout_s + 1.0, return_when="FIRST_COMPLETED"
            )
        finally:
            if not call.done():
                call.cancel()
        if not call.done():
            await asyncio.wait({call})
            if holder.done():
                raise LinkLostError(_reason(holder))
            raise ToolTimeoutError(self._site, tool, timeout_s)
        return await self._outcome(call, tool, timeout_s)

    async def _outcome(
        self, call: asyncio.Task[CallToolResult], tool: str, timeout_s: float
    ) -> CallToolResult:
        if call.cancelled():
            raise LinkLostError("the connection was reset")
        error = call.exception()
        if error is None:
            return call.result()
        if _is_timeout(error):
            raise ToolTimeoutError(self._site, tool, timeout_s) from error
        source = f"{tool} on site {self._site!r}"
        if self.observed.refused_body or "SSE" in str(error):
            raise MalformedAnswerError(source, self.observed.refused_body or TOO_LARGE)
        if isinstance(error, (ValidationError, RuntimeError)):
            raise MalformedAnswerError(source, "its answer does not follow MCP") from error
        closed = isinstance(error, MCPError) and error.code == CONNECTION_CLOSED
        if isinstance(error, MCPError) and not closed and not self.observed.explain():
            raise MalformedAnswerError(source, f"MCP error {error.code}") from error
        # Give a dying client the time to die, so that its reason can be told.
        assert self._holder is not None
        await asyncio.wait({self._holder}, timeout=0.2)
        raise LinkLostError(
            _reason(self._holder) if self._holder.done() else type(error).__name__
        ) from error


async def _offered_by(client: Client) -> tuple[OfferedTool, ...]:
    """Read a server's list of tools, page by page."""
    tools: list[OfferedTool] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += map(OfferedTool.of, page.tools)
        cursor = page.next_cursor
        if cursor is None:
            break
    return tuple(tools)


def _is_timeout(error: BaseException) -> bool:
    return isinstance(error, TimeoutError) or (
        isinstance(error, MCPError) and error.code == REQUEST_TIMEOUT
    )


def _reason(task: asyncio.Task[None]) -> str:
    """Why a client's task ended: the innermost cause, by kind and without addresses."""
    if task.cancelled():
        return "the connection was closed"
    error: BaseException | None = task.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is None:
        return "the connection was closed"
    if isinstance(error, httpx2.ConnectError):
        return "nobody answers at its address"
    if isinstance(error, FileNotFoundError):
        return "its command does not exist"
    if isinstance(error, MCPError):
        return f"it does not speak MCP here ({error.message[:120]})"
    return f"the connection failed ({type(error).__name__})"
