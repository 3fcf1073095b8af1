"""`tierwise doctor`: what is configured, reachable and safe, and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Literal

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console
from rich.table import Table

from agents import alarm_triage, config_auditor, root_cause_analyst, ticket_historian
from orchestrator.delegation import Delegator
from orchestrator.executors import (
    BedrockEndpoint,
    Executor,
    InProcess,
    McpEndpoint,
    OpenAiEndpoint,
    SiteTools,
)
from orchestrator.rendering.terminal import text
from orchestrator.settings import Settings, SiteDeclaration, explain
from orchestrator.site_client import Purpose
from orchestrator.sites import open_sites
from orchestrator.state import open_state
from placement.policy import Policy, load_policy
from telecom.errors import OperatorError, PlacementRefusedError, TierwiseError
from telecom.schema import ProductModel
from telecom.workload import WorkloadProfile

_TOOLS: tuple[type[Executor], ...] = (SiteTools, McpEndpoint, InProcess)
_PROBE = Purpose("doctor")


class Check(ProductModel):
    """One thing that was looked at."""

    what: str
    verdict: Literal["fine", "limited", "broken"]
    """`limited` works with less: the report names the gap."""
    says: str


class _PolicyThere(BaseModel):
    """What a site says about its policy."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: Literal["current", "last_good", "closed"]
    policy_sha256: str
    catalogue_sha256: str
    loaded_at: str | None
    problems: int


class _Readiness(BaseModel):
    """The part of a site's `/readyz` that is needed here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    policy: _PolicyThere


async def examine(settings: Settings) -> tuple[Check, ...]:
    """Look at policy, state, placement and every site."""
    checks = [_self(settings)]
    try:
        policy = load_policy(settings.policy.catalogue, settings.policy.rules)
    except OperatorError as exc:
        return (*checks, Check(what="policy", verdict="broken", says=str(exc)))
    says = f"policy {policy.policy_sha256[:12]}, catalogue {policy.catalogue_sha256[:12]}"
    checks.append(Check(what="policy", verdict="fine", says=says))
    checks.append(await _state(settings))
    if not settings.sites:
        says = "give --site NAME=URL, --site-dir DIR, or `sites:` in tierwise.yaml"
        return (*checks, Check(what="sites", verdict="limited", says=says))
    for site in settings.sites:
        reachable, completed = await _reachable(settings, site)
        checks.extend((*_placements(settings, policy, completed), reachable))
        policy_there = await _site_policy(site, settings.budgets.tool_seconds)
        if policy_there is not None:
            checks.append(policy_there)
    return tuple(checks)


def _self(settings: Settings) -> Check:
    country = settings.own_country
    where = f"tier {settings.tier}, country {country or 'unknown'}, analyst {settings.analyst}"
    if country is None:
        return Check(
            what="this orchestrator",
            verdict="limited",
            says=f"{where}; set AWS_REGION or `country:`, or in-country data stays on the site",
        )
    return Check(what="this orchestrator", verdict="fine", says=where)


async def _state(settings: Settings) -> Check:
    try:
        async with open_state(settings.state_address):
            return Check(what="state", verdict="fine", says=settings.state_shown)
    except TierwiseError as exc:
        return Check(what="state", verdict="broken", says=str(exc))


def _placements(settings: Settings, policy: Policy, site: SiteDeclaration) -> Iterator[Check]:
    """Where each agent would run for a site."""
    reasoning: dict[str, tuple[type[Executor], ...]] = {
        "rules": (InProcess,),
        "bedrock": (BedrockEndpoint,),
        "slm": (OpenAiEndpoint,),
    }
    agents: Sequence[tuple[WorkloadProfile, tuple[type[Executor], ...]]] = (
        (alarm_triage.PROFILE, _TOOLS),
        (config_auditor.PROFILE, _TOOLS),
        (ticket_historian.PROFILE, _TOOLS),
        (root_cause_analyst.PROFILE, reasoning[settings.analyst]),
    )
    try:
        delegator = Delegator(settings, policy, keep=lambda record: None)
    except OperatorError as exc:
        yield Check(what="executors", verdict="broken", says=str(exc))
        return
    for profile, kinds in agents:
        what = f"{site.name}: {profile.name}"
        try:
            placed = delegator.place(
                profile,
                site,
                kinds=kinds,
                received=profile is root_cause_analyst.PROFILE,
            )
        except PlacementRefusedError as exc:
            yield Check(what=what, verdict="limited", says=str(exc))
        else:
            obliged = f" ({', '.join(placed.obligations)})" if placed.obligations else ""
            yield Check(what=what, verdict="fine", says=f"runs on {placed.tier}{obliged}")


async def _site_policy(site: SiteDeclaration, timeout_s: float) -> Check | None:
    """Which policy the site's own gate has in force; None where it does not say."""
    if site.url is None or site.transport == "gateway":
        return None
    what = f"{site.name}: policy"
    try:
        async with httpx.AsyncClient(timeout=timeout_s, trust_env=False) as http:
            answer = await http.get(f"{site.url.rstrip('/')}/readyz")
            told = _Readiness.model_validate_json(answer.content).policy
    except (httpx.HTTPError, ValidationError):
        return None
    version = f"policy {told.policy_sha256[:12]}, catalogue {told.catalogue_sha256[:12]}"
    if told.state == "current":
        return Check(what=what, verdict="fine", says=version)
    if told.state == "closed":
        return Check(what=what, verdict="broken", says="none ever loaded: the gate is closed")
    says = (
        "its files do not validate (the site's log says why); the last good version "
        f"decides: {version}, loaded {told.loaded_at}"
    )
    return Check(what=what, verdict="limited", says=says)


