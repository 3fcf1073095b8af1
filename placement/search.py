"""Places one workload on one tier: as it is, under the weakest treatment, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from placement.catalogue import Catalogue
from placement.decision import Verdict
from placement.evaluation import Evaluator, Question
from placement.obligations import (
    AS_IT_IS,
    HUMAN_APPROVAL,
    IN_GEOGRAPHY_ONLY,
    IN_REGION_ONLY,
    Treatment,
    treatments_for,
)
from telecom.workload import Dimension, TierKind

Judge = Callable[[Question], Verdict]

_WORTH_A_LOOK = 2
"""From more candidates than this, asking about the strongest one first pays."""


@dataclass(frozen=True, slots=True)
class Feasible:
    """A tier that may run the workload, and under which conditions."""

    question: Question
    """The question that was permitted."""
    treatment: Treatment
    approval: bool
    obligations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Infeasible:
    """A tier that may not, with the verdict on the data as it is."""

    question: Question
    verdict: Verdict


@dataclass(frozen=True)
class Search:
    """Finds obligations by asking the same policy again."""

    catalogue: Catalogue
    evaluator: Evaluator
    judge: Judge
    blind_to_data: frozenset[str]
    """Rules that no treatment of the data can satisfy."""

    def place(self, question: Question) -> Feasible | Infeasible:
        """Place the workload of `question`; a release that needs approval counts as approvable."""
        verdict = self.judge(question)
        if verdict.permitted:
            return self._feasible(question, AS_IT_IS)
        for treatment in self._promising(question, verdict):
            treated = treat(question, treatment)
            if self.judge(treated).permitted:
                return self._feasible(treated, treatment)
        return Infeasible(question, verdict)

    def treatments(self, question: Question, *, summaries: bool) -> tuple[Treatment, ...]:
        """Treatments that change what the data demands, weakest first."""
        seen = {self._demands(question)}
        found: list[Treatment] = []
        for treatment in treatments_for(question.workload, summaries=summaries):
            demands = self._demands(treat(question, treatment))
            if demands not in seen:
                seen.add(demands)
                found.append(treatment)
        return tuple(found)

    def _promising(self, question: Question, verdict: Verdict) -> tuple[Treatment, ...]:
        """Treatments worth trying, weakest first.

        None when no sovereignty rule is broken: a knowledge base is not copied away only because
        it could be. None when a rule is broken that does not look at the data. None when the
        strongest treatment is not enough, which saves asking about many weaker ones.
        """
        if is_free_of_sovereignty(verdict) or any(
            broken.rule in self.blind_to_data for broken in verdict.eliminations
        ):
            return ()
        summaries = self.catalogue.phases[question.workload.phase].works_on_summary
        found = self.treatments(question, summaries=summaries)
        if len(found) > _WORTH_A_LOOK and not self.judge(treat(question, found[-1])).permitted:
            return ()
        return found

    def _demands(self, question: Question) -> frozenset[str]:
        workload = question.workload
        return self.evaluator.demands(workload.data_classes, workload.home.country, question.form)

    def _feasible(self, question: Question, treatment: Treatment) -> Feasible:
        """Word what the placement depends on."""
        workload, tier = question.workload, question.tier
        demands = self._demands(question)
        approval = "human_approval" in demands and not tier.is_at(workload.home)
        limit = min(
            (
                entry.summary_tokens
                for name in workload.data_classes
                if (entry := self.catalogue.classes.get(name)) is not None
            ),
            default=0,
        )
        obligations = list(treatment.obligations(limit))
        if tier.kind is TierKind.REGION and not tier.is_at(workload.home):
            if "country" in demands:
                obligations.append(IN_REGION_ONLY)
            elif "geography" in demands:
                obligations.append(IN_GEOGRAPHY_ONLY)
        if approval:
            obligations.append(HUMAN_APPROVAL)
        return Feasible(question, treatment, approval, tuple(obligations))


def treat(question: Question, treatment: Treatment) -> Question:
    """Ask the same about data to which `treatment` was done."""
    # `dataclasses.replace` would take half the time of a decision.
    return Question(
        workload=question.workload,
        tier=question.tier,
        pseudonymized=question.pseudonymized or treatment.pseudonymize,
        anonymized=question.anonymized or treatment.anonymize,
        summarized=question.summarized or treatment.summarize,
        approved=question.approved,
        available=question.available,
        model_params_b=question.model_params_b,
        budget_ms=question.budget_ms,
    )


def is_free_of_sovereignty(verdict: Verdict) -> bool:
    """Tell whether no sovereignty rule is broken, so that the form of the data is no problem."""
    return all(broken.dimension is not Dimension.SOVEREIGNTY for broken in verdict.eliminations)
