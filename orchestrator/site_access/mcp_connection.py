"""`McpConnection`: one MCP server, reached for as long as the orchestrator lives.

The SDK's client dies with the first refused or reset request, and takes whoever entered it along as
a cancellation. So each client is entered by a task of its own; callers wait beside it, get a
clean error when it dies, and the next call opens a new one.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO, cast

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    REQUEST_TIMEOUT,
    CallToolResult,
    RequestParamsMeta,
    TextContent,
)
from pydantic import ValidationError

from orchestrator.storage.tool_pins import OfferedTool, PinnedServer, ToolPins
from telecom.errors import (
    MalformedAnswerError,
    SiteUnavailableError,
    ToolTimeoutError,
)

JsonObject = dict[str, Any]  # whatever a tool takes or gives: validated by its caller

MAX_ANSWER_BYTES = 1_000_000
_MOST_PAGES = 20
"""Of a list of tools; no site of ours needs a second one."""
_ENVELOPE_BYTES = 1_000_000
"""A body may hold an answer twice (structured and as text) and the protocol's framing."""


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """A streamable-HTTP endpoint."""

    url: str
    token: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    """Authority of the server's certificate, where it is no public one."""


@dataclass(frozen=True, slots=True)
class StdioTarget:
    """A server that is started as a child process."""

    command: Path
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """Added to the few variables a child needs; nothing else of ours reaches it."""


Target = HttpTarget | StdioTarget


_MESSAGE = re.compile(r"[\w.-]+: ")
"""How a command begins a message; lines that follow may belong to it."""


@dataclass(slots=True)
class _Observed:
    """What a transport saw that the SDK does not pass on."""

    status: int | None = None
    too_large: bool = False
    last_words: str | None = None
    """The last message, of whatever length, that a child wrote before it ended."""

    def explain(self) -> str | None:
        """The real reason behind a failure, where one was seen."""
        if self.too_large:
            return f"it sent an answer over {MAX_ANSWER_BYTES} bytes"
        if self.status in {401, 403}:
            return f"it refused the token ({self.status})"
        if self.status is not None and self.status >= 400:
            return f"it answered with HTTP status {self.status}"
        return f"its process says: {self.last_words}" if self.last_words else None

    def listen_to(self, errors: TextIO) -> None:
        """Keep what a child said last."""
        errors.seek(0)
        lines = [line.rstrip() for line in errors.read()[-4000:].splitlines() if line.strip()]
        begins = [number for number, line in enumerate(lines) if _MESSAGE.match(line)]
        said = lines[begins[-1] if begins else -1 :]
        self.last_words = " ".join(map(str.strip, said))[:300] or None


