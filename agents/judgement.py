"""Judgement: what two analysts propose, checked, tested and brought into one answer.

The deterministic analyst is always heard. A model's proposal stands where its evidence carries it,
its predictions hold and its words say nothing more; where it does not, the deterministic result
does. Disagreement is shown, and costs the word "confirmed"; it is never averaged away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agents import grounding
from agents.findings import EvidencePack, Proposal, ProposedCause
from agents.predictions import Trials
from agents.report import confidence_of, same_element
from agents.root_cause_analyst import carried_status
from telecom.evidence import Gap
from telecom.report import NextAction, ReportStatus, RuledOut

MAX_ACTIONS = 8


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is left to report."""

    proposal: Proposal
    gaps: tuple[Gap, ...] = ()
    model_agrees: bool | None = None
    """Whether both analysts name the same cause; None with one."""


def judge(rules: Proposal, model: Proposal | None, pack: EvidencePack, trials: Trials) -> Judgement:
    """Bring the analysts' proposals into one.

    Args:
        rules: The deterministic analyst's.
        model: A model's, before anything of it was checked; None where none was asked or answered.
        pack: Everything that was gathered, what was looked up for the trials included.
        trials: The predictions of every hypothesis, decided as far as they can be.
    """
    own = _checked(rules, pack, trials, wording=False)
    if model is None:
        return own
    told = _checked(model, pack, trials, wording=True)
    agrees = agree(told.proposal, own.proposal)
    asserted = _supported(told.proposal, pack, agrees=agrees)
    if asserted.root_causes:
        return _of_the_model(replace(told, proposal=asserted), own, agrees=agrees)
    return _of_the_rules(told, own, asserted=bool(model.root_causes), agrees=agrees)


def agree(proposal: Proposal, second: Proposal) -> bool:
    """Whether two analysts name the same first cause, or both none."""
    if not proposal.root_causes or not second.root_causes:
        return not proposal.root_causes and not second.root_causes
    return same_element(
        proposal.root_causes[0].managed_object, second.root_causes[0].managed_object
    )


def _checked(proposal: Proposal, pack: EvidencePack, trials: Trials, *, wording: bool) -> Judgement:
    """Ground a proposal, then hold it against the predictions of its causes."""
    verified = grounding.verify(proposal, pack, wording=wording)
    gaps = list(verified.dropped)
    kept: list[ProposedCause] = []
    refuted: list[RuledOut] = []
    status = verified.proposal.status
    for cause in verified.proposal.root_causes:
        against, in_favour = _verdict(cause, trials)
        if len(against) > in_favour:
            why = f"what it predicts is not there: {'; '.join(against)}"
            refuted.append(
                RuledOut(
                    managed_object=cause.managed_object,
                    hypothesis=cause.specific_problem,
                    why=why,
                    evidence_ids=cause.evidence_ids,
                )
            )
            gaps.append(Gap(what=f"proposed cause at {cause.managed_object}", why=why))
            continue
        kept.append(cause)
        if against:
            status = weaker(status, "probable")
    rest = verified.proposal.model_copy(
        update={
            "root_causes": tuple(kept),
            "status": status,
            "ruled_out": (
                *(_with_trials(item, trials) for item in verified.proposal.ruled_out),
                *refuted,
            ),
        }
    )
    if refuted and not kept:
        rest = grounding.inconclusive(rest)
    return Judgement(rest, tuple(gaps))


def _verdict(cause: ProposedCause, trials: Trials) -> tuple[list[str], int]:
    """The predictions that failed, in words, and how many held."""
    own = trials.of(cause.managed_object)
    against = [p.statement + f" ({p.because})" for p in own if p.outcome == "contradicted"]
    return against, sum(p.outcome == "confirmed" for p in own)


def _with_trials(item: RuledOut, trials: Trials) -> RuledOut:
    """Add what its predictions came to, where they speak against a hypothesis."""
    failed = [p for p in trials.of(item.managed_object) if p.outcome == "contradicted"]
    if not failed:
        return item
    words = "; ".join(f"{p.statement} ({p.because})" for p in failed)
    ids = dict.fromkeys((*item.evidence_ids, *(k for p in failed for k in p.evidence_ids)))
    why = f"{item.why}; predicted, but not there: {words}"
    return item.model_copy(update={"why": why, "evidence_ids": tuple(ids)})


def _supported(proposal: Proposal, pack: EvidencePack, *, agrees: bool) -> Proposal:
    """No stronger status than the computed confidence carries; below it nothing is asserted."""
    if not proposal.root_causes:
        return proposal
    values = [confidence_of(c, pack, model_agrees=agrees).value for c in proposal.root_causes]
    carried = carried_status(values)
    if carried == "inconclusive":
        return grounding.inconclusive(proposal)
    if not agrees:
        carried = "probable"
    return proposal.model_copy(update={"status": weaker(proposal.status, carried)})


def _of_the_model(told: Judgement, own: Judgement, *, agrees: bool) -> Judgement:
    gaps = told.gaps
    if not agrees:
        gaps += (_disagreement(own.proposal),)
    actions = _together(told.proposal.next_actions, own.proposal.next_actions)
    named = [cause.managed_object for cause in told.proposal.root_causes]
    beside = tuple(
        item
        for item in own.proposal.ruled_out
        if not any(
            same_element(item.managed_object, name)
            for name in (*named, *(r.managed_object for r in told.proposal.ruled_out))
        )
    )
    proposal = told.proposal.model_copy(
        update={
            "next_actions": actions,
            "ruled_out": (*told.proposal.ruled_out, *beside),
            "causal_chain": told.proposal.causal_chain
            or (own.proposal.causal_chain if agrees else ()),
        }
    )
    return Judgement(proposal, gaps, agrees)


def _of_the_rules(told: Judgement, own: Judgement, *, asserted: bool, agrees: bool) -> Judgement:
    """The deterministic result stands; where it names a cause the model did not, it is probable."""
    if asserted:
        why = "nothing it asserted held; this is the deterministic analyst's report"
        return Judgement(own.proposal, (*told.gaps, Gap(what="the model's answer", why=why)), None)
    if agrees:
        return Judgement(own.proposal, told.gaps, True)
    why = "the model names no cause from the same evidence; this is the deterministic analyst's"
    status = weaker(own.proposal.status, "probable")
    return Judgement(
        own.proposal.model_copy(update={"status": status}),
        (*told.gaps, Gap(what="agreement of the analysts", why=why)),
        False,
    )


def _disagreement(second: Proposal) -> Gap:
    named = ", ".join(cause.managed_object for cause in second.root_causes) or "no cause"
    return Gap(
        what="agreement of the analysts",
        why=f"the deterministic analyst names {named} from the same evidence",
    )


_STRENGTH: Sequence[ReportStatus] = ("inconclusive", "probable", "confirmed")


def weaker(one: ReportStatus, other: ReportStatus) -> ReportStatus:
    """The weaker of two statuses."""
    return min(one, other, key=_STRENGTH.index)


def _together(first: Sequence[NextAction], second: Sequence[NextAction]) -> tuple[NextAction, ...]:
    """Both lists without repetition, checks that change nothing first."""
    found = {action.action: action for action in (*first, *second)}
    ordered = sorted(found.values(), key=lambda action: not action.read_only)
    return tuple(ordered)[:MAX_ACTIONS]
