"""Evaluation: labelled site directories through the real investigation, and how often it is right.

Each site is investigated over its own tools, exactly as `tierwise investigate --site-dir` would;
`truth.json` is read here only, after the report is there. Sites run side by side, as many as there
are processors: most of a short investigation is the start of the site's own process.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from agents.findings import AlarmSummary
from orchestrator.assessments.case_scoring import (
    CaseScore,
    Truth,
    failed_case,
    read_truth,
    score_report,
)
from orchestrator.investigating.investigation import Inquiry, Services, investigate
from orchestrator.settings import Settings
from orchestrator.site_access.sites import open_sites
from orchestrator.storage.state import open_state
from placement.policy import Policy, load_policy
from telecom.errors import TierwiseError
from telecom.report import RootCauseReport
from telecom.schema import ProductModel

Context = Literal["brief", "raw"]

LARGEST_EXCERPT = 8_000
"""Tokens of alarms that a site releases in one answer; `--context raw` reads that much."""
_START_UP_SECONDS = 120.0
"""A site's first answer reads its alarms and configurations; many start at once here."""


class Rates(ProductModel):
    """Shares of a set of cases, 0 to 1.

    `exact`, `any_correct` and `grounded` are over the cases with a cause; in a set without any they
    are over all: how often rightly nothing was named.
    """

    n: int
    exact: float
    any_correct: float
    grounded: float
    abstained: float
    convicted_without_cause: float
    """Over the cases without a cause; 0 where every case has one."""
    tokens: float | None
    """Mean per case."""
    cost_usd: float | None
    """Sum; None where nothing had a known price."""
    seconds: float
    """Mean per case."""
    baselines: dict[str, float]
    """Naive way to name a culprit -> share of the cases with a cause that it gets right."""


class Evaluation(ProductModel):
    """All cases and what they add up to."""

    analyst: str
    context: Context
    cases: tuple[CaseScore, ...]
    families: dict[str, Rates]
    summary: Rates


async def evaluate(
    directories: Sequence[Path],
    settings_of: Callable[[Path, Path], Settings],
    *,
    context: Context = "brief",
    progress: Callable[[CaseScore], None] = lambda score: None,
) -> Evaluation:
    """Investigate every directory's incident and score the reports.

    Args:
        directories: Site directories with a `truth.json`.
        settings_of: Settings for a site directory and the state file given.
        context: `brief` is what the product does; `raw` lets the analyst read as long an excerpt
            of the alarms as the site releases.
        progress: Called with each case as it is done.

    Raises:
        TierwiseError: A `truth.json` cannot be read, or the settings do not hold: nothing is
            investigated then. A site that fails is a case without a report.
    """
    truths = [read_truth(directory) for directory in directories]
    turns = asyncio.Semaphore(os.cpu_count() or 1)
    with TemporaryDirectory(prefix="tierwise-evaluate-") as folder:
        settings = [
            _reading(settings_of(directory, Path(folder) / f"{number}.sqlite"), context)
            for number, directory in enumerate(directories)
        ]
        policies = {
            key: load_policy(*key)
            for key in {(s.policy.catalogue, s.policy.rules) for s in settings}
        }

        async def one(directory: Path, truth: Truth, own: Settings) -> CaseScore:
            async with turns:
                policy = policies[own.policy.catalogue, own.policy.rules]
                score = await _case(directory, truth, own, policy)
            progress(score)
            return score

        cases = await asyncio.gather(*map(one, directories, truths, settings))
    return Evaluation(
        analyst=settings[0].analyst if settings else "rules",
        context=context,
        cases=tuple(cases),
        families=by_family(cases),
        summary=rates(cases),
    )


def _reading(settings: Settings, context: Context) -> Settings:
    budgets = settings.budgets.model_copy(
        update={"tool_seconds": max(settings.budgets.tool_seconds, _START_UP_SECONDS)}
    )
    if context == "raw":
        budgets = budgets.model_copy(update={"brief_tokens": LARGEST_EXCERPT})
    return settings.model_copy(update={"budgets": budgets})


async def _case(directory: Path, truth: Truth, settings: Settings, policy: Policy) -> CaseScore:
    started = time.monotonic()
    try:
        report, summaries = await _investigated(truth, settings, policy)
    except TierwiseError as exc:
        return failed_case(
            str(directory), truth, f"{exc.code}: {exc}", seconds=time.monotonic() - started
        )
    return score_report(
        str(directory), truth, report, summaries, seconds=time.monotonic() - started
    )


async def _investigated(
    truth: Truth, settings: Settings, policy: Policy
) -> tuple[RootCauseReport, list[AlarmSummary]]:
    """The report, and the folded alarms that it rests on."""
    async with (
        open_state(settings.state_address) as state,
        open_sites(settings, state.database) as sites,
    ):
        services = Services(settings, policy, sites, state)
        report = await investigate(Inquiry(window=truth.window), services)
        summaries = []
        for name in sites.by_name:
            summaries.append(await state.get(report.incident_id, f"alarms:{name}", AlarmSummary))
    return report, summaries


def by_family(cases: Iterable[CaseScore]) -> dict[str, Rates]:
    """The rates of each family, in order of first mention."""
    groups: dict[str, list[CaseScore]] = {}
    for case in cases:
        groups.setdefault(case.family, []).append(case)
    return {family: rates(group) for family, group in groups.items()}


def rates(cases: Sequence[CaseScore]) -> Rates:
    """What a set of cases adds up to."""
    caused = [case for case in cases if case.has_cause]
    uncaused = [case for case in cases if not case.has_cause]
    tokens = [case.tokens for case in cases if case.tokens is not None]
    costs = [case.cost_usd for case in cases if case.cost_usd is not None]
    names = dict.fromkeys(name for case in caused for name in case.baselines)
    telling = caused or uncaused
    return Rates(
        n=len(cases),
        exact=_share([case.exact for case in telling]),
        any_correct=_share([case.any_correct for case in telling]),
        grounded=_share([case.grounded for case in telling]),
        abstained=_share([case.abstained for case in cases]),
        convicted_without_cause=_share([case.convicted_without_cause for case in uncaused]),
        tokens=round(sum(tokens) / len(tokens), 1) if tokens else None,
        cost_usd=sum(costs) if costs else None,
        seconds=round(sum(case.seconds for case in cases) / len(cases), 3) if cases else 0.0,
        baselines={
            name: _share([case.baselines.get(name, False) for case in caused]) for name in names
        },
    )


def _share(flags: Sequence[bool]) -> float:
    return round(sum(flags) / len(flags), 4) if flags else 0.0
