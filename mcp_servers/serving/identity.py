"""Who calls: the site's key pair, the tokens it issues, and what a verified token is worth.

The tier of a caller is what `site.yaml` binds to its (issuer, client); a claim may only narrow it,
and a valid token without a row is outside the site. Keys of other issuers lie on the site, so that
verification works while it is cut off.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Literal

import jwt
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mcp_servers.serving.issuer_keys import (
    FetchedKeys,
    KeyLookup,
    PublicKey,
    algorithms_of,
    keys_in_file,
    read_public_key,
)
from mcp_servers.site_directory import CallerSettings, IssuerSettings
from mcp_servers.site_keys.handover import Handover, read_handovers, retired_keys
from telecom.errors import IdentityError
from telecom.file_access import sync_folder, write_secret_once

READ_SCOPES = frozenset({"tickets:read", "alarms:read", "configs:read"})
"""What an unauthenticated stdio client may do: read, as an outsider."""

CONFIRM_SCOPE = "causes:confirm"
"""What a client must have that hands on a person's decision. No model's session has it."""

SCOPES = READ_SCOPES | {"alarms:write", "pii:reveal", CONFIRM_SCOPE}
"""Every scope a site knows."""

_ALGORITHMS = ("EdDSA", "ES256", "RS256", "PS256")
_LARGEST_TOKEN = 8192
_LONGEST_TTL = timedelta(days=365)
_KEY_FILE = "site_ed25519.pem"
_TRUSTED_FOLDER = "trusted"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks the site for something."""

    principal: str
    """Whom budgets and the ledger count: issuer and subject for a token."""
    issuer: str
    client: str
    tier: str | None
    """Tier instance of the catalogue that the caller runs on; None is outside the site."""
    scopes: frozenset[str]
    transport: Literal["http", "stdio", "local"]


STDIO_CALLER = Caller(
    principal="stdio",
    issuer="local",
    client="stdio",
    tier=None,
    scopes=READ_SCOPES,
    transport="stdio",
)
"""A client that starts the site's command and talks over its pipes: outside the site."""

LOCAL_CALLER = Caller(
    principal="local",
    issuer="local",
    client="shell",
    tier=None,
    scopes=SCOPES,
    transport="local",
)
"""An operator at the site's own shell."""


def site_issuer(site_id: str) -> str:
    """Name a site as issuer and as audience of tokens."""
    return f"tierwise-site:{site_id}"


