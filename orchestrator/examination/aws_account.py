"""What the AWS account does with prompts: model access, data retention, invocation logging."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from orchestrator.executors import BedrockEndpoint
from orchestrator.investigating.model_choice import models_offered
from orchestrator.models.converse import base_model_id
from orchestrator.settings import Settings
from placement.policy import Policy
from telecom.examination import Check
from telecom.workload import TierKind

_CONNECT_S, _READ_S = 3.0, 5.0
_NOBODY_ELSE = "aws bedrock put-account-data-retention --mode none"


async def examine_account(settings: Settings, policy: Policy) -> tuple[Check, ...]:
    """Ask the account of the models; empty where no model of Bedrock is used.

    What cannot be asked, offline or without credentials, is `not checked`, with the command that
    answers it.
    """
    models = sorted(_models(settings, policy))
    if not models:
        return ()
    client = await asyncio.to_thread(_client, settings.aws_region)
    if isinstance(client, Check):
        return (client,)
    asked = [
        asyncio.to_thread(_retention, client),
        asyncio.to_thread(_logging, client),
        *(asyncio.to_thread(_access, client, model_id) for model_id in models),
    ]
    try:
        return tuple(await asyncio.gather(*asked))
    finally:
        client.close()


def _models(settings: Settings, policy: Policy) -> set[str]:
    """The foundation models that may be called as the settings are."""
    declared = [
        executor.model_id
        for executors in settings.declared_executors().values()
        for executor in executors
        if isinstance(executor, BedrockEndpoint)
    ]
    if settings.analyst != "bedrock" and not declared:
        return set()
    named = {model_id for model_id in (*declared, settings.bedrock_model) if model_id is not None}
    if not named:
        named = set(_offered(settings, policy))
    return {base_model_id(each) for each in named if not each.startswith("arn:")}


def _offered(settings: Settings, policy: Policy) -> Iterator[str]:
    """What routing would choose from, over every endpoint of the Region."""
    endpoints = (*policy.catalogue.tiers.values(), *policy.catalogue.model_endpoints.values())
    for tier in endpoints:
        if tier.kind is TierKind.REGION:
            yield from models_offered(policy.catalogue, tier, region=settings.aws_region)


def _client(region: str | None) -> Any | Check:  # boto3 has no types
    import boto3  # noqa: PLC0415 - half a second that only a user of Bedrock should pay
    from botocore.config import Config  # noqa: PLC0415 - as above
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above

    config = Config(
        connect_timeout=_CONNECT_S, read_timeout=_READ_S, retries={"total_max_attempts": 1}
    )
    try:
        return boto3.session.Session().client("bedrock", region_name=region, config=config)
    except (BotoCoreError, ValueError) as exc:
        return Check(
            what="models on Bedrock",
            verdict="not checked",
            says=f"boto3 says: {exc}",
            next="set AWS_REGION and credentials",
        )


def _asked(what: str, ask: Callable[[], dict[str, Any]], command: str) -> dict[str, Any] | Check:
    """An answer of the account, or why there is none."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

    try:
        return ask()
    except ClientError as exc:
        code = str(exc.response.get("Error", {}).get("Code", "an error"))
        says = f"the account answers {code}"
    except BotoCoreError as exc:
        says = f"the account cannot be asked ({type(exc).__name__})"
    return Check(what=what, verdict="not checked", says=says, next=f"answers it: {command}")


def _retention(client: Any) -> Check:
    what = "data retention of the account"
    told = _asked(what, client.get_account_data_retention, "aws bedrock get-account-data-retention")
    if isinstance(told, Check):
        return told
    mode = str(told.get("mode"))
    if mode == "none":
        return Check(what=what, verdict="ok", says="mode none: nothing is kept")
    if mode == "provider_data_share":
        says = "mode provider_data_share: the model's provider may receive what sites released"
        return Check(what=what, verdict="fail", says=says, next=_NOBODY_ELSE)
    says = f"mode {mode}: prompts may be kept after the call"
    return Check(what=what, verdict="warn", says=says, next=_NOBODY_ELSE)


def _logging(client: Any) -> Check:
    what = "invocation logging of the account"
    command = "aws bedrock get-model-invocation-logging-configuration"
    told = _asked(what, client.get_model_invocation_logging_configuration, command)
    if isinstance(told, Check):
        return told
    found = told.get("loggingConfig") or {}
    places = [
        *_named(found, "cloudWatchConfig", "logGroupName"),
        *_named(found, "s3Config", "bucketName"),
    ]
    if not places or found.get("textDataDeliveryEnabled") is False:
        return Check(what=what, verdict="ok", says="prompts and answers are not logged")
    return Check(
        what=what,
        verdict="warn",
        says=f"every prompt is copied to {', '.join(places)}: what sites released lies there",
        next="aws bedrock delete-model-invocation-logging-configuration, or bound who reads it "
        "and how long it is kept",
    )


def _named(found: dict[str, Any], section: str, key: str) -> Iterable[str]:
    name = (found.get(section) or {}).get(key)
    return [] if name is None else [str(name)]


def _access(client: Any, model_id: str) -> Check:
    what = f"access to {model_id}"
    command = f"aws bedrock get-foundation-model-availability --model-id {model_id}"
    told = _asked(what, lambda: client.get_foundation_model_availability(modelId=model_id), command)
    if isinstance(told, Check):
        return told
    missing = [
        says
        for says, held in (
            (
                "no agreement",
                (told.get("agreementAvailability") or {}).get("status") == "AVAILABLE",
            ),
            ("not authorized", told.get("authorizationStatus") == "AUTHORIZED"),
            ("no entitlement", told.get("entitlementAvailability") == "AVAILABLE"),
            ("not in this Region", told.get("regionAvailability") == "AVAILABLE"),
        )
        if not held
    ]
    if missing:
        return Check(
            what=what,
            verdict="fail",
            says=", ".join(missing),
            next="Bedrock console, model access; or another model: `bedrock_model:`",
        )
    return Check(what=what, verdict="ok", says=f"may be called in {client.meta.region_name}")
