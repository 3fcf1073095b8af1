"""SNMP traps as JSON varbinds, as the site's listener writes them down.

A record is `{"version": "v1"|"v2c"|"v3", "agent": address, "received": time, "varbinds": [{"oid",
"type", "value"}, ...]}`, for v1 also `enterprise`, `generic`, `specific`. Varbinds may also be a
map from OID to value. OIDs are numbers; the listener needs no MIB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from telecom.alarm import Alarm, Occurrence, PerceivedSeverity
from telecom.formats.event_grammar import understand
from telecom.formats.event_table import ALARM_TYPES, State
from telecom.formats.payloads import (
    Payload,
    PayloadFormat,
    Place,
    first_text,
    instant,
    leftovers,
    number,
    text,
    with_port,
)
from telecom.formats.reading import Record, Rejected
from telecom.formats.severities import severity_named
from telecom.formats.snmp_table import TRAPS, VARIABLES, TrapMeaning
from telecom.formats.syslog_line import SyslogLine

_TRAP_OID = "1.3.6.1.6.3.1.1.4.1.0"
_STANDARD_TRAPS = "1.3.6.1.6.3.1.1.5"
_TRAP_FIELDS = ("trap_oid", "trapOid", "trapOID", "snmpTrapOID", "trap")
_ENTERPRISES = "1.3.6.1.4.1."


def _recognises(payload: Payload) -> bool:
    return isinstance(payload.get("varbinds"), list | dict) or isinstance(
        payload.get("variableBindings"), list | dict
    )


@dataclass(frozen=True, slots=True)
class _Trap:
    """A trap, its variables by OID and, where the MIB is known, by name."""

    oid: str
    values: dict[str, str]
    named: dict[str, str]
    meaning: TrapMeaning | None

    @property
    def name(self) -> str:
        return self.meaning.name if self.meaning else self.oid


def _read(payload: Payload, place: Place) -> Iterator[Record]:
    values = _variables(payload.get("varbinds", payload.get("variableBindings")))
    oid = _trap_oid(payload, values)
    if oid is None:
        yield Rejected(place.number, "SNMP: no trap OID")
        return
    yield _alarm(_Trap(oid, values, _named(values), TRAPS.get(oid)), payload, place)


def _variables(value: object) -> dict[str, str]:
    """Flatten varbinds of any arrangement to OID and printed value."""
    found: dict[str, str] = {}
    if isinstance(value, dict):
        pairs = list(value.items())
    else:
        pairs = []
        for entry in value if isinstance(value, list) else []:
            if isinstance(entry, dict):
                pairs.append((first_text(entry, "oid", "name", "OID"), entry.get("value")))
            elif isinstance(entry, list) and len(entry) >= 2:
                pairs.append((entry[0], entry[-1]))
    for oid, content in pairs:
        if isinstance(content, dict):
            content = content.get("value")  # noqa: PLW2901 - {"type": ..., "value": ...}
        if isinstance(oid, str):
            found[oid.strip().removeprefix(".").removeprefix("iso.")] = text(content) or ""
    return found


def _trap_oid(payload: Payload, values: dict[str, str]) -> str | None:
    given = values.get(_TRAP_OID) or first_text(payload, *_TRAP_FIELDS)
    if given:
        return given.removeprefix(".")
    # RFC 3584, section 3.1: how a v1 trap is named in v2.
    generic, specific = number(payload.get("generic")), number(payload.get("specific"))
    enterprise = first_text(payload, "enterprise")
    if generic is not None and 0 <= generic <= 5:
        return f"{_STANDARD_TRAPS}.{int(generic) + 1}"
    if enterprise is not None and specific is not None:
        return f"{enterprise.removeprefix('.')}.0.{int(specific)}"
    return None


def _named(values: dict[str, str]) -> dict[str, str]:
    """Name the variables that the standard MIBs define."""
    return {
        name: value
        for oid, value in values.items()
        for prefix, name in VARIABLES.items()
        if oid.startswith(prefix + ".")
    }


def _row_of(values: dict[str, str], *names: str) -> str | None:
    """Take the index of a table's row, which in BGP4-MIB is the peer's address."""
    for oid in values:
        for prefix, name in VARIABLES.items():
            if name in names and oid.startswith(prefix + "."):
                return oid[len(prefix) + 1 :]
    return None


def _alarm(trap: _Trap, payload: Payload, place: Place) -> Alarm:
    device = (
        trap.named.get("sysName")
        or first_text(payload, "host", "hostname", "sysName", "device")
        or trap.named.get("snmpTrapAddress")
        or first_text(
            payload, "agent", "agent_address", "agentAddress", "source", "address", "peer"
        )
        or place.context.device
    )
    words = "; ".join(
        [f"{name}={value}" for name, value in trap.named.items() if value]
        + [
            value
            for oid, value in trap.values.items()
            if oid.startswith(_ENTERPRISES) and " " in value
        ]
    )
    occurrence = _occurrence(trap, words)
    severity = _severity(trap, payload, occurrence)
    port = trap.named.get("entPhysicalName")
    problem = trap.meaning.problem if trap.meaning else "Enterprise trap"
    if occurrence is not None:
        port = occurrence.interface or port
        problem = f"{problem}: {occurrence.neighbor}" if occurrence.neighbor else problem
    moment = _moment(payload) or place.time
    return Alarm(
        alarm_id=place.assigned_id,
        managed_object=with_port(device, port),
        alarm_type=ALARM_TYPES[occurrence.kind] if occurrence else None,
        perceived_severity=severity,
        probable_cause=trap.name,
        specific_problem=problem,
        alarm_raised_time=moment,
        alarm_cleared_time=moment if severity is PerceivedSeverity.CLEARED else None,
        additional_text=f"{trap.name}: {words}" if words else trap.name,
        additional_information={
            **leftovers(payload, "varbinds", "variableBindings", *_TRAP_FIELDS),
            **trap.named,
            "trap_oid": trap.oid,
            "varbinds": trap.values,
        },
        occurrence=occurrence,
        source=place.source("snmp"),
    )


def _moment(payload: Payload) -> datetime | None:
    for name in ("time", "timestamp", "received", "received_at", "receivedAt"):
        if (moment := instant(payload.get(name))) is not None:
            return moment
    return None


def _occurrence(trap: _Trap, words: str) -> Occurrence | None:
    named = trap.named
    port = named.get("ifName") or named.get("ifDescr")
    if port is None and "ifIndex" in named:
        port = f"ifIndex {named['ifIndex']}"
    if trap.meaning is not None:
        return Occurrence(
            kind=trap.meaning.kind,
            state=_state(trap.meaning, named),
            interface=port,
            neighbor=named.get("bgpPeerRemoteAddr")
            or _row_of(trap.values, "bgpPeerState", "bgpPeerLastError")
            or named.get("ospfNbrIpAddr")
            or named.get("ospfNbrRtrId"),
        )
    found = understand(SyslogLine("snmp", words))
    if found is None:
        return None
    return Occurrence(
        kind=found.pattern.kind,
        state=found.state,
        interface=port or found.interface,
        neighbor=found.neighbor,
        reason=found.reason,
    )


def _state(meaning: TrapMeaning, named: dict[str, str]) -> State:
    """Take the state from the trap, else from the variable that tells it (OSPF full is 8)."""
    if meaning.state is not None:
        return meaning.state
    for variable, up in (("ospfNbrState", {"8", "full"}), ("isisISAdjState", {"3", "up"})):
        if variable in named:
            return "up" if named[variable].lower() in up else "down"
    return "noted"


def _severity(trap: _Trap, payload: Payload, occurrence: Occurrence | None) -> PerceivedSeverity:
    given = severity_named(first_text(payload, "severity", "perceivedSeverity"))
    if given is not None:
        return given
    if trap.meaning is None:
        # An enterprise trap often prints its severity as a word of its own.
        for value in trap.values.values():
            if (printed := severity_named(value)) is not None:
                return printed
    state = occurrence.state if occurrence is not None else "noted"
    if state == "up":
        return PerceivedSeverity.CLEARED
    if state in {"down", "degraded"}:
        return trap.meaning.severity if trap.meaning else PerceivedSeverity.WARNING
    return PerceivedSeverity.INDETERMINATE


SNMP = PayloadFormat("snmp", _recognises, _read)
