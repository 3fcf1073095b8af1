"""`tierwise doctor`: what is configured, reachable and safe, and what is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents import alarm_triage, config_auditor, root_cause_analyst, ticket_historian
from orchestrator.examination.aws_account import examine_account
from orchestrator.examination.wire import examine_wire
from orchestrator.executors import (
    BedrockEndpoint,
    Executor,
    InProcess,
    McpEndpoint,
    OpenAiEndpoint,
    SiteTools,
)
from orchestrator.investigating.delegation import Delegator
from orchestrator.rendering.terminal import text
from orchestrator.settings import Settings, SiteDeclaration, explain, is_database_url
from orchestrator.site_access.site_client import Purpose
from orchestrator.site_access.site_desk import SiteDesk
from orchestrator.site_access.sites import open_sites
from orchestrator.storage.state import open_state
from placement.policy import Policy, load_policy
from telecom.errors import OperatorError, PlacementRefusedError, TierwiseError
from telecom.examination import Check, judge_disk
from telecom.workload import WorkloadProfile

_TOOLS: tuple[type[Executor], ...] = (SiteTools, McpEndpoint, InProcess)
_PROBE = Purpose("doctor")
_EXECUTORS = "correct `executors:` in tierwise.yaml; tierwise doctor --explain has its words"
_PLACE = "tierwise place what-if shows what would open it; otherwise it is a gap of the report"
_STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "not checked": "dim"}


async def examine(settings: Settings) -> tuple[Check, ...]:
    """Look at policy, state, disk, models, and at every site at the same time."""
    checks = [_self(settings)]
    try:
        policy = load_policy(settings.policy.catalogue, settings.policy.rules)
    except OperatorError as exc:
        cure = "correct the file at the line named; until then nothing is placed outside a site"
        return (*checks, Check(what="policy", verdict="fail", says=str(exc), next=cure))
    says = f"policy {policy.policy_sha256[:12]}, catalogue {policy.catalogue_sha256[:12]}"
    checks.append(Check(what="policy", verdict="ok", says=says))
    checks.append(await _state(settings))
    checks.append(_disk(settings))
    checks.extend(await examine_account(settings, policy))
    if not settings.sites:
        cure = "give --site NAME=URL, --site-dir DIR, or `sites:` in tierwise.yaml"
        return (*checks, Check(what="sites", verdict="warn", says="none is named", next=cure))
    for found in await asyncio.gather(
        *(_examine_site(settings, policy, site) for site in settings.sites)
    ):
        checks.extend(found)
    return tuple(checks)


async def _examine_site(
    settings: Settings, policy: Policy, site: SiteDeclaration
) -> tuple[Check, ...]:
    reachable, completed = await _reachable(settings, site)
    return (
        *_placements(settings, policy, completed),
        reachable,
        *[check async for check in examine_wire(site, policy)],
    )


def _self(settings: Settings) -> Check:
    country = settings.own_country
    where = f"tier {settings.tier}, country {country or 'unknown'}, analyst {settings.analyst}"
    if country is None:
        return Check(
            what="this orchestrator",
            verdict="warn",
            says=f"{where}: in-country data stays on the site",
            next="set AWS_REGION, or `country:` in tierwise.yaml",
        )
    return Check(what="this orchestrator", verdict="ok", says=where)


async def _state(settings: Settings) -> Check:
    try:
        async with open_state(settings.state_address):
            return Check(what="state", verdict="ok", says=settings.state_shown)
    except TierwiseError as exc:
        cure = "see docs/runbooks/outage.md"
        return Check(what="state", verdict="fail", says=str(exc), next=cure)


def _disk(settings: Settings) -> Check:
    if is_database_url(settings.state_address):
        return Check(
            what="disk of the state",
            verdict="not checked",
            says="PostgreSQL's own",
            next="answers it: SELECT pg_size_pretty(pg_database_size(current_database()))",
        )
    return judge_disk("disk of the state", Path(settings.state_address).parent)


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
        yield Check(what="executors", verdict="fail", says=str(exc), next=_EXECUTORS)
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
            yield Check(what=what, verdict="warn", says=str(exc), next=_PLACE)
        else:
            obliged = f" ({', '.join(placed.obligations)})" if placed.obligations else ""
            yield Check(what=what, verdict="ok", says=f"runs on {placed.tier}{obliged}")


async def _reachable(settings: Settings, site: SiteDeclaration) -> tuple[Check, SiteDeclaration]:
    """Whether a site answers, and its declaration completed by what it says about itself."""
    what = f"{site.name}: tools"
    one_site = settings.model_copy(update={"sites": (site,)})
    try:
        async with open_sites(one_site) as sites:
            client = sites.by_name[site.name]
            summary = await SiteDesk(client, _PROBE).summarize_alarms(None)
    except TierwiseError as exc:
        cure = "docs/runbooks/outage.md; on the site: tierwise-site doctor DIR"
        return Check(what=what, verdict="fail", says=str(exc), next=cure), site
    site = client.declaration
    if client.contradictions:
        says = "; ".join(f"{gap.what}: {gap.why}" for gap in client.contradictions)
        cure = "correct the site's row in tierwise.yaml, or its site.yaml"
        return Check(what=what, verdict="warn", says=says, next=cure), site
    if site.url is not None and site.url.startswith("http://") and not _loopback(site.url):
        says = "answers over plain HTTP: its token crosses the network readable"
        cure = "`serving.tls` in its site.yaml, and an https url here"
        return Check(what=what, verdict="warn", says=says, next=cure), site
    says = f"{summary.alarms_total} alarms in sight"
    return Check(what=what, verdict="ok", says=says), site


def _loopback(url: str) -> bool:
    host = url.split("/")[2].rsplit(":", 1)[0].strip("[]")
    return host in {"localhost", "::1"} or host.startswith("127.")


def print_checks(checks: Sequence[Check], console: Console, *, as_json: bool) -> None:
    """Print what was found."""
    if as_json:
        document = json.dumps([check.model_dump() for check in checks], indent=2)
        console.file.write(document + "\n")
        return
    table = Table("what", "verdict", "says", "what to do")
    for check in checks:
        verdict = text(check.verdict, _STYLES[check.verdict])
        table.add_row(text(check.what), verdict, text(check.says), text(check.next))
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
