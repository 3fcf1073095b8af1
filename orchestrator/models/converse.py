"""The Converse API as values: a `ModelRequest` becomes its parameters, its events a `ModelTurn`.

Nothing here opens a connection; `orchestrator.models.bedrock` does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from agents.ports import Message, ModelRequest, ModelTurn, ModelUsage, ToolCall
from telecom.errors import ModelUnavailableError

StopReason = Literal["end_turn", "tool_use", "max_tokens", "refused"]

_STOP_REASONS: Mapping[str, StopReason] = {
    "end_turn": "end_turn",
    "stop_sequence": "end_turn",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "guardrail_intervened": "refused",
    "content_filtered": "refused",
}

_METADATA_VALUE = re.compile(r"[^a-zA-Z0-9\s:_@$#=/+,.-]")
_GEOGRAPHY = re.compile(r"^(global|us-gov|[a-z]{2,4})\.(?=[a-z0-9]+\.)")


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """What one model charges, in USD per million tokens."""

    input: float
    output: float
    cache_read: float | None = None
    """None means a tenth of `input`."""
    cache_write: float | None = None
    """None means a quarter more than `input`."""

    def cost(self, usage: ModelUsage) -> float:
        """Price of one turn in USD."""
        read = self.input * 0.1 if self.cache_read is None else self.cache_read
        write = self.input * 1.25 if self.cache_write is None else self.cache_write
        return (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_read_tokens * read
            + usage.cache_write_tokens * write
        ) / 1_000_000


def base_model_id(model_id: str) -> str:
    """Reduce an ARN or an inference profile to the model it stands for.

    `arn:aws:bedrock:eu-central-1:1:inference-profile/eu.amazon.nova-pro-v1:0` becomes
    `amazon.nova-pro-v1:0`.
    """
    return _GEOGRAPHY.sub("", model_id.rpartition("/")[2])


Residency = Literal["in_region", "geography", "global"]


def residency_of(model_id: str) -> Residency:
    """Where Bedrock may process a call to `model_id`.

    A plain foundation-model id stays in its Region, a geographic inference profile may use any
    Region of its geography, a global one any Region at all. What cannot be told (an application
    profile, a prompt router) counts as global.
    """
    name = model_id.rpartition("/")[2]
    match = _GEOGRAPHY.match(name)
    if match is not None:
        return "global" if match.group(1) == "global" else "geography"
    plain = not model_id.startswith("arn:") or ":foundation-model/" in model_id
    return "in_region" if plain else "global"


@dataclass(frozen=True, slots=True)
class Features:
    """What a model takes beyond plain messages and tools."""

    cache_points: frozenset[Literal["system", "tools", "messages"]] = frozenset()
    """Where it takes a cache point."""
    answer_schema: bool = False
    """Whether it holds its answer to a JSON Schema; our prompt words the schema as well."""


PLAIN: Final = Features()
_EVERYWHERE: Final = frozenset[Literal["system", "tools", "messages"]](
    {"system", "tools", "messages"}
)
_FAMILIES: Final[Sequence[tuple[re.Pattern[str], Features]]] = (
    (
        re.compile(r"anthropic\.claude-(?:[a-z]+-)?(?:4-[5-9]|[5-9])"),
        Features(_EVERYWHERE, answer_schema=True),
    ),
    (re.compile(r"anthropic\.claude-(?:3-[57]|[a-z]+-4)"), Features(_EVERYWHERE)),
    (re.compile(r"amazon\.nova-"), Features(frozenset({"system", "messages"}))),
)
"""Prompt caching and structured output by model family, as the service's user guide lists them;
read in November 2026."""


def features_of(model_id: str) -> Features:
    """What a model is known to take; nothing for one that cannot be told, such as a router."""
    name = base_model_id(model_id)
    return next((known for family, known in _FAMILIES if family.match(name)), PLAIN)


def converse_parameters(
    request: ModelRequest, model_id: str, *, features: Features, guardrail: str | None = None
) -> dict[str, Any]:
    """Keyword arguments of `converse_stream` for `request`.

    The stable part (tools, instructions) comes first and ends in a cache point; where the model
    may ask back, the evidence of the first message does as well, because every turn repeats it.

    Args:
        request: What is asked.
        model_id: As the service is called with.
        features: What the model takes.
        guardrail: ID:VERSION or ARN:VERSION.
    """
    point: list[dict[str, Any]] = [{"cachePoint": {"type": "default"}}]
    messages = [_message(message) for message in request.messages]
    if "messages" in features.cache_points and request.tools:
        messages[0]["content"] += point
    parameters: dict[str, Any] = {
        "modelId": model_id,
        "system": [
            {"text": printable(request.system)},
            *(point if "system" in features.cache_points else ()),
        ],
        "messages": messages,
        "inferenceConfig": {"maxTokens": request.max_tokens},
    }
    if request.tools:
        tools = [
            {
                "toolSpec": {
                    "name": tool.name,
                    "description": printable(tool.description),
                    "inputSchema": {"json": tool.input_schema},
                }
            }
            for tool in request.tools
        ]
        points = point if "tools" in features.cache_points else []
        parameters["toolConfig"] = {"tools": [*tools, *points]}
    if request.output_schema is not None and features.answer_schema:
        schema = {"schema": json.dumps(request.output_schema), "name": "answer"}
        parameters["outputConfig"] = {
            "textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}
        }
    if guardrail is not None:
        name, _, version = guardrail.rpartition(":")
        parameters["guardrailConfig"] = {
            "guardrailIdentifier": name,
            "guardrailVersion": version,
            # Nothing is shown before the guardrail has read it.
            "streamProcessingMode": "sync",
        }
    if request.metadata:
        parameters["requestMetadata"] = {
            key[:256]: _METADATA_VALUE.sub("-", value)[:256]
            for key, value in request.metadata.items()
        }
    return parameters


def printable(text: str) -> str:
    """Replace what UTF-8 cannot carry (lone surrogates), so that a request can be encoded."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _message(message: Message) -> dict[str, Any]:
    content: list[dict[str, Any]] = [
        {
            "toolResult": {
                "toolUseId": outcome.call_id,
                "content": [{"text": printable(outcome.text) or "(empty)"}],
                "status": "error" if outcome.failed else "success",
            }
        }
        for outcome in message.tool_outcomes
    ]
    if message.text.strip():  # Bedrock refuses blank text
        content.append({"text": printable(message.text)})
    content.extend(
        {"toolUse": {"toolUseId": call.call_id, "name": call.name, "input": call.arguments}}
        for call in message.tool_calls
    )
    return {"role": message.role, "content": content}


