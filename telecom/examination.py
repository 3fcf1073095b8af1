"""What `doctor` says of each half: checks with a verdict and what to do next.

The limits here are judgements that both halves share; looking is each half's own.
"""

from __future__ import annotations

import base64
import binascii
import json
import shutil
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

from telecom.schema import ProductModel

Verdict = Literal["ok", "warn", "fail", "not checked"]

CLOCK_WARN_S = 5.0
CLOCK_FAIL_S = 60.0
"""Signatures hold for 300 s and tokens begin at once; a minute is a clock that nobody sets."""
CERTIFICATE_WARN = timedelta(days=30)
CERTIFICATE_FAIL = timedelta(days=3)
TOKEN_WARN = timedelta(hours=24)
DISK_WARN_BYTES = 5_000_000_000
DISK_FAIL_BYTES = 500_000_000
"""A storm of a large site writes some hundred megabytes before anybody looks."""


class Check(ProductModel):
    """One thing that was looked at."""

    what: str
    verdict: Verdict
    """`warn` works, with less or not for long; `not checked` says why it could not be."""
    says: str
    next: str = ""
    """What a person would do about it; empty where nothing is to be done."""


def failed(checks: Iterable[Check]) -> bool:
    """Whether anything is broken."""
    return any(check.verdict == "fail" for check in checks)


def judge_clock(what: str, told: str | None, *, now: datetime) -> Check:
    """Judge another machine's clock by the `Date` of its answer, which has whole seconds."""
    try:
        there = parsedate_to_datetime(told or "")
    except ValueError:
        return Check(what=what, verdict="not checked", says="its answers carry no time")
    off = abs((there - now).total_seconds()) - 1.0
    cure = "set both clocks by NTP: chronyc tracking, or timedatectl timesync-status"
    if off > CLOCK_FAIL_S:
        says = f"{off:.0f} s apart; signatures and tokens are refused"
        return Check(what=what, verdict="fail", says=says, next=cure)
    if off > CLOCK_WARN_S:
        return Check(what=what, verdict="warn", says=f"{off:.0f} s apart", next=cure)
    return Check(what=what, verdict="ok", says=f"within {CLOCK_WARN_S:.0f} s of this one")


def judge_expiry(what: str, ends: datetime, *, now: datetime, cure: str) -> Check:
    """Judge how long a certificate still holds."""
    left = ends - now
    says = f"ends {ends:%Y-%m-%d %H:%M} UTC, in {left.days} days"
    if left < timedelta(0):
        return Check(what=what, verdict="fail", says=f"ended {ends:%Y-%m-%d %H:%M}", next=cure)
    if left < CERTIFICATE_FAIL:
        return Check(what=what, verdict="fail", says=says, next=cure)
    if left < CERTIFICATE_WARN:
        return Check(what=what, verdict="warn", says=says, next=cure)
    return Check(what=what, verdict="ok", says=says)


def judge_disk(what: str, folder: Path) -> Check:
    """Judge the room on the disk that a folder is on; the folder need not exist yet."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.is_dir())
    room = shutil.disk_usage(there)
    says = f"{room.free / 1e9:.1f} GB of {room.total / 1e9:.1f} GB are free"
    cure = f"make room on the disk of {there}, or give it a larger one"
    if room.free < DISK_FAIL_BYTES:
        return Check(what=what, verdict="fail", says=says, next=cure)
    if room.free < DISK_WARN_BYTES:
        return Check(what=what, verdict="warn", says=says, next=cure)
    return Check(what=what, verdict="ok", says=says)


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a bearer token says of itself; nobody has checked its signature."""

    scopes: frozenset[str]
    expires: datetime | None


def read_claims(token: str) -> TokenClaims | None:
    """Read the claims of a JSON Web Token; None for a token of another kind."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
        ends = claims.get("exp")
        expires = None if ends is None else datetime.fromtimestamp(ends, UTC)
        scopes = claims.get("scope", "")
        words = scopes.split() if isinstance(scopes, str) else [str(each) for each in scopes]
    except (binascii.Error, ValueError, TypeError, AttributeError, OverflowError, OSError):
        return None
    return TokenClaims(frozenset(words), expires)


def judge_token(
    what: str, token: str, wanted: frozenset[str], *, now: datetime, cure: str
) -> Check:
    """Judge the scopes of a bearer token and how long it holds.

    Args:
        what: What the check is called.
        token: The token.
        wanted: Scopes without which something cannot be asked.
        now: The present.
        cure: What makes a better one.
    """
    claims = read_claims(token)
    if claims is None:
        return Check(what=what, verdict="not checked", says="it is no JSON Web Token")
    if claims.expires is not None and claims.expires <= now:
        says = f"ended {claims.expires:%Y-%m-%d %H:%M} UTC"
        return Check(what=what, verdict="fail", says=says, next=cure)
    ends = "without end" if claims.expires is None else f"until {claims.expires:%Y-%m-%d %H:%M} UTC"
    missing = sorted(wanted - claims.scopes)
    if missing:
        says = f"lacks {', '.join(missing)}; what they open is a gap of every report"
        return Check(what=what, verdict="warn", says=says, next=cure)
    says = f"{', '.join(sorted(claims.scopes))}; {ends}"
    if claims.expires is not None and claims.expires - now < TOKEN_WARN:
        return Check(what=what, verdict="warn", says=says, next=cure)
    return Check(what=what, verdict="ok", says=says)


def served_certificate_ends(
    host: str, port: int, context: ssl.SSLContext, *, timeout_s: float
) -> datetime:
    """When the certificate that a server shows ends.

    Raises:
        OSError: It cannot be reached, or shows one that is not trusted (`ssl.SSLError`).
    """
    with (
        socket.create_connection((host, port), timeout_s) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        shown = secured.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
