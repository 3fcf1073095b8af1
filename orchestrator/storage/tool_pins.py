"""Pins of the tools that sites offer: a tool that reads differently today is not called.

What a server says about its tools is text from elsewhere. It is pinned at first contact, by site
and address; a changed description or schema is refused until somebody has looked at it and said
`tierwise tools accept`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from mcp_types import Tool

from orchestrator.storage.database import Database, Work, open_database
from telecom.errors import ToolChangedError

PIN_TABLE = """
CREATE TABLE IF NOT EXISTS tool_pins (
    site TEXT NOT NULL, server TEXT NOT NULL, tool TEXT NOT NULL,
    description TEXT NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (site, server, tool)
)
"""
_LOCK = "tool pins"


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as a server describes it."""

    name: str
    description: str
    sha256: str
    """Of everything that it says about itself."""

    @classmethod
    def of(cls, tool: Tool) -> OfferedTool:
        """Digest a server's description of a tool."""
        told = tool.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"meta"})
        text = json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(tool.name, tool.description or "", digest)


class ToolPins:
    """The pins in the state, which all orchestrators of one state share.

    They may borrow a database that is open already; otherwise the first contact with a site opens
    one, and `aclose` closes it.
    """

    def __init__(self, address: str, database: Database | None = None) -> None:
        """Prepare; nothing is opened yet.

        Args:
            address: Of the state.
            database: The state, where somebody has opened it.
        """
        self._address = address
        self._lent = database
        self._own: Database | None = None
        self._opening = asyncio.Lock()
        self._exit = AsyncExitStack()

    async def aclose(self) -> None:
        """Close what was opened here."""
        self._own = None
        await self._exit.aclose()

    async def of(self, site: str, server: str) -> Mapping[str, OfferedTool]:
        """What is pinned of a site's server, by tool.

        Raises:
            SettingsError: The state cannot be opened; nothing is trusted because of that.
        """
        database = await self._database()
        async with database.transaction() as work:
            return await _pinned(work, site, server)

    async def check(self, site: str, server: str, offered: Sequence[OfferedTool]) -> frozenset[str]:
        """Pin what is new, and name the tools that changed.

        Args:
            site: What the site is called here.
            server: Its address.
            offered: What it says now.

        Raises:
            SettingsError: The state cannot be opened; nothing is trusted because of that.
        """
        database = await self._database()
        async with database.transaction(lock=_LOCK) as work:
            known = await _pinned(work, site, server)
            await _pin(work, site, server, [tool for tool in offered if tool.name not in known])
        return frozenset(
            tool.name
            for tool in offered
            if tool.name in known and known[tool.name].sha256 != tool.sha256
        )

    async def accept(self, site: str, server: str, offered: Sequence[OfferedTool]) -> None:
        """Pin what a server says now, whatever it said before."""
        database = await self._database()
        async with database.transaction(lock=_LOCK) as work:
            await work.execute("DELETE FROM tool_pins WHERE site = ? AND server = ?", site, server)
            await _pin(work, site, server, offered)

    async def _database(self) -> Database:
        if self._lent is not None:
            return self._lent
        async with self._opening:
            if self._own is None:
                opened = await self._exit.enter_async_context(open_database(self._address))
                await opened.create_tables(PIN_TABLE)
                self._own = opened
            return self._own


async def _pinned(work: Work, site: str, server: str) -> dict[str, OfferedTool]:
    rows = await work.fetch(
        "SELECT tool, description, sha256 FROM tool_pins WHERE site = ? AND server = ?",
        site,
        server,
    )
    return {tool: OfferedTool(tool, description, sha256) for tool, description, sha256 in rows}


async def _pin(work: Work, site: str, server: str, tools: Iterable[OfferedTool]) -> None:
    await work.execute_many(
        "INSERT INTO tool_pins (site, server, tool, description, sha256) VALUES (?, ?, ?, ?, ?)",
        [(site, server, tool.name, tool.description, tool.sha256) for tool in tools],
    )


@dataclass(frozen=True, slots=True)
class PinnedServer:
    """One server whose tools are held to their pins."""

    pins: ToolPins
    site: str
    url: str

    async def changed(self, offered: Sequence[OfferedTool]) -> frozenset[str]:
        """The tools that no longer are what they were."""
        return await self.pins.check(self.site, self.url, offered)

    def refuse(self, tool: str) -> ToolChangedError:
        """The refusal of a call to a tool that changed."""
        return ToolChangedError(self.site, tool)