@dataclass(frozen=True)
class SiteKeys:
    """The site's Ed25519 key pair and the folder it lies in."""

    folder: Path
    signing_key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def open(cls, folder: Path) -> SiteKeys:
        """Read the key pair, or make one where there is none (file mode 0600).

        Raises:
            IdentityError: The file cannot be read, is no Ed25519 key, or others may read it.
        """
        file = folder / _KEY_FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not file.exists():
                _write_new_key(file)
            if file.stat().st_mode & 0o077:
                raise IdentityError(f"{file} can be read by others; chmod 600 {file}")
            key = serialization.load_pem_private_key(file.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as exc:
            raise IdentityError(f"{file} cannot be used as the site's key: {exc}") from exc
        if not isinstance(key, Ed25519PrivateKey):
            raise IdentityError(f"{file} must hold an Ed25519 key, it holds another kind")
        return cls(folder, key)

    @property
    def public_key(self) -> Ed25519PublicKey:
        """What verifies the site's tokens and ledger."""
        return self.signing_key.public_key()

    @cached_property
    def handovers(self) -> tuple[Handover, ...]:
        """How the site came to this key, oldest first.

        Raises:
            IdentityError: A handover cannot be read, or its keys did not sign it.
        """
        return read_handovers(self.folder, self.public_key)

    @property
    def made_at(self) -> datetime:
        """When this key began to sign; for a site's first key, when its file was written."""
        if self.handovers:
            return self.handovers[-1].time
        return datetime.fromtimestamp((self.folder / _KEY_FILE).stat().st_mtime, UTC)

    @cached_property
    def key_id(self) -> str:
        """Short digest of the public key, the `kid` of tokens."""
        return key_id(self.public_key)


def key_id(key: Ed25519PublicKey) -> str:
    """Derive a stable 16-character id from a public key."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw),
    )
    return digest.finalize().hex()[:16]


def replace_signing_key(folder: Path, key: Ed25519PrivateKey) -> None:
    """Put a key in the place of the site's, whole or not at all, and destroy the one before."""
    file = folder / _KEY_FILE
    draft = file.with_name(f".{_KEY_FILE}.new")
    draft.unlink(missing_ok=True)
    write_secret_once(draft, _pem(key))
    with file.open("r+b") as old:
        size = os.fstat(old.fileno()).st_size
        draft.replace(file)
        sync_folder(folder)
        old.write(os.urandom(size))
        old.flush()
        os.fsync(old.fileno())


def _write_new_key(file: Path) -> None:
    write_secret_once(file, _pem(Ed25519PrivateKey.generate()))


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


class OwnKeys:
    """The site's own keys as an issuer: the one that signs, and those whose tokens still hold."""

    def __init__(self, keys: SiteKeys) -> None:
        self._current = {keys.key_id: keys.public_key}
        self._retired = {key_id(each.key): each for each in retired_keys(keys.handovers)}

    def get(self, key_id: str, /) -> PublicKey | None:
        """The key with this id; None when no token of it holds any more."""
        retired = self._retired.get(key_id)
        if retired is None:
            return self._current.get(key_id)
        holds = retired.holds_until is not None and datetime.now(UTC) < retired.holds_until
        return retired.key if holds else None


@dataclass(frozen=True)
class TokenIssuer:
    """Issues the site's own tokens, for the embedded default without an OIDC issuer."""

    site_id: str
    keys: SiteKeys

    def issue(self, scopes: Iterable[str], caller: str, ttl: timedelta) -> str:
        """Sign a token for `caller`, the client name that `site.yaml` binds to a tier.

        Raises:
            IdentityError: An unknown scope, no scope, no caller, or a lifetime that is not
                positive or longer than a year.
        """
        wanted = frozenset(scopes)
        if unknown := sorted(wanted - SCOPES):
            raise IdentityError(f"unknown scope {unknown[0]!r}; known: {', '.join(sorted(SCOPES))}")
        if not wanted:
            raise IdentityError(f"a token needs a scope; known: {', '.join(sorted(SCOPES))}")
        if not caller:
            raise IdentityError("a token needs a caller, such as 'region'")
        if not timedelta(0) < ttl <= _LONGEST_TTL:
            raise IdentityError(f"lifetime must be positive and at most a year, got {ttl}")
        now = int(time.time())
        name = site_issuer(self.site_id)
        claims = {
            "iss": name,
            "aud": name,
            "sub": caller,
            "client_id": caller,
            "scope": " ".join(sorted(wanted)),
            "iat": now,
            "exp": now + max(1, int(ttl.total_seconds())),
            "jti": uuid.uuid4().hex,
        }
        headers = {"kid": self.keys.key_id}
        return jwt.encode(claims, self.keys.signing_key, algorithm="EdDSA", headers=headers)


@dataclass(frozen=True)
class TokenVerifier:
    """Turns a bearer token into a `Caller`, or refuses it."""

    site_id: str
    callers: tuple[CallerSettings, ...]
    trusted: Mapping[str, KeyLookup]
    """Issuer -> its public keys."""
    audiences: Mapping[str, str] = field(default_factory=dict)
    """Issuer -> the audience of its tokens, where it is not the site's own name."""

    @classmethod
    def open(
        cls,
        site_id: str,
        keys: SiteKeys,
        callers: Sequence[CallerSettings],
        *,
        issuers: Sequence[IssuerSettings] = (),
        folder: Path = Path(),
    ) -> TokenVerifier:
        """Trust the site itself, `issuers`, and each issuer with a file in `keys/trusted/`.

        Such a file is a JSON Web Key Set with one more member: `{"issuer": "...", "keys": [...]}`.

        Args:
            site_id: The site, and so the audience of tokens.
            keys: The site's own keys; fetched ones are kept beside them.
            callers: Which client of which issuer runs on which tier.
            issuers: As `site.yaml` has them.
            folder: What paths in `issuers` are relative to.

        Raises:
            IdentityError: A file cannot be read, holds a key of another kind, or an issuer is named
                twice.
        """
        own = site_issuer(site_id)
        found: dict[str, dict[str, PublicKey]] = {}
        for file in sorted((keys.folder / _TRUSTED_FOLDER).glob("*.json")):
            issuer, read = _read_trusted(file)
            if issuer == own:
                raise IdentityError(f"{file} names the site itself as issuer")
            found.setdefault(issuer, {}).update(read)
        trusted: dict[str, KeyLookup] = {own: OwnKeys(keys), **found}
        for each in issuers:
            if each.issuer in trusted:
                raise IdentityError(f"the issuer {each.issuer!r} is trusted twice")
            if each.jwks_file is not None:
                trusted[each.issuer] = keys_in_file(folder / each.jwks_file)
            elif each.jwks_url is not None:
                trusted[each.issuer] = FetchedKeys.open(each.jwks_url, keys.folder / "fetched")
        audiences = {each.issuer: each.audience for each in issuers if each.audience}
        return cls(site_id, tuple(callers), trusted, audiences)

    @property
    def may_wait(self) -> bool:
        """Whether `verify` may have to ask an issuer for its keys."""
        return any(isinstance(keys, FetchedKeys) for keys in self.trusted.values())

    def verify(self, token: str, *, peer: str | None = None) -> Caller:
        """Check signature, algorithm, issuer, audience and expiry, and look up the caller's tier.

        Args:
            token: The bearer token, without `Bearer`.
            peer: The address the call came from; without it a row with `networks` does not apply.

        Raises:
            IdentityError: The token is refused; the message never repeats any part of it.
        """
        if len(token) > _LARGEST_TOKEN:
            raise IdentityError(f"the token is larger than {_LARGEST_TOKEN} characters")
        claims = self._verified_claims(token)
        subject, issuer = str(claims["sub"]), str(claims["iss"])
        client = _text_claim(claims, "client_id") or _text_claim(claims, "azp") or subject
        return Caller(
            principal=f"{issuer}/{subject}",
            issuer=issuer,
            client=client,
            tier=self._tier(issuer, client, claims, peer),
            scopes=_scopes(claims) & SCOPES,
            transport="http",
        )

    def _verified_claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            # Read unverified only to choose whose keys to try; `decode` checks it again.
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
            key = self._key(issuer, header)
            return jwt.decode(
                token,
                key,
                algorithms=list(algorithms_of(key)),
                audience=self.audiences.get(str(issuer), site_issuer(self.site_id)),
                issuer=str(issuer),
                options={"require": ["iss", "aud", "sub", "exp", "iat"]},
            )
        except (jwt.PyJWTError, InvalidSignature) as exc:
            raise IdentityError(f"the token is refused: {_reason(exc)}") from exc
        except (ValueError, TypeError, KeyError, RecursionError, UnicodeError) as exc:
            raise IdentityError("the token is refused: it is not a well-formed JWT") from exc

    def _key(self, issuer: object, header: Mapping[str, Any]) -> PublicKey:
        keys = self.trusted.get(issuer) if isinstance(issuer, str) else None
        if keys is None:
            raise jwt.InvalidIssuerError("issuer")
        if header.get("alg") not in _ALGORITHMS:
            raise jwt.InvalidAlgorithmError("algorithm")
        key = keys.get(str(header.get("kid", "")))
        if key is None:
            raise jwt.InvalidKeyError("key")
        return key

    def _tier(
        self, issuer: str, client: str, claims: Mapping[str, Any], peer: str | None
    ) -> str | None:
        for row in self.callers:
            if (row.issuer, row.client) == (issuer, client) and _comes_from(row.networks, peer):
                # Trust between tiers has no order here, so any other claim narrows to outside.
                return row.tier if claims.get("tier", row.tier) == row.tier else None
        return None


def token_ends_at(token: str) -> float:
    """When a token that was verified a moment ago ends, in seconds since the epoch."""
    return float(jwt.decode(token, options={"verify_signature": False})["exp"])


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "it has expired"),
    (jwt.ImmatureSignatureError, "it is not valid yet"),
    (jwt.InvalidAudienceError, "its audience is not this site"),
    (jwt.InvalidIssuerError, "its issuer is not trusted here"),
    (jwt.InvalidAlgorithmError, f"its algorithm is not one of {', '.join(_ALGORITHMS)}"),
    (jwt.InvalidKeyError, "its key is not known here"),
    (jwt.InvalidSignatureError, "its signature does not hold"),
    (jwt.MissingRequiredClaimError, "a required claim is missing"),
)


def _reason(exc: Exception) -> str:
    return next((why for kind, why in _REASONS if isinstance(exc, kind)), "it cannot be verified")


def _text_claim(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            return frozenset(value.split())
        if isinstance(value, list):
            return frozenset(item for item in value if isinstance(item, str))
    return frozenset()


def _comes_from(networks: Sequence[str], peer: str | None) -> bool:
    if not networks:
        return True
    try:
        address = ip_address(peer or "")
    except ValueError:
        return False
    return any(address in ip_network(network, strict=False) for network in networks)


def _read_trusted(file: Path) -> tuple[str, dict[str, PublicKey]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        issuer = content["issuer"]
        keys = {str(jwk["kid"]): read_public_key(jwk) for jwk in content["keys"]}
    except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as exc:
        raise IdentityError(
            f"{file} must be {{'issuer': ..., 'keys': [...]}} with public Ed25519, P-256 or RSA "
            "keys that have a kid"
        ) from exc
    if not isinstance(issuer, str) or not issuer or not keys:
        raise IdentityError(f"{file} needs an issuer and at least one key")
    return issuer, keys
