"""What would make an eliminated tier feasible, found by asking the policy again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from placement.catalogue import Catalogue, TierInstance
from placement.evaluation import Question
from placement.obligations import Treatment
from placement.search import Infeasible, Judge, Search, is_free_of_sovereignty, treat
from telecom.workload import Dimension, LifecyclePhase, TierKind

_EDGE_MS = 10.0
_METROPOLITAN_MS = 50.0
_OPERATIONS = frozenset({Dimension.OPERATIONS})
_LATENCY = frozenset({Dimension.LATENCY})


@dataclass(frozen=True, slots=True)
class _Step:
    """Something people could change that the policy itself may not."""

    wording: str
    apply: Callable[[Question], Question]
    bears_on: frozenset[Dimension]
    """Rules of other dimensions stay as broken as they are."""


def find_remedy(out: Infeasible, search: Search) -> str:
    """Say what would unblock a tier: the fewest changes that the policy then permits.

    Falls back on what the decisive rule itself recommends.
    """
    judge = search.judge
    changes = [*_changes(out)]
    treatments = (
        []
        if is_free_of_sovereignty(out.verdict)
        else [
            _treated(out, treatment, search.catalogue)
            for treatment in search.treatments(out.question, summaries=True)
        ]
    )
    # Weakest first: mostly it is enough, and each question costs a Cedar evaluation.
    for treatment in ([], *([step] for step in treatments)):
        steps = [*changes, *treatment]
        if _helps(out, steps, judge):
            fewest = _fewest(out, steps, judge)
            return f"feasible {' and '.join(step.wording for step in fewest)}"
    return out.verdict.eliminations[0].remedy


def _helps(out: Infeasible, steps: Sequence[_Step], judge: Judge) -> bool:
    """Ask again with `steps` taken, unless a broken rule is out of their reach anyway."""
    reached = frozenset[Dimension]().union(*(step.bears_on for step in steps))
    if any(broken.dimension not in reached for broken in out.verdict.eliminations):
        return False
    question = out.question
    for step in steps:
        question = step.apply(question)
    return judge(question).permitted


def _fewest(out: Infeasible, steps: Sequence[_Step], judge: Judge) -> Sequence[_Step]:
    """The smallest part of `steps` that is enough; all of them are."""
    for size in range(1, len(steps)):
        for part in combinations(steps, size):
            if _helps(out, part, judge):
                return part
    return steps


def _treated(out: Infeasible, treatment: Treatment, catalogue: Catalogue) -> _Step:
    workload = out.question.workload
    done = " and ".join(treatment.form(workload).value.split("+"))
    unasked = treatment.summarize and not catalogue.phases[workload.phase].works_on_summary
    condition = ", for work that a summary can serve" if unasked else ""
    return _Step(
        f"once {done}{condition}",
        lambda question: treat(question, treatment),
        # What is derived is no longer the knowledge base that work has to follow.
        frozenset({Dimension.SOVEREIGNTY, Dimension.DATA_GRAVITY}),
    )


def _changes(out: Infeasible) -> Iterator[_Step]:
    """Changes to the tier, the budget and the model that bear on what was broken."""
    question, tier = out.question, out.question.tier
    broken = {violation.dimension for violation in out.verdict.eliminations}
    if Dimension.OPERATIONS in broken:
        if not (question.available and tier.available):
            yield _Step(
                "once the tier is available",
                lambda asked: replace(
                    asked, available=True, tier=_with(asked.tier, available=True)
                ),
                _OPERATIONS,
            )
        size, room = question.model_params_b, tier.max_model_params_b
        if size is not None and room is not None and size > room:
            yield _Step(
                f"with a model of at most {room:g} billion parameters",
                lambda asked: replace(asked, model_params_b=room),
                _OPERATIONS,
            )
    if Dimension.SOVEREIGNTY in broken and tier.retention not in ("none", "default", None):
        yield _Step(
            "once the account's data-retention mode is none",
            lambda asked: replace(asked, tier=_with(asked.tier, retention="none")),
            frozenset({Dimension.SOVEREIGNTY}),
        )
    if Dimension.LATENCY in broken:
        yield from _latency_step(question)


def _latency_step(question: Question) -> Iterator[_Step]:
    """Relax the budget as far as this tier needs it."""
    tier = question.tier
    if question.workload.phase is LifecyclePhase.REAL_TIME_INFERENCE or question.budget_ms is None:
        return
    if tier.rtt_ms is None:
        yield _Step(
            "as batch work, without a latency budget",
            lambda asked: replace(asked, budget_ms=None),
            _LATENCY,
        )
        return
    floor = 0.0 if tier.on_premises else _EDGE_MS
    needed = max(floor, tier.rtt_ms.p95)
    if tier.kind is TierKind.REGION and needed <= _METROPOLITAN_MS:
        yield _Step(
            f"with a latency budget of more than {_METROPOLITAN_MS:g} ms",
            lambda asked: replace(asked, budget_ms=_METROPOLITAN_MS + 0.001),
            _LATENCY,
        )
        return
    yield _Step(
        f"with a latency budget of {needed:g} ms or more",
        lambda asked: replace(asked, budget_ms=needed),
        _LATENCY,
    )


def _with(tier: TierInstance, **facts: object) -> TierInstance:
    return tier.model_copy(update=facts)
