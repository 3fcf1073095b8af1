"""How an MCP server is reached, over HTTP or a pipe, and what was seen of it on the way.

The SDK passes on neither the status of a refusal nor the last words of a child.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO

import httpx2
from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

MAX_ANSWER_BYTES = 1_000_000

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

TOO_LARGE = f"its answer is over {MAX_ANSWER_BYTES} bytes"

_MESSAGE = re.compile(r"[\w.-]+: ")
"""How a command begins a message; lines that follow may belong to it."""


@dataclass(slots=True)
class Observed:
    """What a transport saw that the SDK does not pass on."""

    status: int | None = None
    refused_body: str | None = None
    """What is wrong with a body that was not read to its end."""
    last_words: str | None = None
    """The last message, of whatever length, that a child wrote before it ended."""

    def explain(self) -> str | None:
        """The real reason behind a failure, where one was seen."""
        if self.refused_body:
            return self.refused_body
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


def transport_to(target: Target, observed: Observed) -> AbstractAsyncContextManager[Any]:
    """The SDK's transport for a target; its stream pair is private to the SDK, hence Any."""
    if isinstance(target, HttpTarget):
        return _http_transport(target, observed)
    return _stdio_transport(target, observed)


@asynccontextmanager
async def _http_transport(target: HttpTarget, observed: Observed) -> AsyncIterator[Any]:
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
    """Notes the status of refusals and stops bodies that are too large, or could be unpacked."""

    def __init__(self, observed: Observed, *, limits: httpx2.Limits, ca_file: Path | None) -> None:
        trusted = True if ca_file is None else ssl.create_default_context(cafile=str(ca_file))
        super().__init__(verify=trusted, limits=limits, trust_env=False)
        self._observed = observed

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["accept-encoding"] = "identity"
        response = await super().handle_async_request(request)
        self._observed.status = response.status_code
        if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
            # A few kilobytes of zstd are gigabytes before anybody counts them.
            await response.aclose()
            self._observed.refused_body = "its answer is packed"
            raise httpx2.ReadError(self._observed.refused_body)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Capped(response.stream, self._observed)
        return response


class _Capped(httpx2.AsyncByteStream):
    """A body that fails once it is longer than any answer may be."""

    def __init__(self, body: httpx2.AsyncByteStream, observed: Observed) -> None:
        self._body = body
        self._observed = observed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for chunk in self._body:
            total += len(chunk)
            if total > MAX_ANSWER_BYTES + _ENVELOPE_BYTES:
                self._observed.refused_body = TOO_LARGE
                raise httpx2.ReadError(TOO_LARGE)
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


@asynccontextmanager
async def _stdio_transport(target: StdioTarget, observed: Observed) -> AsyncIterator[Any]:
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
