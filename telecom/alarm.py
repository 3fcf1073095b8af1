"""`Alarm`: one record of trouble, as X.733 and 3GPP TS 28.532 describe it.

Every reader in `telecom.formats` ends here, whatever the vendor wrote. The fields are those of
TS 28.532 / TMF642; `occurrence` and `source` are ours: what the line means to a network engineer,
and where the raw record can be read again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from telecom.schema import StandardModel, StandardWord


class AlarmType(StandardWord):
    """The ten alarm types of 3GPP TS 28.532."""

    COMMUNICATIONS_ALARM = "COMMUNICATIONS_ALARM"
    PROCESSING_ERROR_ALARM = "PROCESSING_ERROR_ALARM"
    ENVIRONMENTAL_ALARM = "ENVIRONMENTAL_ALARM"
    QUALITY_OF_SERVICE_ALARM = "QUALITY_OF_SERVICE_ALARM"
    EQUIPMENT_ALARM = "EQUIPMENT_ALARM"
    INTEGRITY_VIOLATION = "INTEGRITY_VIOLATION"
    OPERATIONAL_VIOLATION = "OPERATIONAL_VIOLATION"
    PHYSICAL_VIOLATION = "PHYSICAL_VIOLATION"
    SECURITY_SERVICE_OR_MECHANISM_VIOLATION = "SECURITY_SERVICE_OR_MECHANISM_VIOLATION"
    TIME_DOMAIN_VIOLATION = "TIME_DOMAIN_VIOLATION"


class PerceivedSeverity(StandardWord):
    """How bad it is, as X.733 grades it; CLEARED ends an alarm."""

    CRITICAL = "CRITICAL"
    MAJOR = "MAJOR"
    MINOR = "MINOR"
    WARNING = "WARNING"
    INDETERMINATE = "INDETERMINATE"
    CLEARED = "CLEARED"


class OccurrenceKind(StandardWord):
    """What a record is about, in a network engineer's words; closed, shared by all readers."""

    INTERFACE = "interface"
    BGP_SESSION = "bgp_session"
    OSPF_ADJACENCY = "ospf_adjacency"
    ISIS_ADJACENCY = "isis_adjacency"
    LDP_SESSION = "ldp_session"
    BFD_SESSION = "bfd_session"
    LACP = "lacp"
    TUNNEL = "tunnel"
    OPTICS = "optics"
    HARDWARE = "hardware"
    POWER = "power"
    TEMPERATURE = "temperature"
    CLOCK = "clock"
    """Synchronisation: PTP, SyncE, GNSS, NTP."""
    PROCESS = "process"
    RESTART = "restart"
    CONFIGURATION = "configuration"
    """Somebody or something changed or committed a configuration."""
    AUTHENTICATION = "authentication"
    LOGIN = "login"
    RESOURCE = "resource"
    """Memory, CPU, disk, table or licence running out."""
    THRESHOLD = "threshold"
    """A KPI crossed its limit: loss, delay, success rate."""
    SERVICE = "service"
    """A cell, slice, network function or customer service lost or degraded."""
    SIGNALLING = "signalling"
    """SCTP associations, N2/N3/N4 paths, Diameter peers, registrations refused."""
    HEARTBEAT = "heartbeat"
    """The element, or what polls it, reports that it is (or is no longer) heard."""
    OTHER = "other"


class Occurrence(StandardModel):
    """What one record says happened, taken from its text by a reader."""

    kind: OccurrenceKind
    state: Literal["up", "down", "degraded", "changed", "noted"]
    """`down` and `degraded` raise, `up` clears, `changed` and `noted` are events with no state."""
    interface: str | None = None
    """The local port as printed."""
    neighbor: str | None = None
    """The other end as printed: an address, a host name or a system id."""
    neighbor_as: int | None = None
    vrf: str | None = None
    reason: str | None = None
    """The device's own words for why, verbatim."""
    initiator: Literal["local", "remote"] | None = None
    """Which end started it, where the reason says so; None when it does not."""


class RecordSource(StandardModel):
    """Where the raw record of an alarm can be read again."""

    format: str
    """Reader name: `syslog.ios_xr`, `ves`, `tmf642`, `tierwise`, ..."""
    path: str
    """File in the site directory, with `/` on every system; `-` for a stream."""
    line: int = Field(ge=1)
    """1-based line, or 1-based number of the record in its file."""
    raw: str = Field(default="", exclude=True, repr=False)
    """The record as it was received. Never serialised with the alarm."""

    @property
    def locator(self) -> str:
        """`path:line`, the form evidence uses."""
        return f"{self.path}:{self.line}"


class ThresholdInfo(StandardModel):
    """The measurement that crossed its limit (TS 28.532 thresholdInfo)."""

    observed_measurement: str
    observed_value: float
    threshold_level: float | None = None
    arm_time: datetime | None = None


class CorrelatedNotification(StandardModel):
    """An alarm that this one names as related (X.733 correlatedNotifications)."""

    source_object_instance: str | None = None
    notification_ids: tuple[str, ...] = ()


class Alarm(StandardModel):
    """One alarm or event record, from any source."""

    alarm_id: str
    """The source's own id where it has one, so that its clear finds it; else assigned by place."""
    managed_object: str
    """`device` or `device:port`."""
    alarm_type: AlarmType | None = None
    perceived_severity: PerceivedSeverity = PerceivedSeverity.INDETERMINATE
    probable_cause: str | None = None
    """X.733 / vendor code: for syslog the mnemonic, such as `ROUTING-BGP-5-ADJCHANGE`."""
    specific_problem: str | None = None
    alarm_raised_time: datetime | None = None
    """When it happened (UTC). None when neither payload nor envelope gives a time."""
    alarm_changed_time: datetime | None = None
    alarm_cleared_time: datetime | None = None
    additional_text: str = ""
    """The human-readable message, as received."""
    additional_information: dict[str, Any] = Field(default_factory=dict)
    """What the payload carried beyond the standard's fields; values are JSON, hence Any."""
    correlated_notifications: tuple[CorrelatedNotification, ...] = ()
    root_cause_indicator: bool | None = None
    threshold_info: ThresholdInfo | None = None
    proposed_repair_actions: str | None = None
    service_affecting: bool | None = None
    planned_outage_indicator: bool | None = None
    ack_state: Literal["ACKNOWLEDGED", "UNACKNOWLEDGED"] | None = None
    backed_up: bool | None = None
    occurrence: Occurrence | None = None
    source: RecordSource

    @property
    def device(self) -> str:
        """The network element: the managed object without its port."""
        return self.managed_object.partition(":")[0]
