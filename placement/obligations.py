"""What can be done to data so that a tier becomes feasible, the weakest treatment first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from placement.catalogue import Form
from placement.forms import form_of

HUMAN_APPROVAL = "human approval"
IN_REGION_ONLY = "in-Region model only"
IN_GEOGRAPHY_ONLY = "in-geography model only"


class DataForm(Protocol):
    """Whatever says what was done to its data: a workload, or a question about one."""

    @property
    def pseudonymized(self) -> bool:
        """Identifiers replaced by tokens that the site can reverse."""
        ...

    @property
    def anonymized(self) -> bool:
        """Identifiers gone for good."""
        ...

    @property
    def summarized(self) -> bool:
        """Cut to an extract."""
        ...


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to the data on the site before the workload sees it."""

    pseudonymize: bool = False
    anonymize: bool = False
    summarize: bool = False

    def form(self, workload: DataForm) -> Form:
        """The form of the workload's data after this treatment."""
        return form_of(
            pseudonymized=workload.pseudonymized or self.pseudonymize,
            anonymized=workload.anonymized or self.anonymize,
            summarized=workload.summarized or self.summarize,
        )

    def obligations(self, summary_tokens: int) -> tuple[str, ...]:
        """Word the treatment."""
        return (
            *(["pseudonymize"] if self.pseudonymize else []),
            *(["anonymize"] if self.anonymize else []),
            *([f"summarize to <= {summary_tokens} tokens"] if self.summarize else []),
        )


AS_IT_IS = Treatment()
STRONGEST = Treatment(anonymize=True, summarize=True)
_WEAKEST_FIRST = (
    Treatment(pseudonymize=True),
    Treatment(summarize=True),
    Treatment(pseudonymize=True, summarize=True),
    Treatment(anonymize=True),
    STRONGEST,
)


def treatments_for(workload: DataForm, *, summaries: bool) -> tuple[Treatment, ...]:
    """Treatments that add something to what was already done, weakest first."""
    tried = {AS_IT_IS.form(workload)}
    found = []
    for treatment in _WEAKEST_FIRST:
        repeats = (
            (treatment.pseudonymize and (workload.pseudonymized or workload.anonymized))
            or (treatment.anonymize and workload.anonymized)
            or (treatment.summarize and (workload.summarized or not summaries))
        )
        if not repeats and treatment.form(workload) not in tried:
            tried.add(treatment.form(workload))
            found.append(treatment)
    return tuple(found)
