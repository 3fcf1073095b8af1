"""The report on an SNS topic."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.incidents.outbox import Delivery
from orchestrator.service_settings import Sink
from orchestrator.sinks.pinned_http import DeliveryError

_CONFIG = Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 2})
_LARGEST_BYTES = 250_000
"""SNS takes 256 KiB, attributes included."""


async def publish(sink: Sink, delivery: Delivery) -> None:
    """Publish a delivery.

    Raises:
        DeliveryError: It was not taken.
    """
    content = json.loads(delivery.payload)
    if len(content["message"].encode()) > _LARGEST_BYTES:
        event = json.loads(content["message"])
        event["report"] = {key: event["report"][key] for key in ("headline", "status")}
        content["message"] = json.dumps(event | {"shortened": True})
    arguments: dict[str, Any] = {  # boto3's own keywords
        "TopicArn": sink.url,
        "Subject": content["subject"].encode("ascii", "replace").decode()[:99],
        "Message": content["message"],
        "MessageAttributes": {
            "effect_key": {"DataType": "String", "StringValue": delivery.effect_key}
        },
    }
    if sink.url.endswith(".fifo"):
        arguments |= {
            "MessageDeduplicationId": delivery.effect_key,
            "MessageGroupId": delivery.incident_id,
        }
    try:
        await asyncio.to_thread(_publish, sink.url.split(":")[3], arguments)
    except (BotoCoreError, ClientError) as exc:
        raise DeliveryError(f"SNS did not take it: {type(exc).__name__}") from exc


def _publish(region: str, arguments: dict[str, Any]) -> None:
    boto3.client("sns", region_name=region, config=_CONFIG).publish(**arguments)
