"""`BedrockDouble`: Bedrock's runtime API on loopback, with everything that goes wrong there.

It serves Converse, ConverseStream (true event-stream framing) and CountTokens to any AWS SDK that
is given its URL, answers from a script or a function, refuses what Bedrock refuses and keeps the
bytes of every request::

    with BedrockDouble([Say("hello"), Throttle(), Cut(Say("good bye"), after=2)]) as bedrock:
        client = boto3.client("bedrock-runtime", endpoint_url=bedrock.url, ...)
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import unquote

from orchestrator.doubles.converse_rules import JsonObject, count_tokens, refusal
from orchestrator.doubles.event_stream import damaged, event_frame, exception_frame
from orchestrator.doubles.prompt_cache import PromptCache
from telecom.tokens import estimate_tokens

StopReason = Literal[
    "end_turn",
    "tool_use",
    "max_tokens",
    "stop_sequence",
    "guardrail_intervened",
    "content_filtered",
    "malformed_model_output",
    "malformed_tool_use",
    "model_context_window_exceeded",
]


@dataclass(frozen=True, slots=True)
class Use:
    """A tool call the model asks for."""

    name: str
    arguments: JsonObject
    call_id: str = "tooluse_1"
    truncate_at: int | None = None
    """Cut the JSON of the arguments after so many characters."""


@dataclass(frozen=True, slots=True)
class Say:
    """An answer: text, tool calls, and how it stopped."""

    text: str = ""
    uses: tuple[Use, ...] = ()
    stop_reason: StopReason | None = None
    """None: `tool_use` with calls, else `end_turn`."""
    cache_read_tokens: int | None = None
    """None: as a cache would have it that has seen this double's requests so far."""
    cache_write_tokens: int | None = None
    invoked_model_id: str | None = None
    """Set by prompt routers: the model that really answered."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """HTTP 429, ThrottlingException; boto3 retries after `retry_after_ms`."""

    retry_after_ms: int = 1


@dataclass(frozen=True, slots=True)
class Fail:
    """An HTTP error instead of an answer."""

    status: int = 503
    error: str = "ServiceUnavailableException"


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is closed after so many frames of an answer, inside a frame."""

    answer: Say
    after: int = 2


@dataclass(frozen=True, slots=True)
class Damage:
    """One frame of an answer arrives with a wrong checksum."""

    answer: Say
    after: int = 2


@dataclass(frozen=True, slots=True)
class Stop:
    """The stream ends cleanly after so many frames, without a messageStop."""

    answer: Say
    after: int = 2


@dataclass(frozen=True, slots=True)
class Break:
    """An error frame in the middle of an answer."""

    answer: Say
    after: int = 2
    error: str = "modelStreamErrorException"


@dataclass(frozen=True, slots=True)
class Hold:
    """An answer that begins when `release` is set: a slow first token, or a hang."""

    answer: Say
    release: threading.Event


