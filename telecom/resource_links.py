"""Links in the answers of MCP tools: addresses of what an answer names and does not hold whole."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

MOST_LINKS = 10
"""A link costs about thirty tokens; what comes after is read by the same kind of address."""
_SINCE = "2025-06-18"


def link(scheme: str, name: str) -> dict[str, str]:
    """One link, as an item of an answer's content."""
    return {"type": "resource_link", "uri": f"{scheme}://{quote(name, safe='/:')}", "name": name}


def knows_links(protocol_version: str) -> bool:
    """Whether a client of this version of the protocol takes links in answers."""
    return protocol_version >= _SINCE


def without_links(result: dict[str, Any]) -> dict[str, Any]:
    """The result of a tool (JSON, hence Any) for a client that does not know links."""
    content = [item for item in result["content"] if item.get("type") != "resource_link"]
    return result | {"content": content}
