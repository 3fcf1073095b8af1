"""What Bedrock refuses: the rules of a Converse request that a lenient double would let pass."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Any

from telecom.tokens import estimate_tokens

JsonObject = dict[str, Any]  # a request as it came over the wire

_NEEDS_A_PROFILE = re.compile(r"anthropic\.claude-(?:3-7|\w+-[4-9]|[4-9])")
"""Plain ids of models that are offered through inference profiles only."""
_NO_TEMPERATURE = re.compile(r"claude-(?:[a-z]+-)?5")
_CACHE_POINTS = 4
_METADATA_ENTRIES = 16


def refusal(
    model_id: str, body: JsonObject, *, needs_profile: Collection[str], plain: Collection[str] = ()
) -> str | None:
    """Say why Bedrock would answer this request with a ValidationException; None if it would not.

    Args:
        model_id: As in the path of the request.
        body: The request.
        needs_profile: Plain model ids that are not offered on demand, beyond those known here.
        plain: Models that take neither cache points nor an answer schema.
    """
    return next(_refusals(model_id, body, needs_profile, plain), None)


def _refusals(
    model_id: str, body: JsonObject, needs_profile: Collection[str], plain: Collection[str]
) -> Iterator[str]:
    if model_id in needs_profile or _NEEDS_A_PROFILE.match(model_id):
        yield (
            f"Invocation of model ID {model_id} with on-demand throughput isn't supported. Retry "
            "your request with the ID or ARN of an inference profile that contains this model."
        )
    inference = body.get("inferenceConfig", {})
    if "temperature" in inference and _NO_TEMPERATURE.search(model_id):
        yield "temperature is not supported by this model."
    if inference.get("maxTokens", 1) < 1:
        yield "maxTokens must be at least 1."
    if len(body.get("requestMetadata", {})) > _METADATA_ENTRIES:
        yield f"requestMetadata takes at most {_METADATA_ENTRIES} entries."
    cached = json.dumps(body).count('"cachePoint"')
    if model_id in plain and (cached or "outputConfig" in body):
        yield "This model does not support prompt caching or outputConfig."
    if cached > _CACHE_POINTS:
        yield f"A maximum of {_CACHE_POINTS} blocks with cachePoint may be provided."
    yield from _tool_refusals(body)
    yield from _conversation_refusals(body)


def _tool_refusals(body: JsonObject) -> Iterator[str]:
    tools = [
        tool["toolSpec"]["name"]
        for tool in body.get("toolConfig", {}).get("tools", [])
        if "toolSpec" in tool
    ]
    if len(tools) != len(set(tools)):
        yield "Tool names must be unique."
    if any(not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in tools):
        yield "Tool names must match [a-zA-Z0-9_-]{1,64}."
    blocks = (block for message in body.get("messages", []) for block in message["content"])
    if not tools and any("toolUse" in block or "toolResult" in block for block in blocks):
        yield "The toolConfig field must be defined when using toolUse and toolResult blocks."


def _conversation_refusals(body: JsonObject) -> Iterator[str]:
    messages = body.get("messages", [])
    if not messages or messages[0]["role"] != "user":
        yield "A conversation must start with a user message."
    for before, message in pairwise(messages):
        if before["role"] == message["role"]:
            yield "Roles must alternate between user and assistant."
    asked: list[str] = []
    for message in messages:
        content = message.get("content", [])
        if not content:
            yield "The content field of a message must not be empty."
        if any("text" in block and not block["text"].strip() for block in content):
            yield "The text field of a content block must not be blank."
        answered = [b["toolResult"]["toolUseId"] for b in content if "toolResult" in b]
        if sorted(answered) != sorted(asked):
            yield "Every toolUse block must be answered by one toolResult in the next message."
        asked = [b["toolUse"]["toolUseId"] for b in content if "toolUse" in b]
    if messages and messages[-1]["role"] != "user":
        yield "The conversation must end with a user message."


def count_tokens(body: JsonObject) -> int:
    """Estimate what the service would count: instructions, tools, messages, the answer's schema."""
    read = {key: body[key] for key in ("system", "messages", "outputConfig") if key in body}
    tools = json.dumps(body["toolConfig"]) if "toolConfig" in body else ""
    return sum(map(estimate_tokens, _texts(read))) + estimate_tokens(tools)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
