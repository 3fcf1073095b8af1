"""What a decision rests on that nobody has stated or measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from placement.catalogue import Catalogue, TierInstance
from telecom.workload import WorkloadProfile


def notes_on(
    workload: WorkloadProfile,
    tiers: Sequence[TierInstance],
    budget_ms: float | None,
    catalogue: Catalogue,
) -> tuple[str, ...]:
    """Name unknown facts, assumed numbers and open reviews that this decision used."""
    return (
        *_class_notes(workload, catalogue),
        *_unknown_notes(workload, tiers),
        *_latency_notes(tiers, budget_ms),
    )


def _class_notes(workload: WorkloadProfile, catalogue: Catalogue) -> Iterator[str]:
    country = workload.home.country
    if not workload.data_classes:
        yield "no data class is named: the most closed one counts"
    for name in workload.data_classes:
        entry, found = catalogue.classes.get(name), catalogue.law_row(name, country)
        if entry is None:
            yield f"data class {name!r} is not in the catalogue: it counts as the most closed one"
        elif found is None:
            yield (
                f"{name} has no row for {country or 'an unknown country'}: "
                "it counts as the most closed one"
            )
        elif entry.grey_area and found[1].legal_review == "required":
            yield f"{name} is a grey area: closed until a named person has reviewed it"
        elif entry.k_anonymity is not None:
            yield f"{name} counts as aggregated over groups of at least {entry.k_anonymity} only"


def _unknown_notes(workload: WorkloadProfile, tiers: Sequence[TierInstance]) -> Iterator[str]:
    if workload.home.country is None:
        yield "home.country is unknown: no rule that asks for the home country is met"
    unknown = [tier.id for tier in tiers if tier.country is None and not tier.is_at(workload.home)]
    if workload.home.country is not None and unknown:
        yield f"country unknown: {', '.join(unknown)}"


def _latency_notes(tiers: Sequence[TierInstance], budget_ms: float | None) -> Iterator[str]:
    if budget_ms is None:
        return
    assumed = [
        f"{tier.id} {tier.rtt_ms.p95:g} ms"
        for tier in tiers
        if tier.rtt_ms is not None and tier.rtt_ms.basis == "assumed"
    ]
    if assumed:
        yield f"round trips assumed, not measured: {', '.join(assumed)}"
    unknown = [tier.id for tier in tiers if tier.rtt_ms is None]
    if unknown:
        yield f"round trip unknown: {', '.join(unknown)}"
