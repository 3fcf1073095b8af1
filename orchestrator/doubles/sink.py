"""`SinkDouble`: an HTTP system on loopback that keeps what it is sent, and can be unwell.

It stands for a webhook receiver, a ticket system or an alarm system in tests::

    with SinkDouble() as sink:
        Sink(name="noc", kind="webhook", url=f"{sink.url}/hook", secret_file=secret)
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON (any)."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the double answers to one request."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = field(default_factory=dict)  # JSON


class SinkDouble:
    """A system on loopback for the length of a `with` block."""

    def __init__(self) -> None:
        self.received: list[ReceivedRequest] = []
        """Every request that arrived whole, in order of arrival."""
        self.replies: list[Reply] = []
        """Answers to the next requests; when they are used up, 200 with `found`."""
        self.found: Any = {}
        """What a search answers; JSON."""
        self._arrived = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def wait_for(self, count: int, *, within_s: float = 10.0) -> list[ReceivedRequest]:
        """The first `count` requests, once they have arrived.

        Raises:
            TimeoutError: They have not.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.received) >= count, within_s):
                raise TimeoutError(f"{len(self.received)} of {count} requests arrived")
            return self.received[:count]

    def keep(self, request: ReceivedRequest) -> Reply:
        """Note a request and choose its answer."""
        with self._arrived:
            self.received.append(request)
            self._arrived.notify_all()
            return self.replies.pop(0) if self.replies else Reply(body=self.found)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                if len(body) < length:  # its sender died in the middle of it
                    self.close_connection = True
                    return
                reply = double.keep(ReceivedRequest(self.command, self.path, headers, body))
                content = json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing: tests read `received`."""

        return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:  # as the library types them
        """Say nothing of a sender that was killed: it leaves its connection as it is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
