"""What if a suspect were fine: what would be left unexplained, and who would lead then.

Pure arithmetic on the folded alarms: a candidate is taken out, and what only it accounts for is
counted. It says what would have to be untrue, too, because that is the honest half of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.findings import AlarmSummary, Candidate
from telecom.topology import ManagedObject


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The ranking without one element."""

    without: Candidate | None
    """What was taken out; None when the element is no suspect."""
    against: tuple[str, ...]
    """Evidence ids of what would have to be untrue."""
    orphans: tuple[str, ...]
    """Handles of alarm groups that nothing else accounts for."""
    following: Candidate | None
    """Who would lead."""
    accounted: int
    """Groups that the one who would lead accounts for."""
    groups: int
    """Groups in all."""


def without(summary: AlarmSummary, managed_object: str) -> Counterfactual:
    """Take an element out of the ranking."""
    device = ManagedObject.parse(managed_object).device.lower()
    gone = [c for c in summary.root_cause_candidates if _device(c) == device]
    left = [c for c in summary.root_cause_candidates if _device(c) != device]
    explained = {handle for candidate in left for handle in candidate.explains}
    orphans = [
        handle for candidate in gone for handle in candidate.explains if handle not in explained
    ]
    following = left[0] if left else None
    return Counterfactual(
        without=gone[0] if gone else None,
        against=_evidence(gone),
        orphans=tuple(dict.fromkeys(orphans)),
        following=following,
        accounted=0 if following is None else len(set(following.explains)),
        groups=len(summary.groups),
    )


def _device(candidate: Candidate) -> str:
    return ManagedObject.parse(candidate.managed_object).device.lower()


def _evidence(gone: Sequence[Candidate]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for candidate in gone for key in candidate.evidence))
