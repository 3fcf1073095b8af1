"""Carries MCP messages between a desktop client's stdin/stdout and a site's HTTP door.

Runs on an engineer's machine, alone: nothing but Python's standard library is needed there. It
knows one address and one token, follows no redirect, and understands of a message only what HTTP
wants to know. What comes back has passed the site's egress gate, which counts this caller as
outside the site.

Environment: TIERWISE_URL (such as https://noc.example.net:8700/all/mcp), TIERWISE_TOKEN, and
optionally TIERWISE_CA_FILE.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

ANSWER_BYTES = 4 * 1024 * 1024
"""Longer answers are cut off: the site releases at most 256 KB."""
SECONDS = 120.0
AT_ONCE = 8
"""Requests under way together; more wait for their turn."""
STATELESS_ERAS = "2026"
"""Revisions from this year on name method and subject in headers."""

Message = dict[str, Any]
"""JSON-RPC, hence Any."""


class BridgeError(Exception):
    """A request that got no answer; the message says what would help."""


class Bridge:
    """One client's conversation with one site."""

    def __init__(self, url: str, token: str, ca_file: str | None = None) -> None:
        """Prepare.

        Raises:
            BridgeError: The address or the token cannot be used.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BridgeError(f"TIERWISE_URL must be http:// or https://, got {url!r}")
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise BridgeError("a token travels over https only, but to this machine itself")
        if not token.isascii() or not token.strip():
            raise BridgeError("TIERWISE_TOKEN is empty; `tierwise-site token` prints one")
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path or "/all/mcp"
        self._token = token.strip()
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        self._version: str | None = None
        self._writing = threading.Lock()

    def run(self) -> None:
        """Carry messages until the client closes its end."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for line in sys.stdin.buffer:
                message = _parsed(line)
                if message is None:
                    continue
                if message.get("method") == "initialize":
                    self._carry(message)  # what follows needs its answer
                else:
                    pool.submit(self._carry, message)

    def _carry(self, message: Message) -> None:
        """Send one message and write down whatever comes back for it."""
        try:
            for answer in self._exchange(message):
                if message.get("method") == "initialize":
                    self._version = (answer.get("result") or {}).get("protocolVersion")
                self._write(answer)
        except (OSError, http.client.HTTPException, ValueError, BridgeError) as exc:
            reason = str(exc) if isinstance(exc, BridgeError) else f"{type(exc).__name__}: {exc}"
            _say(reason)
            if "id" in message:
                error = {"code": -32603, "message": f"the site gave no answer: {reason}"}
                self._write({"jsonrpc": "2.0", "id": message["id"], "error": error})

    def _exchange(self, message: Message) -> Iterator[Message]:
        connection = self._connection()
        try:
            body = json.dumps(message).encode()
            connection.request("POST", self._path, body, self._headers(message))
            response = connection.getresponse()
            if response.status in (202, 204):
                return
            kind = response.headers.get_content_type()
            if kind == "text/event-stream":
                yield from _events(response)
            elif kind == "application/json" and response.status not in (401, 403):
                yield json.loads(_all_of(response))
            else:
                raise BridgeError(_explained(response.status))
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=SECONDS)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=SECONDS, context=self._tls
        )

    def _headers(self, message: Message) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        params = message.get("params") or {}
        stated = (params.get("_meta") or {}).get("io.modelcontextprotocol/protocolVersion")
        version = stated or self._version
        if isinstance(version, str):
            headers["MCP-Protocol-Version"] = version
            if version >= STATELESS_ERAS:
                headers["Mcp-Method"] = str(message.get("method"))
                subject = params.get("name") or params.get("uri")
                if isinstance(subject, str):
                    headers["Mcp-Name"] = subject
        return headers

    def _write(self, message: Message) -> None:
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._writing:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()


def _parsed(line: bytes) -> Message | None:
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _events(response: http.client.HTTPResponse) -> Iterator[Message]:
    """The messages of a stream of server-sent events."""
    taken, data = 0, b""
    for line in response:
        taken += len(line)
        if taken > ANSWER_BYTES:
            raise BridgeError("its answer is longer than any answer of a site")
        if line.startswith(b"data:"):
            data += line[5:].strip()
        elif not line.strip() and data:
            yield json.loads(data)
            data = b""
    if data:
        yield json.loads(data)


def _all_of(response: http.client.HTTPResponse) -> bytes:
    body = response.read(ANSWER_BYTES + 1)
    if len(body) > ANSWER_BYTES:
        raise BridgeError("its answer is longer than any answer of a site")
    return body


def _explained(status: int) -> str:
    """What a status of HTTP means for the person at the client."""
    if status == 401:
        return "it does not know this token; `tierwise-site token` prints a new one"
    if status == 403:
        return "this token's scopes do not suffice; it needs alarms:read,tickets:read,configs:read"
    if 300 <= status < 400:
        return f"it answered with a redirect ({status}), which is not followed"
    return f"it answered with HTTP status {status}"


def _say(reason: str) -> None:
    """Write to the client's log; stdout belongs to MCP."""
    sys.stderr.write(f"tierwise bridge: {reason}\n")


def main() -> None:
    """Run until the client leaves."""
    try:
        Bridge(
            os.environ.get("TIERWISE_URL", ""),
            os.environ.get("TIERWISE_TOKEN", ""),
            os.environ.get("TIERWISE_CA_FILE") or None,
        ).run()
    except (BridgeError, OSError) as exc:
        _say(str(exc))
        sys.exit(1)


if __name__ == "__main__":
    main()
