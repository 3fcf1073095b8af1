"""Answers of foreign servers over HTTP, held to a size before they are held in memory.

A few kilobytes of zstd are gigabytes once they are unpacked, and `response.content` is there only
when all of it is. So what is asked for is plain, a body that is packed all the same counts as none,
and one that is too long is an error of the transport, wherever it is read.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import httpx


class AnswerTooLongError(httpx.ReadError):
    """A body has more bytes than it may have."""


class CappedTransport(httpx.AsyncHTTPTransport):
    """Takes plain bodies of a size, and no proxy of the environment."""

    def __init__(self, most_bytes: int, *, authorities: ssl.SSLContext | None = None) -> None:
        """Prepare to ask.

        Args:
            most_bytes: The longest body that is taken.
            authorities: Who vouches for servers; by default those that httpx ships with.
        """
        super().__init__(trust_env=False, verify=authorities or True)
        self._most_bytes = most_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and hand on what of the answer may be read; its status always."""
        request.headers["Accept-Encoding"] = "identity"
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
            await response.aclose()
            return httpx.Response(response.status_code, content=b"")
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Capped(response.stream, self._most_bytes)
        return response


class _Capped(httpx.AsyncByteStream):
    """A body that fails once it is longer than it may be."""

    def __init__(self, body: httpx.AsyncByteStream, most_bytes: int) -> None:
        self._body = body
        self._most_bytes = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most_bytes
        async for chunk in self._body:
            left -= len(chunk)
            if left < 0:
                raise AnswerTooLongError(f"the answer is over {self._most_bytes} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()
