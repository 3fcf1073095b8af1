"""`McpConnection`: one MCP server, reached for as long as the orchestrator lives.

The SDK's client dies with the first refused or reset request, and takes whoever entered it along as
a cancellation. So each client is entered by a task of its own; callers wait beside it, get a
clean error when it dies, and the next call opens a new one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from mcp_types import CallToolResult, TextContent

from orchestrator.site_access.mcp_link import JsonObject, LinkLostError, McpLink
from orchestrator.site_access.mcp_transports import MAX_ANSWER_BYTES, HttpTarget, Target
from orchestrator.storage.tool_pins import OfferedTool, PinnedServer, ToolPins
from telecom.errors import MalformedAnswerError, SiteUnavailableError


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
        self._link: McpLink | None = None
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
        except LinkLostError as lost:
            if fresh:
                raise self._unavailable(link, lost) from lost
            link, _ = await self._linked()
            if self._pinned is not None and tool in link.changed:
                raise self._pinned.refuse(tool) from lost
            try:
                result = await link.call(tool, arguments, meta, patience)
            except LinkLostError as again:
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

    async def _linked(self, *, look: bool = False) -> tuple[McpLink, bool]:
        """The open link and whether it was opened just now."""
        async with self._opening:
            if self._link is not None and self._link.alive:
                return self._link, False
            link = McpLink(self._site, self._target, look=look or self._pinned is not None)
            try:
                await link.open(self._connect_timeout_s)
            except LinkLostError as lost:
                raise self._unavailable(link, lost) from lost
            if self._pinned is not None:
                try:
                    link.changed = await self._pinned.changed(link.offered)
                except BaseException:
                    await link.close()  # what cannot be compared is not called
                    raise
            self._link = link
            return link, True

    def _unavailable(self, link: McpLink, lost: LinkLostError) -> SiteUnavailableError:
        return SiteUnavailableError(self._site, link.observed.explain() or str(lost))


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
