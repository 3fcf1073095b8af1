"""Places one workload on one tier, and says what of its treatment the tier relies upon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from placement.catalogue import Catalogue
from placement.decision import Verdict
from placement.evaluation import Evaluator, Question
from placement.forms import includes
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
    """Finds what a placement relies upon by asking the same policy again."""

    catalogue: Catalogue
    evaluator: Evaluator
    judge: Judge

    def place(self, question: Question) -> Feasible | Infeasible:
        """Place the workload of `question`; a release that needs approval counts as approvable.

        What was done to the data is a fact of the workload. Where the tier depends on it, it comes
        back as an obligation; what was not done is a remedy, never assumed.
        """
        verdict = self.judge(question)
        if not verdict.permitted:
            return Infeasible(question, verdict)
        return self._feasible(question, self._relied_upon(question))

    def _relied_upon(self, question: Question) -> Treatment:
        """The weakest part of what was done to the data that opens the tier."""
        untouched = _untouched(question)
        if untouched.form is question.form or self.judge(untouched).permitted:
            return AS_IT_IS
        for treatment in self.treatments(untouched, summaries=True):
            treated = treat(untouched, treatment)
            if includes(question.form, treated.form) and self.judge(treated).permitted:
                return treatment
        return Treatment(
            pseudonymize=question.pseudonymized and not question.anonymized,
            anonymize=question.anonymized,
            summarize=question.summarized,
        )

    def treatments(self, question: Question, *, summaries: bool) -> tuple[Treatment, ...]:
        """Treatments that change what the data demands, weakest first."""
        seen = {self._demands(question)}
        found: list[Treatment] = []
        for treatment in treatments_for(question, summaries=summaries):
            demands = self._demands(treat(question, treatment))
            if demands not in seen:
                seen.add(demands)
                found.append(treatment)
        return tuple(found)

    def _demands(self, question: Question) -> frozenset[str]:
        workload = question.workload
        return self.evaluator.demands(workload.data_classes, workload.home.country, question.form)

    def _feasible(self, question: Question, treatment: Treatment) -> Feasible:
        """Word what the placement depends on."""
        workload, tier = question.workload, question.tier
        demands = self._demands(treat(_untouched(question), treatment))
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


def _untouched(question: Question) -> Question:
    """Ask the same about the data as it was."""
    return replace(question, pseudonymized=False, anonymized=False, summarized=False)


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
