"""Who an AWS Application Load Balancer says is there: its signed header, and no other.

The balancer signs its statement with a key of its own (ES256). A statement that another balancer
signed, an old one, or the unsigned headers beside it are worth nothing: anybody who reaches this
process without the balancer could write them.

Source: Elastic Load Balancing, Application Load Balancers, "User claims encoding and signature
verification".
"""

from __future__ import annotations

import re
import time
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.requests import HTTPConnection
from starlette.routing import Route

from orchestrator.capped_http import CappedTransport
from orchestrator.console.claims import engineer_of
from orchestrator.console.sessions import Engineer, Sessions
from orchestrator.console_settings import Console, LoadBalancer
from telecom.errors import IdentityError

HEADER = "x-amzn-oidc-data"
_KEY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LARGEST_TOKEN, _LARGEST_KEY = 16 * 1024, 4 * 1024
_KEY_S = 5.0
"""How long the balancer's key is waited for."""
_MOST_KEYS = 16
_SKEW_S = 30.0


class BehindLoadBalancer:
    """Believes one load balancer."""

    can_sign_out = False

    def __init__(
        self, sessions: Sessions, settings: Console, *, http: httpx.AsyncClient | None = None
    ) -> None:
        assert settings.alb is not None  # the settings were validated
        self._sessions = sessions
        self._settings = settings
        self._balancer: LoadBalancer = settings.alb
        self._http = http or httpx.AsyncClient(
            transport=CappedTransport(_LARGEST_KEY), timeout=_KEY_S
        )
        self._keys: dict[str, EllipticCurvePublicKey] = {}
        self._known: dict[str, tuple[Engineer, float]] = {}

    def routes(self) -> list[Route]:
        """None: signing in and out is the balancer's."""
        return []

    async def identify(self, connection: HTTPConnection) -> Engineer | None:
        """Who the balancer says is there; None without its header.

        Raises:
            IdentityError: The header is not our balancer's, or names nobody with a role.
        """
        token = connection.headers.get(HEADER)
        if token is None:
            return None
        known = self._known.get(token)
        if known is not None and known[1] > time.time():
            return known[0]
        engineer, ends_at = await self._verified(token)
        await self._sessions.note(engineer, ends_at=ends_at)
        while len(self._known) >= 1024:
            del self._known[next(iter(self._known))]
        self._known[token] = (engineer, ends_at)
        return engineer

    async def holds(self, connection: HTTPConnection) -> bool:
        """Its statements last minutes and come with each request; a page asks for nothing more."""
        return HEADER in connection.headers

    async def _verified(self, token: str) -> tuple[Engineer, float]:
        try:
            if len(token) > _LARGEST_TOKEN:
                raise IdentityError("the load balancer's statement is too long")
            head = jwt.get_unverified_header(token)
            key = await self._key(self._checked_key_id(head))
            claims = jwt.decode(
                token, key, algorithms=["ES256"], leeway=_SKEW_S, options={"verify_aud": False}
            )
        except jwt.PyJWTError as exc:
            raise IdentityError(f"the load balancer's statement is refused: {exc}") from exc
        return engineer_of(claims, self._settings), _ends_at(head, claims)

    def _checked_key_id(self, head: dict[str, Any]) -> str:
        """The key that signed, when the head is our balancer's at all."""
        if head.get("alg") != "ES256" or head.get("signer") != self._balancer.arn:
            raise IdentityError("the statement was not signed by this console's load balancer")
        key_id = head.get("kid")
        if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
            raise IdentityError("the statement names no key of a load balancer")
        return key_id

    async def _key(self, key_id: str) -> EllipticCurvePublicKey:
        if key_id not in self._keys:
            try:
                answer = await self._http.get(f"{self._balancer.public_keys}/{key_id}")
            except httpx.HTTPError as exc:
                raise IdentityError("the load balancer's public key cannot be read now") from exc
            if answer.status_code != 200:
                raise IdentityError("the load balancer knows no such key")
            while len(self._keys) >= _MOST_KEYS:
                del self._keys[next(iter(self._keys))]
            self._keys[key_id] = _public_key(answer.content)
        return self._keys[key_id]


def _public_key(pem: bytes) -> EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(pem)
    except ValueError as exc:
        raise IdentityError("what the load balancer gave is no public key") from exc
    if not isinstance(key, EllipticCurvePublicKey):
        raise IdentityError("what the load balancer gave is no key for ES256")
    return key


def _ends_at(head: dict[str, Any], claims: dict[str, Any]) -> float:
    """When the statement ends: the earlier of head and claims; one of them has to say it."""
    ends = [value for value in (head.get("exp"), claims.get("exp")) if isinstance(value, int)]
    if not ends:
        raise IdentityError("the load balancer's statement has no end")
    if min(ends) + _SKEW_S < time.time():
        raise IdentityError("the load balancer's statement has ended")
    return float(min(ends))
