"""`OpenAiDouble`: a local OpenAI-compatible server that behaves, or misbehaves, as it is told.

A real HTTP server on loopback for tests of whatever calls a small model: this product's own and its
users'. It streams chat completions; each request is answered by the next behaviour, and the last
one answers all further requests.

    with OpenAiDouble(Answer("link down")) as double:
        settings = EdgeModelSettings(double.base_url, "double")
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, Self

_PIECE = 40
"""Characters of one streamed piece."""


class Behaviour(Protocol):
    """How a request is answered."""

    status: int

    def body(self, request: Mapping[str, Any], closing: threading.Event) -> Iterator[bytes]:
        """The pieces of the answer's body; `closing` is set when the double goes away."""
        ...


@dataclass(frozen=True)
class Answer:
    """Answers as it should: a fixed text, or one made from the user's message."""

    text: str | Callable[[str], str]
    finish: str = "stop"
    status: int = 200

    def body(self, request: Mapping[str, Any], closing: threading.Event) -> Iterator[bytes]:
        """The text in pieces, how it finished, what it cost, and the end."""
        asked = str(request["messages"][-1]["content"])
        text = self.text if isinstance(self.text, str) else self.text(asked)
        for start in range(0, len(text), _PIECE):
            yield _event({"content": text[start : start + _PIECE]})
        yield _event({}, finish=self.finish)
        usage = {"prompt_tokens": len(asked) // 4, "completion_tokens": len(text) // 4}
        yield b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
        yield b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Truncated:
    """Breaks off in the middle, without saying that it finished."""

    text: str
    status: int = 200

    def body(self, request: Mapping[str, Any], closing: threading.Event) -> Iterator[bytes]:
        """The text and nothing after it."""
        yield _event({"content": self.text})


@dataclass(frozen=True)
class Silent:
    """Accepts the request and says nothing until the double goes away."""

    status: int = 200

    def body(self, request: Mapping[str, Any], closing: threading.Event) -> Iterator[bytes]:
        """Nothing."""
        closing.wait()
        yield b""


@dataclass(frozen=True)
class Flood:
    """Never comes to an end: `size` bytes without a line break, or for ever the same piece."""

    size: int = 1 << 26
    lines: bool = True
    status: int = 200

    def body(self, request: Mapping[str, Any], closing: threading.Event) -> Iterator[bytes]:
        """Far too much."""
        piece = _event({"content": "x" * 1000}) if self.lines else b"x" * 4096
        for _ in range(self.size // len(piece)):
            if closing.is_set():
                return
            yield piece


@dataclass(frozen=True)
class Raw:
    """Sends bytes as they are: broken JSON, HTML, a status of an error."""

    content: bytes = b""
    status: int = 200

    def body(self, request: Mapping[str, Any], closing: threading.Event) -> Iterator[bytes]:
        """The bytes."""
        yield self.content


def _event(delta: Mapping[str, Any], *, finish: str | None = None) -> bytes:
    chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


class OpenAiDouble:
    """The server; a context manager that listens on a free port of loopback."""

    def __init__(self, *behaviours: Behaviour) -> None:
        """Answer with one behaviour after the other; the last one stays."""
        self.requests: list[dict[str, Any]] = []
        """The JSON bodies that were received, hence Any."""
        self._behaviours = list(behaviours)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def base_url(self) -> str:
        """What a client is configured with."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self, request: dict[str, Any]) -> Behaviour:
        with self._lock:
            self.requests.append(request)
            return self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]


def _handler(double: OpenAiDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("content-length", 0))
            request = json.loads(self.rfile.read(size))
            behaviour = double._next(request)
            self.send_response(behaviour.status)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            try:
                for piece in behaviour.body(request, double._closing):
                    self.wfile.write(piece)
                    self.wfile.flush()
            except (BrokenPipeError, ConnectionResetError):
                return  # the client has had enough, which is what some tests are about

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: stderr belongs to the test."""

    return Handler
