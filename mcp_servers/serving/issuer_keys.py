"""The public keys of token issuers: from a file, or from a URL with a copy that outlives a cut.

A site must tell its callers apart while its line is down. So keys that were fetched are kept on
disk and hold for a week; a key id that nobody has seen asks the issuer again, but not more often
than once a minute, whoever sends how many tokens.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from telecom.errors import IdentityError

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

FRESH_SECONDS = 3600.0
"""Keys are fetched again after this."""
STALE_SECONDS = 7 * 24 * 3600.0
"""Keys of an issuer that cannot be reached are trusted for this long, and then no more."""
RETRY_SECONDS = 60.0
"""An issuer is asked no more often than this."""
_PATIENCE_SECONDS = 5.0
_LARGEST_JWKS = 256 * 1024
_SHORTEST_RSA = 2048
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

_logger = logging.getLogger(__name__)


class KeyLookup(Protocol):
    """Public keys by key id; a mapping is one."""

    def get(self, key_id: str, /) -> PublicKey | None:
        """The key with this id; None when the issuer has none."""
        ...


def read_public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """Read a JSON Web Key (any JSON, hence Any).

    Raises:
        ValueError: It is no public key of a kind that tokens may be signed with here.
        jwt.PyJWTError: It is no key at all.
    """
    key = jwt.PyJWK.from_dict(dict(jwk)).key
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    if isinstance(key, RSAPublicKey) and key.key_size >= _SHORTEST_RSA:
        return key
    raise ValueError(
        f"neither a public Ed25519 or P-256 key nor an RSA key of {_SHORTEST_RSA} bits or more"
    )


def algorithms_of(key: PublicKey) -> tuple[str, ...]:
    """The algorithms that a key of this kind may be used with: never what a token says alone."""
    if isinstance(key, Ed25519PublicKey):
        return ("EdDSA",)
    if isinstance(key, EllipticCurvePublicKey):
        return ("ES256",)
    return ("RS256", "PS256")


def read_key_set(content: object) -> dict[str, PublicKey]:
    """The signing keys of a JSON Web Key Set, by key id; keys of other kinds are left out.

    Raises:
        ValueError: It is no key set, or holds no key that can be used.
    """
    entries = content.get("keys") if isinstance(content, Mapping) else None
    if not isinstance(entries, list):
        raise ValueError("it is no JSON Web Key Set")
    keys: dict[str, PublicKey] = {}
    for jwk in entries:
        if not isinstance(jwk, Mapping) or jwk.get("use", "sig") != "sig":
            continue
        try:
            keys[str(jwk["kid"])] = read_public_key(jwk)
        except (ValueError, KeyError, TypeError, jwt.PyJWTError):
            continue
    if not keys:
        raise ValueError("it holds no public Ed25519, P-256 or RSA key with a kid")
    return keys


def keys_in_file(file: Path) -> dict[str, PublicKey]:
    """The keys of an issuer whose key set is a file.

    Raises:
        IdentityError: It cannot be read or holds no key.
    """
    try:
        return read_key_set(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as exc:
        raise IdentityError(f"{file} cannot be used as a JSON Web Key Set: {exc}") from exc


@dataclass
class FetchedKeys:
    """An issuer's keys from its JWKS URL; safe to use from several threads."""

    url: str
    cache: Path
    """Where the copy lies."""
    now: Callable[[], float] = time.time
    _keys: dict[str, PublicKey] = field(default_factory=dict, init=False)
    _fetched_at: float = field(default=0.0, init=False)
    _tried_at: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        """Take up the copy that an earlier process left."""
        address = urlsplit(self.url)
        if address.scheme != "https" and address.hostname not in _LOOPBACK:
            raise IdentityError(f"jwks_url must be https, got {self.url!r}")
        try:
            kept = json.loads(self.cache.read_bytes())
            if kept["url"] == self.url:
                self._keys, self._fetched_at = read_key_set(kept), float(kept["fetched_at"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # none yet, or damaged: it is fetched anew

    @classmethod
    def open(cls, url: str, folder: Path) -> FetchedKeys:
        """Keep the copy under a folder of the site's keys.

        Raises:
            IdentityError: The URL is not https.
        """
        name = hashlib.sha256(url.encode()).hexdigest()[:16]
        return cls(url, folder / f"jwks-{name}.json")

    def get(self, key_id: str, /) -> PublicKey | None:
        """The key with this id, asking the issuer when it is unknown or the copy is old."""
        key = self._known(key_id)
        if key is None:
            with self._lock:
                key = self._known(key_id)  # another thread may have asked meanwhile
                if key is None and self._may_ask():
                    self._ask()
            return self._known(key_id)
        if self._age() > FRESH_SECONDS and self._may_ask():
            # What is known holds; nobody waits for a slow issuer.
            threading.Thread(target=self._refresh, name="jwks", daemon=True).start()
        return key

    def _known(self, key_id: str) -> PublicKey | None:
        return self._keys.get(key_id) if self._age() <= STALE_SECONDS else None

    def _age(self) -> float:
        """Seconds since the keys came; a clock that was set back makes them old."""
        age = self.now() - self._fetched_at
        return age if age >= 0 else float("inf")

    def _may_ask(self) -> bool:
        return not 0 <= self.now() - self._tried_at < RETRY_SECONDS

    def _refresh(self) -> None:
        with self._lock:
            if self._may_ask():
                self._ask()

    def _ask(self) -> None:
        self._tried_at = self.now()
        try:
            content = json.loads(_download(self.url))
            self._keys, self._fetched_at = read_key_set(content), self.now()
            self._keep(content)
        except (httpx.HTTPError, ValueError, OSError) as exc:
            _logger.warning(
                "the keys of %s could not be fetched (%s); those of %s hold",
                urlsplit(self.url).hostname,
                type(exc).__name__,
                time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._fetched_at))
                if self._keys
                else "nobody",
            )

    def _keep(self, content: dict[str, Any]) -> None:
        self.cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.cache.with_suffix(".draft")
        kept = {"url": self.url, "fetched_at": self._fetched_at, "keys": content["keys"]}
        draft.write_text(json.dumps(kept), encoding="utf-8")
        draft.replace(self.cache)


def _download(url: str) -> bytes:
    """Read a key set: at most `_LARGEST_JWKS` bytes within `_PATIENCE_SECONDS`, no redirect.

    Raises:
        httpx.HTTPError: It cannot be had.
        ValueError: It is too large, or comes too slowly.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    body = bytearray()
    with (
        httpx.Client(timeout=_PATIENCE_SECONDS, trust_env=False) as client,
        client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise ValueError(f"status {answer.status_code}")
        for chunk in answer.iter_raw():  # packed, a few kilobytes may be gigabytes
            body += chunk
            if len(body) > _LARGEST_JWKS or time.monotonic() > deadline:
                raise ValueError("it is too large or too slow")
    return bytes(body)
