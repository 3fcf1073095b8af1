"""Signed deliveries, for senders that cannot carry a bearer token.

Three headers: `X-Tierwise-Source: NAME`, `X-Tierwise-Timestamp: UNIX SECONDS` and
`X-Tierwise-Signature: sha256=HEX`, the HMAC-SHA256 of `TIMESTAMP + "." + BODY` with the secret of
that source. A timestamp further off than `WINDOW_SECONDS` is refused, and so is a signature that
was seen already, so what was recorded on the wire cannot be played again, not even to a process
that has just begun. A delivery that could not be kept may come again as it is.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Self

from mcp_servers.intake.seen_signatures import SeenSignatures
from mcp_servers.secret_files import read_secret
from mcp_servers.site_directory import SiteDirectory
from telecom.errors import IdentityError, IntakeUnavailableError

WINDOW_SECONDS = 300
"""How far the sender's clock may be off; NTP keeps it within one."""
_REMEMBERED = 200_000
"""Signatures within the window: 600 deliveries a second from signing sources."""


class SignatureVerifier:
    """Knows the secrets of `site.yaml: intake.sources`. Safe to use from several threads."""

    def __init__(self, secrets: Mapping[str, bytes], kept: SeenSignatures, now: float) -> None:
        """Take up what an earlier process saw.

        Args:
            secrets: By source.
            kept: Where signatures are kept.
            now: The time.

        Raises:
            OSError: What was kept cannot be read.
        """
        self._secrets = secrets
        self._kept = kept
        self._seen = OrderedDict(kept.read(now))
        self._lock = threading.Lock()

    @classmethod
    def of(cls, site: SiteDirectory) -> Self:
        """Read the secret files.

        Raises:
            SettingsError: A file cannot be read, is open to others, or holds too short a secret.
            OSError: What was seen before cannot be read.
        """
        return cls(
            {
                source.name: read_secret(site.path / source.secret_file)
                for source in site.settings.intake.sources
            },
            SeenSignatures(site.store / "intake-signatures", window_s=2 * WINDOW_SECONDS),
            time.time(),
        )

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """Name the source that signed a body.

        Raises:
            IdentityError: Unknown source, wrong signature, outside the window, or seen before.
            IntakeUnavailableError: That it was seen cannot be kept.
        """
        name = headers.get("x-tierwise-source", "")
        stamp = headers.get("x-tierwise-timestamp", "")
        given = headers.get("x-tierwise-signature", "").removeprefix("sha256=")
        secret = self._secrets.get(name)
        if secret is None or not stamp.isdecimal() or not given.isascii():
            raise IdentityError("the signature is refused: unknown source or no timestamp")
        expected = hmac.new(secret, stamp.encode() + b"." + body, "sha256").hexdigest()
        if not hmac.compare_digest(expected, given.lower()):
            raise IdentityError("the signature is refused: it does not hold")
        if abs(now - int(stamp)) > WINDOW_SECONDS:
            raise IdentityError("the signature is refused: its time is too far off")
        with self._lock:
            while self._seen and next(iter(self._seen.values())) < now - 2 * WINDOW_SECONDS:
                self._seen.popitem(last=False)
            if expected in self._seen:
                raise IdentityError("the signature is refused: this delivery was made already")
            if len(self._seen) >= _REMEMBERED:
                raise IdentityError("the signature is refused: too many deliveries in five minutes")
            try:
                self._kept.add(expected, now)
            except OSError as exc:
                raise IntakeUnavailableError(exc.strerror or type(exc).__name__) from exc
            self._seen[expected] = now
        return name

    def take_back(self, headers: Mapping[str, str], now: float) -> None:
        """Forget a signature that `verify` took, because its delivery could not be kept."""
        signature = headers.get("x-tierwise-signature", "").removeprefix("sha256=").lower()
        with self._lock:
            if self._seen.pop(signature, None) is not None:
                self._kept.take_back(signature, now)
