"""`Event`: what happened at one element, before anybody has written it down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

Origin = Literal["cause", "impact", "herring", "background"]
"""Why it is there: the fault itself, what follows from it, a distraction, or daily life."""

CLEARING = frozenset(
    {
        "link_up",
        "line_up",
        "isis_up",
        "ospf_up",
        "ldp_up",
        "bfd_up",
        "bgp_up",
        "optics_clear",
        "psu_ok",
        "lacp_up",
        "utilization_normal",
    }
)
"""Router events that end a trouble."""

CHATTER = frozenset(
    {"login", "logout", "config_commit", "acl_log", "ntp_sync", "snmp_auth", "telemetry", "started"}
)
"""Router events that are no trouble."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that one element says, at the true time."""

    time: datetime
    element: str
    """Who says it."""
    name: str
    """A key of the dialects' templates or of `EQUIPMENT_ALARMS`."""
    details: Mapping[str, str | int | float] = field(default_factory=dict)
    origin: Origin = "background"
    decisive: bool = False
    """An expert would quote this record as proof; it is never lost."""
    cleared: bool = False
    """Equipment alarms only: this record ends the alarm of the same name and details."""
    planned: bool = False
    """Equipment alarms only: raised under an announced maintenance."""

    @property
    def is_trouble(self) -> bool:
        """Whether it says that something is wrong now."""
        return not self.cleared and self.name not in CLEARING and self.name not in CHATTER

    def as_origin(self, origin: Origin) -> Event:
        """The same, for another reason."""
        return replace(self, origin=origin)


def in_time_order(events: Iterable[Event]) -> list[Event]:
    """Events by true time; ties keep their order."""
    return sorted(events, key=lambda event: event.time)
