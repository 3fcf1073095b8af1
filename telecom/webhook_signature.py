"""Signed webhooks: an HMAC over time and body, so that neither can be changed or replayed later.

One header, `Tierwise-Signature: t=<unix seconds>,v1=<hex of HMAC-SHA-256 over "<t>." + body>`. The
receiver refuses what is older than `TOLERANCE`; within it, the message's own id tells a replay.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from telecom.errors import IdentityError

SIGNATURE_HEADER = "Tierwise-Signature"
TOLERANCE = timedelta(minutes=5)
"""How far the clocks of two halves may differ, transport included."""

_HEADER = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})", re.ASCII)


def sign_webhook(secret: bytes, body: bytes, *, at: datetime) -> str:
    """The header's value for a body sent at an instant."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_digest(secret, seconds, body)}"


def check_webhook(secret: bytes, body: bytes, header: str | None, *, now: datetime) -> datetime:
    """Check a received body against its header, in constant time.

    Returns:
        When it was signed.

    Raises:
        IdentityError: No signature, another secret, a changed body, or too old or too new.
    """
    match = _HEADER.fullmatch(header or "")
    if match is None:
        raise IdentityError(f"{SIGNATURE_HEADER} must be 't=<unix seconds>,v1=<hex>'")
    seconds = int(match[1])
    if not hmac.compare_digest(match[2], _digest(secret, seconds, body)):
        raise IdentityError(f"{SIGNATURE_HEADER} does not match the body under this secret")
    if abs(now.timestamp() - seconds) > TOLERANCE.total_seconds():
        raise IdentityError(
            f"{SIGNATURE_HEADER} is more than {TOLERANCE.total_seconds():g} s off; "
            "check both clocks, or send it anew"
        )
    return datetime.fromtimestamp(seconds, UTC)


def _digest(secret: bytes, seconds: int, body: bytes) -> str:
    return hmac.new(secret, b"%d." % seconds + body, hashlib.sha256).hexdigest()
