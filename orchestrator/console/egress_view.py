"""What left the site for one investigation: rows and sums, computed from what was recorded.

The report says what each step did, the state which rules decided and how long calls took, the
model ledger what went to models. What nobody measured is None here and never 0.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agents.plain_text import agent_shown
from orchestrator.storage.model_ledger import ModelRequestEntry
from placement.decision import DecisionRecord
from placement.latency import LatencySample, Percentiles, percentiles
from telecom.report import ProvenanceStep, RootCauseReport


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy said about one step."""

    obligations: tuple[str, ...]
    """What had to be done to the data for the tier that it ran on."""
    closed: tuple[tuple[str, str, str], ...]
    """The tiers that were closed to it: tier, decisive rule, its reason."""


@dataclass(frozen=True, slots=True)
class EgressStep:
    """One delegation."""

    step: str
    who: str
    tier: str | None
    tool: str | None
    decision_id: str | None
    ruling: Ruling | None
    """None where the decision is no longer kept."""
    left_site: bool
    """Whether an answer of the site's gate crossed for it."""
    form: str | None
    raw_tokens: int | None
    """Of the records behind an answer that left; None where the site did not measure it."""
    sent_tokens: int | None
    """Of the answer that left."""
    read_tokens: int | None
    """What an analyst read."""
    written_tokens: int | None
    """What a model wrote."""
    masked: int | None
    masked_kinds: Mapping[str, int]
    bytes_out: int | None
    cost_usd: float | None
    latency_ms: float | None
    asked_on: bool
    """Whether somebody asked on in a conversation, after the report."""


@dataclass(frozen=True, slots=True)
class EgressAccount:
    """Everything about one investigation."""

    incident_id: str
    steps: tuple[EgressStep, ...]
    folded_raw_tokens: int | None
    """Size of the alarms that were folded, before; None where no site said it."""
    folded_sent_tokens: int | None
    """Size of what left of them."""
    sent_tokens: int
    """Of all answers that left, those among them."""
    bytes_out: int
    masked: int
    masked_kinds: Mapping[str, int]
    """What was replaced, by kind; the sum of the steps that said it by kind."""
    cost_usd: float | None
    """Of models; None where a step's price is unknown."""
    latency: tuple[tuple[str, str, Percentiles], ...]
    """Tier, tool, round trips in milliseconds."""
    to_models: tuple[ModelRequestEntry, ...]
    """Requests that went to models."""

    @property
    def kept_share(self) -> float | None:
        """Share of the folded alarms' tokens that did not leave; None where nobody measured."""
        if not self.folded_raw_tokens or self.folded_sent_tokens is None:
            return None
        return max(0.0, 1 - self.folded_sent_tokens / self.folded_raw_tokens)


def account_of(
    report: RootCauseReport,
    *,
    asked_on: Iterable[ProvenanceStep] = (),
    decisions: Iterable[DecisionRecord] = (),
    calls: Iterable[LatencySample] = (),
    to_models: Iterable[ModelRequestEntry] = (),
) -> EgressAccount:
    """Account for an investigation and for what was looked up about it afterwards.

    Args:
        report: What was found, with a step for each delegation.
        asked_on: Steps of conversations about it.
        decisions: Those that were kept for it.
        calls: Timed calls that were made for it.
        to_models: The model ledger's entries about it.
    """
    known = {record.decision.decision_id: record for record in decisions}
    steps = (
        *(_step(step, known, asked_on=False) for step in report.provenance),
        *(_step(step, known, asked_on=True) for step in asked_on),
    )
    left = [step for step in steps if step.left_site]
    folded = [step for step in left if step.raw_tokens is not None]
    kinds: Counter[str] = Counter()
    for step in left:
        kinds.update(step.masked_kinds)
    return EgressAccount(
        incident_id=report.incident_id,
        steps=steps,
        folded_raw_tokens=_sum(step.raw_tokens for step in folded) if folded else None,
        folded_sent_tokens=_sum(step.sent_tokens for step in folded) if folded else None,
        sent_tokens=_sum(step.sent_tokens for step in left),
        bytes_out=_sum(step.bytes_out for step in left),
        masked=_sum(step.masked for step in left),
        masked_kinds=dict(kinds.most_common()),
        cost_usd=_cost(steps),
        latency=tuple(_latency(calls)),
        to_models=tuple(to_models),
    )


def _step(
    step: ProvenanceStep, known: Mapping[str, DecisionRecord], *, asked_on: bool
) -> EgressStep:
    record = known.get(step.decision_id or "")
    left = step.bytes_out is not None
    sent = step.tokens_after if step.tokens_out is None else step.tokens_out
    return EgressStep(
        step=step.step,
        who=agent_shown(step.agent),
        tier=step.tier,
        tool=step.tool,
        decision_id=step.decision_id,
        ruling=None if record is None else _ruling(record, step.tier),
        left_site=left,
        form=step.form,
        raw_tokens=step.tokens_before if left else None,
        sent_tokens=sent if left else None,
        read_tokens=step.tokens_after if left else step.tokens_before,
        written_tokens=None if left else step.tokens_after,
        masked=step.masked,
        masked_kinds=step.masked_kinds,
        bytes_out=step.bytes_out,
        cost_usd=step.cost_usd,
        latency_ms=step.latency_ms,
        asked_on=asked_on,
    )


def _ruling(record: DecisionRecord, tier: str | None) -> Ruling:
    ranked = next((one for one in record.decision.ranked if one.tier == tier), None)
    return Ruling(
        obligations=() if ranked is None else ranked.obligations,
        closed=tuple((one.tier, one.rule, one.because) for one in record.decision.eliminated),
    )


def _latency(calls: Iterable[LatencySample]) -> Iterable[tuple[str, str, Percentiles]]:
    taken: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for call in calls:
        taken[call.tier, call.tool].append(call.round_trip_ms)
    for (tier, tool), values in sorted(taken.items()):
        yield tier, tool, percentiles(values)


def _cost(steps: Sequence[EgressStep]) -> float | None:
    """What models cost; a model whose price is unknown makes the sum unknown."""
    if any(step.cost_usd is None and step.tier and step.step == "reason" for step in steps):
        return None
    return sum(step.cost_usd for step in steps if step.cost_usd is not None)


def _sum(numbers: Iterable[int | None]) -> int:
    return sum(number for number in numbers if number is not None)
