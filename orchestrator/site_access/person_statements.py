"""Whom the orchestrator acts for, told to sites under its own signature.

A site's ledger names the engineer behind a question, and takes nobody's word for it: the
orchestrator turns the name into a pseudonym that only its key can make, and signs a short statement
for one site and one investigation. The site has the public half of that key in its `site.yaml`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from telecom.errors import IdentityError
from telecom.file_access import is_open_to_others, write_secret_once
from telecom.person_statement import (
    PERSON_PSEUDONYM,
    STATEMENT_SECONDS,
    STATEMENT_TYPE,
    statement_audience,
)

_PSEUDONYM_DOMAIN = b"tierwise person pseudonym\0"
"""Keeps what is derived here apart from any other use of the key."""


class PersonStatements:
    """Names people by pseudonym and vouches for them."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        raw = key.private_bytes(
            serialization.Encoding.Raw,
            serialization.PrivateFormat.Raw,
            serialization.NoEncryption(),
        )
        self._pseudonym_key = hashlib.sha256(_PSEUDONYM_DOMAIN + raw).digest()
        public = key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        self._key_id = hashlib.sha256(public).hexdigest()[:16]

    @classmethod
    def open(cls, file: Path) -> PersonStatements:
        """Read a key, or make one where there is none (file mode 0600).

        Raises:
            IdentityError: It cannot be read, is no Ed25519 key, or others may read it.
        """
        try:
            if not file.exists():
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write_new_key(file)
            if is_open_to_others(file.stat()):
                raise IdentityError(f"{file} can be read by others; chmod 600 {file}")
            key = serialization.load_pem_private_key(file.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as exc:
            raise IdentityError(f"{file} cannot be used as a signing key: {exc}") from exc
        if not isinstance(key, Ed25519PrivateKey):
            raise IdentityError(f"{file} must hold an Ed25519 key, it holds another kind")
        return cls(key)

    @property
    def key_set(self) -> dict[str, Any]:
        """The public key as a JSON Web Key Set, for `statement_keys` of a site's `site.yaml`."""
        jwk = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**jwk, "kid": self._key_id, "alg": "EdDSA", "use": "sig"}]}

    def pseudonym(self, name: str) -> str:
        """The same token for the same name, as long as the key stands; nobody else can make it."""
        for attempt in range(256):
            message = f"{attempt}\0{name}".encode()
            digest = hmac.new(self._pseudonym_key, message, hashlib.sha256).digest()
            token = f"PERSON_{base64.b32encode(digest).decode().lower()[:12]}"
            if PERSON_PSEUDONYM.fullmatch(token):
                return token
        raise AssertionError("256 digests without one digit do not happen")

    def statement(self, person: str, *, investigation: str, site_id: str) -> str:
        """Vouch for a person towards one site, for one investigation, for a few minutes.

        Args:
            person: As `pseudonym` gave it.
            investigation: What the request is for.
            site_id: The site it goes to, by the id that it has for itself.
        """
        now = int(time.time())
        claims = {
            "sub": person,
            "aud": statement_audience(site_id),
            "investigation": investigation,
            "iat": now,
            "exp": now + STATEMENT_SECONDS,
        }
        headers = {"kid": self._key_id, "typ": STATEMENT_TYPE}
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers=headers)


def _write_new_key(file: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_secret_once(file, pem)
