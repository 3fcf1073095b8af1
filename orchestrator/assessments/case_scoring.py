"""Scoring a report against what really happened: the only reader of a site's `truth.json`.

Elements are compared, not ports: a report that names a port of the right router has found it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import Field, ValidationError, field_validator

from agents.findings import AlarmSummary
from agents.report import same_element
from telecom.errors import SiteDirectoryError
from telecom.report import RootCause, RootCauseReport
from telecom.schema import ProductModel
from telecom.times import Window

_BLANKS = re.compile(r"\s+")


class TrueCause(ProductModel, extra="ignore"):
    """One cause as it really was."""

    managed_object: str
    cause: str = ""


class Truth(ProductModel, extra="ignore"):
    """What really happened; it may say more than is read here."""

    window: tuple[datetime, datetime]
    kind: str = "single"
    family: str = "unnamed"
    root_causes: tuple[TrueCause, ...] = ()
    """Empty exactly when the case has no cause that its data could tell."""
    acceptable: tuple[str, ...] = ()
    """Other managed objects that an expert would accept."""
    decisive: tuple[str, ...] = ()
    """Lines of logs or configuration that prove it, verbatim."""
    path: tuple[str, ...] = ()
    """Elements from the cause to those that lost service."""

    @field_validator("window")
    @classmethod
    def _forward(cls, window: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
        Window(*window)
        return window

    @property
    def right_answers(self) -> tuple[str, ...]:
        """Every managed object that counts as found."""
        return (*(cause.managed_object for cause in self.root_causes), *self.acceptable)


class CaseScore(ProductModel):
    """How one case went."""

    site: str
    family: str
    kind: str
    has_cause: bool
    exact: bool
    """As many causes as there are, and all of them right; without a cause: none named."""
    any_correct: bool
    """At least one right cause; without a cause: none named."""
    grounded: bool
    """A right cause, and what proves it: a decisive line is quoted for it, or its causal chain runs
    along the true path. Without a cause: none named."""
    abstained: bool
    convicted_without_cause: bool
    tokens: int | None = None
    """Of what left the site, and of a model's answers where one was asked."""
    cost_usd: float | None = None
    seconds: float = 0.0
    status: str = "inconclusive"
    confidence: float | None = None
    """Of the first named cause."""
    baselines: dict[str, bool] = Field(default_factory=dict)
    """Naive way to name a culprit -> whether it would have been right."""
    error: str | None = None
    """Why there was no report."""


def read_truth(directory: Path) -> Truth:
    """Read `truth.json` of a site directory.

    Raises:
        SiteDirectoryError: There is none, or it does not say what is needed.
    """
    file = directory / "truth.json"
    try:
        return Truth.model_validate_json(file.read_bytes())
    except OSError as exc:
        raise SiteDirectoryError(
            f"{file} cannot be read ({exc.strerror}); `tierwise-site init --sample` writes one, "
            "and its keys are window, kind, root_causes, acceptable"
        ) from exc
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise SiteDirectoryError(f"{file}: {where}: {first['msg']}") from exc


def score_report(
    site: str,
    truth: Truth,
    report: RootCauseReport,
    summaries: Sequence[AlarmSummary],
    *,
    seconds: float,
) -> CaseScore:
    """Compare a report with the truth.

    Args:
        site: What the case is called.
        truth: What really happened.
        report: What was found.
        summaries: The folded alarms that the investigation worked on, for the baselines.
        seconds: How long it took.
    """
    right = [cause for cause in report.root_causes if _is_right(cause, truth)]
    named = _elements(cause.managed_object for cause in report.root_causes)
    has_cause = bool(truth.root_causes)
    wanted = _elements(cause.managed_object for cause in truth.root_causes)
    if has_cause:
        exact = len(named) == len(wanted) and len(right) == len(report.root_causes)
        grounded = any(_is_proven(cause, truth, report) for cause in right)
    else:
        exact = grounded = not named
    return CaseScore(
        site=site,
        family=truth.family,
        kind=truth.kind,
        has_cause=has_cause,
        exact=exact,
        any_correct=bool(right) if has_cause else not named,
        grounded=grounded,
        abstained=not named,
        convicted_without_cause=bool(named) and not has_cause,
        tokens=_tokens(report),
        cost_usd=_cost(report),
        seconds=round(seconds, 3),
        status=report.status,
        confidence=report.root_causes[0].confidence if report.root_causes else None,
        baselines=_baselines(truth, summaries) if has_cause else {},
    )


def failed_case(site: str, truth: Truth, error: str, *, seconds: float) -> CaseScore:
    """A case without a report: nothing was named, and that is no merit."""
    return CaseScore(
        site=site,
        family=truth.family,
        kind=truth.kind,
        has_cause=bool(truth.root_causes),
        exact=False,
        any_correct=False,
        grounded=False,
        abstained=True,
        convicted_without_cause=False,
        seconds=round(seconds, 3),
        error=error,
    )


def _elements(names: Iterable[str]) -> set[str]:
    return {name.partition(":")[0].lower() for name in names}


def _is_right(cause: RootCause, truth: Truth) -> bool:
    return any(same_element(cause.managed_object, answer) for answer in truth.right_answers)


def _is_proven(cause: RootCause, truth: Truth, report: RootCauseReport) -> bool:
    """Whether what an expert would quote is quoted, or the way to the victims is shown."""
    quotes = [_plain(report.evidence[key].quote or "") for key in cause.evidence_ids]
    decisive = [_plain(line) for line in truth.decisive]
    if any(
        line and quote and (line in quote or quote in line) for line in decisive for quote in quotes
    ):
        return True
    beyond = _elements(truth.path) - _elements([cause.managed_object])
    reached = {cause.managed_object.partition(":")[0].lower()}
    for link in report.causal_chain:
        if _elements([link.source]) <= reached:
            reached |= _elements([link.target])
    return bool(reached & beyond)


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _tokens(report: RootCauseReport) -> int | None:
    counts = [step.tokens_after for step in report.provenance if step.tokens_after is not None]
    return sum(counts) if counts else None


def _cost(report: RootCauseReport) -> float | None:
    costs = [step.cost_usd for step in report.provenance if step.cost_usd is not None]
    return sum(costs) if costs else None


def _baselines(truth: Truth, summaries: Sequence[AlarmSummary]) -> dict[str, bool]:
    """What naming the loudest element, or the one that spoke first, would have given."""
    guesses: dict[str, list[str | None]] = {
        "most alarms": [summary.loudest for summary in summaries],
        "first alarm": [summary.earliest for summary in summaries],
    }
    return {
        name: any(
            guess is not None and any(same_element(guess, answer) for answer in truth.right_answers)
            for guess in found
        )
        for name, found in guesses.items()
    }
