"""What the sub-agents find: the values that cross the wire between the halves.

Each finding names evidence ids; the `evidence` of the same answer maps them to quotations. Ids are
assigned by the site and stable over repeated calls.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from telecom.configuration import ConfigChange
from telecom.evidence import Evidence, Gap, Quotation
from telecom.report import (
    CausalLink,
    CauseRole,
    NextAction,
    ReportStatus,
    RuledOut,
    TimelineEntry,
)
from telecom.schema import ProductModel
from telecom.ticket import SimilarIncidents


class AlarmGroup(ProductModel):
    """Alarms of one managed object that say the same thing."""

    handle: str
    """Give it to `list_alarms` to read the records."""
    managed_object: str
    template: str
    """The message with its variable parts as `<*>`."""
    probable_cause: str | None
    perceived_severity: str
    count: int
    first: datetime
    last: datetime
    still_open: bool


class Reason(ProductModel):
    """One part of a candidate's score."""

    name: str
    """`coverage`, `focus`, `blame`, `timing`, `kind`, `silence`, `change`, `history`, `eclipse`,
    `behind`, `victim`, `prediction`."""
    strength: float = Field(ge=-1.0, le=1.0)
    """How strongly it speaks for (or, negative, against) the candidate."""
    points: float
    """Strength times weight; the points of all reasons add up to the score."""
    because: str
    evidence_ids: tuple[str, ...] = ()


class Candidate(ProductModel):
    """A managed object that may be the cause, with its score taken apart."""

    managed_object: str
    score: float
    probability: float | None = Field(default=None, ge=0.0, le=1.0)
    """Against all other candidates and against there being no single cause; None from a site that
    does not tell."""
    probable_cause: str
    """What it is suspected of, in a few words: `link down`, `bgp reset`, `power failure`."""
    specific_problem: str
    role: CauseRole
    why: str
    """The reasons in one sentence."""
    reasons: tuple[Reason, ...]
    explains: tuple[str, ...]
    """Handles of the groups it accounts for."""
    onset: datetime | None
    change: str | None = None
    """Evidence id of the configuration change that explains it, as `ChangeReview` assigns it."""
    evidence: tuple[str, ...]
    """Evidence ids, decisive first."""


class Fidelity(ProductModel):
    """Which facts of the raw window can still be answered from the brief."""

    score: float = Field(ge=0.0, le=1.0)
    facts_total: int
    facts_kept: int
    missing: tuple[str, ...] = ()
    """Kinds of facts that were left out, with counts."""


class BriefRewriting(ProductModel):
    """Which brief stands where a small model was asked to say it in better words, and why."""

    stands: Literal["rewritten", "extracted"]
    model: str
    why: str


class TopologyLink(ProductModel):
    """One link around the incident, as the site's topology has it."""

    source: str
    target: str
    relation: str


class AlarmSummary(ProductModel):
    """An alarm storm folded into an incident and a brief."""

    window: tuple[datetime, datetime]
    brief: str
    """At most `budget` tokens of extracted text."""
    tokens_before: int
    tokens_after: int
    alarms_total: int
    groups: tuple[AlarmGroup, ...]
    root_cause_candidates: tuple[Candidate, ...]
    """Best first."""
    verdict: Literal["single", "multiple", "recovered", "none", "insufficient"]
    """How many independent causes the evidence supports: `insufficient` when it cannot tell one."""
    causes: int
    """How many of the leading candidates are asserted together; 0 when none is."""
    causal_chain: tuple[CausalLink, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    topology: tuple[TopologyLink, ...] = ()
    """The links among the candidates and what they explain."""
    handles: tuple[str, ...]
    loudest: str | None = None
    """The element with the most records of trouble: often the victim, so told beside the cause."""
    earliest: str | None = None
    """The element that spoke of trouble first."""
    fidelity: Fidelity
    rewriting: BriefRewriting | None = None
    """None where the site has no small model to rewrite its briefs."""
    gaps: tuple[Gap, ...] = ()
    evidence: dict[str, Quotation]


class Contradiction(ProductModel):
    """Configurations that do not agree with each other, or refer to nothing."""

    kind: str
    """`mtu_mismatch`, `undefined_reference`, `peer_on_shutdown_interface`, ..."""
    summary: str
    managed_objects: tuple[str, ...]
    """Whose lines they are."""
    evidence_ids: tuple[str, ...]
    """The lines of both sides."""


class Contradictions(ProductModel):
    """What configurations contradict."""

    findings: tuple[Contradiction, ...]
    left_out: int
    evidence: dict[str, Quotation]
    """One id per line: `config:<device>:<line>`."""
    gaps: tuple[Gap, ...] = ()


class ChangeReview(ProductModel):
    """What changed before the first alarm, most suspicious first, and what contradicts."""

    changes: tuple[ConfigChange, ...]
    contradictions: tuple[Contradiction, ...] = ()
    """Around the suspects; a change need not be young to hurt today."""
    evidence: dict[str, Quotation]
    """One id per change: `change:<commit, 12 characters>:<managed object>`, and per quoted line."""
    gaps: tuple[Gap, ...] = ()


class TicketReview(ProductModel):
    """Whether this has been seen before."""

    similar: SimilarIncidents
    evidence: dict[str, Quotation]
    """One id per incident: `ticket:<ticket id>`."""
    gaps: tuple[Gap, ...] = ()


class EvidencePack(ProductModel):
    """All that was gathered, as it was received: what an analyst reasons over."""

    question: str | None = None
    window: tuple[datetime, datetime]
    sites: tuple[str, ...]
    alarms: tuple[AlarmSummary, ...]
    """One per site that answered."""
    changes: tuple[ChangeReview, ...] = ()
    tickets: tuple[TicketReview, ...] = ()
    evidence: dict[str, Evidence]
    gaps: tuple[Gap, ...] = ()


class ProposedCause(ProductModel):
    """A cause an analyst proposes; confidence is not the analyst's to give."""

    managed_object: str
    probable_cause: str
    specific_problem: str
    role: CauseRole = "fault"
    evidence_ids: tuple[str, ...]


class Proposal(ProductModel):
    """An analyst's answer, before code has checked a word of it."""

    headline: str
    status: ReportStatus
    root_causes: tuple[ProposedCause, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    causal_chain: tuple[CausalLink, ...] = ()
    next_actions: tuple[NextAction, ...] = ()
