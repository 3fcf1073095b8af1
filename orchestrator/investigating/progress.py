"""`Progress`: what the graph's checkpoints hold, and how each step is accounted there."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

from orchestrator.investigating.reasoning import Reasoned
from telecom.errors import (
    PlacementRefusedError,
    SiteUnavailableError,
    TierwiseError,
    ToolRefused,
    ToolTimeoutError,
)
from telecom.evidence import Gap

JsonObject = dict[str, Any]  # a model's JSON: what a checkpoint can hold


class Progress(TypedDict, total=False):
    """The graph's state: keys of findings, and what the report accounts for."""

    inquiry: JsonObject
    sites: list[str]
    """Sites whose alarms were folded."""
    steps: list[JsonObject]
    looks: Annotated[list[JsonObject], operator.add]
    """What each look gave: site, kind, key of the finding or None, forms of its answers, what the
    site said about itself."""
    gaps: Annotated[list[JsonObject], operator.add]
    provenance: Annotated[list[JsonObject], operator.add]
    model_agrees: bool | None
    """Whether the model and the deterministic analyst named the same cause."""


class Errand(TypedDict):
    """One branch of the fan-out."""

    site: str
    number: int
    step: JsonObject
    told: JsonObject | None
    """What the site has said about itself, for a process that resumes and did not hear it."""


def nobody_answered(looks: Sequence[JsonObject]) -> TierwiseError:
    """Why there is nothing to report on, site by site."""
    gaps = [Gap.model_validate(look["gap"]) for look in looks]
    why = "; ".join(dict.fromkeys(gap.why for gap in gaps))
    rules = [
        gap.rule
        for look, gap in zip(looks, gaps, strict=True)
        if gap.rule is not None and look["error"] != SiteUnavailableError.code
    ]
    if len(rules) == len(gaps):
        decision_id = looks[0]["step"]["decision_id"] or ""
        return PlacementRefusedError(why, decision_id=decision_id, rule=rules[0])
    if {look["error"] for look in looks} <= {SiteUnavailableError.code, ToolTimeoutError.code}:
        names = ", ".join(look["site"] for look in looks)
        return SiteUnavailableError(names, why.removeprefix(f"site {names!r} is not available: "))
    return ToolRefused(why)


def told_by(state: Progress, site: str) -> JsonObject | None:
    """What a site said about itself in its newest answer."""
    told = [look["told"] for look in state["looks"] if look["site"] == site]
    return next((one for one in reversed(told) if one is not None), None)


def forms_of(state: Progress) -> dict[str, list[str | None]]:
    """Site -> the forms in which its answers came."""
    forms: dict[str, list[str | None]] = {}
    for look in state["looks"]:
        forms.setdefault(look["site"], []).extend(look["forms"])
    return forms


def accounts_of_reasoning(reasoned: Reasoned) -> Progress:
    """What reasoning adds to the state."""
    return {
        "gaps": [gap.model_dump(mode="json") for gap in reasoned.gaps],
        "provenance": [step.model_dump(mode="json") for step in reasoned.steps],
    }


def accounts_of(looks: Sequence[JsonObject]) -> Progress:
    """What looks add to the state."""
    keys = ("site", "kind", "name", "forms", "told")
    return {
        "looks": [{key: look[key] for key in keys} for look in looks],
        "gaps": [look["gap"] for look in looks if look["gap"] is not None],
        "provenance": [look["step"] for look in looks],
    }