class McpConnection:
    """Calls tools of one server; survives its death and finds it again."""

    def __init__(
        self,
        site: str,
        target: Target,
        *,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 20.0,
        pins: ToolPins | None = None,
    ) -> None:
        """Prepare to reach a server; it is reached with the first call.

        Args:
            site: What errors call it.
            target: Where it is.
            timeout_s: Longest wait for an answer.
            connect_timeout_s: Longest wait for a connection.
            pins: Holds its tools to what they were; None where they come from this installation.
        """
        self._site = site
        self._target = target
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._pinned = (
            PinnedServer(pins, site, target.url)
            if pins is not None and isinstance(target, HttpTarget)
            else None
        )
        self._link: _Link | None = None
        self._opening = asyncio.Lock()

    async def call(
        self,
        tool: str,
        arguments: JsonObject,
        *,
        meta: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> CallToolResult:
        """Call a read-only tool; repeated once when a connection from before turns out dead.

        Raises:
            SiteUnavailableError: It cannot be reached, or refuses to talk.
            ToolChangedError: It describes the tool differently than when it was pinned.
            ToolTimeoutError: No answer in time.
            MalformedAnswerError: The answer breaks the protocol or is too large.
        """
        patience = timeout_s or self._timeout_s
        arguments = _encodable(arguments)
        link, fresh = await self._linked()
        if self._pinned is not None and tool in link.changed:
            raise self._pinned.refuse(tool)
        try:
            result = await link.call(tool, arguments, meta, patience)
        except _LinkLostError as lost:
            if fresh:
                raise self._unavailable(link, lost) from lost
            link, _ = await self._linked()
            if self._pinned is not None and tool in link.changed:
                raise self._pinned.refuse(tool) from lost
            try:
                result = await link.call(tool, arguments, meta, patience)
            except _LinkLostError as again:
                raise self._unavailable(link, again) from again
        if len(json.dumps(result.structured_content)) > MAX_ANSWER_BYTES:
            raise MalformedAnswerError(
                f"{tool} on site {self._site!r}", f"its answer is over {MAX_ANSWER_BYTES} bytes"
            )
        return result

    async def offered(self) -> tuple[OfferedTool, ...]:
        """What the server says about its tools now.

        Raises:
            SiteUnavailableError: It cannot be reached, or refuses to talk.
        """
        link, _ = await self._linked(look=True)
        return link.offered

    async def close(self) -> None:
        """Close the client, and end the child if there is one."""
        if self._link is not None:
            await self._link.close()
            self._link = None

    async def _linked(self, *, look: bool = False) -> tuple[_Link, bool]:
        """The open link and whether it was opened just now."""
        async with self._opening:
            if self._link is not None and self._link.alive:
                return self._link, False
            link = _Link(self._site, self._target, look=look or self._pinned is not None)
            try:
                await link.open(self._connect_timeout_s)
            except _LinkLostError as lost:
                raise self._unavailable(link, lost) from lost
            if self._pinned is not None:
                try:
                    link.changed = await self._pinned.changed(link.offered)
                except BaseException:
                    await link.close()  # what cannot be compared is not called
                    raise
            self._link = link
            return link, True

    def _unavailable(self, link: _Link, lost: _LinkLostError) -> SiteUnavailableError:
        return SiteUnavailableError(self._site, link.observed.explain() or str(lost))


class _LinkLostError(Exception):
    """The client behind a link has died."""


class _Link:
    """One entered client, held open by a task of its own."""

    def __init__(self, site: str, target: Target, *, look: bool) -> None:
        self._site = site
        self._look = look
        self.offered: tuple[OfferedTool, ...] = ()
        """What the server says about its tools, where that was asked for."""
        self.changed: frozenset[str] = frozenset()
        """Tools that are not what was pinned."""
        self.observed = _Observed()
        self._transport = _transport(target, self.observed)
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
            raise _LinkLostError(_reason(holder))
        if not self._ready.is_set():
            await self.close(patience_s=0.0)  # it has not come in: there is nothing to leave
            raise _LinkLostError(f"no connection within {timeout_s:g} s")

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
                raise _LinkLostError(_reason(holder))
            raise ToolTimeoutError(self._site, tool, timeout_s)
        return await self._outcome(call, tool, timeout_s)

    async def _outcome(
        self, call: asyncio.Task[CallToolResult], tool: str, timeout_s: float
    ) -> CallToolResult:
        if call.cancelled():
            raise _LinkLostError("the connection was reset")
        error = call.exception()
        if error is None:
            return call.result()
        if _is_timeout(error):
            raise ToolTimeoutError(self._site, tool, timeout_s) from error
        source = f"{tool} on site {self._site!r}"
        if self.observed.too_large or "SSE" in str(error):
            raise MalformedAnswerError(source, f"its answer is over {MAX_ANSWER_BYTES} bytes")
        if isinstance(error, (ValidationError, RuntimeError)):
            raise MalformedAnswerError(source, "its answer does not follow MCP") from error
        closed = isinstance(error, MCPError) and error.code == CONNECTION_CLOSED
        if isinstance(error, MCPError) and not closed and not self.observed.explain():
            raise MalformedAnswerError(source, f"MCP error {error.code}") from error
        # Give a dying client the time to die, so that its reason can be told.
        assert self._holder is not None
        await asyncio.wait({self._holder}, timeout=0.2)
        raise _LinkLostError(
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


def _transport(target: Target, observed: _Observed) -> AbstractAsyncContextManager[Any]:
    """The SDK's transport for a target; its stream pair is private to the SDK, hence Any."""
    if isinstance(target, HttpTarget):
        return _http_transport(target, observed)
    return _stdio_transport(target, observed)


@asynccontextmanager
async def _http_transport(target: HttpTarget, observed: _Observed) -> AsyncIterator[Any]:
    headers = {"authorization": f"Bearer {target.token}"} if target.token else {}
    # uvicorn closes idle connections after 5 s; ours must be gone before.
    limits = httpx2.Limits(keepalive_expiry=3.0)
    timeout = httpx2.Timeout(10.0, read=300.0)  # each call has its own, shorter one
    async with (
        httpx2.AsyncClient(
            headers=headers,
            timeout=timeout,
            transport=_Watched(observed, limits=limits, ca_file=target.ca_file),
        ) as http,
        streamable_http_client(
            target.url, http_client=http, max_sse_event_size=MAX_ANSWER_BYTES + _ENVELOPE_BYTES
        ) as streams,
    ):
        yield streams


class _Watched(httpx2.AsyncHTTPTransport):
    """Notes the status of refusals and stops bodies that are too large."""

    def __init__(self, observed: _Observed, *, limits: httpx2.Limits, ca_file: Path | None) -> None:
        trusted = True if ca_file is None else ssl.create_default_context(cafile=str(ca_file))
        super().__init__(verify=trusted, limits=limits, trust_env=False)
        self._observed = observed

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        self._observed.status = response.status_code
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Capped(response.stream, self._observed)
        return response


class _Capped(httpx2.AsyncByteStream):
    """A body that fails once it is longer than any answer may be."""

    def __init__(self, body: httpx2.AsyncByteStream, observed: _Observed) -> None:
        self._body = body
        self._observed = observed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for chunk in self._body:
            total += len(chunk)
            if total > MAX_ANSWER_BYTES + _ENVELOPE_BYTES:
                self._observed.too_large = True
                raise httpx2.ReadError("answer too large")
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


@asynccontextmanager
async def _stdio_transport(target: StdioTarget, observed: _Observed) -> AsyncIterator[Any]:
    server = StdioServerParameters(
        command=str(target.command),
        args=list(target.arguments),
        env=dict(target.environment),
        encoding_error_handler="replace",
    )
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        try:
            async with stdio_client(server, errlog=errors) as streams:
                yield streams
        finally:
            observed.listen_to(errors)


def _encodable(value: Any) -> Any:  # JSON of any shape
    """Replace lone surrogates: one of them kills the client and every call on it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encodable(item) for item in value]
    return value


def text_of(result: CallToolResult) -> str:
    """The text blocks of a result."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))
