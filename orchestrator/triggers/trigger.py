"""`Trigger`: what is kept of a report of trouble, whoever sent it and in whatever format."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import AwareDatetime

from telecom.alarm import AlarmType, PerceivedSeverity
from telecom.envelope import Id, SiteEnvelope
from telecom.schema import ProductModel

AROUND_A_FOREIGN_ALARM = timedelta(minutes=30)
"""How far to both sides a foreign alarm's time is looked into: it names no window."""
AROUND_AN_ENVELOPE = timedelta(minutes=1)

_RANK = {severity: rank for rank, severity in enumerate(reversed(PerceivedSeverity))}


def worse(one: PerceivedSeverity, other: PerceivedSeverity) -> bool:
    """Whether `one` is graded above `other`; INDETERMINATE is above CLEARED only."""
    return _RANK[one] > _RANK[other]


class Trigger(ProductModel):
    """One report of trouble: ids, grades and times, and of a site its whole envelope."""

    trigger_id: str
    """The same for the same report, however often it is sent."""
    source: str
    """Name of the trigger source, for budgets and records."""
    sites: tuple[str, ...]
    """Declared names of the sites that are looked into."""
    window: tuple[AwareDatetime, AwareDatetime]
    """What is looked into, padding included."""
    perceived_severity: PerceivedSeverity
    alarm_type: AlarmType | None = None
    site_incident: Id | None = None
    """The site's own incident, when a site sent it."""
    event: Literal["opened", "changed", "closed", "merged"] = "opened"
    envelope: SiteEnvelope | None = None

    @property
    def starts_nothing(self) -> bool:
        """It reports an end: noted with its incident, and nothing is looked into for it."""
        if self.envelope is not None and self.envelope.second_look:
            return False
        return self.event in {"closed", "merged"}

    @property
    def wants_second_look(self) -> bool:
        """A site reported without deep reasoning and asks for it."""
        return self.envelope is not None and self.envelope.second_look
