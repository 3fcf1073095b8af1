"""Steps two to four of getting started: where samples and functions come from.

Measuring, pricing and choosing are functions of `placement`; here is what this half can know: what
past investigations took, what a site wrote about itself, and what the operator states in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from agents import (
    alarm_triage,
    config_auditor,
    planner,
    root_cause_analyst,
    ticket_historian,
)
from orchestrator.settings import is_database_url
from orchestrator.storage.state import kept_calls
from placement.catalogue import ModelEntry
from placement.cost import AiFunction, TokenPrice
from placement.latency import LatencySample
from placement.policy import Policy
from placement.site_data import SiteData
from telecom.errors import InvalidArgumentError, SettingsError
from telecom.report import RootCauseReport
from telecom.workload import Home, WorkloadProfile

ASSUMED_OUTPUT_TOKENS = 800
"""Of a root cause report, per turn."""
ASSUMED_TURNS = 3
"""How often a model reads the evidence while it asks back."""
ASSUMED = (
    f"assumed for our root cause reasoning: {ASSUMED_TURNS} turns per event, "
    f"{ASSUMED_OUTPUT_TOKENS} output tokens each, nothing cached; state your own with --workloads"
)

_PROFILES: tuple[WorkloadProfile, ...] = (
    alarm_triage.PROFILE,
    config_auditor.PROFILE,
    ticket_historian.PROFILE,
    root_cause_analyst.PROFILE,
    planner.PROFILE,
)


def samples_of_state(address: str) -> tuple[LatencySample, ...]:
    """The calls of past investigations and probes; none before the first one.

    Raises:
        SettingsError: It is no state file.
    """
    there = is_database_url(address) or Path(address).is_file()
    return tuple(kept_calls(address)) if there else ()


def samples_of_reports(folder: Path) -> tuple[tuple[LatencySample, ...], tuple[str, ...]]:
    """Read the provenance of the reports (`*.json`) in a folder.

    Returns:
        A sample for each step that says where it ran and how long, and the files that are no
        report.

    Raises:
        SettingsError: There is no such folder.
    """
    if not folder.is_dir():
        raise SettingsError(f"{folder} is no folder of reports (`tierwise investigate --json`)")
    samples: list[LatencySample] = []
    others: list[str] = []
    for file in sorted(folder.glob("*.json")):
        try:
            report = RootCauseReport.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            others.append(file.name)
            continue
        samples.extend(
            LatencySample(tier=step.tier, tool=step.tool, round_trip_ms=step.latency_ms)
            for step in report.provenance
            if step.tier is not None and step.tool is not None and step.latency_ms is not None
        )
    return tuple(samples), tuple(others)


def own_functions(sites: Sequence[SiteData], home: Home) -> tuple[AiFunction, ...]:
    """Our sub-agents at each site, or at `home` when no site was assessed."""
    if not sites:
        return tuple(_function(profile, None, home) for profile in _PROFILES)
    return tuple(_function(profile, site, site.home) for site in sites for profile in _PROFILES)


def priced_functions(sites: Sequence[SiteData]) -> tuple[AiFunction, ...]:
    """Our functions that a model in the cloud would serve, with the volume that was measured."""
    return tuple(
        _function(root_cause_analyst.PROFILE, site, site.home).model_copy(
            update={
                "output_tokens_per_event": float(ASSUMED_OUTPUT_TOKENS),
                "agent_loops": ASSUMED_TURNS,
            }
        )
        for site in sites
        if site.alarms is not None
    )


def measured_compression(sites: Iterable[SiteData]) -> float | None:
    """What folding takes from the raw tokens of all sites together; None when nobody measured."""
    measured = [site.alarms for site in sites if site.alarms is not None]
    raw = sum(volume.incident_tokens * volume.events_per_hour for volume in measured)
    left = sum(volume.brief_tokens * volume.events_per_hour for volume in measured)
    return max(0.0, round(1 - left / raw, 4)) if raw else None


def price_of(policy: Policy, model: str | None) -> tuple[str, TokenPrice]:
    """The price of a catalogued model; without a name, of the first one for deep analysis.

    Raises:
        InvalidArgumentError: The catalogue has no such model.
    """
    models = policy.catalogue.models
    name = model or next(iter(policy.catalogue.routing.strong), None)
    if name is None or name not in models:
        raise InvalidArgumentError(
            "model", f"the catalogue has no model {name!r}; it has {', '.join(models) or 'none'}"
        )
    return name, token_price(models[name])


def token_price(model: ModelEntry) -> TokenPrice:
    """A catalogued price as the cost model takes it."""
    return TokenPrice(
        input=model.price.input,
        output=model.price.output,
        cached_input=model.price.cached_input,
        source=model.price.source,
        date=model.price.date.isoformat(),
    )


def edge_cost(policy: Policy, sites: Sequence[SiteData]) -> float:
    """What the capacity at the sites costs an hour; one Outposts where no site was assessed.

    Raises:
        SettingsError: A site is a tier that the catalogue does not have.
    """
    total = 0.0
    for tier_id in [site.tier for site in sites] or ["outposts"]:
        entry = policy.catalogue.tiers.get(tier_id)
        if entry is None:
            known = ", ".join(policy.catalogue.tiers)
            raise SettingsError(
                f"the catalogue has no tier {tier_id!r}, so its cost is unknown; it has {known}"
            )
        total += entry.cost_usd_per_hour
    return total


def _function(profile: WorkloadProfile, site: SiteData | None, home: Home) -> AiFunction:
    volume = None if site is None else site.alarms
    return AiFunction(
        name=profile.name if site is None else f"{profile.name} ({site.site})",
        phase=profile.phase,
        data_classes=profile.data_classes,
        home=home,
        events_per_hour=0.0 if volume is None else volume.events_per_hour,
        tokens_per_event=0.0 if volume is None else float(volume.incident_tokens),
        latency_budget_ms=profile.latency_budget_ms,
        pseudonymized=profile.pseudonymized,
        anonymized=profile.anonymized,
        summarized=profile.summarized,
    )
