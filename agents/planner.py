"""`planner`: a question or trigger becomes the steps of an investigation.

Deterministic: what to look at follows from what is there, not from a model's mood. A model may ask
back for more later, through tools, under the same policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agents.findings import AlarmSummary
from telecom.repair_steps import steps_done
from telecom.workload import LifecyclePhase, WorkloadProfile

PROFILE = WorkloadProfile(
    name="planner",
    phase=LifecyclePhase.AGENTIC_ORCHESTRATION,
    data_classes=("incident_report",),
    summarized=True,
)

AgentName = Literal["config_auditor", "ticket_historian"]


@dataclass(frozen=True, slots=True)
class Step:
    """One delegation to make."""

    agent: AgentName
    around: tuple[str, ...]
    """Managed objects to look around, most suspicious first."""
    symptoms: tuple[str, ...] = ()
    probable_cause: str | None = None
    done: tuple[str, ...] = ()
    """What a person says was done already."""


def plan(summary: AlarmSummary, *, question: str | None = None) -> Sequence[Step]:
    """Decide what to look at after the alarms were folded.

    Returns:
        The steps of one site, which can run side by side. Past tickets are asked for only where
        there is something to compare them with.
    """
    candidates = summary.root_cause_candidates
    around = tuple(candidate.managed_object for candidate in candidates[:5])
    if not around:
        around = tuple(dict.fromkeys(group.managed_object for group in summary.groups[:5]))
    symptoms = [
        *(group.template for group in summary.groups[:6]),
        *(candidate.specific_problem for candidate in candidates[:2]),
    ]
    if question:
        symptoms.insert(0, question)
    suspicion = candidates[0].probable_cause if candidates and summary.causes else None
    changes = Step("config_auditor", around)
    if not symptoms:
        return (changes,)
    done = tuple(steps_done(question or ""))
    return (
        changes,
        Step("ticket_historian", around, tuple(symptoms), suspicion, done=done),
    )
