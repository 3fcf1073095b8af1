"""The policy: where may this workload run, where should it, and what would have to be done first.

Deciding never raises. An invalid or missing policy does not load (`PolicyError`); what runs without
one uses `closed_policy`, which permits nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from placement.catalogue import Catalogue, Form, TierInstance
from placement.catalogue_file import REFERENCE_CATALOGUE, validate_catalogue
from placement.decision import (
    DecisionRecord,
    EliminatedTier,
    Elimination,
    PlacementDecision,
    RankedTier,
    Verdict,
    Violation,
)
from placement.evaluation import Evaluator, Question, VerdictKey, verdict_key
from placement.explanation import explain
from placement.notes import notes_on
from placement.ranking import score_tier
from placement.remedies import find_remedy
from placement.rules import REFERENCE_RULES, Rule, RuleSet, load_rules
from placement.search import Feasible, Infeasible, Search
from placement.yaml_document import Document, read_document
from telecom.errors import PolicyError, PolicyProblem
from telecom.workload import DataClass, Dimension, Home, TierKind, WorkloadProfile

NOT_LOADED = "not-loaded"
"""Stands for the hash of a policy that did not load."""

TIER_NOT_AVAILABLE = "tier-not-available"
"""The rule that an outage breaks."""
_NO_OUTAGE: Mapping[str, str] = {}
_REMEMBERED_VERDICTS = 16_384
_KIND_ORDER = {kind: rank for rank, kind in enumerate(TierKind)}


class Policy:
    """A validated catalogue with validated rules; immutable, safe to share between threads."""

    def __init__(self, catalogue: Catalogue, rules: RuleSet, *, catalogue_sha256: str) -> None:
        """Prepare the handles.

        Raises:
            PolicyError: The catalogue does not fit the rules' schema.
        """
        self.catalogue = catalogue
        self.rules = rules
        self.policy_sha256 = rules.sha256
        self.catalogue_sha256 = catalogue_sha256
        self._evaluator = Evaluator(catalogue, rules)
        self._verdicts: dict[VerdictKey, Verdict] = {}
        self._search = Search(
            catalogue,
            self._evaluator,
            self._verdict,
        )

    # ------------------------------------------------------------------ tiers

    def tiers_for(self, home: Home) -> tuple[TierInstance, ...]:
        """The catalogue's tiers, templates put into the home country and to the home site."""
        return tuple(
            entry.resolve(tier_id, home) for tier_id, entry in self.catalogue.tiers.items()
        )

    def model_endpoints_for(self, home: Home) -> tuple[TierInstance, ...]:
        """The Region's model endpoints: in-Region, geography and global."""
        regions = [
            entry.resolve(tier_id, home)
            for tier_id, entry in self.catalogue.tiers.items()
            if entry.kind is TierKind.REGION
        ]
        wider = [
            entry.resolve(tier_id, home)
            for tier_id, entry in self.catalogue.model_endpoints.items()
        ]
        return (*regions, *wider)

    def tier(self, tier_id: str, home: Home) -> TierInstance | None:
        """Find a tier or model endpoint by its id."""
        entry = self.catalogue.tiers.get(tier_id) or self.catalogue.model_endpoints.get(tier_id)
        return None if entry is None else entry.resolve(tier_id, home)

    def outside(self) -> TierInstance:
        """The lowest-trust destination: nobody knows where it is or what it keeps."""
        return TierInstance.model_validate(
            {
                "id": "outside",
                "kind": TierKind.REGION,
                "processing": "global",
                "offers": tuple(self.catalogue.capabilities),
                "operations_effort": 0.0,
            }
        )

    # ---------------------------------------------------------------- answers

    def verdict(
        self, workload: WorkloadProfile, tier: TierInstance, *, approved: bool = False
    ) -> Verdict:
        """Ask whether `tier` may run `workload`, its flags taken as they are.

        Args:
            workload: Pseudonymized, anonymized and summarized are facts here, never wishes.
            tier: Where it would run.
            approved: A named person on the site has approved this release.
        """
        key = verdict_key(
            workload,
            tier,
            self.budget_ms(workload),
            pseudonymized=workload.pseudonymized,
            anonymized=workload.anonymized,
            summarized=workload.summarized,
            approved=approved,
        )
        known = self._verdicts.get(key)
        if known is not None:
            return known
        return self._evaluate(self._question(workload, tier, approved=approved), key)

    def decide(
        self,
        workload: WorkloadProfile,
        *,
        tiers: Sequence[TierInstance] | None = None,
        unavailable: Collection[str] = (),
        outages: Mapping[str, str] = _NO_OUTAGE,
        model_params_b: float | None = None,
    ) -> PlacementDecision:
        """Rank the tiers that may run `workload` and say why the others may not.

        Args:
            workload: What is to be placed.
            tiers: Where it could run; None is every tier of the catalogue.
            unavailable: Ids of tiers that are out at the moment.
            outages: The same, each with what is known about it: `unreachable since ...`.
            model_params_b: Size of the model it serves, in billions of parameters.
        """
        asked = self.tiers_for(workload.home) if tiers is None else tuple(tiers)
        out = frozenset(unavailable) | frozenset(outages)
        # 70 and 70.0 are one question and get one decision id.
        model_params_b = None if model_params_b is None else float(model_params_b)
        placed = [
            self._search.place(
                self._question(
                    workload,
                    tier,
                    approved=True,
                    available=tier.id not in out,
                    model_params_b=model_params_b,
                )
            )
            for tier in asked
        ]
        ranked = [self._rank(found) for found in placed if isinstance(found, Feasible)]
        ranked.sort(key=lambda tier: (-tier.score, _KIND_ORDER[tier.kind], tier.tier))
        inputs = [
            workload.model_dump(),
            [tier.model_dump() for tier in asked],
            sorted(out),
            model_params_b,
            *([dict(outages)] if outages else ()),
        ]
        return PlacementDecision(
            decision_id=self._decision_id(inputs),
            workload=workload,
            ranked=tuple(ranked),
            eliminated=tuple(
                self._eliminate(found, outages) for found in placed if isinstance(found, Infeasible)
            ),
            notes=notes_on(workload, asked, self.budget_ms(workload), self.catalogue),
            policy_sha256=self.policy_sha256,
            catalogue_sha256=self.catalogue_sha256,
        )

    def record(
        self,
        workload: WorkloadProfile,
        *,
        tiers: Sequence[TierInstance] | None = None,
        unavailable: Collection[str] = (),
        outages: Mapping[str, str] = _NO_OUTAGE,
        model_params_b: float | None = None,
    ) -> DecisionRecord:
        """Decide, and keep everything that went into it for replay."""
        asked = self.tiers_for(workload.home) if tiers is None else tuple(tiers)
        return DecisionRecord(
            decision=self.decide(
                workload,
                tiers=asked,
                unavailable=unavailable,
                outages=outages,
                model_params_b=model_params_b,
            ),
            tiers=asked,
            unavailable=tuple(sorted(unavailable)),
            outages=dict(outages),
            model_params_b=model_params_b,
        )

    def summary_limit(self, data_classes: Collection[DataClass]) -> int:
        """The longest text, in tokens, that counts as a summary of all these classes.

        0 when a class is unknown: then nothing counts as a summary.
        """
        known = self.catalogue.classes
        if not data_classes or any(name not in known for name in data_classes):
            return 0
        return min(known[name].summary_tokens for name in data_classes)

    def moves_freely(self, data_class: DataClass, country: str | None) -> bool:
        """Tell whether nothing binds a class as it is; an unknown class or country is bound."""
        return not self._evaluator.demands((data_class,), country, Form.RAW)

    def budget_ms(self, workload: WorkloadProfile) -> float | None:
        """The workload's latency budget, or its phase's; None is batch."""
        if workload.latency_budget_ms is not None:
            return workload.latency_budget_ms
        return self.catalogue.phases[workload.phase].latency_budget_ms

    # ----------------------------------------------------------------- inside

    def _question(
        self,
        workload: WorkloadProfile,
        tier: TierInstance,
        *,
        approved: bool = False,
        available: bool = True,
        model_params_b: float | None = None,
    ) -> Question:
        return Question(
            workload=workload,
            tier=tier,
            pseudonymized=workload.pseudonymized,
            anonymized=workload.anonymized,
            summarized=workload.summarized,
            approved=approved,
            available=available,
            model_params_b=model_params_b,
            budget_ms=self.budget_ms(workload),
        )

    def _verdict(self, question: Question) -> Verdict:
        """Evaluate once and remember."""
        key = question.key
        return self._verdicts.get(key) or self._evaluate(question, key)

    def _evaluate(self, question: Question, key: VerdictKey) -> Verdict:
        violated = self._violated(question)
        verdict = Verdict(
            permitted=not violated,
            eliminations=tuple(explain(rule, question, self.catalogue) for rule in violated),
        )
        if len(self._verdicts) >= _REMEMBERED_VERDICTS:
            self._verdicts.clear()
        self._verdicts[key] = verdict
        return verdict

    def _violated(self, question: Question) -> tuple[Rule, ...]:
        return self._evaluator.violated(question)

    def _rank(self, found: Feasible) -> RankedTier:
        tier = found.question.tier
        score, scores = score_tier(
            found.question.workload,
            tier,
            found.treatment,
            approval=found.approval,
            budget_ms=found.question.budget_ms,
            weights=self.catalogue.weights,
            readiness=self.catalogue.readiness,
        )
        return RankedTier(
            tier=tier.id,
            kind=tier.kind,
            score=score,
            scores=scores,
            obligations=found.obligations,
        )

    def _eliminate(self, out: Infeasible, outages: Mapping[str, str]) -> EliminatedTier:
        outage = outages.get(out.question.tier.id)
        broken_rules = [_with_outage(broken, outage) for broken in out.verdict.eliminations]
        decisive = broken_rules[0]
        return EliminatedTier(
            tier=out.question.tier.id,
            kind=out.question.tier.kind,
            dimension=decisive.dimension,
            rule=decisive.rule,
            because=decisive.because,
            remedy=find_remedy(out, self._search),
            violations=tuple(
                Violation(dimension=broken.dimension, rule=broken.rule, because=broken.because)
                for broken in broken_rules
            ),
        )

    def _decision_id(self, inputs: object) -> str:
        text = json.dumps(
            [inputs, self.policy_sha256, self.catalogue_sha256], sort_keys=True, default=str
        )
        return f"pd-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _with_outage(broken: Elimination, outage: str | None) -> Elimination:
    """Say what is known of an outage where it is what forbids."""
    if outage is None or broken.rule != TIER_NOT_AVAILABLE:
        return broken
    return replace(broken, because=f"{broken.because}: {outage}")


