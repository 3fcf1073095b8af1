"""`SyslogLine`: one log line, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from telecom.alarm import PerceivedSeverity

TAG_REACH = 400
"""Characters of header before a mnemonic at most; beyond that a percent sign is prose."""
HOST = r"(?:[A-Za-z0-9_][\w.-]*|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})"
PROCESS = r"[\w./()-]{1,64}"
_TAG_NAME = r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+){0,6}?"
TAG = rf"%({_TAG_NAME})-([0-7])-([A-Za-z0-9_]+)\s?:?\s*"
"""`%FACILITY-SEVERITY-MNEMONIC:`, as Cisco, Arista and many others print it."""


@dataclass(slots=True)
class SyslogLine:
    """One log line, taken apart."""

    dialect: str
    """`ios`, `ios_xr`, `nx_os`, `eos`, `asa`, `junos`, `vrp`, `sr_os`, `fortios`, `rfc5424`, ..."""
    message: str
    host: str | None = None
    """As the line names it; None where it names none."""
    time: datetime | None = None
    time_text: str | None = None
    """The timestamp as printed."""
    clock_unsynchronized: bool = False
    """The device itself says that its clock is not to be trusted (IOS `*` and `.`)."""
    facility: int | None = None
    severity: int | None = None
    """Of the PRI, else of the mnemonic: 0 emergency to 7 debug."""
    own_severity: int | None = None
    """Of the mnemonic alone; a relay may have put its own PRI in front."""
    perceived_severity: PerceivedSeverity | None = None
    """Where the line itself speaks X.733 (SR OS)."""
    mnemonic: str | None = None
    """As printed: `ROUTING-BGP-5-ADJCHANGE`, `SNMP_TRAP_LINK_DOWN`, `IFNET/4/LINK_STATE`."""
    event: str | None = None
    """The mnemonic without its severity, one spelling for all vendors: `ROUTING-BGP-ADJCHANGE`."""
    process: str | None = None
    process_id: str | None = None
    sequence: int | None = None
    location: str | None = None
    """Card or route processor that wrote it (`RP/0/RP0/CPU0`), or the subject SR OS names."""
    fields: dict[str, str] = field(default_factory=dict)
    """Structured data and key=value pairs of the line."""
