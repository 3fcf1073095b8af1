"""`config_auditor`: what changed before the first alarm, and what does not fit together?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from agents.findings import ChangeReview, Contradictions
from agents.ports import ConfigHistory
from telecom.errors import RecordNotFoundError, ToolRefused, ToolRetry
from telecom.evidence import Gap
from telecom.times import Window
from telecom.workload import LifecyclePhase, WorkloadProfile

PROFILE = WorkloadProfile(
    name="config_auditor",
    phase=LifecyclePhase.CONTEXT_CREATION,
    data_classes=("network_config",),
    latency_budget_ms=5_000,
)

LOOK_BACK = timedelta(hours=24)
"""How long before onset a change still counts as suspicious."""


async def review(
    configs: ConfigHistory,
    window: Window,
    *,
    around: Sequence[str] = (),
    hops: int = 1,
    limit: int = 10,
) -> ChangeReview:
    """Rank the changes up to a day before `window` by how well they explain trouble at `around`.

    Contradictions between the configurations of `around` and of what is joined to them come with
    it; without them the changes are still an answer, and what is missing is a gap.
    """
    since = Window(window.start - LOOK_BACK, window.end)
    changes = await configs.list_changes(since, around=around, hops=hops, limit=limit)
    if not around:
        return changes
    found = await _contradictions(configs, around)
    return changes.model_copy(
        update={
            "contradictions": found.findings,
            "evidence": {**found.evidence, **changes.evidence},
            "gaps": tuple(dict.fromkeys((*changes.gaps, *found.gaps))),
        }
    )


async def _contradictions(configs: ConfigHistory, around: Sequence[str]) -> Contradictions:
    nothing = Contradictions(findings=(), left_out=0, evidence={})
    try:
        return await configs.check_consistency(around=around)
    except RecordNotFoundError:
        return nothing  # radio units and servers keep no configuration there
    except (ToolRefused, ToolRetry) as exc:
        gap = Gap(
            what="consistency of configurations", why=str(exc), rule=getattr(exc, "rule", None)
        )
        return nothing.model_copy(update={"gaps": (gap,)})
