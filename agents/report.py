"""Report assembly: a verified proposal and its evidence become one `RootCauseReport`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from agents.confidence import Confidence, combine
from agents.findings import AlarmSummary, Candidate, EvidencePack, ProposedCause
from agents.grounding import VerifiedProposal
from agents.predictions import Prediction, Trials
from telecom.evidence import Gap
from telecom.precedents import telling_words
from telecom.report import (
    AlarmExplained,
    BlastRadius,
    Drafts,
    ProvenanceStep,
    ReportedChange,
    ReportedTicket,
    RootCause,
    RootCauseReport,
    TimelineEntry,
)
from telecom.times import format_instant
from telecom.topology import ManagedObject

MAX_CHANGES = 5
MAX_EXPLAINED = 200


def assemble(
    verified: VerifiedProposal,
    pack: EvidencePack,
    *,
    incident_id: str,
    provenance: Sequence[ProvenanceStep],
    gaps: Sequence[Gap] = (),
    model_agrees: bool | None = None,
    trials: Trials | None = None,
) -> RootCauseReport:
    """Build the report.

    Args:
        verified: What grounding left of the analyst's proposal.
        pack: Everything that was gathered.
        incident_id: Id of the incident.
        provenance: One entry per delegation, in order.
        gaps: Gaps beyond those of the pack, such as budgets that ran out.
        model_agrees: Whether a model and the deterministic analyst named the same cause; None when
            only one of them was asked.
        trials: What the hypotheses predict, and what became of it.
    """
    proposal = verified.proposal
    causes = tuple(
        _root_cause(cause, pack, model_agrees, trials or Trials()) for cause in proposal.root_causes
    )
    changes = _changes(pack, causes)
    tickets = _tickets(pack, causes)
    explained = _explained(pack, causes)
    timeline = tuple(
        sorted(chain.from_iterable(s.timeline for s in pack.alarms), key=lambda entry: entry.time)
    )
    named = set(
        chain(
            chain.from_iterable(cause.evidence_ids for cause in causes),
            chain.from_iterable(link.evidence_ids for link in proposal.causal_chain),
            chain.from_iterable(item.evidence_ids for item in proposal.ruled_out),
            chain.from_iterable(action.evidence_ids for action in proposal.next_actions),
            chain.from_iterable(change.evidence_ids for change in changes),
            chain.from_iterable(ticket.evidence_ids for ticket in tickets),
            chain.from_iterable(entry.evidence_ids for entry in timeline),
        )
    )
    report = RootCauseReport(
        incident_id=incident_id,
        headline=proposal.headline,
        status=proposal.status,
        root_causes=causes,
        ruled_out=proposal.ruled_out,
        causal_chain=proposal.causal_chain,
        alarms_explained=explained,
        timeline=_known_evidence(timeline, pack),
        blast_radius=_blast_radius(pack.alarms),
        changes_before_onset=changes,
        similar_incidents=tickets,
        next_actions=proposal.next_actions,
        gaps=_distinct((*pack.gaps, *gaps, *verified.dropped)),
        provenance=tuple(provenance),
        evidence={key: item for key, item in pack.evidence.items() if key in named},
    )
    return report.model_copy(update={"drafts": _drafts(report)})


def _root_cause(
    cause: ProposedCause, pack: EvidencePack, model_agrees: bool | None, trials: Trials
) -> RootCause:
    confidence = confidence_of(cause, pack, model_agrees=model_agrees)
    return RootCause(
        managed_object=cause.managed_object,
        probable_cause=cause.probable_cause,
        specific_problem=cause.specific_problem,
        role=cause.role,
        confidence=confidence.value,
        confidence_basis=confidence.basis + _trial_words(trials.of(cause.managed_object)),
        evidence_ids=cause.evidence_ids,
    )


def _trial_words(predictions: Sequence[Prediction]) -> str:
    """How many predictions hold, and which do not."""
    held = sum(p.outcome == "confirmed" for p in predictions)
    failed = [f"{p.statement} ({p.because})" for p in predictions if p.outcome == "contradicted"]
    if not held and not failed:
        return ""
    against = f"; contradicted: {'; '.join(failed)}" if failed else ""
    return f"; {held} of {len(predictions)} predictions hold{against}"


def confidence_of(
    cause: ProposedCause, pack: EvidencePack, *, model_agrees: bool | None
) -> Confidence:
    """Compute the confidence in a cause.

    Strengths are the candidate's own reasons; the lead is over the best candidate elsewhere.
    """
    candidates = list(chain.from_iterable(s.root_cause_candidates for s in pack.alarms))
    own = next(
        (c for c in candidates if same_element(c.managed_object, cause.managed_object)), None
    )
    strengths: dict[str, float] = {}
    if own is not None:
        for reason in own.reasons:
            strengths[reason.name] = max(strengths.get(reason.name, 0.0), reason.strength)
    if any(key.startswith("change:") for key in cause.evidence_ids):
        strengths["change"] = max(strengths.get("change", 0.0), 0.7)
    if any(key.startswith("ticket:") for key in cause.evidence_ids):
        strengths["history"] = 1.0
    if model_agrees:
        strengths["model agrees"] = 1.0
    ranked = None if own is None else own.probability
    return combine(strengths, lead=_lead(own, candidates, pack), ranked=ranked)


def _lead(own: Candidate | None, candidates: Iterable[Candidate], pack: EvidencePack) -> float:
    """How far the candidate is ahead of the best one that is not asserted beside it."""
    if own is None or own.score <= 0:
        return 0.0
    asserted = {
        ManagedObject.parse(candidate.managed_object).device
        for summary in pack.alarms
        for candidate in summary.root_cause_candidates[: summary.causes]
    }
    rivals = [
        candidate.score
        for candidate in candidates
        if ManagedObject.parse(candidate.managed_object).device not in asserted
        and not same_element(candidate.managed_object, own.managed_object)
    ]
    return 1.0 - max(rivals, default=0.0) / own.score


def same_element(name: str, other: str) -> bool:
    """Whether two managed objects are the same network element, whatever the port."""
    return ManagedObject.parse(name).device.lower() == ManagedObject.parse(other).device.lower()


def _changes(pack: EvidencePack, causes: Sequence[RootCause]) -> tuple[ReportedChange, ...]:
    """Changes before onset, and those cited: a repository records one later than it was made."""
    cited = set(chain.from_iterable(cause.evidence_ids for cause in causes))
    onset = min((s.window[0] for s in pack.alarms), default=pack.window[0])
    onsets = [
        candidate.onset
        for summary in pack.alarms
        for candidate in summary.root_cause_candidates[:1]
        if candidate.onset is not None
    ]
    latest = min(onsets, default=None)
    found = [
        ReportedChange(
            managed_object=change.managed_object,
            commit=change.commit,
            author=change.author,
            time=change.time,
            score=change.score,
            why=change.why,
            hunks=change.hunks,
            evidence_ids=tuple(
                key for key in review.evidence if key == change.evidence_id and key in pack.evidence
            ),
        )
        for review in pack.changes
        for change in review.changes
        if change.time <= (latest or max(onset, pack.window[1])) or change.evidence_id in cited
    ]
    return tuple(sorted(found, key=lambda change: -change.score)[:MAX_CHANGES])


def _tickets(pack: EvidencePack, causes: Sequence[RootCause]) -> tuple[ReportedTicket, ...]:
    return tuple(
        ReportedTicket(
            ticket_id=incident.ticket_id,
            score=incident.score,
            quote=incident.quote,
            agrees=_agrees(incident.cause, causes),
            evidence_ids=(f"ticket:{incident.ticket_id}",)
            if f"ticket:{incident.ticket_id}" in pack.evidence
            else (),
        )
        for review in pack.tickets
        for incident in review.similar.incidents
    )


def _agrees(cause: str | None, causes: Sequence[RootCause]) -> bool | None:
    """Whether a past cause and an asserted one share their telling words."""
    if cause is None or not causes:
        return None
    past = telling_words(cause)
    return any(
        bool(past & telling_words(f"{own.probable_cause} {own.specific_problem}")) for own in causes
    )


def _explained(pack: EvidencePack, causes: Sequence[RootCause]) -> tuple[AlarmExplained, ...]:
    """One entry per alarm group's representative; a cause explains what its candidate explains."""
    found: list[AlarmExplained] = []
    for summary in pack.alarms:
        handles = {
            handle
            for candidate in summary.root_cause_candidates
            if any(same_element(candidate.managed_object, c.managed_object) for c in causes)
            for handle in candidate.explains
        }
        found.extend(
            AlarmExplained(
                alarm_id=group.handle.removeprefix("group:"), explained=group.handle in handles
            )
            for group in summary.groups
        )
    return tuple(found[:MAX_EXPLAINED])


