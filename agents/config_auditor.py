"""`config_auditor`: what changed before the first alarm?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from agents.findings import ChangeReview
from agents.ports import ConfigHistory
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
    """Rank the changes up to a day before `window` by how well they explain trouble at `around`."""
    since = Window(window.start - LOOK_BACK, window.end)
    return await configs.list_changes(since, around=around, hops=hops, limit=limit)
