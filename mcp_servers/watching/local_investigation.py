"""An investigation on the site by itself: the same sub-agents, planned by the same planner.

No orchestrator and no network beyond the site: what a site can say of its own incident while the
WAN is cut, and beside the cloud half while it is not. Each piece of work is placed by the policy
first, with the cloud half's tier out where it cannot be reached; a failure is a gap in the report.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TypeVar

from pydantic import BaseModel

from agents import (
    alarm_triage,
    config_auditor,
    grounding,
    judgement,
    planner,
    predictions,
    ticket_historian,
)
from agents.findings import AlarmSummary, ChangeReview, EvidencePack, Proposal, TicketReview
from agents.ports import AlarmDesk, ConfigHistory, TicketSearch
from agents.predictions import Trials
from agents.report import assemble
from agents.root_cause_analyst import PROFILE as ANALYST_PROFILE
from agents.root_cause_analyst import ModelAnalyst, RulesAnalyst
from mcp_servers.watching.local_model import LocalModel
from placement.policy import Policy
from telecom.errors import OperatorError, ToolRefused, ToolRetry
from telecom.evidence import Evidence, Gap
from telecom.report import ProvenanceStep, RootCauseReport
from telecom.times import Window
from telecom.workload import Home, WorkloadProfile

Found = TypeVar("Found", bound=BaseModel)

DEEP_REASONING = "deep reasoning"
"""What a report of this kind lacks, by the name that its gap has."""


@dataclass(frozen=True, slots=True)
class SitePlace:
    """Where this runs, for the policy."""

    policy: Policy
    home: Home
    tier: str
    unavailable: Collection[str] = ()
    """Tiers that cannot be reached at the moment."""


@dataclass(frozen=True, slots=True)
class LocalFindings:
    """What an investigation on the site gave."""

    report: RootCauseReport
    summary: AlarmSummary


@dataclass(slots=True)
class _Account:
    """What was done where, and what could not be done."""

    place: SitePlace
    steps: list[ProvenanceStep] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    async def run(
        self,
        what: str,
        profile: WorkloadProfile,
        work: Callable[[], Awaitable[Found]],
        *,
        tier: str | None = None,
    ) -> Found | None:
        """Do one piece of work here, or on `tier`, if the policy lets it run there; else a gap."""
        tier = tier or self.place.tier
        workload = profile.model_copy(update={"home": self.place.home})
        decision = self.place.policy.decide(workload, unavailable=self.place.unavailable)
        step = ProvenanceStep(
            step=what, agent=profile.name, tier=None, decision_id=decision.decision_id
        )
        if (out := decision.why_not(tier)) is not None:
            self.steps.append(step)
            self.gaps.append(Gap(what=what, why=out.because, rule=out.rule))
            return None
        begun = time.perf_counter()
        found: Found | None = None
        try:
            found = await work()
        except (ToolRefused, ToolRetry, OperatorError) as exc:
            self.gaps.append(Gap(what=what, why=str(exc), rule=getattr(exc, "rule", None)))
        latency = round((time.perf_counter() - begun) * 1000, 1)
        ran = {"tier": None if found is None else tier, "latency_ms": latency}
        if isinstance(found, AlarmSummary):
            ran |= {"tokens_before": found.tokens_before, "tokens_after": found.tokens_after}
        self.steps.append(step.model_copy(update=ran))
        return found


async def investigate_locally(
    incident_id: str,
    window: Window,
    *,
    place: SitePlace,
    alarms: AlarmDesk,
    configs: ConfigHistory,
    tickets: TicketSearch,
    gaps: Collection[Gap] = (),
    model: LocalModel | None = None,
) -> LocalFindings | None:
    """Report on one incident with what the site has.

    Args:
        incident_id: Of the report.
        window: The incident's time.
        place: Where this runs and who decides whether it may.
        alarms: Folds and ranks.
        configs: Tells what changed.
        tickets: Tells what was seen before.
        gaps: What is known to be missing, such as the cloud half.
        model: The site's small model: it reads what the deterministic analyst leaves below
            "confirmed", and is believed as far as evidence and predictions carry it.

    Returns:
        None when its alarms could not be folded; there is nothing to report on then.
    """
    account = _Account(place, gaps=list(gaps))
    summary = await account.run(
        "alarms", alarm_triage.PROFILE, lambda: alarms.summarize_alarms(window)
    )
    if summary is None:
        return None
    changes: list[ChangeReview] = []
    seen_before: list[TicketReview] = []
    for step in planner.plan(summary):
        if step.agent == "config_auditor":
            reviewed = await account.run(
                "configuration changes",
                config_auditor.PROFILE,
                partial(config_auditor.review, configs, window, around=step.around),
            )
            changes += [] if reviewed is None else [reviewed]
        else:
            compared = await account.run(
                "past tickets",
                ticket_historian.PROFILE,
                partial(
                    ticket_historian.review,
                    tickets,
                    symptoms=step.symptoms,
                    managed_objects=step.around,
                    probable_cause=step.probable_cause,
                ),
            )
            seen_before += [] if compared is None else [compared]
    pack, known = _pack(summary, changes, seen_before, place, account), len(account.gaps)
    proposal = await account.run(
        "root cause", ANALYST_PROFILE, lambda: RulesAnalyst().analyse(pack)
    )
    if proposal is None:
        return None
    trials = _trials(pack, proposal)
    judged = judgement.judge(proposal, None, pack, trials)
    if model is not None and judged.proposal.status != "confirmed" and summary.verdict != "none":
        told = await account.run(
            f"second reading by the site's model {model.model_id}",
            ANALYST_PROFILE,
            lambda: ModelAnalyst(model, max_turns=1, incident_id=incident_id).analyse(pack),
            tier=model.tier,
        )
        if told is not None:
            trials = _trials(pack, proposal, told)
            judged = judgement.judge(proposal, told, pack, trials)
    report = assemble(
        grounding.VerifiedProposal(judged.proposal),
        pack,
        incident_id=incident_id,
        provenance=account.steps,
        gaps=(*account.gaps[known:], *judged.gaps),
        model_agrees=judged.model_agrees,
        trials=trials,
    )
    return LocalFindings(report, summary)


def _trials(pack: EvidencePack, *proposals: Proposal) -> Trials:
    """What the proposed causes and their rivals predict, as far as the findings decide it."""
    causes = chain.from_iterable(proposal.root_causes for proposal in proposals)
    suspects = predictions.suspects_of(causes, pack)
    return Trials(predictions=predictions.predict(suspects, pack))


def _pack(
    summary: AlarmSummary,
    changes: list[ChangeReview],
    tickets: list[TicketReview],
    place: SitePlace,
    account: _Account,
) -> EvidencePack:
    findings: tuple[AlarmSummary | ChangeReview | TicketReview, ...] = (
        summary,
        *changes,
        *tickets,
    )
    evidence: dict[str, Evidence] = {}
    for key, quotation in chain.from_iterable(found.evidence.items() for found in findings):
        evidence.setdefault(key, Evidence.received(quotation))
    return EvidencePack(
        window=summary.window,
        sites=(place.home.site or "",),
        alarms=(summary,),
        changes=tuple(changes),
        tickets=tuple(tickets),
        evidence=evidence,
        gaps=(*chain.from_iterable(found.gaps for found in findings), *account.gaps),
    )
