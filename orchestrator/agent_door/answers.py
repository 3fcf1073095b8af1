"""What the agent door answers: a report to the length that a caller's model can use."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import Field

from telecom.evidence import Evidence, Gap
from telecom.report import CausalLink, NextAction, ReportStatus, RootCause, RootCauseReport
from telecom.schema import ProductModel

FIRST_ACTIONS = 3
"""What an engineer takes in at once."""


class FoundCauses(ProductModel):
    """An investigation in short: what is asserted, on what, and what could not be seen."""

    incident_id: str
    state: Literal["finished", "running"]
    """`running`: ask get_report with this incident_id; nothing below is known yet."""
    finished_steps: tuple[str, ...] = ()
    status: ReportStatus | None = None
    headline: str | None = None
    root_causes: tuple[RootCause, ...] = ()
    causal_chain: tuple[CausalLink, ...] = ()
    next_actions: tuple[NextAction, ...] = ()
    gaps: tuple[Gap, ...] = ()
    evidence: dict[str, Evidence] = Field(default_factory=dict)
    """What the statements above cite, as the site released it."""


class ListedIncident(ProductModel):
    """One incident in a list."""

    incident_id: str
    state: str
    headline: str | None
    """None as long as there is no report."""
    opened_at: datetime | None
    sites: tuple[str, ...]


class IncidentList(ProductModel):
    """Incidents, newest first."""

    incidents: tuple[ListedIncident, ...]
    left_out: int


def in_short(report: RootCauseReport) -> FoundCauses:
    """The first screen of a report, with the evidence behind it."""
    actions = report.next_actions[:FIRST_ACTIONS]
    cited = (
        *(key for cause in report.root_causes for key in cause.evidence_ids),
        *(key for link in report.causal_chain for key in link.evidence_ids),
        *(key for action in actions for key in action.evidence_ids),
    )
    return FoundCauses(
        incident_id=report.incident_id,
        state="finished",
        status=report.status,
        headline=report.headline,
        root_causes=report.root_causes,
        causal_chain=report.causal_chain,
        next_actions=actions,
        gaps=report.gaps,
        evidence=_evidence(report, cited),
    )


def _evidence(report: RootCauseReport, keys: Iterable[str]) -> dict[str, Evidence]:
    return {key: report.evidence[key] for key in dict.fromkeys(keys) if key in report.evidence}


def text_of(found: FoundCauses) -> str:
    """The same in words, for a model that reads text only."""
    if found.state == "running":
        done = ", ".join(found.finished_steps) or "nothing yet"
        return (
            f"{found.incident_id} is still being investigated (done: {done}); "
            f'call get_report with incident_id="{found.incident_id}"'
        )
    lines = [f"{found.incident_id}: {found.headline} (status {found.status})"]
    for cause in found.root_causes:
        lines.append(
            f"root cause: {cause.managed_object}: {cause.probable_cause}; "
            f"{cause.specific_problem} ({cause.role}, confidence {cause.confidence:.2f}: "
            f"{cause.confidence_basis}) [{', '.join(cause.evidence_ids)}]"
        )
    for link in found.causal_chain:
        lines.append(
            f"then: {link.source} ({link.condition}) -> {link.target} ({link.effect}) "
            f"[{', '.join(link.evidence_ids)}]"
        )
    for number, action in enumerate(found.next_actions, start=1):
        changes = "" if action.read_only else " (changes the network)"
        lines.append(f"action {number}: {action.action}{changes}")
    lines += [f"not looked at: {gap.what}: {gap.why}" for gap in found.gaps]
    lines += [
        f"[{key}] {item.locator}: {item.quote}"
        for key, item in found.evidence.items()
        if item.quote is not None
    ]
    return "\n".join(lines)