class ClosedPolicy(Policy):
    """What takes the place of a policy that did not load: it permits nothing."""

    def __init__(self, error: PolicyError) -> None:
        """Keep the reference's tiers, so that a refusal can name them."""
        reference = load_policy()
        super().__init__(reference.catalogue, reference.rules, catalogue_sha256=NOT_LOADED)
        self.policy_sha256 = NOT_LOADED
        self._rule = Rule(
            id="policy-not-loaded",
            dimension=Dimension.SOVEREIGNTY,
            because="the placement policy did not load, so nothing is placed",
            remedy=f"correct it: {error.problems[0]}" if error.problems else "restore it",
        )

    def _violated(self, question: Question) -> tuple[Rule, ...]:
        return (self._rule,)


def load_policy(catalogue: Path | None = None, rules: Path | None = None) -> Policy:
    """Load a catalogue and rules; each defaults to the shipped reference.

    Raises:
        PolicyError: Lists every problem of both files, with file and line.
    """
    problems: list[PolicyProblem] = []
    document: Document | None = None
    facts: Catalogue | None = None
    rule_set: RuleSet | None = None
    try:
        document = read_document(catalogue or REFERENCE_CATALOGUE)
        facts = validate_catalogue(document)
    except PolicyError as exc:
        problems += exc.problems
    try:
        rule_set = load_rules(rules or REFERENCE_RULES)
    except PolicyError as exc:
        problems += exc.problems
    if problems or document is None or facts is None or rule_set is None:
        raise PolicyError(problems)
    return Policy(facts, rule_set, catalogue_sha256=document.sha256)