def _known_evidence(
    timeline: Iterable[TimelineEntry], pack: EvidencePack
) -> tuple[TimelineEntry, ...]:
    return tuple(
        entry.model_copy(
            update={"evidence_ids": tuple(k for k in entry.evidence_ids if k in pack.evidence)}
        )
        for entry in timeline
    )


def _blast_radius(summaries: Iterable[AlarmSummary]) -> BlastRadius:
    devices: dict[str, None] = {}
    services: dict[str, None] = {}
    for summary in summaries:
        for group in summary.groups:
            devices.setdefault(ManagedObject.parse(group.managed_object).device)
        for joint in summary.topology:
            if joint.relation == "serves":
                services.setdefault(ManagedObject.parse(joint.target).device)
    reached = [name for name in services if name in devices]
    return BlastRadius(managed_objects=tuple(devices), services=tuple(reached))


def _distinct(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    return tuple({(gap.what, gap.why): gap for gap in gaps}.values())


def _drafts(report: RootCauseReport) -> Drafts:
    """Texts in the shape of TMF621 and TMF642; a person sends them, or nobody does."""
    if not report.root_causes:
        return Drafts()
    cause = report.root_causes[0]
    note = (
        f"{report.headline}. Status {report.status}, confidence {cause.confidence:.2f}. "
        f"Evidence: {', '.join(cause.evidence_ids)}."
    )
    ticket = {
        "name": report.headline,
        "description": note,
        "severity": "Major",
        "ticketType": "network incident",
        "relatedEntity": [{"role": "rootCause", "name": cause.managed_object}],
        "note": [{"text": action.action} for action in report.next_actions[:3]],
    }
    patch = {
        "comments": [{"comment": note, "systemId": "tierwise"}],
        "isRootCause": True,
        "probableCause": cause.probable_cause,
        "specificProblem": cause.specific_problem,
        "alarmedObject": {"id": cause.managed_object},
    }
    if report.timeline:
        ticket["creationDate"] = format_instant(report.timeline[0].time)
    return Drafts(ticket=ticket, alarm_patch=patch)
