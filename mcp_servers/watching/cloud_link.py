"""The link to the cloud half: one POST per envelope, and what its answer means.

Nothing the other end says is believed but a receipt for the very envelope that was sent; everything
else is a reason to try again, to wait, or to set the envelope aside.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from mcp_servers.site_directory import CloudSettings
from telecom.envelope import SITE_TRIGGER_PATH, EnvelopeReceipt
from telecom.errors import SettingsError
from telecom.webhook_signature import SIGNATURE_HEADER, sign_webhook

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
"""A receipt is one committed row away; a longer silence is an outage."""
_LARGEST_ANSWER = 64 * 1024
_LONGEST_WAIT = 300.0
_CREDENTIAL_WAIT = 60.0
_SET_ASIDE = frozenset({400, 413, 422})
"""The receiver read this envelope and will never take it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one attempt."""

    kind: Literal["received", "set_aside", "later", "unreachable"]
    why: str = ""
    """For an operator; nothing of what the other end wrote."""
    wait_seconds: float | None = None
    """How long the other end asked to be left alone."""
    receipt: EnvelopeReceipt | None = None


class CloudLink:
    """Sends envelopes to one cloud half."""

    def __init__(
        self, settings: CloudSettings, site: Path, *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            settings: `cloud` of `site.yaml`.
            site: The site directory, which paths are relative to.
            answer_seconds: How long a silence is waited out.

        Raises:
            SettingsError: A file with a credential or certificate cannot be read.
        """
        self._answer_seconds = answer_seconds
        parts = urlsplit(settings.url)
        self._address = (
            parts.hostname or "",
            parts.port or (443 if parts.scheme == "https" else 80),
        )
        self._url = settings.url.rstrip("/") + SITE_TRIGGER_PATH
        token = _read(site, settings.token_file)
        self._headers = {} if token is None else {"Authorization": f"Bearer {token.decode()}"}
        self._secret = _read(site, settings.secret_file)
        self._client = httpx.Client(
            timeout=httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
            verify=_trusted(site, settings.ca_file),
        )

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def is_reachable(self) -> bool:
        """Whether somebody listens there; nothing of the site is sent to find out."""
        try:
            socket.create_connection(self._address, CONNECT_SECONDS).close()
        except OSError:
            return False
        return True

    def send(self, envelope_id: str, body: bytes) -> Answer:
        """Send one envelope as the gate released it."""
        headers = {
            **self._headers,
            "Content-Type": "application/json",
            "Idempotency-Key": envelope_id,
            "Accept-Encoding": "identity",
        }
        if self._secret is not None:
            headers[SIGNATURE_HEADER] = sign_webhook(self._secret, body, at=datetime.now(UTC))
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                return _meaning(response, envelope_id)
        except httpx.TimeoutException:
            return Answer("unreachable", f"no answer within {self._answer_seconds:g} s")
        except httpx.HTTPError as exc:
            return Answer("unreachable", type(exc).__name__)


def _meaning(response: httpx.Response, envelope_id: str) -> Answer:
    status = response.status_code
    if status in _SET_ASIDE:
        return Answer("set_aside", f"refused with status {status}")
    if status in (401, 403):
        return Answer("later", f"the credential is refused (status {status})", _CREDENTIAL_WAIT)
    if not response.is_success:
        return Answer("later", f"status {status}", _asked_to_wait(response))
    receipt = _receipt(response)
    if isinstance(receipt, str):
        return Answer("later", receipt)
    if receipt.envelope_id != envelope_id:
        return Answer("later", "a receipt for another envelope")
    return Answer("received", receipt=receipt)


def _receipt(response: httpx.Response) -> EnvelopeReceipt | str:
    """The receipt in an answer, or what the answer is instead."""
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        return "a packed answer"  # unpacked, a few bytes may be gigabytes
    content = bytearray()
    for piece in response.iter_raw():
        content += piece
        if len(content) > _LARGEST_ANSWER:
            return f"an answer of more than {_LARGEST_ANSWER} bytes"
    try:
        return EnvelopeReceipt.model_validate_json(bytes(content))
    except ValidationError:
        return f"status {response.status_code} without a receipt"


def _asked_to_wait(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_WAIT) if text.isdecimal() else None


def _read(site: Path, file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        content = (site / file).read_bytes().strip()
    except OSError as exc:
        raise SettingsError(f"cloud: {site / file} cannot be read: {exc.strerror}") from exc
    if not content or not content.isascii():
        raise SettingsError(f"cloud: {site / file} must hold one line of ASCII")
    return content


def _trusted(site: Path, file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if file is None else str(site / file))
    except OSError as exc:
        raise SettingsError(f"cloud.ca_file: {file} cannot be used: {exc}") from exc
