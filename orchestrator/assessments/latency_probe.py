"""An active probe: N calls to each configured site and model, timed as a caller sees them.

A bare round trip asks a site's health page, which carries no site data: it is the way between the
site's users and the tier that this process runs on. A tool call goes through
placement, gate and ledger like any other, for the shortest brief there is. A model reads a fixed
sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx

from agents import alarm_triage
from agents.ports import LanguageModel, Message, ModelRequest
from orchestrator.capped_http import CappedTransport
from orchestrator.executors import BedrockEndpoint, Executor, McpEndpoint, OpenAiEndpoint, SiteTools
from orchestrator.investigating.delegation import Delegator
from orchestrator.investigating.reasoning import ModelFactory, make_model
from orchestrator.models.timed import Closable, TimedModel
from orchestrator.settings import Settings, SiteDeclaration
from orchestrator.site_access.site_client import Purpose, SiteClient
from orchestrator.site_access.site_desk import SiteDesk
from orchestrator.site_access.sites import open_sites
from placement.decision import DecisionRecord
from placement.latency import LatencySample
from placement.policy import Policy
from telecom.errors import ModelUnavailableError, TierwiseError
from telecom.evidence import Gap

PROBE = "latency-probe"
"""What the site's ledger says these calls were made for."""

_LARGEST_ANSWER = 100_000
_SHORTEST_BRIEF = 200
_QUESTION = ModelRequest(
    system="You are asked to answer with one word.",
    messages=(Message("user", "Answer with the word: ready"),),
    max_tokens=16,
)
_TOOLS: tuple[type[Executor], ...] = (SiteTools, McpEndpoint)


@dataclass(slots=True)
class Probed:
    """What a probe gave."""

    samples: list[LatencySample] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    """What could not be timed, and why."""


async def probe(
    settings: Settings,
    policy: Policy,
    calls: int,
    *,
    keep: Callable[[DecisionRecord], None] = lambda record: None,
    progress: Callable[[str], None] = lambda what: None,
    models: ModelFactory = make_model,
) -> Probed:
    """Time `calls` calls of each kind against every configured site and model.

    Whatever does not answer is a gap; the rest goes on.

    Raises:
        SettingsError: An executor does not fit the catalogue.
        IdentityError: A token file cannot be read.
    """
    probed = Probed()
    delegator = Delegator(settings, policy, keep=keep)
    async with open_sites(settings) as sites:
        for name, client in sites.by_name.items():
            progress(f"site {name}")
            await _probe_way(client.declaration, calls, settings, probed)
            await _probe_tool(client, delegator, calls, probed)
    for tier, executor in _configured_models(settings, delegator):
        progress(f"model on {tier}")
        await _probe_model(tier, executor, settings, policy, calls, probed, models)
    return probed


async def _probe_way(site: SiteDeclaration, calls: int, settings: Settings, probed: Probed) -> None:
    """The way between a site and the tier that this process runs on, over an open connection."""
    what = f"round trip to site {site.name}"
    if site.url is None:
        why = "its directory is on this machine: there is no way to measure; use --site NAME=URL"
        probed.gaps.append(Gap(what=what, why=why))
        return
    url = f"{site.url.rstrip('/')}/healthz"
    try:
        async with httpx.AsyncClient(
            timeout=settings.budgets.tool_seconds, transport=CappedTransport(_LARGEST_ANSWER)
        ) as http:
            await http.get(url)
            for _ in range(calls):
                begun = time.monotonic()
                answer = await http.get(url)
                answer.raise_for_status()
                probed.samples.append(
                    LatencySample(
                        tier=settings.tier, round_trip_ms=(time.monotonic() - begun) * 1000
                    )
                )
    except httpx.HTTPError as exc:
        probed.gaps.append(Gap(what=what, why=f"{url} does not answer ({type(exc).__name__})"))


async def _probe_tool(client: SiteClient, delegator: Delegator, calls: int, probed: Probed) -> None:
    site = client.declaration
    try:
        placed = delegator.place(alarm_triage.PROFILE, site, kinds=_TOOLS)
        desk = SiteDesk(client, Purpose(PROBE))
        for _ in range(calls):
            await desk.summarize_alarms(None, budget_tokens=_SHORTEST_BRIEF)
            record = desk.records[-1]
            probed.samples.append(
                LatencySample(tier=placed.tier, tool=record.tool, round_trip_ms=record.latency_ms)
            )
    except TierwiseError as exc:
        probed.gaps.append(
            Gap(what=f"tools of site {site.name}", why=str(exc), rule=getattr(exc, "rule", None))
        )


def _configured_models(
    settings: Settings, delegator: Delegator
) -> Iterator[tuple[str, BedrockEndpoint | OpenAiEndpoint]]:
    """Models of the settings: those declared, and Bedrock's where it is who reasons."""
    found: list[tuple[str, BedrockEndpoint | OpenAiEndpoint]] = [
        (tier, executor)
        for tier, executors in settings.declared_executors().items()
        for executor in executors
        if isinstance(executor, BedrockEndpoint | OpenAiEndpoint) and executor != BedrockEndpoint()
    ]
    if settings.analyst == "bedrock":
        found.extend(
            (tier.id, executor)
            for site in settings.sites
            for tier in delegator.tiers(site)
            for executor in delegator.executors(tier.id, site)
            if isinstance(executor, BedrockEndpoint) and executor.model_id is not None
        )
    yield from dict.fromkeys(found)


async def _probe_model(  # noqa: PLR0917 - what is called, and where the answer goes
    tier: str,
    executor: Executor,
    settings: Settings,
    policy: Policy,
    calls: int,
    probed: Probed,
    models: ModelFactory,
) -> None:
    model: LanguageModel | None = None
    timed: TimedModel | None = None
    try:
        model = models(executor, settings, policy)
        timed = TimedModel(model, tier)
        for _ in range(calls):
            async for _piece in timed.stream(_QUESTION):
                pass
    except ModelUnavailableError as exc:
        probed.gaps.append(Gap(what=f"model on {tier}", why=str(exc)))
    finally:
        if timed is not None:
            probed.samples.extend(timed.samples)
        if isinstance(model, Closable):
            model.close()
