"""`EdgeModel`: a small language model behind any OpenAI-compatible server (vLLM, llama.cpp, ...).

Whether its endpoint may be used is the placement policy's business: whoever builds this adapter
has a decision for the tier instance that the URL is declared for.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from agents.ports import (
    Message,
    ModelRequest,
    ModelTurn,
    ModelUsage,
    TextDelta,
    ToolCall,
)
from telecom.errors import ModelUnavailableError

_FINISH: Mapping[str, Literal["end_turn", "tool_use", "max_tokens", "refused"]] = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "refused",
}


@dataclass(frozen=True, slots=True)
class EdgeModelSettings:
    """Where the server is and how long it may take."""

    base_url: str
    """Up to and including `/v1`."""
    model: str
    api_key: str | None = field(default=None, repr=False)
    first_token_s: float = 30.0
    """Longest silence before the first piece, and between two pieces."""
    total_s: float = 180.0
    attempts: int = 2
    max_answer_bytes: int = 1_000_000


class EdgeModel:
    """A `LanguageModel` over the chat-completions API."""

    def __init__(
        self, settings: EdgeModelSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._transport = transport
        self.model_id = settings.model

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelTurn]:
        """Yield text as it comes and the finished turn last; a broken stream is repeated whole.

        Raises:
            ModelUnavailableError: Unreachable, refusing, too slow, too long or not speaking the
                protocol, after the last attempt.
        """
        for attempt in range(1, self._settings.attempts + 1):
            try:
                async for event in self._attempt(request):
                    yield event
            except ModelUnavailableError as exc:
                if not exc.retryable or attempt == self._settings.attempts:
                    raise
            else:
                return

    async def _attempt(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelTurn]:
        settings = self._settings
        answer = _Answer(settings, started=time.monotonic())
        # Unpacked, a few compressed bytes could be a gigabyte before anybody counts them.
        headers = {"accept-encoding": "identity"}
        if settings.api_key:
            headers["authorization"] = f"Bearer {settings.api_key}"
        timeout = httpx.Timeout(settings.first_token_s, connect=min(10.0, settings.first_token_s))
        try:
            async with (
                httpx.AsyncClient(
                    transport=self._transport, timeout=timeout, headers=headers, trust_env=False
                ) as client,
                client.stream(
                    "POST",
                    f"{settings.base_url.rstrip('/')}/chat/completions",
                    json=chat_request(request, settings.model),
                ) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise ModelUnavailableError(
                        settings.model,
                        f"the server answered {response.status_code}",
                        retryable=response.status_code in {408, 429} or response.is_server_error,
                    )
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise ModelUnavailableError(settings.model, "its answer is compressed")
                async for line in _bounded_lines(response, settings, started=answer.started):
                    if delta := answer.take(line):
                        yield TextDelta(delta)
        except httpx.TimeoutException as exc:
            raise ModelUnavailableError(
                settings.model, f"silent for {settings.first_token_s:g} s", retryable=True
            ) from exc
        except httpx.HTTPError as exc:
            raise ModelUnavailableError(
                settings.model, f"the connection failed ({type(exc).__name__})", retryable=True
            ) from exc
        yield answer.turn()


async def _bounded_lines(
    response: httpx.Response, settings: EdgeModelSettings, *, started: float
) -> AsyncIterator[bytes]:
    """Split the body into lines without ever holding more, or waiting longer, than is allowed."""
    pending, total = b"", 0
    async for chunk in response.aiter_bytes():
        if time.monotonic() - started > settings.total_s:
            raise ModelUnavailableError(
                settings.model, f"no finished answer within {settings.total_s:g} s"
            )
        total += len(chunk)
        if total > settings.max_answer_bytes:
            raise ModelUnavailableError(
                settings.model, f"its answer is longer than {settings.max_answer_bytes} bytes"
            )
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            yield line
    if pending:
        yield pending


class _Answer:
    """Collects the pieces of a streamed completion."""

    def __init__(self, settings: EdgeModelSettings, *, started: float) -> None:
        self._model = settings.model
        self.started = started
        self._text: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._finish: str | None = None
        self._usage: dict[str, Any] = {}  # the server's JSON
        self._ttft_ms: float | None = None

    def take(self, line: bytes) -> str:
        """Read one line of the event stream; returns the text it brought."""
        data = line.strip().removeprefix(b"data:").strip()
        if not line.startswith(b"data:") or data == b"[DONE]":
            return ""
        try:
            chunk = json.loads(data)
            self._usage = dict(chunk.get("usage") or self._usage)
            choices = chunk.get("choices") or []
            if not choices:
                return ""
            self._finish = str(choices[0].get("finish_reason") or self._finish or "") or None
            delta = choices[0].get("delta") or {}
            self._collect_calls(delta.get("tool_calls") or [])
            text = delta.get("content") or ""
            if not isinstance(text, str):
                raise TypeError("content is no text")
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as exc:
            raise ModelUnavailableError(
                self._model, "it does not speak the chat-completions protocol"
            ) from exc
        if self._ttft_ms is None and (text or self._calls):
            self._ttft_ms = (time.monotonic() - self.started) * 1000
        self._text.append(text)
        return text

    def _collect_calls(self, pieces: list[dict[str, Any]]) -> None:
        for piece in pieces:
            call = self._calls.setdefault(
                int(piece.get("index", 0)), {"id": "", "name": "", "arguments": ""}
            )
            call["id"] = piece.get("id") or call["id"]
            function = piece.get("function") or {}
            call["name"] += function.get("name") or ""
            call["arguments"] += function.get("arguments") or ""

    def turn(self) -> ModelTurn:
        """Close the turn; a stream that ended without saying why is broken."""
        stop = _FINISH.get(self._finish or "")
        if stop is None:
            raise ModelUnavailableError(
                self._model, "its stream ended before the answer did", retryable=True
            )
        calls: tuple[ToolCall, ...] = ()
        if self._calls and stop in {"tool_use", "end_turn"}:  # llama.cpp says stop for calls
            stop = "tool_use"
            calls = tuple(self._call(*item) for item in sorted(self._calls.items()))
        return ModelTurn(
            text="".join(self._text),
            tool_calls=calls,
            stop_reason=stop,
            model_id=self._model,
            usage=ModelUsage(
                input_tokens=_count(self._usage.get("prompt_tokens")),
                output_tokens=_count(self._usage.get("completion_tokens")),
                ttft_ms=self._ttft_ms,
            ),
        )

    def _call(self, index: int, call: dict[str, str]) -> ToolCall:
        try:
            arguments = json.loads(call["arguments"] or "{}")
        except ValueError as exc:
            raise ModelUnavailableError(
                self._model, "the arguments of its tool call are no JSON", retryable=True
            ) from exc
        if not isinstance(arguments, dict):
            raise ModelUnavailableError(
                self._model, "the arguments of its tool call are no object", retryable=True
            )
        return ToolCall(call["id"] or f"call_{index}", call["name"], arguments)


def _count(value: object) -> int:
    """What a server says it counted; anything but a number is no count."""
    return value if isinstance(value, int) and value >= 0 else 0


def chat_request(request: ModelRequest, model: str) -> dict[str, Any]:
    """The JSON body of a chat completion for `request`."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": request.system}]
    for message in request.messages:
        messages.extend(_chat_messages(message))
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.input_schema,
                },
            }
            for tool in request.tools
        ]
    if request.output_schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": request.output_schema},
        }
    return body


def _chat_messages(message: Message) -> list[dict[str, Any]]:
    if message.tool_outcomes:
        return [
            {"role": "tool", "tool_call_id": outcome.call_id, "content": outcome.text}
            for outcome in message.tool_outcomes
        ]
    body: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        body["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return [body]
