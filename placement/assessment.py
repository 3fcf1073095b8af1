"""Steps one and four of getting started: classify what the site holds, choose tiers for the work.

Step two is `placement.latency`, step three `placement.cost`. Everything here is a function of
values: the site's own command opens the raw files and hands on counts and classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import yaml
from pydantic import Field

from placement.catalogue import DataClassEntry, Readiness
from placement.cost import AiFunction
from placement.decision import PlacementDecision
from placement.policy import Policy
from placement.ranking import readiness_gap
from placement.table import NOWHERE, tier_words
from telecom.schema import ProductModel
from telecom.workload import DataClass, Home

SourceKind = Literal[
    "alarms", "tickets", "configs", "docs", "kpi", "training_filter", "training_slm", "feedback"
]
Residency = Literal["bound", "free", "grey"]

_CLASS_BY_KIND: dict[SourceKind, DataClass] = {
    "alarms": "alarms_raw",
    "tickets": "tickets_raw",
    "configs": "network_config",
    "docs": "vendor_docs",
    "kpi": "aggregated_kpi",
    # A training set is as sensitive as what it was drawn from.
    "training_filter": "alarms_raw",
    "training_slm": "tickets_raw",
    "feedback": "tickets_raw",
}
_CLASS_BY_IDENTIFIER: tuple[tuple[str, DataClass], ...] = (
    ("SUBSCRIBER", "subscriber_identifier"),
    ("DEVICE", "subscriber_identifier"),
    ("SIM", "subscriber_identifier"),
    ("PERSON", "subscriber_pii"),
    ("EMAIL", "subscriber_pii"),
    ("LOCATION", "location"),
)
_ALREADY_BOUND = frozenset({"alarms_raw", "tickets_raw", "network_config"})
_READY_ENOUGH = 0.5


class FieldFinding(ProductModel):
    """A column or text field, and what was found in it."""

    name: str
    identifiers: dict[str, int] = Field(default_factory=dict)
    """Counts by kind, such as SUBSCRIBER or IP."""
    example: str | None = None
    """Masked."""


class SourceFinding(ProductModel):
    """One source of data as the site's own scan describes it: counts, no values."""

    source: str
    """Path in the site directory."""
    kind: SourceKind
    files: int = Field(ge=0)
    records: int = Field(ge=0)
    fields: tuple[FieldFinding, ...] = ()
    owner: str | None = None
    """Who answers for it; None makes it a grey area."""
    review_on: date | None = None

    @property
    def identifiers(self) -> dict[str, int]:
        """Counts over all fields."""
        total: dict[str, int] = {}
        for found in self.fields:
            for kind, count in found.identifiers.items():
                total[kind] = total.get(kind, 0) + count
        return total


class ClassifiedSource(ProductModel):
    """A source with its proposed class."""

    finding: SourceFinding
    proposed_class: DataClass
    holds: tuple[DataClass, ...]
    """Further classes that were found inside."""
    residency: Residency
    why: str


class DataAssessment(ProductModel):
    """Step one: what is bound, what moves freely, what is a grey area."""

    sources: tuple[ClassifiedSource, ...]
    bound: tuple[str, ...]
    free: tuple[str, ...]
    grey: tuple[str, ...]
    notice: str


def assess_data(policy: Policy, findings: Sequence[SourceFinding], home: Home) -> DataAssessment:
    """Propose a class for each source; a source without an owner is a grey area."""
    sources = tuple(_classify(policy, finding, home) for finding in findings)

    def of(residency: Residency) -> tuple[str, ...]:
        return tuple(source.finding.source for source in sources if source.residency == residency)

    return DataAssessment(
        sources=sources,
        bound=of("bound"),
        free=of("free"),
        grey=of("grey"),
        notice=policy.catalogue.notice,
    )


def catalogue_entry(source: ClassifiedSource, entry: DataClassEntry) -> str:
    """Write the YAML of a site's own class for one source, ready to paste under `classes`."""
    finding = source.finding
    name = "".join(letter if letter.isalnum() else "_" for letter in finding.source).strip("_")
    review = (
        f"{finding.owner}, review due {finding.review_on}"
        if finding.owner and finding.review_on
        else finding.owner or "no owner named"
    )
    body = entry.model_dump(mode="json", exclude_defaults=True)
    body |= {
        "title": f"{finding.source} ({source.proposed_class})",
        "examples": f"{finding.records} records in {finding.files} files; owner: {review}",
        "grey_area": source.residency == "grey",
    }
    return yaml.safe_dump(
        {name or "source": body}, sort_keys=False, allow_unicode=True, default_flow_style=None
    )


class TierRecommendation(ProductModel):
    """Where one function should run, and what that takes."""

    function: str
    recommended: str
    """Tier instance, or `nowhere`."""
    in_words: str
    reasons: tuple[str, ...]
    obligations: tuple[str, ...]
    on_premises: bool
    alternatives: tuple[str, ...]
    decision: PlacementDecision