async def _reachable(settings: Settings, site: SiteDeclaration) -> tuple[Check, SiteDeclaration]:
    """Whether a site answers, and its declaration completed by what it says about itself."""
    what = f"{site.name}: tools"
    one_site = settings.model_copy(update={"sites": (site,)})
    try:
        async with open_sites(one_site) as sites:
            client = sites.by_name[site.name]
            summary = await client.desk(_PROBE).summarize_alarms(None)
    except TierwiseError as exc:
        return Check(what=what, verdict="broken", says=str(exc)), site
    site = client.declaration
    if client.contradictions:
        says = "; ".join(f"{gap.what}: {gap.why}" for gap in client.contradictions)
        return Check(what=what, verdict="limited", says=says), site
    if site.url is not None and site.url.startswith("http://") and not _loopback(site.url):
        says = "answers, but over plain HTTP: use https"
        return Check(what=what, verdict="limited", says=says), site
    says = f"{summary.alarms_total} alarms in sight"
    return Check(what=what, verdict="fine", says=says), site


def _loopback(url: str) -> bool:
    host = url.split("/")[2].rsplit(":", 1)[0].strip("[]")
    return host in {"localhost", "::1"} or host.startswith("127.")


def print_checks(checks: Sequence[Check], console: Console, *, as_json: bool) -> None:
    """Print what was found."""
    if as_json:
        document = json.dumps([check.model_dump() for check in checks], indent=2)
        console.file.write(document + "\n")
        return
    style = {"fine": "green", "limited": "yellow", "broken": "red"}
    table = Table("what", "verdict", "says")
    for check in checks:
        table.add_row(text(check.what), text(check.verdict, style[check.verdict]), text(check.says))
    console.print(table)


def print_explanation(console: Console, *, as_json: bool) -> None:
    """Print every key of `tierwise.yaml`."""
    if as_json:
        keys = [{"key": key, "default": default, "says": says} for key, default, says in explain()]
        console.file.write(json.dumps(keys, indent=2) + "\n")
        return
    table = Table("key", "default", "meaning")
    for key, default, says in explain():
        table.add_row(text(key), text(default), text(says))
    console.print(table)