@dataclass(slots=True)
class _Block:
    """One content block as it streams in."""

    tool_use_id: str | None = None
    name: str = ""
    text: list[str] = field(default_factory=list)


@dataclass(slots=True)
class TurnCollector:
    """Puts the events of one stream together."""

    model_id: str
    ttft_ms: float | None = None
    _blocks: dict[int, _Block] = field(default_factory=dict)
    _stop: str | None = None
    _usage: dict[str, Any] | None = None  # the service's JSON
    _invoked: str | None = None

    def take(self, event: Mapping[str, Any]) -> str:
        """Add one event; returns the text it brought.

        Raises:
            ModelUnavailableError: The event is an error of the service.
        """
        for name, body in event.items():
            match name:
                case "contentBlockStart":
                    tool = body.get("start", {}).get("toolUse", {})
                    self._blocks[body["contentBlockIndex"]] = _Block(
                        tool.get("toolUseId"), tool.get("name", "")
                    )
                case "contentBlockDelta":
                    return self._delta(body)
                case "messageStop":
                    self._stop = body["stopReason"]
                case "metadata":
                    self._usage = body.get("usage", {})
                    router = body.get("trace", {}).get("promptRouter", {})
                    self._invoked = router.get("invokedModelId")
                case "messageStart" | "contentBlockStop":
                    pass
                case _:
                    raise ModelUnavailableError(
                        self.model_id, f"the stream broke off ({name})", retryable=True
                    )
        return ""

    def _delta(self, body: Mapping[str, Any]) -> str:
        block = self._blocks.setdefault(body["contentBlockIndex"], _Block())
        delta = body["delta"]
        if "toolUse" in delta:
            block.text.append(delta["toolUse"].get("input", ""))
            return ""
        text = delta.get("text", "")
        block.text.append(text)
        return str(text)

    @property
    def finished(self) -> bool:
        """Whether the service said how the turn ended."""
        return self._stop is not None

    def turn(self, prices: Mapping[str, TokenPrice]) -> ModelTurn:
        """Close the turn.

        Raises:
            ModelUnavailableError: The stream ended early, or a tool call cannot be read.
        """
        if self._stop is None:
            raise ModelUnavailableError(
                self.model_id, "its stream ended before the answer did", retryable=True
            )
        stop = _STOP_REASONS.get(self._stop)
        if stop is None:
            raise ModelUnavailableError(
                self.model_id, f"it stopped with {self._stop!r}", retryable=True
            )
        answered_by = self._invoked or self.model_id
        blocks = [block for _, block in sorted(self._blocks.items())]
        return ModelTurn(
            text="".join(chunk for b in blocks if b.tool_use_id is None for chunk in b.text),
            # A call cut short by max_tokens can still parse: only tool_use makes it one.
            tool_calls=tuple(self._call(block) for block in blocks if block.tool_use_id is not None)
            if stop == "tool_use"
            else (),
            stop_reason=stop,
            model_id=answered_by,
            usage=self._priced(prices.get(base_model_id(answered_by))),
        )

    def _call(self, block: _Block) -> ToolCall:
        try:
            arguments = json.loads("".join(block.text) or "{}")
        except ValueError as exc:
            raise ModelUnavailableError(
                self.model_id, "the arguments of its tool call are no JSON", retryable=True
            ) from exc
        if not isinstance(arguments, dict):
            raise ModelUnavailableError(
                self.model_id, "the arguments of its tool call are no object", retryable=True
            )
        return ToolCall(block.tool_use_id or "", block.name, arguments)

    def _priced(self, price: TokenPrice | None) -> ModelUsage:
        counted = self._usage or {}
        usage = ModelUsage(
            input_tokens=counted.get("inputTokens", 0),
            output_tokens=counted.get("outputTokens", 0),
            cache_read_tokens=counted.get("cacheReadInputTokens", 0),
            cache_write_tokens=counted.get("cacheWriteInputTokens", 0),
            ttft_ms=self.ttft_ms,
        )
        if price is None or self._usage is None:
            return usage
        return replace(usage, cost_usd=price.cost(usage))