class TierAssessment(ProductModel):
    """Step four: the operator's placement, and what an edge-heavy one needs first."""

    recommendations: tuple[TierRecommendation, ...]
    edge_share: float
    """Share of the functions that go on premises."""
    readiness_gap: float
    """0 is ready for the edge, 1 is not at all."""
    needed_first: tuple[str, ...]
    """Capability build or partner, before the edge is built."""
    gaps: tuple[str, ...]
    """Facts to close: assumed numbers, unknown attributes, functions without a tier."""


def assess_tiers(policy: Policy, functions: Sequence[AiFunction], *, home: Home) -> TierAssessment:
    """Recommend a tier for each function, evaluating the edge where data cannot move."""
    recommendations = tuple(_recommend(policy, function, home) for function in functions)
    edge = sum(item.on_premises for item in recommendations)
    share = edge / len(recommendations) if recommendations else 0.0
    readiness = policy.catalogue.readiness
    gap = readiness_gap(readiness)
    gaps = dict.fromkeys(note for item in recommendations for note in item.decision.notes)
    nowhere = [item.function for item in recommendations if item.recommended == NOWHERE]
    return TierAssessment(
        recommendations=recommendations,
        edge_share=round(share, 4),
        readiness_gap=round(gap, 4),
        needed_first=_needed_first(readiness, gap) if edge else (),
        gaps=(*gaps, *(f"{name}: no tier is feasible" for name in nowhere)),
    )


def _classify(policy: Policy, finding: SourceFinding, home: Home) -> ClassifiedSource:
    holds = tuple(
        dict.fromkeys(
            name for kind, name in _CLASS_BY_IDENTIFIER if finding.identifiers.get(kind, 0) > 0
        )
    )
    proposed = _CLASS_BY_KIND[finding.kind]
    if not finding.owner:
        return ClassifiedSource(
            finding=finding,
            proposed_class="grey_area",
            holds=holds,
            residency="grey",
            why=f"looks like {proposed}, but nobody is named as its owner",
        )
    why = f"{finding.kind} of this site"
    if holds and proposed not in _ALREADY_BOUND:
        # What counts as free must not carry identifiers: then it is what it carries.
        proposed, holds = holds[0], holds[1:]
        why = f"{finding.kind}, but identifiers were found in it"
    row = policy.catalogue.law_row(proposed, home.country)
    if row is None:
        why += f"; no legal row for {home.country or 'an unknown country'}, so it stays closed"
    elif row[1].legal_review == "required":
        why += f"; {row[0]}: {row[1].framework} (legal review required)"
    return ClassifiedSource(
        finding=finding,
        proposed_class=proposed,
        holds=holds,
        residency="free" if policy.moves_freely(proposed, home.country) else "bound",
        why=why,
    )


def _recommend(policy: Policy, function: AiFunction, home: Home) -> TierRecommendation:
    at = home if function.home == Home() else function.home
    workload = function.model_copy(update={"home": at}).workload
    tiers = policy.tiers_for(at)
    decision = policy.decide(workload, tiers=tiers, model_params_b=function.model_params_b)
    best = decision.ranked[0] if decision.ranked else None
    reasons = [f"{out.tier} is out: {out.because}" for out in decision.eliminated]
    if best is not None:
        strong = sorted(best.scores, key=lambda dimension: -best.scores[dimension])
        reasons.insert(
            0,
            f"{best.tier} ranks first ({best.score:.2f}); strongest in "
            f"{strong[0].value.replace('_', ' ')}",
        )
    return TierRecommendation(
        function=function.name,
        recommended=NOWHERE if best is None else best.tier,
        in_words=tier_words(decision, tiers),
        reasons=tuple(reasons),
        obligations=() if best is None else best.obligations,
        on_premises=best is not None
        and any(tier.id == best.tier and tier.on_premises for tier in tiers),
        alternatives=tuple(tier.tier for tier in decision.ranked[1:]),
        decision=decision,
    )


def _needed_first(readiness: Readiness, gap: float) -> tuple[str, ...]:
    """What to build or buy before work goes to the edge; nothing for who is ready."""
    skills: Mapping[str, str] = {
        "model optimization (quantize, distil, evaluate at the edge)": readiness.model_optimization,
        "distributed operations over the sites": readiness.distributed_operations,
        "fleet management (roll-out, drift, rollback)": readiness.fleet_management,
    }
    needed = [f"build: {name}" for name, level in skills.items() if level == "none"]
    needed += [f"strengthen: {name}" for name, level in skills.items() if level == "some"]
    if not readiness.on_call:
        needed.append("build: on-call for the edge tier")
    if readiness.partner is not None:
        return (f"agree with {readiness.partner} who covers: {'; '.join(needed) or 'operations'}",)
    if gap >= _READY_ENOUGH and needed:
        needed.append("or engage a partner that runs the edge, before building it")
    return tuple(needed)
