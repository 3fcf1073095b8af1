"""Which model answers: the catalogue's offers, seen from a tier that promises a residency.

`placement.model_routing` chooses among them; how hard a question is, is told from its evidence.
"""

from __future__ import annotations

from collections.abc import Mapping

from agents.findings import AlarmSummary, EvidencePack
from agents.root_cause_analyst import question_text
from orchestrator.models.converse import Residency, TokenPrice, base_model_id, residency_of
from placement.catalogue import Catalogue, TierFacts
from placement.model_routing import QuestionSize
from telecom.tokens import estimate_tokens

RIVAL_FROM = 0.75
"""Share of a leading cause's score from which the next candidate competes with it."""

_WIDTH = {"site": 0, "in_region": 1, "geography": 2, "global": 3}


def residency_in(catalogue: Catalogue, model_id: str) -> Residency:
    """How far a call may travel; the catalogue knows it of its own prompt router, the id does not.

    A router may pass a question to any of its members: its residency is the widest of theirs.
    """
    router = catalogue.routing.prompt_router
    if router is not None and router.arn == model_id:
        return router.residency
    return residency_of(model_id)


def tier_carries(catalogue: Catalogue, tier: TierFacts, model_id: str) -> bool:
    """Whether a call to `model_id` stays within what the tier promises."""
    return _WIDTH[residency_in(catalogue, model_id)] <= _WIDTH[tier.processing]


def models_offered(catalogue: Catalogue, tier: TierFacts, *, region: str | None) -> tuple[str, ...]:
    """The models that routing may call from a tier: the router's and the best of each strength.

    Args:
        catalogue: Models, their offers and the order of preference.
        tier: Whose promise of residency has to hold.
        region: The AWS Region called; None has no offers.
    """
    routing = catalogue.routing
    found: list[str] = []
    router = routing.prompt_router
    if router is not None and _calls(router.regions, region):
        found += [router.arn] if router.residency == tier.processing else []
    for names in (routing.strong, routing.light):
        best = (
            offer.model_id
            for name in names
            for offer in catalogue.models[name].offers
            if offer.residency == tier.processing and _calls(offer.regions, region)
        )
        found += [model_id for model_id in [next(best, None)] if model_id is not None]
    return tuple(dict.fromkeys(found))


def question_size(pack: EvidencePack) -> QuestionSize:
    """Tell how hard a question is from its evidence."""
    return QuestionSize(
        estimate_tokens(question_text(pack)), sum(_competing(summary) for summary in pack.alarms)
    )


def _competing(summary: AlarmSummary) -> int:
    """How many explanations of one site's alarms compete: those asserted, and their rivals.

    Where triage could not tell, every candidate does.
    """
    candidates = summary.root_cause_candidates
    if summary.verdict == "none":
        return 0
    if not summary.causes or not candidates:
        return len(candidates)
    weakest = min(candidate.score for candidate in candidates[: summary.causes])
    rivals = candidates[summary.causes :]
    return summary.causes + sum(rival.score >= RIVAL_FROM * weakest for rival in rivals)


def _calls(regions: tuple[str, ...], region: str | None) -> bool:
    return region is not None and ("*" in regions or region in regions)


def prices(catalogue: Catalogue) -> Mapping[str, TokenPrice]:
    """The catalogue's prices by base model id."""
    return {
        base_model_id(offer.model_id): TokenPrice(
            model.price.input, model.price.output, model.price.cached_input
        )
        for model in catalogue.models.values()
        for offer in model.offers
    }
