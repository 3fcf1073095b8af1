"""A decoded SNMP notification as the record that the site keeps and `telecom.formats.snmp` reads.

`{"version", "received", "agent", "varbinds": [{"oid", "type", "value"}, ...]}`. OIDs stay numbers,
octets that are no text stay hexadecimal, and the community, which is a credential, is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pysnmp.proto import rfc1902

VERSIONS = {0: "v1", 1: "v2c", 3: "v3"}
"""Message processing model -> how people call it."""
_COMMUNITY = "1.3.6.1.6.3.18.1.4.0"
_AGENT_ADDRESS = "1.3.6.1.6.3.18.1.3.0"
_NOBODY = "0.0.0.0"  # noqa: S104 - what a v1 agent says that does not know its own address


def trap_record(
    varbinds: Iterable[tuple[Any, Any]], *, version: int, received: datetime, peer: str
) -> bytes:
    """Write a notification down.

    Args:
        varbinds: OIDs and values as pysnmp decodes them, in the order of RFC 3416; a v1 trap has
            been put into that form (RFC 3584).
        version: The message processing model it came by.
        received: When.
        peer: Who sent it; stands for the agent unless a v1 trap names another.
    """
    written = [
        {"oid": str(oid), "type": type(value).__name__, "value": _printed(value)}
        for oid, value in varbinds
        if str(oid) != _COMMUNITY
    ]
    named = next((each["value"] for each in written if each["oid"] == _AGENT_ADDRESS), _NOBODY)
    record = {
        "version": VERSIONS.get(version, str(version)),
        "received": received.isoformat(),
        "agent": peer if named == _NOBODY else named,
        "varbinds": [
            each for each in written if (each["oid"], each["value"]) != (_AGENT_ADDRESS, _NOBODY)
        ],
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def _printed(value: Any) -> str | int:
    """A value of any SMI type as JSON has it."""
    if isinstance(value, rfc1902.IpAddress):
        return str(value.prettyPrint())
    if isinstance(value, rfc1902.OctetString):
        data = bytes(value)
        text = data.rstrip(b"\0").decode("utf-8", "replace")
        readable = "\ufffd" not in text and all(c.isprintable() or c in "\t\r\n" for c in text)
        return text if readable else f"0x{data.hex()}"
    if isinstance(value, rfc1902.ObjectIdentifier | rfc1902.ObjectName):
        return str(value)
    try:
        return int(value)
    except (TypeError, ValueError):
        return str(value.prettyPrint())
