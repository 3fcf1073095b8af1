"""Names the facts behind a broken rule: class, country, number, and what is unknown."""

from __future__ import annotations

from collections.abc import Iterator

from placement.catalogue import Boundary, Catalogue, home_site
from placement.decision import Elimination
from placement.evaluation import Question
from placement.forms import boundary_under
from placement.rules import Rule
from telecom.workload import Dimension


def explain(rule: Rule, question: Question, catalogue: Catalogue) -> Elimination:
    """Word a broken rule with the facts of this question."""
    match rule.dimension:
        case Dimension.SOVEREIGNTY:
            facts = [*_bound_classes(question, catalogue), *_unknown_facts(question)]
        case Dimension.LATENCY:
            facts = [*_latency_facts(question)]
        case Dimension.DATA_GRAVITY:
            facts = [f"the data lives at {home_site(question.workload.home)}"]
        case Dimension.OPERATIONS:
            facts = [*_operations_facts(question, catalogue)]
    because = f"{rule.because} ({'; '.join(facts)})" if facts else rule.because
    return Elimination(rule.id, rule.dimension, because, rule.remedy)


def _bound_classes(question: Question, catalogue: Catalogue) -> Iterator[str]:
    """Each class that is bound, with its boundary and the law behind it."""
    country = question.workload.home.country
    form = question.form
    if not question.workload.data_classes:
        yield "no data class is named, so the most closed one counts"
    for name in question.workload.data_classes:
        entry = catalogue.classes.get(name)
        found = catalogue.law_row(name, country)
        if entry is None:
            yield f"{name} is not in the catalogue and counts as site-bound"
        elif found is None:
            where = country or "an unknown country"
            yield f"{name} has no row for {where} and counts as site-bound"
        else:
            jurisdiction, row = found
            boundary = boundary_under(entry, row, form)
            if boundary is not Boundary.ANY or entry.models == "never" or entry.human_approval:
                yield f"{name} {form.value}: {boundary.value}, {jurisdiction}: {row.framework}"


def _unknown_facts(question: Question) -> Iterator[str]:
    """Attributes that nobody stated and that a sovereignty rule may have missed."""
    tier = question.tier
    missing = [
        *(["home.country"] if question.workload.home.country is None else []),
        *([f"{tier.id}.country"] if tier.country is None else []),
        *([f"{tier.id}.retention"] if tier.retention is None and not tier.on_premises else []),
    ]
    if missing:
        yield f"unknown: {', '.join(missing)}"


def _latency_facts(question: Question) -> Iterator[str]:
    if question.budget_ms is not None:
        yield f"budget {question.budget_ms:g} ms"
    trip = question.tier.rtt_ms
    if trip is None:
        yield f"unknown: {question.tier.id}.rtt_ms"
    else:
        yield f"round trip {trip.p95:g} ms at the 95th percentile, {trip.basis}"


def _operations_facts(question: Question, catalogue: Catalogue) -> Iterator[str]:
    phase = catalogue.phases[question.workload.phase]
    lacking = [need for need in phase.needs if need not in question.tier.offers]
    if lacking:
        yield f"lacks {', '.join(lacking)}"
    if question.model_params_b is not None:
        holds = question.tier.max_model_params_b
        room = f"unknown: {question.tier.id}.max_model_params_b" if holds is None else f"{holds:g}"
        yield f"model of {question.model_params_b:g} billion parameters, room for {room}"
