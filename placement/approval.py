"""Whether a named person's yes is all that keeps data from a tier."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from placement.catalogue import LegalReview, TierInstance
from placement.policy import ClosedPolicy, Policy
from telecom.workload import WorkloadProfile

_REMEMBERED_POLICIES = 8
"""A site has one policy in force; a few more while its files change."""


def awaits_approval(policy: Policy, workload: WorkloadProfile, tier: TierInstance) -> bool:
    """Tell whether an approval of this one release would let it go to `tier`.

    It would where the class itself asks for one, and where a class is a grey area: the person who
    approves stands in for the review that its row lacks, for this payload and no other. It never
    opens more than a reviewed row would.

    Args:
        policy: The one in force.
        workload: Pseudonymized, anonymized and summarized are facts, never wishes.
        tier: Where it would go.
    """
    if isinstance(policy, ClosedPolicy) or policy.verdict(workload, tier).permitted:
        return False
    if policy.verdict(workload, tier, approved=True).permitted:
        return True
    known = policy.catalogue.classes
    if not any(name in known and known[name].grey_area for name in workload.data_classes):
        return False
    return _as_if_reviewed(policy).verdict(workload, tier, approved=True).permitted


@lru_cache(maxsize=_REMEMBERED_POLICIES)
def _as_if_reviewed(policy: Policy) -> Policy:
    """The same policy with a review on every row of its grey areas."""
    review = LegalReview(by="the approver of one release", on=datetime.now(UTC).date())
    classes = {
        name: entry.model_copy(
            update={
                "rows": {
                    country: row.model_copy(update={"legal_review": review})
                    for country, row in entry.rows.items()
                }
            }
        )
        if entry.grey_area
        else entry
        for name, entry in policy.catalogue.classes.items()
    }
    catalogue = policy.catalogue.model_copy(update={"classes": classes})
    return Policy(catalogue, policy.rules, catalogue_sha256=policy.catalogue_sha256)
