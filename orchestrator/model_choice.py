"""Which model answers: the catalogue's offers, seen from a tier that promises a residency."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.models.converse import TokenPrice, base_model_id, residency_of
from placement.catalogue import Catalogue, TierFacts

_WIDTH = {"site": 0, "in_region": 1, "geography": 2, "global": 3}


def tier_carries(tier: TierFacts, model_id: str) -> bool:
    """Whether a call to `model_id` stays within what the tier promises."""
    return _WIDTH[residency_of(model_id)] <= _WIDTH[tier.processing]


def model_offered(
    catalogue: Catalogue, tier: TierFacts, *, region: str | None, wanted: str | None
) -> str | None:
    """The model id to call from a tier.

    Args:
        catalogue: Models, their offers and the order of preference.
        tier: Whose promise of residency has to hold.
        region: The AWS Region called; None has no offers.
        wanted: A model the operator chose; it is taken where its residency is the tier's own.

    Returns:
        The strongest model's id, or None when nothing fits.
    """
    if wanted is not None:
        return wanted if residency_of(wanted) == tier.processing else None
    for name in (*catalogue.routing.strong, *catalogue.routing.light):
        for offer in catalogue.models[name].offers:
            here = "*" in offer.regions or region in offer.regions
            if region is not None and here and offer.residency == tier.processing:
                return offer.model_id
    return None


def prices(catalogue: Catalogue) -> Mapping[str, TokenPrice]:
    """The catalogue's prices by base model id."""
    return {
        base_model_id(offer.model_id): TokenPrice(
            model.price.input, model.price.output, model.price.cached_input
        )
        for model in catalogue.models.values()
        for offer in model.offers
    }
