"""Traps and variables of the standard MIBs, and a few of large vendors, by OID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from telecom.alarm import OccurrenceKind, PerceivedSeverity
from telecom.formats.event_table import State

K = OccurrenceKind
S = PerceivedSeverity


@dataclass(frozen=True, slots=True)
class TrapMeaning:
    """What a trap reports."""

    name: str
    """As its MIB prints it."""
    kind: OccurrenceKind
    problem: str
    state: State | None
    """None: a variable of the trap tells."""
    severity: PerceivedSeverity = S.MAJOR


TRAPS: Mapping[str, TrapMeaning] = {
    # SNMPv2-MIB and IF-MIB
    "1.3.6.1.6.3.1.1.5.1": TrapMeaning("coldStart", K.RESTART, "Device restarted", "noted"),
    "1.3.6.1.6.3.1.1.5.2": TrapMeaning("warmStart", K.RESTART, "Device restarted", "noted"),
    "1.3.6.1.6.3.1.1.5.3": TrapMeaning("linkDown", K.INTERFACE, "Interface down", "down"),
    "1.3.6.1.6.3.1.1.5.4": TrapMeaning("linkUp", K.INTERFACE, "Interface down", "up"),
    "1.3.6.1.6.3.1.1.5.5": TrapMeaning(
        "authenticationFailure", K.AUTHENTICATION, "Authentication failed", "degraded", S.WARNING
    ),
    "1.3.6.1.6.3.1.1.5.6": TrapMeaning(
        "egpNeighborLoss", K.SIGNALLING, "EGP neighbour lost", "down"
    ),
    # BGP4-MIB: the older numbering of RFC 1657 and that of RFC 4273
    "1.3.6.1.2.1.15.7.1": TrapMeaning("bgpEstablished", K.BGP_SESSION, "BGP session down", "up"),
    "1.3.6.1.2.1.15.7.2": TrapMeaning(
        "bgpBackwardTransition", K.BGP_SESSION, "BGP session down", "down"
    ),
    "1.3.6.1.2.1.15.0.1": TrapMeaning("bgpEstablished", K.BGP_SESSION, "BGP session down", "up"),
    "1.3.6.1.2.1.15.0.2": TrapMeaning(
        "bgpBackwardTransition", K.BGP_SESSION, "BGP session down", "down"
    ),
    "1.3.6.1.2.1.14.16.2.2": TrapMeaning(
        "ospfNbrStateChange", K.OSPF_ADJACENCY, "OSPF adjacency down", None
    ),
    "1.3.6.1.2.1.14.16.2.16": TrapMeaning(
        "ospfIfStateChange", K.OSPF_ADJACENCY, "OSPF interface changed", "changed"
    ),
    "1.3.6.1.2.1.138.0.17": TrapMeaning(
        "isisAdjacencyChange", K.ISIS_ADJACENCY, "IS-IS adjacency down", None
    ),
    "1.3.6.1.2.1.10.166.4.0.3": TrapMeaning(
        "mplsLdpSessionUp", K.LDP_SESSION, "LDP session down", "up"
    ),
    "1.3.6.1.2.1.10.166.4.0.4": TrapMeaning(
        "mplsLdpSessionDown", K.LDP_SESSION, "LDP session down", "down"
    ),
    "1.3.6.1.2.1.10.166.3.0.1": TrapMeaning(
        "mplsTunnelUp", K.TUNNEL, "Label-switched path down", "up"
    ),
    "1.3.6.1.2.1.10.166.3.0.2": TrapMeaning(
        "mplsTunnelDown", K.TUNNEL, "Label-switched path down", "down"
    ),
    "1.3.6.1.2.1.222.0.1": TrapMeaning("bfdSessUp", K.BFD_SESSION, "BFD session down", "up"),
    "1.3.6.1.2.1.222.0.2": TrapMeaning("bfdSessDown", K.BFD_SESSION, "BFD session down", "down"),
    # ENTITY-MIB, ENTITY-STATE-MIB, ALARM-MIB, UPS-MIB
    "1.3.6.1.2.1.47.2.0.1": TrapMeaning(
        "entConfigChange", K.HARDWARE, "Hardware inventory changed", "changed"
    ),
    "1.3.6.1.2.1.131.0.1": TrapMeaning("entStateOperEnabled", K.HARDWARE, "Hardware failed", "up"),
    "1.3.6.1.2.1.131.0.2": TrapMeaning(
        "entStateOperDisabled", K.HARDWARE, "Hardware failed", "down"
    ),
    "1.3.6.1.2.1.33.2.0.1": TrapMeaning(
        "upsTrapOnBattery", K.POWER, "Power supply failed", "degraded"
    ),
    # Cisco
    "1.3.6.1.4.1.9.9.13.3.0.4": TrapMeaning(
        "ciscoEnvMonFanNotification", K.HARDWARE, "Fan failed", "degraded"
    ),
    "1.3.6.1.4.1.9.9.13.3.0.5": TrapMeaning(
        "ciscoEnvMonRedundantSupplyNotification", K.POWER, "Power supply failed", "degraded"
    ),
    "1.3.6.1.4.1.9.9.13.3.0.3": TrapMeaning(
        "ciscoEnvMonTemperatureNotification", K.TEMPERATURE, "Temperature out of range", "degraded"
    ),
    "1.3.6.1.4.1.9.9.117.2.0.2": TrapMeaning(
        "cefcPowerStatusChange", K.POWER, "Power status changed", "changed"
    ),
    "1.3.6.1.4.1.9.9.43.2.0.1": TrapMeaning(
        "ciscoConfigManEvent", K.CONFIGURATION, "Configuration changed", "changed"
    ),
    # Juniper
    "1.3.6.1.4.1.2636.4.1.1": TrapMeaning(
        "jnxPowerSupplyFailure", K.POWER, "Power supply failed", "down"
    ),
    "1.3.6.1.4.1.2636.4.1.2": TrapMeaning("jnxFanFailure", K.HARDWARE, "Fan failed", "down"),
    "1.3.6.1.4.1.2636.4.1.3": TrapMeaning(
        "jnxOverTemperature", K.TEMPERATURE, "Temperature out of range", "degraded"
    ),
    "1.3.6.1.4.1.2636.4.2.1": TrapMeaning("jnxPowerSupplyOK", K.POWER, "Power supply failed", "up"),
    "1.3.6.1.4.1.2636.4.2.2": TrapMeaning("jnxFanOK", K.HARDWARE, "Fan failed", "up"),
    "1.3.6.1.4.1.2636.4.2.3": TrapMeaning(
        "jnxTemperatureOK", K.TEMPERATURE, "Temperature out of range", "up"
    ),
}

VARIABLES: Mapping[str, str] = {
    "1.3.6.1.2.1.1.5": "sysName",
    "1.3.6.1.2.1.1.3": "sysUpTime",
    "1.3.6.1.6.3.18.1.3": "snmpTrapAddress",
    "1.3.6.1.2.1.2.2.1.1": "ifIndex",
    "1.3.6.1.2.1.2.2.1.2": "ifDescr",
    "1.3.6.1.2.1.2.2.1.7": "ifAdminStatus",
    "1.3.6.1.2.1.2.2.1.8": "ifOperStatus",
    "1.3.6.1.2.1.31.1.1.1.1": "ifName",
    "1.3.6.1.2.1.31.1.1.1.18": "ifAlias",
    "1.3.6.1.2.1.15.3.1.2": "bgpPeerState",
    "1.3.6.1.2.1.15.3.1.7": "bgpPeerRemoteAddr",
    "1.3.6.1.2.1.15.3.1.14": "bgpPeerLastError",
    "1.3.6.1.2.1.14.10.1.1": "ospfNbrIpAddr",
    "1.3.6.1.2.1.14.10.1.3": "ospfNbrRtrId",
    "1.3.6.1.2.1.14.10.1.6": "ospfNbrState",
    "1.3.6.1.2.1.138.1.6.1.1.2": "isisISAdjState",
    "1.3.6.1.2.1.47.1.1.1.1.7": "entPhysicalName",
    "1.3.6.1.2.1.47.1.1.1.1.2": "entPhysicalDescr",
}
