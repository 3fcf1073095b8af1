"""What the policy says of a release: each question put once, as long as the policy stands.

An answer that leaves asks the same few questions as the one before (this tool, this caller's tier,
this form), so tier instances, workloads, verdicts and decision ids are kept per policy version.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from placement import Policy, TierInstance, Verdict
from telecom.workload import DataClass, Home, LifecyclePhase, WorkloadProfile

_REMEMBERED = 4096
"""Questions kept; tools, classes and tiers are few, so this is a guard and no tuning knob."""


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Judgement:
    """A release as the policy sees it, and what it said."""

    workload: WorkloadProfile
    tier: TierInstance
    verdict: Verdict
    policy: Policy

    @cached_property
    def decision_id(self) -> str:
        """The same for the same question under the same policy."""
        question = [
            self.workload.model_dump(mode="json"),
            self.tier.model_dump(mode="json"),
            self.policy.policy_sha256,
            self.policy.catalogue_sha256,
        ]
        text = json.dumps(question, ensure_ascii=False, separators=(",", ":"))
        return f"eg-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


class ReleaseDecisions:
    """One version of the policy, asked from one site; safe to share between threads."""

    def __init__(self, policy: Policy, home: Home) -> None:
        self.policy = policy
        self._home = home
        self._tiers: dict[str | None, TierInstance] = {}
        self._judged: dict[tuple[object, ...], Judgement] = {}
        self._limits: dict[tuple[DataClass, ...], int] = {}

    def tier(self, tier_id: str | None) -> TierInstance:
        """The tier instance of that id; None and an unknown one are outside."""
        known = self._tiers.get(tier_id)
        if known is None:
            found = None if tier_id is None else self.policy.tier(tier_id, self._home)
            known = found or self.policy.outside()
            self._tiers[tier_id] = known
        return known

    def summary_limit(self, data_classes: tuple[DataClass, ...]) -> int:
        """Tokens up to which an answer of these classes counts as a summary."""
        known = self._limits.get(data_classes)
        if known is None:
            known = self.policy.summary_limit(data_classes)
            _keep(self._limits, data_classes, known)
        return known

    def judge(
        self,
        tool: str,
        data_classes: tuple[DataClass, ...],
        tier: TierInstance,
        *,
        form: str,
        summarized: bool,
    ) -> Judgement:
        """Ask whether what `tool` answers may go to `tier` in this form."""
        key = (tool, data_classes, tier.id, form, summarized)
        known = self._judged.get(key)
        # An operator may give a tier of the catalogue any name, also that of the one outside.
        if known is None or known.tier is not tier:
            workload = WorkloadProfile(
                name=f"release:{tool}",
                phase=LifecyclePhase.AGENTIC_ORCHESTRATION,
                data_classes=data_classes,
                home=self._home,
                pseudonymized=form == "pseudonymized",
                anonymized=form == "anonymized",
                summarized=summarized,
            )
            known = Judgement(workload, tier, self.policy.verdict(workload, tier), self.policy)
            _keep(self._judged, key, known)
        return known


def _keep(kept: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    if len(kept) >= _REMEMBERED:
        kept.clear()
    kept[key] = value
