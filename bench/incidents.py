"""Generated incidents: how often the deterministic ranking is right, family by family.

Beside it what naive rankers do on the same cases: "most alarms" and "first alarm".
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.findings import AlarmSummary
from mcp_servers import sample_site
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.sample_site.baselines import rank_by_first_alarm, rank_by_most_alarms
from mcp_servers.site_directory import SiteDirectory
from telecom.times import Window
from telecom.topology import ManagedObject

SEEDS = tuple(range(101, 101 + int(os.environ.get("TIERWISE_BENCH_SEEDS", "3"))))
"""Seeds that no weight was set on."""


@dataclass
class _Score:
    cases: int = 0
    exact: int = 0
    first: int = 0
    abstained: int = 0
    convicted: int = 0


def run() -> list[dict[str, Any]]:
    """Generate, fold and rank; one row per family."""
    scores: dict[str, _Score] = defaultdict(_Score)
    with_cause = _Score()
    without = _Score()
    naive = {"most alarms": 0, "first alarm": 0}
    for family in sample_site.FAMILIES:
        for seed in SEEDS:
            truth, summary, baselines = _case(family, seed)
            _count(scores[family], truth, summary)
            _count(with_cause if truth.root_causes else without, truth, summary)
            if truth.root_causes:
                for name, ranked in baselines.items():
                    naive[name] += ranked in _accepted(truth)
    rows = [
        {
            "name": f"{family}: exact",
            "value": score.exact,
            "unit": f"of {score.cases} (first right {score.first}, abstained {score.abstained})",
        }
        for family, score in scores.items()
    ]
    n = with_cause.cases
    rows += [
        {"name": "all with a cause: exact", "value": with_cause.exact / n, "unit": f"of {n}"},
        {"name": "all with a cause: first right", "value": with_cause.first / n, "unit": f"of {n}"},
        *(
            {"name": f"baseline {name}", "value": hits / n, "unit": f"of {n}"}
            for name, hits in naive.items()
        ),
        {
            "name": "without a cause: convicted",
            "value": without.convicted / max(1, without.cases),
            "unit": f"of {without.cases}",
            "limit": "<= 0.05",
        },
    ]
    return rows


def _case(family: str, seed: int) -> tuple[Any, AlarmSummary, dict[str, str | None]]:
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        truth = sample_site.generate(site, family=family, seed=seed)
        host = SiteHost(SiteDirectory.open(site))
        try:
            window = Window(*truth.window)
            summary = host.alarms.summarize(window, 2000)
            alarms = host.alarms.store.between(window)
        finally:
            host.close()
    return (
        truth,
        summary,
        {
            "most alarms": _first(rank_by_most_alarms(alarms)),
            "first alarm": _first(rank_by_first_alarm(alarms)),
        },
    )


def _first(ranked: Any) -> str | None:
    return next((ManagedObject.parse(str(name)).device for name in ranked), None)


def _accepted(truth: Any) -> set[str]:
    named = [cause.managed_object for cause in truth.root_causes]
    return {ManagedObject.parse(name).device for name in (*named, *truth.acceptable)}


def _count(score: _Score, truth: Any, summary: AlarmSummary) -> None:
    asserted = {
        ManagedObject.parse(c.managed_object).device
        for c in summary.root_cause_candidates[: summary.causes]
    }
    wanted = {ManagedObject.parse(cause.managed_object).device for cause in truth.root_causes}
    score.cases += 1
    score.abstained += not asserted
    if not wanted:
        score.convicted += bool(asserted)
        score.exact += not asserted
        return
    accepted = _accepted(truth)
    score.exact += len(asserted) == len(wanted) and asserted <= accepted
    if summary.root_cause_candidates:
        best = summary.root_cause_candidates[0].managed_object
        score.first += ManagedObject.parse(best).device in accepted
