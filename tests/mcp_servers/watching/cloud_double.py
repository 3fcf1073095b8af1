"""A cloud half that takes envelopes, or does not: a small HTTP server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from telecom.envelope import EnvelopeReceipt, SiteEnvelope
from telecom.webhook_signature import SIGNATURE_HEADER, check_webhook

TOKEN, SECRET = "cloud-token-1", "a shared secret of the two halves"

Reply = tuple[int, dict[str, str], bytes]
Behaviour = Callable[[SiteEnvelope], Reply]


class CloudDouble:
    """Answers `/triggers/site` as its behaviour says, and keeps what it stored."""

    def __init__(self) -> None:
        self.stored: dict[str, SiteEnvelope] = {}
        """By envelope id, in order of first arrival."""
        self.bodies: list[bytes] = []
        """Every body that came in, received or not."""
        self.behave: Behaviour = self.take
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, envelope: SiteEnvelope) -> Reply:
        """Store it and say so."""
        known = envelope.envelope_id in self.stored
        self.stored.setdefault(envelope.envelope_id, envelope)
        receipt = EnvelopeReceipt(
            envelope_id=envelope.envelope_id,
            outcome="duplicate" if known else "accepted",
            investigation_id=f"inv-{envelope.incident_id}",
            received_at=datetime.now(UTC),
        )
        return 200 if known else 202, {}, receipt.model_dump_json().encode()

    def take_silently(self, envelope: SiteEnvelope) -> Reply:
        """Store it, and let the answer get lost until released."""
        self.take(envelope)
        self._released.wait(30)
        return 202, {}, b""

    def release(self) -> None:
        """Let silent answers end."""
        self._released.set()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                double.bodies.append(body)
                assert self.path == "/triggers/site"
                assert self.headers["Authorization"] == f"Bearer {TOKEN}"
                check_webhook(
                    SECRET.encode(), body, self.headers[SIGNATURE_HEADER], now=datetime.now(UTC)
                )
                envelope = SiteEnvelope.model_validate_json(body)
                assert self.headers["Idempotency-Key"] == envelope.envelope_id
                status, headers, content = double.behave(envelope)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with suppress(ConnectionError):  # the site gave up waiting, as sites do
                    self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                return

        return Handler

    @contextmanager
    def listening(self) -> Iterator[CloudDouble]:
        """Answer until left."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.release()
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def says(status: int, content: object = b"", **headers: str) -> Behaviour:
    """A behaviour that always answers the same."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _envelope: (status, named, body)