Reply = Say | Throttle | Fail | Cut | Damage | Stop | Break | Hold
Brain = Callable[[JsonObject], Reply]
"""Answers one request; runs in the thread of that request."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    model_id: str
    operation: str
    """`converse`, `converse-stream` or `count-tokens`."""
    raw: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)

    @property
    def body(self) -> JsonObject:
        """The request as JSON."""
        content: JsonObject = json.loads(self.raw)
        return content


class BedrockDouble:
    """A Bedrock runtime endpoint for the length of a `with` block."""

    def __init__(
        self,
        replies: Iterable[Reply] | Brain,
        *,
        needs_profile: Collection[str] = (),
        plain: Collection[str] = (),
    ) -> None:
        """Prepare the answers.

        Args:
            replies: One for each request in order, or a function of the request's body.
            needs_profile: Plain model ids to refuse, beyond those known to need a profile.
            plain: Model ids that take neither cache points nor an answer schema.
        """
        self.plain = frozenset(plain)
        self.cache = PromptCache()
        self._brain = replies if callable(replies) else _reader(replies)
        self.needs_profile = frozenset(needs_profile)
        self.requests: list[Received] = []
        """Every request in order of arrival, refused ones included."""
        self.usages: list[dict[str, int]] = []
        """What was counted for each answer, as it was told to the caller."""
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="bedrock-double", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Give this as `endpoint_url` or `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def sent_to_model(self) -> bytes:
        """All bytes of all requests, for a search after what must not be there."""
        return b"\n".join(request.raw for request in self.requests)

    def receive(self, request: Received) -> Reply | str | int:
        """Keep a request; give the reply, the reason of a refusal, or a token count."""
        with self._lock:
            self.requests.append(request)
        if request.operation == "count-tokens":
            return count_tokens(request.body["input"].get("converse", {}))
        why = refusal(
            request.model_id, request.body, needs_profile=self.needs_profile, plain=self.plain
        )
        return why if why is not None else self._brain(request.body)


def _reader(replies: Iterable[Reply]) -> Brain:
    queue = deque(replies)
    lock = threading.Lock()

    def read(_body: JsonObject) -> Reply:
        with lock:
            return queue.popleft() if queue else Fail(500, "InternalServerException")

    return read


def _handler(double: BedrockDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(_ConverseHandler):
        owner = double

    return Handler


class _ConverseHandler(BaseHTTPRequestHandler):
    """One request of the runtime API."""

    owner: BedrockDouble
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        _, _, tail = self.path.partition("/model/")
        name, _, operation = tail.rpartition("/")
        received = Received(unquote(name), operation, raw, dict(self.headers.items()))
        reply = self.owner.receive(received)
        if isinstance(reply, int):
            self._json(HTTPStatus.OK, {"inputTokens": reply})
        elif isinstance(reply, str):
            self._error(HTTPStatus.BAD_REQUEST, "ValidationException", reply)
        elif isinstance(reply, Throttle):
            self._error(
                HTTPStatus.TOO_MANY_REQUESTS,
                "ThrottlingException",
                "Too many requests, please wait before trying again.",
                {"x-amz-retry-after": str(reply.retry_after_ms)},
            )
        elif isinstance(reply, Fail):
            self._error(reply.status, reply.error, "scripted failure")
        elif operation == "converse-stream":
            self._stream(reply, received)
        else:
            self._converse(reply, received)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: requests are kept, not logged."""

    def _converse(self, reply: Reply, received: Received) -> None:
        if isinstance(reply, Hold):
            reply.release.wait()
            reply = reply.answer
        if not isinstance(reply, Say):
            self.close_connection = True  # a broken answer without a stream: nothing comes
            return
        events = list(_events(reply, received.body, self.owner))
        self._json(
            HTTPStatus.OK,
            {
                "output": {"message": {"role": "assistant", "content": _content(reply)}},
                "stopReason": _stop_reason(reply),
                **events[-1][1],
            },
        )

    def _stream(self, reply: Reply, received: Received) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("content-type", "application/vnd.amazon.eventstream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        if isinstance(reply, Hold):
            reply.release.wait()
            reply = reply.answer
        assert not isinstance(reply, (Throttle, Fail, Hold))
        answer = reply if isinstance(reply, Say) else reply.answer
        for number, (name, payload) in enumerate(_events(answer, received.body, self.owner)):
            frame = event_frame(name, payload)
            broken = not isinstance(reply, Say) and number == reply.after
            try:
                self.wfile.write(_breakage(reply, frame) if broken else frame)
            except OSError:
                return  # the client has gone
            if broken and not isinstance(reply, Damage):
                return

    def _json(
        self, status: int, content: JsonObject, headers: dict[str, str] | None = None
    ) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _error(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        named = {"x-amzn-ErrorType": code, **(headers or {})}
        self._json(status, {"message": message}, named)


def _breakage(reply: Say | Cut | Damage | Stop | Break, frame: bytes) -> bytes:
    match reply:
        case Cut():
            return frame[: len(frame) // 2]
        case Damage():
            return damaged(frame)
        case Break(error=error):
            return exception_frame(error, "scripted failure")
        case _:
            return b""


def _stop_reason(answer: Say) -> StopReason:
    return answer.stop_reason or ("tool_use" if answer.uses else "end_turn")


def _content(answer: Say) -> list[JsonObject]:
    text: list[JsonObject] = [{"text": answer.text}] if answer.text else []
    return text + [
        {"toolUse": {"toolUseId": use.call_id, "name": use.name, "input": use.arguments}}
        for use in answer.uses
    ]


def _events(
    answer: Say, request: JsonObject, double: BedrockDouble
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of one streamed answer, metadata last."""
    yield "messageStart", {"role": "assistant"}
    index = 0
    if answer.text:
        for piece in _pieces(answer.text):
            yield "contentBlockDelta", {"delta": {"text": piece}, "contentBlockIndex": index}
        yield "contentBlockStop", {"contentBlockIndex": index}
        index += 1
    for use in answer.uses:
        start = {"toolUse": {"toolUseId": use.call_id, "name": use.name}}
        yield "contentBlockStart", {"start": start, "contentBlockIndex": index}
        for piece in _pieces(json.dumps(use.arguments)[: use.truncate_at]):
            delta = {"toolUse": {"input": piece}}
            yield "contentBlockDelta", {"delta": delta, "contentBlockIndex": index}
        yield "contentBlockStop", {"contentBlockIndex": index}
        index += 1
    yield "messageStop", {"stopReason": _stop_reason(answer)}
    written = estimate_tokens(answer.text) + sum(
        estimate_tokens(json.dumps(use.arguments)) for use in answer.uses
    )
    read, fresh_in_cache = double.cache.bill(request)
    read = read if answer.cache_read_tokens is None else answer.cache_read_tokens
    write = fresh_in_cache if answer.cache_write_tokens is None else answer.cache_write_tokens
    fresh = max(0, count_tokens(request) - read - write)
    usage = {
        "inputTokens": fresh,
        "outputTokens": written,
        "totalTokens": fresh + written + read + write,
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": write,
    }
    double.usages.append(usage)
    metadata: dict[str, Any] = {
        "usage": usage,
        "metrics": {"latencyMs": 1},
    }
    if answer.invoked_model_id is not None:
        metadata["trace"] = {"promptRouter": {"invokedModelId": answer.invoked_model_id}}
    yield "metadata", metadata


def _pieces(text: str, size: int = 24) -> Iterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]
