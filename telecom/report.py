"""`RootCauseReport`: one schema for terminal, chat, MCP, webhook and page."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from telecom.configuration import ConfigHunk
from telecom.evidence import Evidence, Gap
from telecom.schema import ProductModel

ReportStatus = Literal["confirmed", "probable", "inconclusive"]
CauseRole = Literal["fault", "error", "failure"]
"""A fault is the defect, an error the wrong state it leads to, a failure what users see (Avizienis
et al., Basic Concepts and Taxonomy of Dependable and Secure Computing, 2004)."""


class RootCause(ProductModel):
    """One asserted cause."""

    managed_object: str
    probable_cause: str
    specific_problem: str
    role: CauseRole
    confidence: float = Field(ge=0.0, le=1.0)
    confidence_basis: str
    """How the confidence was computed, in words."""
    evidence_ids: tuple[str, ...] = Field(min_length=1)


class RuledOut(ProductModel):
    """A competing explanation and what speaks against it."""

    managed_object: str
    hypothesis: str
    why: str
    evidence_ids: tuple[str, ...] = ()


class CausalLink(ProductModel):
    """One step of the chain from cause to symptom."""

    source: str
    target: str
    condition: str
    """What at the source made it happen."""
    effect: str
    """What was seen at the target."""
    lag_seconds: float | None
    evidence_ids: tuple[str, ...]


class AlarmExplained(ProductModel):
    """Whether the asserted causes account for one alarm."""

    alarm_id: str
    explained: bool


class TimelineEntry(ProductModel):
    """One moment of the incident."""

    time: datetime
    managed_object: str
    what: str
    evidence_ids: tuple[str, ...] = ()


class BlastRadius(ProductModel):
    """What the incident reached."""

    managed_objects: tuple[str, ...]
    services: tuple[str, ...] = ()


class ReportedChange(ProductModel):
    """A configuration change before onset."""

    managed_object: str
    commit: str
    author: str
    time: datetime
    score: float
    why: tuple[str, ...]
    hunks: tuple[ConfigHunk, ...]
    evidence_ids: tuple[str, ...]


class ReportedTicket(ProductModel):
    """A similar past incident with its close note quoted."""

    ticket_id: str
    score: float
    quote: str
    agrees: bool | None
    """Whether it names the same kind of cause; None when there is no asserted cause to compare."""
    evidence_ids: tuple[str, ...] = ()


class NextAction(ProductModel):
    """What to do next; checks that change nothing come first."""

    action: str
    why: str
    read_only: bool
    evidence_ids: tuple[str, ...] = ()


class Drafts(ProductModel):
    """Texts ready to be sent by a person: nothing here has been sent."""

    ticket: dict[str, Any] | None = None
    """TMF621 trouble ticket; JSON, hence Any."""
    alarm_patch: dict[str, Any] | None = None
    """TMF642 alarm patch; JSON, hence Any."""


class ProvenanceStep(ProductModel):
    """One delegation: who did what, where, under which decision, and what it cost."""

    step: str
    agent: str
    tier: str | None
    """The tier instance it really ran on; None when nothing ran."""
    decision_id: str | None
    tool: str | None = None
    tokens_before: int | None = None
    tokens_after: int | None = None
    masked: int | None = None
    """Identifiers replaced on the way out."""
    bytes_out: int | None = None
    cost_usd: float | None = None
    """None when unknown, never 0 for it."""
    latency_ms: float | None = None
    masked_kinds: dict[str, int] = Field(default_factory=dict)
    """`masked` by kind of identifier."""
    tokens_out: int | None = None
    """Tokens of all answers that left for it, as the gate counted them; `tokens_after` is what an
    analyst reads of them."""
    form: str | None = None
    """Strictest form in which an answer left: raw, pseudonymized or anonymized; None where the site
    did not say."""


class RootCauseReport(ProductModel):
    """What an investigation found, what it rests on, and what it could not see."""

    incident_id: str
    headline: str
    status: ReportStatus
    root_causes: tuple[RootCause, ...] = ()
    """What is asserted and nothing else; empty when inconclusive."""
    ruled_out: tuple[RuledOut, ...] = ()
    causal_chain: tuple[CausalLink, ...] = ()
    alarms_explained: tuple[AlarmExplained, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    blast_radius: BlastRadius = BlastRadius(managed_objects=())
    changes_before_onset: tuple[ReportedChange, ...] = ()
    similar_incidents: tuple[ReportedTicket, ...] = ()
    next_actions: tuple[NextAction, ...] = ()
    gaps: tuple[Gap, ...] = ()
    drafts: Drafts = Drafts()
    provenance: tuple[ProvenanceStep, ...] = ()
    evidence: dict[str, Evidence] = Field(default_factory=dict)
