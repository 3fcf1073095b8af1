"""`SiteEnvelope`: what a site tells the cloud half about an incident it folded by itself.

Ids, grades, codes and counts; never a raw record. Names of elements stand as the site's egress gate
let them out. `POST /triggers/site` takes one envelope as JSON and answers an `EnvelopeReceipt`:
202 when it is new, 200 when it had it already, both only after the envelope is stored. The same
`envelope_id` sent twice is the same trigger.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from telecom.alarm import PerceivedSeverity
from telecom.report import ReportStatus
from telecom.schema import ProductModel

LARGEST_ENVELOPE_BYTES = 16 * 1024
"""What a receiver reads at most, and a site sends."""

SITE_TRIGGER_PATH = "/triggers/site"

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$")]
"""Assigned or keyed, so that nobody outside can guess from it."""

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/%-]{0,79}$")]
"""A few words of a closed vocabulary or a vendor's mnemonic."""

Name = Annotated[str, Field(min_length=1, max_length=160, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A managed object, as the gate let it out: its name, a pseudonym, or the kind alone."""

Moment = AwareDatetime
Count = Annotated[int, Field(ge=0, strict=True)]


class EnvelopeCounts(ProductModel):
    """How big the incident is."""

    alarms: Count
    """Records, all of them."""
    open_groups: Count
    """Groups of records that no clear has ended."""
    groups: Count
    managed_objects: Count
    """Elements that said something."""


class LocalCause(ProductModel):
    """A cause that the site asserted by itself."""

    managed_object: Name
    probable_cause: Code


class LocalReport(ProductModel):
    """The report that the site wrote by itself; a second look says what it changed in it."""

    report_id: Id
    """Names the file on the site; the report itself stays there."""
    made_at: Moment
    status: ReportStatus
    root_causes: tuple[LocalCause, ...] = Field(default=(), max_length=8)
    gaps: Count = 0
    """How many things the site could not look at."""


class SiteEnvelope(ProductModel):
    """One state of one incident, on its way to the cloud half."""

    version: Literal[1] = 1
    envelope_id: Id
    """Of this state of this incident; sent again unchanged until a receipt names it."""
    sequence: int = Field(ge=1, strict=True)
    """Rises with every envelope of a site; a site sends in this order."""
    site: Id
    incident_id: Id
    """The site's own; later envelopes of the same incident carry it again."""
    event: Literal["opened", "changed", "closed", "merged"]
    """`opened` is the first that is told of an incident, though it may have ended meanwhile: a site
    that was cut off asks for a look at that, too. `changed` and `closed` follow an `opened`."""
    merged_into: Id | None = None
    """The incident this one turned out to be part of, exactly when `event` is `merged`."""
    window: tuple[Moment, Moment]
    """First and last record."""
    perceived_severity: PerceivedSeverity
    """The worst that is still open; CLEARED when nothing is."""
    probable_cause: Code | None = None
    """Of the leading suspect; None when there is none."""
    verdict: Literal["single", "multiple", "recovered", "none", "insufficient"] | None = None
    """How many causes the site's own triage supports; None when it did not get to it."""
    managed_objects: tuple[Name, ...] = Field(default=(), max_length=16)
    """Most suspected first."""
    counts: EnvelopeCounts
    local_report: LocalReport | None = None
    second_look: bool = False
    """The site reported without the cloud half's reasoning and asks for it now."""
    unreachable_since: Moment | None = None
    """Since when the site could not reach the cloud half, as it saw it; None when it could."""
    created_at: Moment
    ledger_head: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of the egress ledger's last entry before this envelope: an anchor kept elsewhere."""

    @model_validator(mode="after")
    def _consistent(self) -> SiteEnvelope:
        if (self.event == "merged") != (self.merged_into is not None):
            raise ValueError("merged_into is given exactly when event is 'merged'")
        if self.window[1] < self.window[0]:
            raise ValueError("window must not end before it begins")
        return self


class EnvelopeReceipt(ProductModel):
    """The cloud half has stored an envelope and will act on it."""

    envelope_id: Id
    outcome: Literal["accepted", "coalesced", "duplicate"]
    """`coalesced`: it joined an investigation that was open; `duplicate`: it was here already."""
    investigation_id: Id | None = None
    received_at: Moment
