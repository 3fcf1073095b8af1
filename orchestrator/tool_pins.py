"""Pins of the tools that sites offer: a tool that reads differently today is not called.

What a server says about its tools is text from elsewhere. It is pinned at first contact, by site
and address; a changed description or schema is refused until somebody has looked at it and said
`tierwise tools accept`.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from mcp_types import Tool

from telecom.errors import SettingsError, ToolChangedError

PINS_FILE = "tool-pins.json"
"""Beside the state of this orchestrator."""


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
    """The pins of one orchestrator, in a file; safe to use from several threads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def pinned(self, server: str) -> Mapping[str, OfferedTool]:
        """What is pinned of a server, by tool.

        Raises:
            SettingsError: The file is damaged; nothing is trusted because of that.
        """
        entries = self._read().get(server, {})
        return {
            name: OfferedTool(name, str(each["description"]), str(each["sha256"]))
            for name, each in entries.items()
        }

    def check(self, site: str, server: str, offered: Sequence[OfferedTool]) -> set[str]:
        """Pin what is new, and name the tools that changed.

        Args:
            site: What the site is called here.
            server: Its address.
            offered: What it says now.
        """
        key = _key(site, server)
        with self._lock:
            known = dict(self.pinned(key))
            new = [tool for tool in offered if tool.name not in known]
            if new:
                self._write(key, {**known, **{tool.name: tool for tool in new}})
        return {
            tool.name
            for tool in offered
            if tool.name in known and known[tool.name].sha256 != tool.sha256
        }

    def accept(self, site: str, server: str, offered: Sequence[OfferedTool]) -> None:
        """Pin what a server says now, whatever it said before."""
        with self._lock:
            self._write(_key(site, server), {tool.name: tool for tool in offered})

    def of(self, site: str, server: str) -> Mapping[str, OfferedTool]:
        """What is pinned of a site's server."""
        return self.pinned(_key(site, server))

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as exc:
            raise SettingsError(
                f"{self._file} cannot be read: {exc}; remove it to pin every site's tools anew"
            ) from exc
        if not isinstance(content, dict):
            raise SettingsError(f"{self._file} holds no pins; remove it to pin tools anew")
        return content

    def _write(self, key: str, tools: Mapping[str, OfferedTool]) -> None:
        content = self._read()
        content[key] = {
            tool.name: {"sha256": tool.sha256, "description": tool.description}
            for tool in tools.values()
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(
            "w",
            encoding="utf-8",
            dir=self._file.parent,
            prefix=f".{self._file.name}.",
            delete=False,
        ) as draft:
            json.dump(content, draft, indent=1, ensure_ascii=True)
        Path(draft.name).replace(self._file)


@dataclass(frozen=True, slots=True)
class PinnedServer:
    """One server whose tools are held to their pins."""

    pins: ToolPins
    site: str
    url: str

    def changed(self, offered: Sequence[OfferedTool]) -> frozenset[str]:
        """The tools that no longer are what they were."""
        return frozenset(self.pins.check(self.site, self.url, offered))

    def refuse(self, tool: str) -> ToolChangedError:
        """The refusal of a call to a tool that changed."""
        return ToolChangedError(self.site, tool)


def _key(site: str, server: str) -> str:
    return f"{site} {server}"
